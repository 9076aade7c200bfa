#!/usr/bin/env bash
# Seed rows that live in git: one script per database, one row per line, the same bytes for the same seed.
#
#   examples/seed-in-git.sh shop.dbsynth db/seed           # write it
#   examples/seed-in-git.sh shop.dbsynth db/seed --check   # in CI: is it up to date?
#
# Load it into an empty database with the engine's own client, for example: psql -X -d test -f db/seed/dump.sql
set -euo pipefail

model=${1:?a model file, made by: dbsynth train SOURCE -o MODEL}
folder=${2:?a folder of its own, for example db/seed}

dbsynth generate "$model" "$folder" --format sql --scale 0.01 --seed 1 --yes --quiet
if [[ ${3:-} == --check ]]; then
    git diff --exit-code --stat -- "$folder"
fi
