# Sourced: a private PostgreSQL cluster on loopback, durable (fsync on), gone when the script ends.
# shellcheck shell=bash

# Prints the folder of initdb, pg_ctl and postgres; the newest version wins.
postgres_programs() {
    local found
    found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
    if [ -z "$found" ] && command -v pg_ctl >/dev/null 2>&1; then
        found=$(dirname "$(readlink -f "$(command -v pg_ctl)")")
    fi
    [ -n "$found" ] && [ -x "$found/initdb" ] && [ -x "$found/postgres" ] && printf '%s\n' "$found"
}

# PostgreSQL refuses to run as root: root lends it an unprivileged account.
postgres_as() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    elif id postgres >/dev/null 2>&1; then
        setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
    else
        setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups "$@"
    fi
}

# Text sorts by a language's rules unless a column says otherwise, as on most servers: a column that forgot to would show.
# Starts the cluster and exports YIWANG_TEST_POSTGRES_URL. Stop it with postgres_stop (a trap, for example).
postgres_start() {
    local port
    pg_bin=$(postgres_programs) || die "PostgreSQL's server programs are missing: run tests/setup"
    pg_home=$(mktemp -d "${TMPDIR:-/tmp}/yiwang-postgres.XXXXXX")
    if [ "$(id -u)" -eq 0 ]; then
        id postgres >/dev/null 2>&1 && chown postgres: "$pg_home" || chown nobody: "$pg_home"
    fi
    port=$(free_port)
    (cd "$pg_home" && postgres_as "$pg_bin/initdb" --pgdata="$pg_home/data" --username=yiwang --auth=trust \
        --encoding=UTF8 --locale=C --locale-provider=icu --icu-locale=zh-CN >"$pg_home.log" 2>&1) || { cat "$pg_home.log" >&2; return 1; }
    cat >>"$pg_home/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
fsync = on
synchronous_commit = on
full_page_writes = on
max_connections = 1000
shared_buffers = 256MB
CONF
    (cd "$pg_home" && postgres_as "$pg_bin/pg_ctl" --pgdata="$pg_home/data" --log="$pg_home/data/server.log" \
        --wait --timeout=60 start >>"$pg_home.log" 2>&1) || { cat "$pg_home.log" "$pg_home/data/server.log" >&2; return 1; }
    export YIWANG_TEST_POSTGRES_URL="postgres://yiwang@127.0.0.1:$port/postgres"
}

postgres_stop() {
    [ -n "${pg_home:-}" ] || return 0
    (cd / && postgres_as "$pg_bin/pg_ctl" --pgdata="$pg_home/data" --mode=fast --wait stop >/dev/null 2>&1)
    rm -rf "$pg_home" "$pg_home.log"
    pg_home=
}
