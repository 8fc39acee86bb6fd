# The habits of the project. `just` is installed by tests/setup into target/tools/venv/bin.

export PATH := justfile_directory() / "target/tools/venv/bin:" + env("PATH")

# what there is
default:
    @just --list --unsorted

# the story of a guesthouse's permit through the public API, then a server to play with
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# everything in one process on SQLite
up *ARGS:
    cargo run --release -- up {{ARGS}}

# every test on both engines, after the checks
test *ARGS:
    tests/run {{ARGS}}

# format, spelling, contracts, licences, lints as errors, import directions
check:
    tests/check

# breaks one promise at a time and shows which test notices
mutations *NAMES:
    tests/mutations/run {{NAMES}}

# SIGKILL under load: acknowledged, found, doubled, lost (`just kill apart`: a process a service, PostgreSQL stopped as well)
kill *ARGS:
    tests/kill {{ARGS}}

# replicas replaced one by one under load, across a schema migration: calls, failed, lost, doubled
upgrade *ARGS:
    tests/upgrade {{ARGS}}

# each fault on an installation under load: expected, seen
faults *ARGS:
    tests/faults {{ARGS}}

# backup and restore under load: what was acknowledged before the point is there once, nothing after it
restore *ARGS:
    tests/restore {{ARGS}}

# the feed skips nothing: four writer processes, aborted commits, held locks, one reader
feed *ENTRIES:
    tests/feed {{ENTRIES}}

# the whole suite in one process, from seeds: lost, repeated, late messages, dying processes, wrong clocks; `--seed N` again
sim *ARGS:
    tests/sim {{ARGS}}

# what bad input gets: a table of cases with status and reason
bad-input:
    cargo nextest run --workspace --locked -E 'binary(bad_input)' --no-capture

# the image's binary, target/dist/yiwang: built, put to work, and built again by what that work used; an hour on two cores
dist:
    deploy/build

# how fast, as ratios against baselines of the same rounds: pgbench, a small FastAPI server, bare axum, bare tonic
bench *ARGS:
    tests/bench {{ARGS}}

# submits at half to three times what can be served: goodput, refusals, a polite caller
overload *ARGS:
    tests/bench --overload {{ARGS}}
