# Sourced: the parts of `just check`, each a step. tests/check and tests/run share them.
# shellcheck shell=bash

# shellcheck source=tests/lib/openapi.sh
. "$top/tests/lib/openapi.sh"
# shellcheck source=tests/lib/manifests.sh
. "$top/tests/lib/manifests.sh"

# Against the last release; before the first there is nothing to break.
contracts_are_compatible() {
    local tag before status
    tag=$(git describe --tags --abbrev=0 2>/dev/null) || { echo "no release yet"; return 0; }
    before=$(mktemp -d "${TMPDIR:-/tmp}/yiwang-contracts.XXXXXX")
    git archive "$tag" proto | tar -C "$before" -xf - && buf breaking proto --against "$before/proto"
    status=$?
    rm -rf "$before"
    return "$status"
}

check_steps() {
    step fetch cargo fetch --locked
    step fmt cargo fmt --all --check -- --color never
    step typos typos
    step buf buf lint proto
    step buf-breaking contracts_are_compatible
    step deny cargo deny --locked check bans licenses sources
    step shear cargo shear
    step manifests manifests_hold
    step alerts alerts_hold
    step compile-and-lint compile_and_lint
    step openapi openapi_is_valid
    step manifest-settings manifests_are_configured
}
