//! Columns at random, alone or in small groups under a constraint, with values that keep it.

use super::draft::Draft;
use crate::support::Engine;

const WORDS: [&str; 8] = ["red", "green", "blue", "Black & White", "it''s", "naïve", "", "a,b;c"];

impl Draft {
    /// Adds columns to the table being made: a plain one, or a group under a constraint.
    pub(super) fn add_feature(&mut self) {
        match self.below(22) {
            0..=4 => self.plain(),
            5 => self.typed(),
            6 => self.range(),
            7 => self.labels(),
            8 => self.pattern(),
            9 => self.ordered(),
            10 => self.implied(),
            11 => self.exactly_one(),
            12 => self.product(),
            13 => self.generated(),
            14 => self.unique_text(),
            15 => self.unique_pair(),
            16 => self.partial_unique(),
            17 => self.folded_unique(),
            18 => self.lengths(),
            19 => self.defaults(),
            20 => self.special(),
            _ => self.few_values_unique(),
        }
    }

    fn check(&mut self, condition: &str) {
        let named = self.one_in(2);
        let name = self.name();
        let name = self.quoted(&name);
        let constraint = if named {
            format!("CONSTRAINT {name} CHECK ({condition})")
        } else {
            format!("CHECK ({condition})")
        };
        self.last().constraints.push(constraint);
    }

    fn unique(&mut self, columns: &[&str]) {
        let columns = columns.join(", ");
        if self.one_in(2) {
            self.last().constraints.push(format!("UNIQUE ({columns})"));
        } else {
            self.index(&format!("({columns})"));
        }
    }

    /// Adds a unique index; `what` is its columns and predicate.
    fn index(&mut self, what: &str) {
        let name = self.name();
        let (name, table) =
            (self.quoted(&name), self.quoted(&self.tables[self.tables.len() - 1].name.clone()));
        self.last().indexes.push(format!("CREATE UNIQUE INDEX {name} ON {table} {what}"));
    }

    fn nullable(&mut self, kind: &str) -> (String, bool) {
        let nullable = self.one_in(2);
        (format!("{kind}{}", if nullable { "" } else { " NOT NULL" }), nullable)
    }

    /// A column that every engine has.
    fn plain(&mut self) {
        let kinds = [
            "INTEGER",
            "SMALLINT",
            "BIGINT",
            "NUMERIC(8,2)",
            "NUMERIC(20,6)",
            "DOUBLE PRECISION",
            "VARCHAR(20)",
            "TEXT",
            "CHAR(3)",
            "DATE",
            "TIMESTAMP",
            "TIME",
            "BOOLEAN",
        ];
        let kind = kinds[self.below(kinds.len())];
        let kind = match (kind, self.engine) {
            // Another meaning and a smaller range there.
            ("TIMESTAMP", Engine::MySql) => "DATETIME",
            _ => kind,
        };
        let (definition, nullable) = self.nullable(kind);
        let values = self.each(|draft, _| draft.value(kind));
        let values = self.holes(nullable, values);
        self.column(&definition, Some(values));
    }

    fn value(&mut self, kind: &str) -> String {
        let n = self.below(1000);
        match kind {
            "INTEGER" => (n as i64 * 7 - 3000).to_string(),
            "SMALLINT" => (n % 50).to_string(),
            "BIGINT" => (n as i64 * 9_000_000_000_001).to_string(),
            "NUMERIC(8,2)" => format!("{}.{:02}", n * 17, n % 100),
            "NUMERIC(20,6)" => format!("-{}.{:06}", n * 1_234_567, n * 999),
            "DOUBLE PRECISION" => format!("{}.{n}e{}", n % 10, n % 5),
            "VARCHAR(20)" => format!("'{}'", WORDS[n % WORDS.len()]),
            "TEXT" => format!("'{} {} {n}'", WORDS[n % 5], WORDS[n % 3]),
            "CHAR(3)" => format!("'{}'", ["abc", "xyz", "q"][n % 3]),
            "DATE" => format!("'{}-{:02}-{:02}'", 1950 + n % 80, n % 12 + 1, n % 28 + 1),
            "TIMESTAMP" | "DATETIME" => {
                format!(
                    "'20{:02}-{:02}-{:02} {:02}:{:02}:00'",
                    n % 30,
                    n % 12 + 1,
                    n % 28 + 1,
                    n % 24,
                    n % 60
                )
            }
            "TIME" => format!("'{:02}:{:02}:{:02}'", n % 24, n % 60, n % 59),
            "BOOLEAN" => {
                if self.engine == Engine::Sqlite {
                    (n % 2).to_string()
                } else {
                    n.is_multiple_of(2).to_string()
                }
            }
            _ => unreachable!("{kind}"),
        }
    }

