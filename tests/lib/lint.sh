# Sourced: lints run inside the compilation that the tests use. clippy-driver is rustc with clippy's lints, so that
# dependencies are compiled once, not once for `cargo clippy` and once more for the tests. Where there is no clippy, all is
# compiled without lints, and the check has failed.
# shellcheck shell=bash

# It must run: rustup leaves one on the path even where the toolchain has none.
if clippy-driver --version >/dev/null 2>&1; then
    RUSTC_WORKSPACE_WRAPPER=$(command -v clippy-driver)
    CLIPPY_ARGS="-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__"
    export RUSTC_WORKSPACE_WRAPPER CLIPPY_ARGS
fi

compile_and_lint() {
    cargo build --workspace --all-targets --locked --keep-going || return
    [ -n "${RUSTC_WORKSPACE_WRAPPER:-}" ] || { echo "compiled without lints: clippy is missing"; return 1; }
}
