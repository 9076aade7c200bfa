#!/usr/bin/env bash
# Clones every data set of a folder and prints one Markdown row each.
#
#   benches/datasets.sh FOLDER postgres|mysql [DATASET…]
#
# FOLDER holds one folder per data set with a script that creates and fills a database:
#   load.sh DBNAME                        Postgres; psql's environment variables choose the server
#   load.mysql.sh DBNAME [client args…]   MySQL or MariaDB
# or schemas as SQL scripts, NAME.postgres.sql and NAME.mysql.sql, with or without rows.
# The server: PGHOST, PGPORT, PGUSER, PGPASSWORD, or MYSQL_SOCKET or MYSQL_HOST and MYSQL_PORT, MYSQL_USER, MYSQL_PASSWORD.
# DBSYNTH=path/to/dbsynth skips the release build; DBSYNTH_ARGS adds flags to every clone (for example "--scale 0.1");
# FILL=60 first fills the tables of a schema with up to 60 random rows each (python3); EVALUATE=1 scores each clone too; LOGS=folder keeps the output; databases are dropped unless KEEP=1.
set -euo pipefail

folder=${1:?a folder of data sets}
engine=${2:?postgres or mysql}
shift 2
root=$(cd "$(dirname "$0")/.." && pwd)
logs=${LOGS:-$(mktemp -d)}
mkdir -p "$logs"
note() { printf '%s\n' "$*" >&2; }

if [ -z "${DBSYNTH:-}" ]; then
    (cd "$root" && cargo build --release --locked --bin dbsynth >&2)
    DBSYNTH=${CARGO_TARGET_DIR:-$root/target}/release/dbsynth
fi

