#!/usr/bin/env python3
"""A membership attack by distance, apart from dbsynth.

    python3 benches/membership.py SET SYNTHETIC.sqlite...

SET is a folder with `train` and `holdout`, each a folder of CSV files with a `relations.json` (benches/README.md says what
is in it). An entity is a row of the first table that has no foreign key, seen as its columns and, per child table, the
number of its children, the means of their numbers and the shares of their categories. The attack takes an entity for one
that was learned from where a synthetic entity lies near: printed are the area under its curve, the share found at 1 % false
alarms, and the share of synthetic entities that are nearer to a training than to a holdout entity (ties count half). Where
training and holdout differ in size, the larger one is cut to the smaller one's.

Needs pandas, scikit-learn.
"""

import json
import pathlib
import sqlite3
import sys

import pandas as pd
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.neighbors import NearestNeighbors


def folder(path):
    return {file.stem: pd.read_csv(file, low_memory=False) for file in sorted(pathlib.Path(path).glob("*.csv"))}


def sqlite(path):
    with sqlite3.connect(path) as base:
        names = [name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: pd.read_sql(f'SELECT * FROM "{name}"', base) for name in names}


def entities(tables, relations):
    """One row of mixed numbers and texts per entity."""
    keys, links = relations["primary_keys"], relations["foreign_keys"]
    child_tables = {child for child, *_ in links}
    root = next(name for name in keys if name not in child_tables)
    codes = relations.get("categorical", {})

    def plain(name):
        table = tables[name].copy()
        linked = {column for child, columns, *_ in links if child == name for column in columns}
        for column in codes.get(name, []):
            table[column] = table[column].astype("Int64", errors="ignore").astype(str)
        return table, linked | set(keys.get(name, []))

    table, hidden = plain(root)
    rows = table.set_index(keys[root][0], drop=False)
    seen = rows.drop(columns=[column for column in hidden if column in rows])
    for child, columns, parent, _ in links:
        if parent != root:
            continue
        below, hidden = plain(child)
        group = below[columns[0]]
        seen[f"{child}#"] = group.value_counts().reindex(rows.index).fillna(0)
        for column in below.columns.difference(list(hidden)):
            values = below[column]
            if pd.api.types.is_numeric_dtype(values):
                seen[f"{child}.{column}"] = values.groupby(group).mean().reindex(rows.index)
            elif values.nunique() <= 50:
                shares = pd.crosstab(group, values.astype(str), normalize="index").reindex(rows.index)
                seen = seen.join(shares.add_prefix(f"{child}.{column}="))
    return seen.reset_index(drop=True)


def encode(frames):
    """The frames as numbers in common columns: deviations of the training rows, flags for texts."""
    whole = pd.concat(frames, keys=range(len(frames)))
    texts = [column for column in whole if not pd.api.types.is_numeric_dtype(whole[column])]
    frequent = [column for column in texts if whole[column].nunique() <= 300]
    whole = whole.drop(columns=[column for column in texts if column not in frequent])
    whole = pd.get_dummies(whole, columns=frequent, dtype=float)
    train = whole.loc[0]
    whole = (whole - train.mean()) / train.std().replace(0, 1).fillna(1)
    whole = whole.fillna(0).clip(-20, 20)
    return [whole.loc[place].to_numpy() for place in range(len(frames))]


def attack(train, holdout, synthetic):
    train, holdout, synthetic = encode([train, holdout, synthetic])
    size = min(len(train), len(holdout))
    train, holdout = train[:size], holdout[:size]
    nearest = NearestNeighbors(n_neighbors=1).fit(synthetic)
    known, unknown = (nearest.kneighbors(rows)[0][:, 0] for rows in (train, holdout))
    truth = [1] * size + [0] * size
    score = [-distance for distance in [*known, *unknown]]
    alarms, found, _ = roc_curve(truth, score)
    to_train, to_holdout = (
        NearestNeighbors(n_neighbors=1).fit(rows).kneighbors(synthetic)[0][:, 0] for rows in (train, holdout)
    )
    closer = ((to_train < to_holdout) + 0.5 * (to_train == to_holdout)).mean()
    return roc_auc_score(truth, score), found[alarms <= 0.01].max(), closer


def main(words):
    if len(words) < 2:
        sys.exit(__doc__)
    base = pathlib.Path(words[0])
    relations = json.loads((base / "train" / "relations.json").read_text())
    train, holdout = (entities(folder(base / part), relations) for part in ("train", "holdout"))
    print("synthetic\tAUC\tfound at 1 %\tcloser to training")
    for path in words[1:]:
        area, found, closer = attack(train, holdout, entities(sqlite(path), relations))
        print(f"{pathlib.Path(path).name}\t{area:.3f}\t{found:.3f}\t{closer:.3f}")


main(sys.argv[1:])
