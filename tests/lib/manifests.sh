# Sourced: what `deploy/` says is valid, keeps the house's rules, and speaks of settings that there are.
# shellcheck shell=bash

manifests_hold() {
    python3 "$top/tests/lib/manifests.py" check "$top/deploy/kustomize"
}

# Needs the binary: after compile-and-lint.
manifests_are_configured() {
    python3 "$top/tests/lib/manifests.py" config "$top/deploy/kustomize" "$target/debug/yiwang"
}
