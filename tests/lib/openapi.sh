# Sourced: `/openapi.json`, as the running binary serves it, read by a validator that is not ours.
# shellcheck shell=bash

openapi_is_valid() {
    local folder port server status
    folder=$(mktemp -d "${TMPDIR:-/tmp}/yiwang-openapi.XXXXXX")
    port=$(free_port)
    "$target/debug/yiwang" up --data "$folder" --listen "127.0.0.1:$port" >"$folder/server.log" 2>&1 &
    server=$!
    python3 - "http://127.0.0.1:$port/openapi.json" "$folder/openapi.json" <<'PY' && openapi-spec-validator "$folder/openapi.json"
import sys, time, urllib.request

for _ in range(600):
    try:
        with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
            open(sys.argv[2], "wb").write(answer.read())
            sys.exit(0)
    except OSError:
        time.sleep(0.1)
sys.exit("the server does not answer")
PY
    status=$?
    [ "$status" -eq 0 ] || tail -n 20 "$folder/server.log"
    kill "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    rm -rf "$folder"
    return "$status"
}