    /// A column of a type that only this engine has.
    fn typed(&mut self) {
        let n = self.below(1 << 16);
        let (kind, write): (&str, fn(usize) -> String) = match self.engine {
            Engine::Postgres => match n % 14 {
                0 => ("integer[]", |n| format!("'{{{},{},NULL}}'", n % 9, n % 5)),
                1 => ("text[]", |n| format!("'{{red,\"a,{}\"}}'", n % 4)),
                2 => ("tstzrange", |n| format!("'[2024-01-{:02},2024-02-{:02})'", n % 28 + 1, n % 28 + 1)),
                3 => ("int4range", |n| format!("'[{},{})'", n % 10, n % 10 + 5)),
                4 => ("inet", |n| format!("'10.{}.{}.1/24'", n % 4, n % 250)),
                5 => ("interval", |n| format!("'{} mons {} days 0{}:00:00'", n % 3, n % 30, n % 9)),
                6 => ("jsonb", |n| format!("'{{\"a\": {}, \"b\": [\"x\", {}]}}'", n % 5, n % 3)),
                7 => ("bytea", |n| format!("'\\x{:04x}'", n % 65_536)),
                8 => ("timestamptz", |n| format!("'2023-{:02}-11 10:00:00+0{}'", n % 12 + 1, n % 5)),
                9 => ("numeric", |n| format!("{}.{}", n % 100, n % 1000)),
                10 => ("bit(5)", |n| format!("B'{:05b}'", n % 32)),
                11 => ("real", |n| format!("{}.5", n % 40)),
                12 => ("macaddr", |n| format!("'08:00:2b:01:02:{:02x}'", n % 256)),
                _ => ("money", |n| format!("{}.{:02}", n % 900, n % 100)),
            },
            Engine::MySql => match n % 10 {
                0 => ("YEAR", |n| (1990 + n % 40).to_string()),
                1 => ("SET('a','b','c')", |n| format!("'{}'", ["", "a", "a,b", "c"][n % 4])),
                2 => ("BIT(6)", |n| format!("b'{:06b}'", n % 64)),
                3 => ("INT UNSIGNED", |n| (n * 65_537 % 4_000_000_000).to_string()),
                4 => ("JSON", |n| format!("'{{\"a\": {}, \"b\": [true, {}]}}'", n % 5, n % 3)),
                5 => ("VARBINARY(6)", |n| format!("X'{:06x}'", n % 65_536)),
                6 => ("TIMESTAMP NULL", |n| format!("'2023-{:02}-11 10:00:00'", n % 12 + 1)),
                7 => ("MEDIUMINT", |n| (n % 1000).to_string()),
                8 => ("FLOAT", |n| format!("{}.5", n % 40)),
                _ => ("TINYINT(1)", |n| (n % 2).to_string()),
            },
            Engine::Sqlite => match n % 5 {
                0 => ("BLOB", |n| format!("x'{:04x}'", n % 65_536)),
                1 => ("", |n| if n % 2 == 0 { n.to_string() } else { format!("'t{}'", n % 5) }),
                2 => ("DECIMAL(10,5)", |n| format!("{}.25", n % 50)),
                3 => ("JSON", |n| format!("'{{\"a\": {}}}'", n % 5)),
                _ => ("TIMESTAMP", |n| (1_600_000_000 + n * 86_400).to_string()),
            },
        };
        let nullable = kind.ends_with("NULL") || self.one_in(2);
        let definition = if nullable { kind.to_owned() } else { format!("{kind} NOT NULL") };
        let values = self.each(|draft, _| write(draft.below(1 << 16)));
        let values = self.holes(nullable, values);
        self.column(&definition, Some(values));
    }

    fn range(&mut self) {
        let (definition, nullable) = self.nullable("INTEGER");
        let values = self.each(|draft, _| (draft.below(90) + 10).to_string());
        let values = self.holes(nullable, values);
        let column = self.column(&definition, Some(values));
        let conditions = [
            format!("{column} BETWEEN 10 AND 99"),
            format!("{column} >= 10 AND {column} < 100"),
            format!("NOT ({column} < 10)"),
        ];
        let condition = &conditions[self.below(conditions.len())];
        self.check(condition);
    }

