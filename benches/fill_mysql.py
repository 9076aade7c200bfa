#!/usr/bin/env python3
"""Fills the tables of a MySQL or MariaDB database with random rows that their constraints accept.

    benches/fill_mysql.py DATABASE ROWS [arguments of the client …]

For schemas that come without rows: real types, keys and checks, made-up values. Foreign keys get a row that is there;
a row that the server refuses is passed over, so that a table whose checks random values never meet stays empty (each is
named). Triggers fire. The same seed is set for every table, so that a database is filled the same way every time.
"""

import random
import re
import shutil
import subprocess
import sys

WORDS = ["alpha", "beta", "gamma", "delta", "omega", "red fox", "Blue", "x"]
CLIENT = shutil.which("mariadb") or shutil.which("mysql") or sys.exit("no mariadb or mysql client")


def ask(sql):
    """Rows of an answer as lists of texts."""
    run = subprocess.run(
        [CLIENT, *sys.argv[3:], "--default-character-set=utf8mb4", "--batch", "--raw", "--skip-column-names", "--force", sys.argv[1]],
        input=sql, capture_output=True, text=True, errors="replace",
    )
    return [line.split("\t") for line in run.stdout.splitlines()], run.stderr


def name(text):
    return "`" + text.replace("`", "``") + "`"


def text(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def value(kind):
    """SQL for a random value of a type; null where nothing better is known."""
    base, _, rest = kind.partition("(")
    base = base.split()[0].lower()
    size = re.match(r"\d+", rest)
    size = int(size.group()) if size else None
    if base in ("enum", "set"):
        return random.choice(re.findall(r"'(?:[^']|'')*'", rest) or ["''"])
    if base in ("tinyint", "bit"):
        return str(random.randrange(2)) if base == "tinyint" else "b'1'"
    if base == "smallint":
        return str(random.randrange(5))
    if base in ("int", "bigint", "mediumint", "integer"):
        return str(random.randrange(200))
    if base in ("decimal", "float", "double", "numeric"):
        whole = 999 if size is None else 10 ** max(0, size - (int(rest.split(",")[1].split(")")[0]) if "," in rest else 0)) - 1
        return str(round(random.random() * min(whole, 1000), 2))
    if base in ("varchar", "char", "tinytext", "text", "mediumtext", "longtext"):
        made = f"{random.choice(WORDS)} {random.randrange(1000)}"
        return text(made[-size:] if size and size < 8 else made[: size or 200])
    if base in ("varbinary", "binary", "tinyblob", "blob", "mediumblob", "longblob"):
        length = min(size or 12, 12) if base != "binary" else min(size or 1, 60)
        return "x'" + "".join(f"{random.randrange(32, 127):02X}" for _ in range(length)) + "'"
    moment = f"20{random.randrange(20, 24)}-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}"
    clock = f"{random.randrange(5, 23):02}:{random.randrange(60):02}:{random.randrange(60):02}"
    return {
        "date": f"'{moment}'",
        "datetime": f"'{moment} {clock}'",
        "timestamp": f"'{moment} {clock}'",
        "time": f"'{clock}'",
        "year": str(random.randrange(1990, 2030)),
        "json": text('{"a": %d, "k": ["x"]}' % random.randrange(9)),
        "uuid": "UUID()",
        "inet6": "'fe80::%x'" % random.randrange(1, 999),
        "inet4": "'10.0.0.%d'" % random.randrange(1, 99),
    }.get(base, "NULL")


def main():
    rows = int(sys.argv[2])
    columns, links = {}, {}
    found, said = ask(
        "SELECT c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE, c.IS_NULLABLE, c.EXTRA FROM information_schema.COLUMNS c "
        "JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME) WHERE c.TABLE_SCHEMA = DATABASE() "
        "AND t.TABLE_TYPE = 'BASE TABLE' ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION"
    )
    for table, *column in found:
        columns.setdefault(table, []).append(column)
    if not columns:
        sys.exit(f"{sys.argv[1]}: no tables {said.strip()}")
    found, _ = ask(
        "SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME "
        "FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL "
        "ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION"
    )
    for table, key, own, parent, parent_column in found:
        links.setdefault(table, {}).setdefault((key, parent), []).append((own, parent_column))
    left, order = sorted(columns), []
    while left:
        waiting = lambda table: {parent for _, parent in links.get(table, {})} & set(left) - {table}
        ready = [table for table in left if not waiting(table)] or left[:1]
        order += ready
        left = [table for table in left if table not in ready]
    for table in order:
        random.seed(7)
        statements = []
        for number in range(rows):
            joins, linked = [], {}
            for place, ((_, parent), pairs) in enumerate(links.get(table, {}).items()):
                keys = ", ".join(f"{name(there)} AS k{at}" for at, (_, there) in enumerate(pairs))
                joins.append(f"LEFT JOIN (SELECT {keys} FROM {name(parent)} ORDER BY RAND({number * 31 + place}) LIMIT 1) f{place} ON TRUE")
                linked.update({own: f"f{place}.k{at}" for at, (own, _) in enumerate(pairs)})
            own = [c for c in columns[table] if not re.search(r"GENERATED|auto_increment|VIRTUAL|PERSISTENT", c[3].replace("DEFAULT_GENERATED", ""))]
            chosen = []
            for column, kind, nullable, _ in own:
                made = linked.get(column) or value(kind)
                chosen.append("NULL" if nullable == "YES" and random.random() < 0.25 and column not in linked else made)
            names = ", ".join(name(column[0]) for column in own)
            statements.append(f"INSERT INTO {name(table)} ({names}) SELECT {', '.join(chosen) or '1'} FROM (SELECT 1) one {' '.join(joins)};" if own else f"INSERT INTO {name(table)} () VALUES ();")
        _, said = ask("SET SESSION cte_max_recursion_depth = 1000;\n" + "\n".join(statements))
        (count,), *_ = ask(f"SELECT COUNT(*) FROM {name(table)}")[0] or [["0"]]
        if count == "0":
            refusal = [line for line in said.splitlines() if "cte_max" not in line]
            print(f"{table}: no row taken: {refusal[-1] if refusal else ''}")


main()
