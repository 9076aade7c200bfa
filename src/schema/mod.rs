//! What a relational schema is: tables, columns, types, keys, checks. Plain data, no I/O.
//!
//! Expressions (defaults, checks, predicates) are kept as the server printed them, opaque here;
//! only `rules` reads them and only `db` writes them back.

mod types;

pub use types::{DataType, Storage};

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which family of servers a schema comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DialectName {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    /// SQLite.
    Sqlite,
}

impl fmt::Display for DialectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "postgres",
            Self::MySql => "mysql",
            Self::Sqlite => "sqlite",
        })
    }
}

/// Index of a table in [`Schema::tables`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableId(pub usize);

/// Index of a column in [`Table::columns`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ColumnId(pub usize);

/// Index of a foreign key in [`Table::foreign_keys`] of its child table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ForeignKeyId(pub usize);

/// A table's name, with its namespace where the server has one (a Postgres schema).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableName {
    /// Postgres schema; `None` on MySQL and SQLite, where the database is the namespace.
    pub namespace: Option<String>,
    /// The bare name, unquoted.
    pub name: String,
}

impl TableName {
    /// Names a table without a namespace.
    pub fn bare(name: impl Into<String>) -> Self {
        Self { namespace: None, name: name.into() }
    }

    /// Names a table inside a namespace.
    pub fn qualified(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: Some(namespace.into()), name: name.into() }
    }

    /// True if `text` means this table: `orders`, `public.orders` (case decides only if exact fails elsewhere).
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.to_string() == text
            || self.name == text
            || self.namespace.as_ref().is_some_and(|n| format!("{n}.{}", self.name) == text)
    }
}

impl fmt::Display for TableName {
    /// Writes `orders`, or `sales.orders` where the namespace is not Postgres's `public`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) if namespace != "public" => write!(f, "{namespace}.{}", self.name),
            _ => f.write_str(&self.name),
        }
    }
}

/// A whole schema. Tables are sorted by name, so every walk over it has one order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Where it comes from.
    pub dialect: DialectName,
    /// All tables that hold rows, sorted by name.
    pub tables: Vec<Table>,
}

impl Schema {
    /// Returns the table with this id.
    ///
    /// # Panics
    /// If the id is of another schema.
    #[must_use]
    pub fn table(&self, id: TableId) -> &Table {
        &self.tables[id.0]
    }

    /// Walks all tables with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (TableId, &Table)> {
        self.tables.iter().enumerate().map(|(index, table)| (TableId(index), table))
    }

    /// Finds the table a user means by `text`: an exact match first, then one that differs in case only.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<TableId> {
        let exact = self.iter().find(|(_, table)| table.name.matches(text));
        exact
            .or_else(|| {
                let lower = text.to_lowercase();
                self.iter().find(|(_, table)| {
                    table.name.to_string().to_lowercase() == lower || table.name.name.to_lowercase() == lower
                })
            })
            .map(|(id, _)| id)
    }

    /// Walks every foreign key as (child table, id, foreign key).
    pub fn foreign_keys(&self) -> impl Iterator<Item = (TableId, ForeignKeyId, &ForeignKey)> {
        self.iter().flat_map(|(child, table)| {
            table.foreign_keys.iter().enumerate().map(move |(index, fk)| (child, ForeignKeyId(index), fk))
        })
    }
}

/// One table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: TableName,
    /// Columns in the order of the catalog (dropped ones left out).
    pub columns: Vec<Column>,
    /// The primary key, if any.
    pub primary_key: Option<UniqueKey>,
    /// Every other UNIQUE constraint or unique index, sorted by name.
    pub unique_keys: Vec<UniqueKey>,
    /// Foreign keys, sorted by name, then columns.
    pub foreign_keys: Vec<ForeignKey>,
    /// CHECK constraints of the table, its columns and their domains.
    pub checks: Vec<Check>,
    /// EXCLUDE constraints of the table.
    #[serde(default)]
    pub exclusions: Vec<Exclusion>,
    /// Indexes that are not unique and compute something from each row, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub computed_indexes: Vec<ComputedIndex>,
    /// The catalog's estimate of the row count, where it has one.
    pub estimated_rows: Option<u64>,
}

