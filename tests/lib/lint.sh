# Sourced: lints run inside the compilation that the tests use. clippy-driver is rustc with clippy's lints, so that
# dependencies are compiled once, not once for `cargo clippy` and once more for the tests.
# shellcheck shell=bash

if ! command -v clippy-driver >/dev/null 2>&1; then
    die "clippy is missing: rustup component add clippy"
fi
RUSTC_WORKSPACE_WRAPPER=$(command -v clippy-driver)
CLIPPY_ARGS="-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__"
export RUSTC_WORKSPACE_WRAPPER CLIPPY_ARGS