    fn labels(&mut self) {
        let labels = ["open", "paid", "it''s late"];
        let values = self.each(|draft, _| format!("'{}'", labels[draft.below(3)]));
        let list = "'open', 'paid', 'it''s late'";
        let way = self.below(3);
        match self.engine {
            Engine::Postgres if way == 0 => {
                let name = self.name();
                let name = self.quoted(&name);
                self.prelude.push(format!("CREATE TYPE {name} AS ENUM ({list})"));
                self.column(&format!("{name} NOT NULL"), Some(values));
            }
            Engine::Postgres if way == 1 => {
                let name = self.name();
                let name = self.quoted(&name);
                self.prelude.push(format!("CREATE DOMAIN {name} AS varchar(12) CHECK (VALUE IN ({list}))"));
                self.column(&name, Some(values));
            }
            Engine::MySql if way > 0 => {
                self.column(&format!("ENUM({list}) NOT NULL"), Some(values));
            }
            _ => {
                let column = self.column("VARCHAR(12) NOT NULL", Some(values));
                self.check(&format!("{column} IN ({list})"));
            }
        }
    }

    fn pattern(&mut self) {
        let values = self.each(|draft, _| {
            let letter = |n: usize| (b'A' + (n % 26) as u8) as char;
            let (a, b, n) = (draft.below(26), draft.below(26), draft.below(1000));
            format!("'{}{}-{n:03}'", letter(a), letter(b))
        });
        let column = self.column("VARCHAR(10) NOT NULL", Some(values));
        match self.engine {
            Engine::Postgres => self.check(&format!("{column} ~ '^[A-Z]{{2}}-[0-9]{{3}}$'")),
            Engine::MySql => self.check(&format!("{column} REGEXP '^[A-Z]{{2}}-[0-9]{{3}}$'")),
            Engine::Sqlite => self.check(&format!("{column} GLOB '[A-Z][A-Z]-[0-9][0-9][0-9]'")),
        }
    }

    fn ordered(&mut self) {
        let starts: Vec<usize> = (0..self.rows()).map(|_| self.below(20)).collect();
        let first = starts.iter().map(|day| format!("'2022-03-{:02}'", day + 1)).collect();
        let second = self.each(|draft, row| format!("'2022-04-{:02}'", starts[row] + 1 + draft.below(8)));
        let second = self.holes(true, second);
        let first = self.column("DATE NOT NULL", Some(first));
        let second = self.column("DATE", Some(second));
        let condition = [format!("{first} <= {second}"), format!("{second} IS NULL OR {second} > {first}")]
            [self.below(2)]
        .clone();
        self.check(&condition);
    }

    fn implied(&mut self) {
        let closed: Vec<bool> = (0..self.rows()).map(|_| self.one_in(3)).collect();
        let state =
            closed.iter().map(|closed| if *closed { "'closed'" } else { "'open'" }.to_owned()).collect();
        let reason =
            self.each(|draft, row| if closed[row] { draft.below(5).to_string() } else { "NULL".into() });
        let state = self.column("VARCHAR(8) NOT NULL", Some(state));
        let reason = self.column("INTEGER", Some(reason));
        self.check(&format!("{state} <> 'closed' OR {reason} IS NOT NULL"));
    }

    fn exactly_one(&mut self) {
        let first: Vec<bool> = (0..self.rows()).map(|_| self.one_in(2)).collect();
        let side = |mine: bool| {
            first.iter().enumerate().map(move |(row, first)| {
                if *first == mine { (row % 9).to_string() } else { "NULL".to_owned() }
            })
        };
        let (left, right) = (side(true).collect(), side(false).collect());
        let left = self.column("INTEGER", Some(left));
        let right = self.column("INTEGER", Some(right));
        let condition = if self.engine == Engine::Postgres && self.one_in(2) {
            format!("num_nonnulls({left}, {right}) = 1")
        } else {
            format!("({left} IS NULL AND {right} IS NOT NULL) OR ({left} IS NOT NULL AND {right} IS NULL)")
        };
        self.check(&condition);
    }

    fn product(&mut self) {
        let pairs: Vec<(usize, usize)> =
            (0..self.rows()).map(|_| (self.below(9) + 1, self.below(50) + 1)).collect();
        let column = |draft: &mut Self, value: fn(&(usize, usize)) -> usize| {
            let values = pairs.iter().map(|pair| value(pair).to_string()).collect();
            draft.column("INTEGER NOT NULL", Some(values))
        };
        let amount = column(self, |pair| pair.0);
        let price = column(self, |pair| pair.1);
        let total = column(self, |pair| pair.0 * pair.1);
        self.check(&format!("{total} = {amount} * {price}"));
        self.check(&format!("{amount} + {price} <= 100"));
    }

    fn generated(&mut self) {
        let values = self.each(|draft, _| draft.below(70).to_string());
        let base = self.column("INTEGER NOT NULL", Some(values));
        let stored = self.engine == Engine::Postgres || self.one_in(2);
        let kind = if stored { "STORED" } else { "VIRTUAL" };
        let column = self.column(&format!("INTEGER GENERATED ALWAYS AS ({base} * 2 + 1) {kind}"), None);
        self.check(&format!("{column} < 200"));
    }

