#!/usr/bin/env python3
"""Another sample of the same entities: what chance leaves of a score.

    python3 benches/resample.py SET OUT SEED

SET is a folder of CSV files with relations.json, whose tables all lead to one root table by keys of one column. OUT, a new
folder of the same form, has as many root rows, drawn from the real ones with replacement, each with all that belongs to it. A
score of OUT against SET is about what a perfect generator would get, or better: it knows the real rows.

Needs pandas, numpy.
"""

import json
import pathlib
import sys

import numpy as np
import pandas as pd

#: Columns of the work: which draw of its root a row belongs to, and its key in the real table.
DRAW, REAL = "__draw", "__real"


def resample(tables, keys, links, random):
    """Tables of drawn root rows and of their descendants, with new keys."""
    (root,) = [table for table in tables if all(child != table for child, *_ in links)]
    rows = tables[root].iloc[random.integers(0, len(tables[root]), len(tables[root]))].reset_index(drop=True)
    drawn = {root: renamed(rows.assign(**{DRAW: range(len(rows))}), keys[root][0])}
    while len(drawn) < len(tables):
        table = next(
            table
            for table in tables
            if table not in drawn and all(parent in drawn for child, _, parent, _ in links if child == table)
        )
        rows = None
        for child, (column,), parent, (key,) in links:
            if child != table:
                continue
            above = drawn[parent][[REAL, key, DRAW]].set_axis([column, "__key", DRAW], axis=1)
            # The first link brings a row once per draw of its parent; the others lead to rows of the same draw.
            rows = tables[table].merge(above, on=column) if rows is None else rows.merge(above, "left", [column, DRAW])
            rows = rows.drop(columns=column).rename(columns={"__key": column})
        drawn[table] = renamed(rows, keys[table][0]) if len(keys.get(table, ())) == 1 else rows
    return {table: rows.drop(columns=[DRAW, REAL], errors="ignore") for table, rows in drawn.items()}


def renamed(rows, key):
    """The rows with new keys, and their real ones beside them."""
    return rows.assign(**{REAL: rows[key], key: range(1, len(rows) + 1)})


def main(source, out, seed):
    source, out = pathlib.Path(source), pathlib.Path(out)
    relations = json.loads((source / "relations.json").read_text())
    tables = {file.stem: pd.read_csv(file, low_memory=False) for file in sorted(source.glob("*.csv"))}
    random = np.random.default_rng(int(seed))
    out.mkdir(parents=True)
    for table, rows in resample(tables, relations["primary_keys"], relations["foreign_keys"], random).items():
        rows.to_csv(out / f"{table}.csv", index=False)
    (out / "relations.json").write_text(json.dumps(relations))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
