"""What a classifier tells synthetic rows by: each column alone, and all but it.

    python3 benches/columns.py SET TABLE SYNTHETIC.sqlite…

SET is a folder of CSVs with relations.json (or one that holds `train`). Rows of TABLE, real and synthetic, are told apart
by XGBoost in five folds, keys left out; where other tables refer to TABLE, its rows have the number of their children, the
mean of each of their numbers and the number of different values of each of their categories. Printed per copy: the accuracy
of each column alone, then without it, then that of all. Needs pandas, scikit-learn and xgboost.
"""
import json, sqlite3, sys, warnings
from pathlib import Path
import numpy as np, pandas as pd
from sklearn.model_selection import StratifiedKFold
from xgboost import XGBClassifier

warnings.filterwarnings("ignore")


def kinds_of(tables, relations):
    """Per table, its columns but keys and those of one value: `cat`, `time` or `num`."""
    kinds = {}
    for table, rows in tables.items():
        keys = set(relations["primary_keys"].get(table, []))
        for child, own, parent, theirs in relations["foreign_keys"]:
            keys |= set(own) if child == table else set()
            keys |= set(theirs) if parent == table else set()
        kinds[table] = {}
        for column in rows.columns.difference(list(keys), sort=False):
            values = rows[column].dropna()
            if values.nunique() < 2:
                continue
            if column in relations.get("categorical", {}).get(table, []):
                kinds[table][column] = "cat"
            elif values.dtype.kind in "iuf":
                kinds[table][column] = "num"
            elif values.astype(str).str.match(r"^\d{4}-\d\d-\d\d").all():
                kinds[table][column] = "time"
            elif values.astype(str).nunique() <= 100:
                kinds[table][column] = "cat"
    return kinds


def conform(rows, kinds):
    """Every column as its kind."""
    as_kind = {
        "num": lambda values: pd.to_numeric(values, errors="coerce").astype(float),
        "time": lambda values: pd.to_datetime(values, errors="coerce", format="mixed"),
        "cat": lambda values: values.map(lambda value: None if pd.isna(value) else str(value)),
    }
    return pd.DataFrame({column: as_kind[kind](rows[column]) for column, kind in kinds.items()}, index=rows.index)


def entities(tables, kinds, relations, table):
    """Rows of a table with what their children say; the kinds of all columns."""
    out, of = conform(tables[table], kinds[table]), dict(kinds[table])
    for child, own, parent, theirs in relations["foreign_keys"]:
        if parent != table:
            continue
        name = f"{child}({own[0]})"
        rows = tables[child].dropna(subset=own)
        key, groups = tables[table][theirs[0]].astype(str), rows[own[0]].astype(str)
        out[f"{name}#"] = key.map(groups.value_counts()).fillna(0).astype(float)
        of[f"{name}#"] = "num"
        grouped = conform(rows, kinds[child]).groupby(groups.to_numpy())
        for column, kind in kinds[child].items():
            if kind == "cat":
                out[f"different {column} in {name}"] = key.map(grouped[column].nunique()).fillna(0).astype(float)
                of[f"different {column} in {name}"] = "num"
            elif kind == "num":
                out[f"mean {column} in {name}"] = key.map(grouped[column].mean()).astype(float)
                of[f"mean {column} in {name}"] = "num"
    return out, of


def features(real, synthetic, kinds):
    """Numbers with their mean for null and an indicator, parts of times, one column per category."""
    both = pd.concat([real, synthetic], ignore_index=True)
    out = []
    for column, kind in kinds.items():
        values = both[column]
        if kind == "num":
            out.append(values.fillna(values.mean()))
            if real[column].isna().any():
                out.append(values.isna().astype(float))
        elif kind == "time":
            parts = [getattr(values.dt, part).fillna(-1) for part in ("year", "month", "day", "hour", "minute", "second")]
            out += [part for place, part in enumerate(parts) if place < 3 or part.clip(lower=0).sum() > 0]
        else:
            named = values.fillna("∅")
            out += [(named == value).astype(float) for value in pd.unique(named)]
    return np.column_stack([column.to_numpy(np.float32) for column in out])


def told_apart(real, synthetic, kinds):
    """Accuracy over five folds on equally many rows of each, at most 20,000."""
    count = min(len(real), len(synthetic), 20_000)
    real = real.sample(count, random_state=42).reset_index(drop=True)
    synthetic = synthetic.sample(count, random_state=43).reset_index(drop=True)
    x, y = features(real, synthetic, kinds), np.r_[np.ones(count), np.zeros(count)]
    order = np.random.default_rng(42).permutation(len(y))
    x, y = x[order], y[order]
    hits = [
        XGBClassifier(seed=0, n_jobs=2, tree_method="hist").fit(x[learn], y[learn]).predict(x[test]) == y[test]
        for learn, test in StratifiedKFold(5).split(x, y)
    ]
    return float(np.concatenate(hits).mean())


def main(folder, table, copies):
    folder = Path(folder) / "train" if (Path(folder) / "train").is_dir() else Path(folder)
    relations = json.loads((folder / "relations.json").read_text())
    real = {path.stem: pd.read_csv(path, low_memory=False) for path in sorted(folder.glob("*.csv"))}
    kinds = kinds_of(real, relations)
    found = {}
    for copy in copies:
        with sqlite3.connect(f"file:{copy}?mode=ro", uri=True) as database:
            synthetic = {name: pd.read_sql_query(f'SELECT * FROM "{name}"', database) for name in real}
        rows, of = entities(real, kinds, relations, table)
        others, _ = entities(synthetic, kinds, relations, table)
        for column in of:
            rest = {name: kind for name, kind in of.items() if name != column}
            scores = told_apart(rows, others, {column: of[column]}), told_apart(rows, others, rest)
            found.setdefault(column, []).append(scores)
        found.setdefault("all", []).append((told_apart(rows, others, of),) * 2)
    print("column\talone\twithout\talone, each\twithout, each")
    for column, scores in found.items():
        alone, without = zip(*scores)
        each = ["/".join(f"{score:.3f}" for score in scores) for scores in (alone, without)]
        print(f"{column}\t{np.mean(alone):.3f}\t{np.mean(without):.3f}\t{each[0]}\t{each[1]}")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
