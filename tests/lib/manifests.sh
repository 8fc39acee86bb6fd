# Sourced: what `deploy/` says is valid, keeps the house's rules, and speaks of settings and metrics that there are.
# shellcheck shell=bash

manifests_hold() {
    python3 "$top/tests/lib/manifests.py" check "$top/deploy/kustomize"
}

# Needs the binary: after compile-and-lint.
manifests_are_configured() {
    python3 "$top/tests/lib/manifests.py" config "$top/deploy/kustomize" "$target/debug/yiwang"
}

alerts_hold() {
    local rules=$top/deploy/observability
    promtool check rules "$rules/alerts.yaml" &&
        (cd "$rules" && promtool test rules alerts.test.yaml) &&
        python3 "$top/tests/lib/alerts.py" "$rules" "$top/docs/operations.md"
}
