#!/usr/bin/env python3
"""Fills the tables of a PostgreSQL database with random rows that their constraints accept.

    benches/fill_postgres.py DATABASE [ROWS]

For schemas that come without rows: real types, keys and checks, made-up values. Foreign keys get a row that is there;
a row that the server refuses is passed over, so that a table whose checks random values never meet stays empty (each is
named). psql's environment variables choose the server, whose user must be a superuser (triggers do not fire). The same
seed is set for every table, so that a database is filled the same way every time.
"""

import json
import subprocess
import sys

TABLES = """
SELECT coalesce(json_agg(row_to_json(t)), '[]') FROM (
  SELECT c.oid::int AS oid, format('%I.%I', n.nspname, relname) AS name,
    (SELECT json_agg(json_build_object(
              'number', attnum, 'name', format('%I', attname), 'required', attnotnull,
              'numbered', attgenerated <> '' OR attidentity <> '', 'default', atthasdef,
              'type', CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
                                     ELSE format_type(a.atttypid, atttypmod) END,
              'labels', (SELECT json_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
              ORDER BY attnum)
     FROM pg_attribute a JOIN pg_type t ON t.oid = atttypid
     WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
    (SELECT json_agg(json_build_object('own', conkey, 'parent', confrelid::int, 'keys', confkey) ORDER BY conname)
     FROM pg_constraint WHERE conrelid = c.oid AND contype = 'f' AND conparentid = 0) AS links
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
  ORDER BY nspname, relname) t
"""
WORDS = ["alpha", "beta", "gamma", "delta", "omega", "red fox", "Blue", "x"]


def psql(database, sql):
    run = subprocess.run(["psql", "-d", database, "-qAt", "-v", "ON_ERROR_STOP=1", "-c", sql], capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"{database}: {run.stderr.strip()}")
    return run.stdout, run.stderr


def one_of(texts):
    quoted = ", ".join("'" + text.replace("'", "''") + "'" for text in texts)
    return f"(array[{quoted}])[1 + floor(random() * {len(texts)})::int]"


def value(column_type, labels):
    """SQL for a random value of a type; null where nothing better is known."""
    if labels:
        return f"{one_of(labels)}::{column_type}"
    if column_type.endswith("[]"):
        element = value(column_type[:-2], None)
        return f"array[{element}, {element}]::{column_type}"
    base = column_type.split("(")[0].split(".")[-1]
    if base in ("integer", "bigint"):
        return f"floor(random() * 200)::{column_type}"
    if base == "smallint":
        return "floor(random() * 5)::smallint"
    if base in ("text", "citext"):
        return f"{one_of(WORDS)} || ' ' || floor(random() * 1000)"
    if base in ("character varying", "character"):
        longest = column_type.split("(")[1].rstrip(")") if "(" in column_type else "30"
        return f"substr({one_of(WORDS)} || floor(random() * 1000), 1, {longest})"
    if base.startswith("timestamp"):
        return f"(timestamp '2020-01-01' + random() * interval '1000 days')::{column_type}"
    if base.startswith("time"):
        return f"(time '00:00' + random() * interval '23 hours')::{column_type}"
    if base in ("numeric", "double precision", "real"):
        return f"round((random() * 1000)::numeric, 2)::{column_type}"
    if base in ("json", "jsonb"):
        return f"('{{\"a\": ' || floor(random() * 9) || ', \"k\": [\"x\"]}}')::{column_type}"
    return {
        "date": "date '2020-01-01' + floor(random() * 900)::int",
        "boolean": "random() < 0.5",
        "uuid": "md5(random()::text)::uuid",
        "bytea": "decode(left(md5(random()::text) || md5(random()::text), 40), 'hex')",
        "inet": "('10.0.' || floor(random() * 200) || '.7')::inet",
        "interval": "random() * interval '10 days'",
        "ltree": f"('0.' || floor(random() * 900) || '.' || floor(random() * 900))::{column_type}",
        "tsvector": f"to_tsvector({one_of(WORDS)})",
    }.get(base, "NULL")


def parents_first(tables):
    left, done, order = list(tables), set(), []
    known = {table["oid"] for table in tables}
    while left:
        ready = [
            table
            for table in left
            if all(link["parent"] in done | {table["oid"]} or link["parent"] not in known for link in table["links"] or [])
        ] or left[:1]
        order += ready
        done |= {table["oid"] for table in ready}
        left = [table for table in left if table not in ready]
    return order


def fill(database, table, tables, rows):
    """Tries to insert rows one by one; returns how many the server took and what it said last."""
    refers = {own for link in table["links"] or [] for own in link["own"]}
    columns = [
        column
        for column in table["columns"] or []
        if not column["numbered"]
        and (
            column["number"] in refers
            or not (column["default"] and column["required"] and column["type"] in ("integer", "bigint", "uuid"))
        )
    ]
    if not columns:
        return rows, ""
    joins, linked = [], {}
    # The widest first: the links that share columns with it then choose among the parents that agree.
    for place, link in enumerate(sorted(table["links"] or [], key=lambda link: -len(link["own"]))):
        parent = tables.get(link["parent"])
        if parent is None:
            continue
        names = {column["number"]: column["name"] for column in parent["columns"]}
        keys = ", ".join(f"{names[key]} AS k{at}" for at, key in enumerate(link["keys"]))
        agree = [f"{names[key]} = {linked[own]}" for own, key in zip(link["own"], link["keys"]) if own in linked]
        which = f" WHERE {' AND '.join(agree)}" if agree else ""
        joins.append(
            f"LEFT JOIN LATERAL (SELECT {keys} FROM {parent['name']}{which} ORDER BY random() + 0 * i LIMIT 1) f{place} ON true"
        )
        for at, own in enumerate(link["own"]):
            linked.setdefault(own, f"f{place}.k{at}")
    values = []
    for column in columns:
        sql = linked.get(column["number"]) or value(column["type"], column["labels"])
        optional = not column["required"] and column["number"] not in linked
        values.append(f"CASE WHEN random() < 0.25 THEN NULL ELSE {sql} END" if optional else sql)
    names = ", ".join(column["name"] for column in columns)
    insert = f"INSERT INTO {table['name']} ({names}) SELECT {', '.join(values)} FROM (SELECT 1) one {' '.join(joins)}"
    _, said = psql(
        database,
        f"""SET session_replication_role = replica; SELECT setseed(0.5);
            DO $fill$ DECLARE taken int := 0; refusal text := ''; BEGIN
              FOR i IN 1..{rows} LOOP
                BEGIN {insert}; taken := taken + 1; EXCEPTION WHEN OTHERS THEN refusal := SQLERRM; END;
              END LOOP;
              RAISE NOTICE 'taken % %', taken, refusal;
            END $fill$""",
    )
    _, _, rest = said.partition("taken ")
    taken, _, refusal = rest.partition(" ")
    return int(taken), refusal.strip()


def main():
    database = sys.argv[1]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    listed = json.loads(psql(database, TABLES)[0])
    tables = {table["oid"]: table for table in listed}
    for table in parents_first(listed):
        taken, refusal = fill(database, table, tables, rows)
        if not taken:
            print(f"{database}: {table['name']} stays empty: {refusal.splitlines()[0] if refusal else ''}", file=sys.stderr)


if __name__ == "__main__":
    main()
