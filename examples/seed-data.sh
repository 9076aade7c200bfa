#!/usr/bin/env bash
# Coherent rows for a developer's laptop or an integration test, from a model file that holds no rows:
#
#   examples/seed-data.sh shop.dbsynth sqlite:seed.sqlite 500
#
# Train the model once, where the data is: dbsynth train prod -o shop.dbsynth
set -euo pipefail

model=${1:?a model file, made by: dbsynth train SOURCE -o MODEL}
target=${2:?a database to write, for example sqlite:seed.sqlite}
per_mille=${3:-10}   # rows per thousand real rows

scale=$(awk -v n="$per_mille" 'BEGIN { printf "%.3f", n / 1000 }')
# A fixed seed: every developer and every CI run gets the same rows.
dbsynth generate "$model" "$target" --scale "$scale" --seed 1 --yes --quiet
dbsynth verify "$target"
