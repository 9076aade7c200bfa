//! A schema being made up, with rows that keep its constraints, and the SQL that makes it.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support::Engine;

/// A column: its definition after the name, and a literal per row.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) definition: String,
    /// `None` for a column that the server computes.
    pub(super) values: Option<Vec<String>>,
}

/// A table with its rows.
pub(super) struct Table {
    pub(super) name: String,
    pub(super) rows: usize,
    pub(super) columns: Vec<Column>,
    /// Columns of the primary key.
    pub(super) key: Vec<usize>,
    /// Constraints inside CREATE TABLE.
    pub(super) constraints: Vec<String>,
    /// Foreign keys: inside CREATE TABLE where the engine cannot add them later.
    pub(super) foreign_keys: Vec<String>,
    /// Statements after the rows.
    pub(super) indexes: Vec<String>,
    /// What stands behind CREATE TABLE (…).
    pub(super) options: &'static str,
}

/// A schema and its rows.
pub(super) struct Draft {
    pub(super) engine: Engine,
    pub(super) random: ChaCha8Rng,
    /// Statements before the tables: types.
    pub(super) prelude: Vec<String>,
    pub(super) tables: Vec<Table>,
    names: usize,
}

impl Draft {
    pub(super) fn new(engine: Engine, seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        let mut draft = Self { engine, random, prelude: Vec::new(), tables: Vec::new(), names: 0 };
        let count = draft.below(7) + 1;
        for _ in 0..count {
            draft.add_table();
        }
        draft.link_later();
        draft
    }

    /// A number in `0..limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.random.random_range(0..limit)
    }

    /// True once in `n`.
    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn add_table(&mut self) {
        let name = self.name();
        let rows = if self.one_in(10) { 0 } else { self.below(45) + 1 };
        self.tables.push(Table {
            name,
            rows,
            columns: Vec::new(),
            key: Vec::new(),
            constraints: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
            options: "",
        });
        self.add_key();
        let links = self.below(3);
        for _ in 0..links {
            self.link_earlier();
        }
        let features = self.below(6) + 1;
        for _ in 0..features {
            self.add_feature();
        }
    }

    /// A name nobody has, now and then one that must be quoted.
    pub(super) fn name(&mut self) -> String {
        self.names += 1;
        let number = self.names;
        match self.below(12) {
            0 => format!("Mixed Case {number}"),
            1 => format!("order.{number}"),
            2 => format!("naïve_{number}"),
            3 => format!("it's \"{number}\" `q`"),
            4 => format!("a_rather_long_name_of_fifty_something_characters_no_{number}"),
            5 => format!("select{number}"),
            _ => format!("c{number}"),
        }
    }

    pub(super) fn quoted(&self, name: &str) -> String {
        match self.engine {
            Engine::MySql => format!("`{}`", name.replace('`', "``")),
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    pub(super) fn last(&mut self) -> &mut Table {
        self.tables.last_mut().expect("a table is being made")
    }

    /// Rows of the table being made.
    pub(super) fn rows(&self) -> usize {
        self.tables.last().expect("a table is being made").rows
    }

    /// Adds a column to the table being made; returns its quoted name.
    pub(super) fn column(&mut self, definition: &str, values: Option<Vec<String>>) -> String {
        let name = self.name();
        let quoted = self.quoted(&name);
        let definition = definition.to_owned();
        let table = self.last();
        assert!(values.as_ref().is_none_or(|values| values.len() == table.rows));
        table.columns.push(Column { name, definition, values });
        quoted
    }

    /// A value per row.
    pub(super) fn each(&mut self, mut value: impl FnMut(&mut Self, usize) -> String) -> Vec<String> {
        (0..self.rows()).map(|row| value(self, row)).collect()
    }

    /// Replaces some values by NULL, where `nullable`.
    pub(super) fn holes(&mut self, nullable: bool, mut values: Vec<String>) -> Vec<String> {
        for value in &mut values {
            if nullable && self.one_in(5) {
                "NULL".clone_into(value);
            }
        }
        values
    }

    /// The script.
    pub(super) fn statements(&self) -> Vec<String> {
        let mut statements = self.prelude.clone();
        if self.engine == Engine::Sqlite {
            statements.push("PRAGMA foreign_keys = OFF".into());
        }
        for table in &self.tables {
            let mut parts: Vec<String> = (table.columns.iter())
                .map(|column| format!("{} {}", self.quoted(&column.name), column.definition))
                .collect();
            if !table.key.is_empty() {
                parts.push(format!("PRIMARY KEY ({})", self.columns(table, &table.key)));
            }
            parts.extend(table.constraints.iter().cloned());
            if self.engine == Engine::Sqlite {
                parts.extend(table.foreign_keys.iter().cloned());
            }
            statements.push(format!(
                "CREATE TABLE {} ({}){}",
                self.quoted(&table.name),
                parts.join(", "),
                table.options
            ));
        }
        for table in &self.tables {
            statements.extend(self.insert(table));
        }
        for table in &self.tables {
            statements.extend(table.indexes.iter().cloned());
        }
        if self.engine != Engine::Sqlite {
            for table in &self.tables {
                let name = self.quoted(&table.name);
                statements
                    .extend(table.foreign_keys.iter().map(|key| format!("ALTER TABLE {name} ADD {key}")));
            }
        }
        statements
    }

    pub(super) fn columns(&self, table: &Table, columns: &[usize]) -> String {
        let names: Vec<String> =
            columns.iter().map(|column| self.quoted(&table.columns[*column].name)).collect();
        names.join(", ")
    }

    fn insert(&self, table: &Table) -> Option<String> {
        let written: Vec<usize> =
            (0..table.columns.len()).filter(|column| table.columns[*column].values.is_some()).collect();
        let rows: Vec<String> = (0..table.rows)
            .map(|row| {
                let values: Vec<&str> = (table.columns.iter())
                    .filter_map(|column| column.values.as_ref().map(|values| values[row].as_str()))
                    .collect();
                format!("({})", values.join(", "))
            })
            .collect();
        let overriding = if self.engine == Engine::Postgres { "OVERRIDING SYSTEM VALUE " } else { "" };
        (table.rows > 0).then(|| {
            format!(
                "INSERT INTO {} ({}) {overriding}VALUES {}",
                self.quoted(&table.name),
                self.columns(table, &written),
                rows.join(", ")
            )
        })
    }
}