# Percent-encodes what goes into a URL.
encoded() {
    local text=$1 out="" sign index
    for ((index = 0; index < ${#text}; index++)); do
        sign=${text:index:1}
        case $sign in
            [a-zA-Z0-9._~-]) out+=$sign ;;
            *) out+=$(printf '%%%02X' "'$sign") ;;
        esac
    done
    printf '%s' "$out"
}

case $engine in
    postgres)
        : "${PGHOST:=127.0.0.1}" "${PGPORT:=5432}" "${PGUSER:=postgres}"
        export PGHOST PGPORT PGUSER
        login=$(encoded "$PGUSER")${PGPASSWORD:+:$(encoded "$PGPASSWORD")}
        url() {
            case $PGHOST in
                /*) printf 'postgres://%s@localhost:%s/%s?host=%s' "$login" "$PGPORT" "$1" "$(encoded "$PGHOST")" ;;
                *) printf 'postgres://%s@%s:%s/%s' "$login" "$PGHOST" "$PGPORT" "$1" ;;
            esac
        }
        create() { createdb "$1"; }
        drop() { dropdb --if-exists "$1" >/dev/null 2>&1 || true; }
        load() {
            if [ -f "$1.postgres.sql" ]; then
                createdb "$2"
                psql -q -v ON_ERROR_STOP=1 -d "$2" -f "$1.postgres.sql"
                [ -z "${FILL:-}" ] || python3 "$root/benches/fill_postgres.py" "$2" "$FILL"
            else
                bash "$1/load.sh" "$2"
            fi
        }
        script=load.sh
        ;;
    mysql)
        : "${MYSQL_USER:=root}" "${MYSQL_HOST:=127.0.0.1}" "${MYSQL_PORT:=3306}"
        client=(--user="$MYSQL_USER")
        [ -z "${MYSQL_PASSWORD:-}" ] || export MYSQL_PWD=$MYSQL_PASSWORD
        if [ -n "${MYSQL_SOCKET:-}" ]; then
            client+=(--socket="$MYSQL_SOCKET")
        else
            client+=(--protocol=tcp --host="$MYSQL_HOST" --port="$MYSQL_PORT")
        fi
        mysql_client=$(command -v mariadb || command -v mysql) || { note "no mariadb or mysql client"; exit 1; }
        login=$(encoded "$MYSQL_USER")${MYSQL_PASSWORD:+:$(encoded "$MYSQL_PASSWORD")}
        url() {
            local query=""
            [ -z "${MYSQL_SOCKET:-}" ] || query="?socket=$(encoded "$MYSQL_SOCKET")"
            printf 'mysql://%s@%s:%s/%s%s' "$login" "$MYSQL_HOST" "$MYSQL_PORT" "$1" "$query"
        }
        create() { "$mysql_client" "${client[@]}" -e "create database \`$1\` character set utf8mb4"; }
        drop() { "$mysql_client" "${client[@]}" -e "drop database if exists \`$1\`" >/dev/null 2>&1 || true; }
        load() {
            if [ -f "$1.mysql.sql" ]; then
                create "$2"
                "$mysql_client" "${client[@]}" "$2" <"$1.mysql.sql"
                [ -z "${FILL:-}" ] || python3 "$root/benches/fill_mysql.py" "$2" "$FILL" "${client[@]}"
            else
                bash "$1/load.mysql.sh" "$2" "${client[@]}"
            fi
        }
        script=load.mysql.sh
        ;;
    *)
        note "the engine is postgres or mysql, not $engine"
        exit 2
        ;;
esac

if [ $# = 0 ]; then
    for path in "$folder"/*/"$script"; do
        [ ! -f "$path" ] || set -- "$@" "$(basename "$(dirname "$path")")"
    done
    for path in "$folder"/*."$engine".sql; do
        [ ! -f "$path" ] || set -- "$@" "$(basename "$path" ".$engine.sql")"
    done
fi
[ $# -gt 0 ] || { note "no data set with a $script and no schema *.$engine.sql in $folder"; exit 1; }

# field FILE EXPRESSION: a number out of the JSON summary, "–" if there is none.
field() {
    { [ -s "$1" ] && jq -r "$2" "$1" 2>/dev/null; } || printf '–\n'
}

command -v jq >/dev/null || note "without jq only exit codes and seconds are known"
printf '| data set | tables | real rows | new rows | seconds | constraints | violations | warnings | exit code |\n'
printf '|---|---|---|---|---|---|---|---|---|\n'
failed=0
for set in "$@"; do
    source_db=${set}_real
    target_db=${set}_synthetic
    summary=$logs/$set.$engine.json
    drop "$source_db"
    drop "$target_db"
    if ! load "$folder/$set" "$source_db" </dev/null >"$logs/$set.$engine.load.log" 2>&1; then
        note "$set: cannot be loaded, see $logs/$set.$engine.load.log"
        printf '| %s | – | – | – | – | – | – | – | not loaded |\n' "$set"
        failed=1
        continue
    fi
    create "$target_db"
    status=0
    begin=${EPOCHREALTIME/[.,]/}
    # shellcheck disable=SC2086  # flags are meant to be split
    "$DBSYNTH" clone "$(url "$source_db")" "$(url "$target_db")" --yes --json ${DBSYNTH_ARGS:-} \
        </dev/null >"$summary" 2>"$logs/$set.$engine.log" || status=$?
    end=${EPOCHREALTIME/[.,]/}
    printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n' "$set" \
        "$(field "$summary" '.load.tables | length')" \
        "$(field "$summary" '[.load.tables[].real_rows] | add')" \
        "$(field "$summary" '[.load.tables[].synthetic_rows] | add')" \
        "$(awk -v us=$((end - begin)) 'BEGIN { printf "%.1f", us / 1000000 }')" \
        "$(field "$summary" '.proof.lines | length')" \
        "$(field "$summary" '[.proof.lines[].violations // 0] | add // 0')" \
        "$(field "$summary" '[.findings[] | select(.severity == "warning")] | length')" \
        "$status"
    if [ "$status" != 0 ]; then
        failed=1
        note "$set: exit code $status: $(tail -n 3 "$logs/$set.$engine.log" | tr '\n' ' ')"
    elif [ -n "${EVALUATE:-}" ]; then
        "$DBSYNTH" evaluate "$(url "$source_db")" "$(url "$target_db")" \
            </dev/null >"$logs/$set.$engine.scores.txt" 2>>"$logs/$set.$engine.log" || note "$set: cannot be scored"
    fi
    if [ -z "${KEEP:-}" ]; then
        drop "$source_db"
        drop "$target_db"
    fi
done
note "logs in $logs"
exit $failed
