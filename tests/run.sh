#!/usr/bin/env bash
# Runs the whole test suite against private, throw-away Postgres and MariaDB servers.
#
#   ./tests/run.sh [arguments for cargo nextest run / cargo test]
#   ./tests/run.sh --prepare     only installs what is missing
#
# Reports are opened in a headless Chromium; DBSYNTH_TEST_CHROMIUM names another one.
# Servers of your own are used instead where DBSYNTH_TEST_POSTGRES_URL or DBSYNTH_TEST_MYSQL_URL is set.
# Missing programs are installed by apt-get where that is allowed. Without them the tests that need a
# server are skipped with a message; with CI set that is an error.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=""
postgres_pid=""
mariadb_pid=""

note() { printf 'tests/run.sh: %s\n' "$*" >&2; }

# ---- what is installed -------------------------------------------------------------------------------

# Prints the path of the first program found: in PATH, else in the folders where Debian keeps servers.
find_program() {
    local name path
    for name in "$@"; do
        if path=$(command -v "$name"); then
            printf '%s\n' "$path"
            return 0
        fi
        # The newest Postgres wins.
        path=$(printf '%s\n' /usr/lib/postgresql/*/bin/"$name" /usr/sbin/"$name" /usr/local/pgsql/bin/"$name" |
            sort -rV | while read -r candidate; do [ -x "$candidate" ] && printf '%s\n' "$candidate" && break; done || true)
        if [ -n "$path" ]; then
            printf '%s\n' "$path"
            return 0
        fi
    done
    return 1
}

have_postgres() { find_program initdb >/dev/null && find_program postgres >/dev/null && find_program pg_isready >/dev/null; }
have_chromium() { find_program "${DBSYNTH_TEST_CHROMIUM:-chromium}" chromium-browser google-chrome >/dev/null; }
have_mariadb() { find_program mariadbd >/dev/null && find_program mariadb-install-db >/dev/null; }

# Installs Debian packages, or says why it cannot.
install() {
    local as_root=()
    if ! command -v apt-get >/dev/null; then
        note "cannot install $*: there is no apt-get here; install it by hand"
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
            note "cannot install $*: not root and no sudo; run: sudo apt-get install $*"
            return 1
        fi
        as_root=(sudo -n)
    fi
    note "installing $*"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null >&2 &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >&2
}

prepare() {
    local missing=()
    command -v cc >/dev/null || missing+=(build-essential)
    [ -n "${DBSYNTH_TEST_POSTGRES_URL:-}" ] || have_postgres || missing+=(postgresql)
    [ -n "${DBSYNTH_TEST_MYSQL_URL:-}" ] || have_mariadb || missing+=(mariadb-server)
    have_chromium || missing+=(chromium)
    [ ${#missing[@]} = 0 ] && return 0
    if ! install "${missing[@]}"; then
        if [ -n "${CI:-}" ]; then
            note "CI is set: every server is needed"
            return 1
        fi
        note "going on without; set DBSYNTH_TEST_POSTGRES_URL or DBSYNTH_TEST_MYSQL_URL to use other servers"
    fi
}

# ---- servers -----------------------------------------------------------------------------------------

# Database servers refuse to run as root: prints the user to run one as.
server_user() {
    local candidate
    if [ "$(id -u)" != 0 ]; then
        id -un
        return
    fi
    for candidate in "$1" nobody; do
        if id "$candidate" >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

# as USER COMMAND…: runs the command as that user, in the temporary folder.
as() {
    local user=$1
    shift
    if [ "$(id -un)" = "$user" ]; then
        (cd "$folder" && exec "$@")
    elif command -v runuser >/dev/null; then
        (cd "$folder" && exec runuser -u "$user" -- "$@")
    else
        (cd "$folder" && exec su -s /bin/sh "$user" -c 'exec "$0" "$@"' -- "$@")
    fi
}

# Prints a port nobody listens on. Another program may still take it: starting a server is tried thrice.
free_port() {
    local port
    while :; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            printf '%s\n' "$port"
            return
        fi
    done
}

# own_folder NAME USER: makes a folder only that user can enter.
own_folder() {
    mkdir "$folder/$1"
    chmod 700 "$folder/$1"
    [ "$(id -u)" != 0 ] || chown "$2" "$folder/$1"
}

# wait_for PID COMMAND…: until the command succeeds, the process is gone, or a minute is over.
wait_for() {
    local pid=$1 tries=0
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -gt 600 ] || { [ $tries -gt 20 ] && ! kill -0 "$pid" 2>/dev/null; }; then
            return 1
        fi
        sleep 0.1
    done
}

start_postgres() {
    local user port attempt server ready
    server=$(find_program postgres)
    ready=$(find_program pg_isready)
    user=$(server_user postgres)
    own_folder postgres "$user"
    as "$user" "$(find_program initdb)" -D "$folder/postgres/data" -U postgres -A trust -E UTF8 --no-locale --no-sync \
        >"$folder/initdb.log" 2>&1 || { cat "$folder/initdb.log" >&2; return 1; }
    for attempt in 1 2 3; do
        port=$(free_port)
        as "$user" "$server" -D "$folder/postgres/data" -p "$port" -k "$folder/postgres" \
            -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
            -c max_connections=200 -c shared_buffers=64MB -c log_min_messages=fatal \
            </dev/null >"$folder/postgres.log" 2>&1 &
        postgres_pid=$!
        if wait_for "$postgres_pid" "$ready" -q -h 127.0.0.1 -p "$port"; then
            export DBSYNTH_TEST_POSTGRES_URL="postgres://postgres@127.0.0.1:$port/postgres"
            return 0
        fi
        stop_postgres
    done
    cat "$folder/postgres.log" >&2
    note "Postgres did not start"
    return 1
}

start_mariadb() {
    local user port attempt server client
    server=$(find_program mariadbd)
    user=$(server_user mysql)
    own_folder mariadb "$user"
    as "$user" "$(find_program mariadb-install-db)" --no-defaults --datadir="$folder/mariadb/data" \
        --auth-root-authentication-method=normal --skip-test-db >"$folder/mariadb-install.log" 2>&1 ||
        { cat "$folder/mariadb-install.log" >&2; return 1; }
    client=$(find_program mariadb-admin mysqladmin)
    # A server that starts removes the temporary tables of every other one that shares its folder for them.
    for attempt in 1 2 3; do
        port=$(free_port)
        as "$user" "$server" --no-defaults --datadir="$folder/mariadb/data" --port="$port" \
            --bind-address=127.0.0.1 --socket="$folder/mariadb/socket" --pid-file="$folder/mariadb/pid" \
            --tmpdir="$folder/mariadb" \
            --local-infile=1 --skip-name-resolve --skip-log-bin --innodb-flush-log-at-trx-commit=0 \
            --innodb-buffer-pool-size=128M --max-connections=200 --character-set-server=utf8mb4 \
            </dev/null >"$folder/mariadb.log" 2>&1 &
        mariadb_pid=$!
        if wait_for "$mariadb_pid" "$client" --no-defaults --protocol=tcp -h 127.0.0.1 -P "$port" -u root ping; then
            export DBSYNTH_TEST_MYSQL_URL="mysql://root@127.0.0.1:$port/mysql"
            return 0
        fi
        stop_mariadb
    done
    cat "$folder/mariadb.log" >&2
    note "MariaDB did not start"
    return 1
}

# stop PID SIGNAL PID_FILE: ends a server started in the background, by the id it wrote itself, and the
# process that started it for another user.
stop() {
    local pid=$1 signal=$2 pid_file=$3 tries=0
    [ -n "$pid" ] || return 0
    [ ! -f "$pid_file" ] || kill "-$signal" "$(head -n 1 "$pid_file")" 2>/dev/null || true
    kill "-$signal" "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null && [ $tries -lt 200 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
}

stop_postgres() {
    stop "$postgres_pid" INT "$folder/postgres/data/postmaster.pid"
    postgres_pid=""
}

stop_mariadb() {
    stop "$mariadb_pid" TERM "$folder/mariadb/pid"
    mariadb_pid=""
}

clean_up() {
    trap - EXIT INT TERM
    stop_postgres
    stop_mariadb
    [ -z "$folder" ] || rm -rf "$folder"
}

# ---- tests -------------------------------------------------------------------------------------------

run_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run "$@"
        return
    fi
    # cargo test prints a total per binary: add them up.
    cargo test --lib --bins --tests --examples "$@" 2>&1 | tee "$folder/tests.log"
    awk '/^test result:/ { for (i = 2; i < NF; i++) { if ($(i + 1) ~ /^passed/) passed += $i; if ($(i + 1) ~ /^ignored/) skipped += $i } }
         END { printf "%d passed, %d skipped\n", passed, skipped }' "$folder/tests.log"
}

prepare
if [ "${1:-}" = --prepare ]; then
    exit 0
fi

trap clean_up EXIT
trap 'exit 130' INT TERM
# As root the servers run as somebody else, who may not be allowed into root's own TMPDIR.
base=${TMPDIR:-/tmp}
[ "$(id -u)" != 0 ] || base=/tmp
folder=$(mktemp -d "$base/dbsynth-test.XXXXXX")
chmod 755 "$folder"

if [ -z "${DBSYNTH_TEST_POSTGRES_URL:-}" ] && have_postgres; then start_postgres; fi
if [ -z "${DBSYNTH_TEST_MYSQL_URL:-}" ] && have_mariadb; then start_mariadb; fi
note "Postgres at ${DBSYNTH_TEST_POSTGRES_URL:-(none)}, MySQL at ${DBSYNTH_TEST_MYSQL_URL:-(none)}" |
    sed 's#//\([^:@/]*\):[^@]*@#//\1:***@#g'

run_tests "$@"
