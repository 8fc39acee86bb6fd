# Sourced: the parts of `just check`, each a step. tests/check and tests/run share them.
# shellcheck shell=bash

# shellcheck source=tests/lib/openapi.sh
. "$top/tests/lib/openapi.sh"
# shellcheck source=tests/lib/manifests.sh
. "$top/tests/lib/manifests.sh"

check_steps() {
    step fetch cargo fetch --locked
    step fmt cargo fmt --all --check -- --color never
    step typos typos
    step buf buf lint proto
    step deny cargo deny --locked check bans licenses sources
    step shear cargo shear
    step manifests manifests_hold
    step alerts alerts_hold
    step compile-and-lint compile_and_lint
    step openapi openapi_is_valid
    step manifest-settings manifests_are_configured
}