impl Table {
    /// A table without keys and constraints.
    #[must_use]
    pub fn new(name: TableName, columns: Vec<Column>) -> Self {
        Self {
            name,
            columns,
            primary_key: None,
            unique_keys: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            exclusions: Vec::new(),
            computed_indexes: Vec::new(),
            estimated_rows: None,
        }
    }

    /// Returns the column with this id.
    ///
    /// # Panics
    /// If the id is of another table.
    #[must_use]
    pub fn column(&self, id: ColumnId) -> &Column {
        &self.columns[id.0]
    }

    /// Walks all columns with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (ColumnId, &Column)> {
        self.columns.iter().enumerate().map(|(index, column)| (ColumnId(index), column))
    }

    /// Finds a column by name, exactly, else ignoring case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ColumnId> {
        let exact = self.columns.iter().position(|column| column.name == name);
        exact
            .or_else(|| self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
            .map(ColumnId)
    }

    /// Walks the primary key and every other unique key.
    pub fn keys(&self) -> impl Iterator<Item = &UniqueKey> {
        self.primary_key.iter().chain(&self.unique_keys)
    }

    /// True for a column of a primary, unique or foreign key.
    #[must_use]
    pub fn is_in_key(&self, column: ColumnId) -> bool {
        self.keys().any(|key| key.columns.contains(&column)) || self.refers(column)
    }

    /// True for a column of a foreign key.
    #[must_use]
    pub fn refers(&self, column: ColumnId) -> bool {
        self.foreign_keys.iter().any(|key| key.columns.contains(&column))
    }

    /// Columns a loader must write: all but the generated ones.
    #[must_use]
    pub fn writable_columns(&self) -> Vec<ColumnId> {
        self.iter().filter(|(_, column)| column.generated.is_none()).map(|(id, _)| id).collect()
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The type as the server prints it, for example `numeric(10,2)` or `int(11) unsigned`.
    pub native_type: String,
    /// What the type means.
    pub data_type: DataType,
    /// False if NOT NULL (or part of the primary key, or of a NOT NULL domain).
    pub nullable: bool,
    /// The DEFAULT expression as the server prints it.
    pub default: Option<String>,
    /// True if the server can number it: identity, serial, AUTO_INCREMENT, SQLite rowid alias.
    pub auto_increment: bool,
    /// The expression of a generated column; such a column is never written.
    pub generated: Option<String>,
    /// Which texts its collation holds to be equal (uniqueness then does as well).
    #[serde(default)]
    pub collation: Collation,
    /// How the engine holds the values where the type alone does not say (SQLite keeps dates as text in
    /// any of many layouts: `YYYY-MM-DDThh:mm:ss.fffZ`); opaque outside the engine that wrote it.
    #[serde(default)]
    pub representation: Option<String>,
    /// Digits of a second that a type of times keeps; `None` for all six.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fraction: Option<u8>,
}

impl Column {
    /// An ordinary column that may be null.
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            native_type: String::new(),
            data_type,
            nullable: true,
            default: None,
            auto_increment: false,
            generated: None,
            collation: Collation::default(),
            representation: None,
            fraction: None,
        }
    }
}

/// Which texts a collation holds to be equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collation {
    /// The same characters only.
    #[default]
    Exact,
    /// Those that differ in the case of plain letters (SQLite's NOCASE).
    PlainCase,
    /// Those that differ in case; beyond ASCII perhaps in accents and forms as well (MySQL's `_ci`, citext).
    Case,
    /// Whatever its rules say (a nondeterministic collation of ICU).
    Rules,
}

impl Collation {
    /// True if texts that differ in case may be equal.
    #[must_use]
    pub fn ignores_case(self) -> bool {
        self != Self::Exact
    }

    /// True if folding case decides which of these texts are equal; else only the server knows.
    #[must_use]
    pub fn is_case_alone<'a>(self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        match self {
            Self::Exact | Self::PlainCase => true,
            Self::Case => texts.into_iter().all(|text| text.bytes().all(|byte| (0x20..0x7f).contains(&byte))),
            Self::Rules => false,
        }
    }
}

