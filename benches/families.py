#!/usr/bin/env python3
"""What the rows of a family have in common, in Walmart's departments and in copies of them.

    python3 benches/families.py SET SYNTHETIC.sqlite...

SET is the folder of walmart_dec2011, with `train`. Printed are, of the real shops and of each copy: the spread (standard
deviation) among shops of how much more a shop sells than is usual in its departments (log, the median of its rows beside the
real median of each department), the correlation of that with the shop's size, and the last department of the shop that ends
first and of the quarter that do.

Needs pandas, numpy.
"""

import pathlib
import sqlite3
import sys

import numpy as np
import pandas as pd


def folder(path):
    return {name: pd.read_csv(path / f"{name}.csv") for name in ("stores", "depts")}


def sqlite(path):
    with sqlite3.connect(path) as base:
        return {name: pd.read_sql(f'SELECT * FROM "{name}"', base) for name in ("stores", "depts")}


def look(name, tables, usual):
    rows = tables["depts"][tables["depts"].Dept.map(usual) > 50]
    beside = np.log(rows.Weekly_Sales.clip(lower=10)) - np.log(rows.Dept.map(usual))
    effect = beside.groupby(rows.Store).median()
    size = tables["stores"].set_index("Store").Size.loc[effect.index]
    last = tables["depts"].groupby("Store").Dept.max()
    print(f"{name}\t{effect.std():.3f}\t{effect.corr(size):.3f}\t{last.min():.0f}\t{last.quantile(0.25):.0f}")


real = folder(pathlib.Path(sys.argv[1]) / "train")
usual = real["depts"].groupby("Dept").Weekly_Sales.median()
print("tables\tspread\twith size\tfirst end\tquarter")
look("real", real, usual)
for path in sys.argv[2:]:
    look(pathlib.Path(path).name, sqlite(path), usual)
