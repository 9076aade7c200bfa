#!/usr/bin/env bash
# Refreshes staging from production every night, for cron or a CI schedule:
#
#   PROD_URL=postgres://reader@prod/shop STAGING_URL=postgres://app@staging/shop examples/nightly-refresh.sh
#
# After a failure staging still has yesterday's rows, where the engine's DDL is transactional.
set -euo pipefail

: "${PROD_URL:?the database to learn from}"
: "${STAGING_URL:?the database to write}"
scale=${SCALE:-0.1}
log=${LOG:-/tmp/dbsynth-nightly.json}

config=$(mktemp)
trap 'rm -f "$config"' EXIT
# URLs stay in the environment: command lines are visible to every user of the machine.
cat > "$config" <<'TOML'
[source.prod]
url = "${PROD_URL}"
[target.staging]
url = "${STAGING_URL}"
allow_write = true
TOML

status=0
dbsynth clone prod staging --config "$config" --scale "$scale" --seed "$(date +%Y%m%d)" --yes --quiet --json > "$log" || status=$?
case $status in
    0) echo "staging is fresh; summary in $log" ;;
    6) echo "staging was written, but the audit found too much of real rows: see $log" >&2 ;;
    7) echo "a hook failed; see the error above for when" >&2 ;;
    1) echo "staging was written, but a constraint is violated: see $log" >&2 ;;
    *) echo "staging was not refreshed: exit code $status, see docs/exit-codes.md" >&2 ;;
esac
exit "$status"
