# Sourced by the scripts of tests/: where things are, how a step is run and counted, and a free port.
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1

# One target folder for everything, so that dependencies are compiled once.
target=${CARGO_TARGET_DIR:-$top/target}
tools=$target/tools
logs=$target/logs
mkdir -p "$tools" "$logs"
export PATH=$tools/venv/bin:$tools/bin:$PATH
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}

steps_passed=0
steps_failed=0
failed_names=()

# step NAME COMMAND…: runs it with its output in a log; prints one line; shows the log's end when it fails.
step() {
    local name=$1 log started status
    shift
    log=$logs/${name//[^a-zA-Z0-9]/-}.log
    started=$SECONDS
    "$@" >"$log" 2>&1 </dev/null
    status=$?
    if [ "$status" -eq 0 ]; then
        steps_passed=$((steps_passed + 1))
        printf '  ok      %-22s %4d s\n' "$name" $((SECONDS - started))
    else
        steps_failed=$((steps_failed + 1))
        failed_names+=("$name")
        printf '  FAILED  %-22s %4d s   %s\n' "$name" $((SECONDS - started)) "$log"
        tail -n 40 "$log" | sed 's/^/          /'
    fi
    return "$status"
}

# Prints a port of the loopback that is free now: not one of those that the system hands out to whoever calls out (from 32,768
# on), nor of those that the tests' own programs draw from (up to there, from 10,000 on).
free_port() {
    python3 - <<'PY'
import random, socket
while True:
    with socket.socket() as free:
        try:
            free.bind(("127.0.0.1", random.randrange(4_000, 10_000)))
            print(free.getsockname()[1])
            break
        except OSError:
            pass
PY
}

die() {
    printf '%s\n' "$*" >&2
    exit 1
}
