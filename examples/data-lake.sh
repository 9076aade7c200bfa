#!/usr/bin/env bash
# Synthetic Parquet files, a folder per day; whatever reads the folder `latest` never sees half of it.
#
#   examples/data-lake.sh shop.dbsynth /lake/shop
set -euo pipefail

model=${1:?a model file, made by: dbsynth train SOURCE -o MODEL}
lake=${2:?a folder}

mkdir -p "$lake"
seed=$(date +%Y%m%d)
dbsynth generate "$model" "$lake/$seed" --format parquet --seed "$seed" --yes --quiet
dbsynth generate "$model" "$lake/latest" --format parquet --seed "$seed" --yes --quiet