    fn unique_text(&mut self) {
        let (definition, nullable) = self.nullable("VARCHAR(24)");
        let values = self.each(|_, row| format!("'user{}@example.com'", row * 37));
        let values = self.holes(nullable, values);
        let column = self.column(&definition, Some(values));
        self.unique(&[&column]);
    }

    fn unique_pair(&mut self) {
        let first = self.each(|_, row| (row % 7).to_string());
        let second = self.each(|_, row| format!("'{}'", WORDS[row / 7]));
        let second = self.holes(true, second);
        let first = self.column("SMALLINT NOT NULL", Some(first));
        let second = self.column("VARCHAR(20)", Some(second));
        self.unique(&[&first, &second]);
    }

    fn partial_unique(&mut self) {
        if self.engine == Engine::MySql {
            return self.unique_pair();
        }
        let gone: Vec<bool> = (0..self.rows()).map(|_| self.one_in(3)).collect();
        let codes = self.each(|draft, row| format!("'code{}'", if gone[row] { draft.below(3) } else { row }));
        let dates = gone.iter().map(|gone| if *gone { "'2024-05-05'" } else { "NULL" }.to_owned()).collect();
        let code = self.column("VARCHAR(12) NOT NULL", Some(codes));
        let date = self.column("DATE", Some(dates));
        self.index(&format!("({code}) WHERE {date} IS NULL"));
    }

    fn folded_unique(&mut self) {
        let values = self.each(|_, row| format!("'{}{row}'", ["Mail", "mail", "MAIL"][row % 3]));
        let column = self.column("VARCHAR(16) NOT NULL", Some(values));
        match self.engine {
            Engine::MySql => self.unique(&[&column]),
            _ => self.index(&format!("(lower({column}))")),
        }
    }

    fn lengths(&mut self) {
        let values =
            self.each(|draft, _| format!("'{}'", "abcdefgh".repeat(3).split_at(draft.below(8) + 3).0));
        let column = self.column("VARCHAR(40) NOT NULL", Some(values));
        self.check(&format!("length({column}) >= 3"));
        self.check(&format!("{column} LIKE 'abc%'"));
        self.check(&format!("lower({column}) = {column}"));
    }

    fn defaults(&mut self) {
        let values = self.each(|draft, _| draft.below(4).to_string());
        self.column("INTEGER NOT NULL DEFAULT 3", Some(values));
        let values = self.each(|draft, _| format!("'2024-05-{:02} 00:00:00'", draft.below(28) + 1));
        let kind = if self.engine == Engine::MySql { "DATETIME" } else { "TIMESTAMP" };
        self.column(&format!("{kind} NOT NULL DEFAULT CURRENT_TIMESTAMP"), Some(values));
        let values = self.each(|draft, _| format!("'{}'", WORDS[draft.below(8)]));
        self.column("VARCHAR(20) DEFAULT 'it''s'", Some(values));
    }

    /// What only one engine has.
    fn special(&mut self) {
        let exclusion = self.one_in(2);
        match self.engine {
            Engine::Postgres if exclusion => {
                let (groups, starts) = (
                    self.each(|_, row| (row % 3).to_string()),
                    self.each(|draft, row| {
                        let start = row / 3 * 10;
                        format!("'[{start},{})'", start + 1 + draft.below(10))
                    }),
                );
                self.prelude.push("CREATE EXTENSION IF NOT EXISTS btree_gist".into());
                let group = self.column("integer NOT NULL", Some(groups));
                let during = self.column("int4range NOT NULL", Some(starts));
                self.last()
                    .constraints
                    .push(format!("EXCLUDE USING gist ({group} WITH =, {during} WITH &&)"));
            }
            Engine::Postgres => {
                let rows = self.rows();
                let values =
                    self.each(|_, row| if row == 0 { "NULL".into() } else { (rows - row).to_string() });
                let column = self.column("bigint", Some(values));
                self.index(&format!("({column}) NULLS NOT DISTINCT"));
            }
            Engine::MySql => {
                let values = self.each(|_, row| format!("'{row:05}-tail'"));
                let column = self.column("VARCHAR(50) NOT NULL", Some(values));
                self.index(&format!("({column}(5))"));
            }
            Engine::Sqlite => {
                let values = self.each(|_, row| format!("'Name{row}'"));
                let column = self.column("TEXT COLLATE NOCASE", Some(values));
                self.unique(&[&column]);
            }
        }
    }

    /// A unique column with hardly more values than rows.
    fn few_values_unique(&mut self) {
        let values = self.each(|_, row| (row + 1).to_string());
        let column = self.column("INTEGER NOT NULL UNIQUE", Some(values));
        self.check(&format!("{column} BETWEEN 1 AND 50"));
    }
}