/// A primary key, UNIQUE constraint or unique index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UniqueKey {
    /// Its name; unique per table only.
    pub name: String,
    /// Key columns in key order. Empty if the key is over expressions only.
    pub columns: Vec<ColumnId>,
    /// Expressions of an expression index, as the server prints them.
    pub expressions: Vec<String>,
    /// The WHERE predicate of a partial unique index.
    pub predicate: Option<String>,
    /// True for NULLS NOT DISTINCT (two NULLs clash).
    pub nulls_not_distinct: bool,
}

/// A foreign key, declared in the catalog or accepted from `synth.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Its name; unique per table only. Invented (`child_column_fkey`) where the server has none.
    pub name: String,
    /// Columns of the child, in key order.
    pub columns: Vec<ColumnId>,
    /// The parent table.
    pub parent: TableId,
    /// The parent's columns, aligned with `columns`; a primary or unique key of it.
    pub parent_columns: Vec<ColumnId>,
    /// True for ON DELETE CASCADE: a strong hint that the child belongs to the parent.
    pub cascades: bool,
    /// True for MATCH FULL: all columns null or none.
    pub match_full: bool,
    /// True if DEFERRABLE.
    pub deferrable: bool,
    /// False if the server itself does not promise it (NOT VALID, MyISAM, SQLite): orphans are possible.
    pub validated: bool,
    /// Set if the catalog does not declare it: the user does, in `synth.toml`.
    #[serde(default)]
    pub undeclared: Option<Undeclared>,
}

/// What only a foreign key of `synth.toml` has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Undeclared {
    /// The rows it binds: those with one of these values in a column of the child; all rows if not said. Other rows
    /// refer to nothing here, or to another table.
    pub when: Option<When>,
}

/// A condition on the rows a foreign key binds: a column holds one of a few texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// The column of the child.
    pub column: ColumnId,
    /// Its values, in their text form.
    pub values: Vec<String>,
}

impl ForeignKey {
    /// A key that the catalog does not declare.
    #[must_use]
    pub fn undeclared(
        name: String,
        columns: Vec<ColumnId>,
        (parent, parent_columns): (TableId, Vec<ColumnId>),
        when: Option<When>,
    ) -> Self {
        Self {
            name,
            columns,
            parent,
            parent_columns,
            cascades: false,
            match_full: false,
            deferrable: false,
            validated: false,
            undeclared: Some(Undeclared { when }),
        }
    }

    /// The condition under which it binds a row, if it does not bind all.
    #[must_use]
    pub fn when(&self) -> Option<&When> {
        self.undeclared.as_ref()?.when.as_ref()
    }
}

impl When {
    /// Writes it as one would in SQL: `commentable_type = 'Post'`.
    #[must_use]
    pub fn describe(&self, child: &Table) -> String {
        let column = &child.column(self.column).name;
        let values: Vec<String> =
            self.values.iter().map(|value| format!("'{}'", value.replace('\'', "''"))).collect();
        match values.as_slice() {
            [one] => format!("{column} = {one}"),
            several => format!("{column} IN ({})", several.join(", ")),
        }
    }
}

/// A CHECK constraint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// The condition as the server prints it, without the word CHECK and the outer parentheses.
    pub expression: String,
    /// For the check of a domain: the column it binds, called `VALUE` in the expression.
    pub domain_column: Option<ColumnId>,
}

/// An index that is not unique: it allows every row for which its expressions can be computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputedIndex {
    /// Its name; unique per table only.
    pub name: String,
    /// Its expressions, as the server prints them.
    pub expressions: Vec<String>,
    /// The WHERE predicate of a partial index: rows outside of it are not computed.
    pub predicate: Option<String>,
}

/// An EXCLUDE constraint: no two rows for which every element's operator holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// Its name.
    pub name: String,
    /// What is compared, and how.
    pub elements: Vec<ExclusionElement>,
    /// The WHERE predicate: rows outside of it exclude nothing.
    pub predicate: Option<String>,
}

/// One element of an EXCLUDE constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExclusionElement {
    /// A column or an expression, as the server prints it.
    pub expression: String,
    /// Where an engine without ranges keeps a span in two columns: the column of its end, which is not part of it;
    /// `expression` is then its start and the operator `&&`.
    #[serde(default)]
    pub until: Option<String>,
    /// The operator, for example `=` or `&&`.
    pub operator: String,
}
