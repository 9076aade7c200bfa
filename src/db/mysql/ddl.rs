//! Cuts `SHOW CREATE TABLE` into what must exist before the rows and what is cheaper after them.

use crate::{
    db::{Blueprint, Phase, Sequence, Statement},
    finding::Finding,
    schema::{DialectName, Schema, TableId},
};

use super::{
    catalog::{Catalog, CatalogFixture},
    lex::{Kind, Token, tokens},
    sql::{identifier, without_definer},
};

/// What one line of `CREATE TABLE (…)` declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ItemKind {
    /// A column.
    Column {
        /// Its name.
        name: String,
        /// True for AUTO_INCREMENT.
        auto_increment: bool,
    },
    /// The primary key.
    PrimaryKey,
    /// A key WITHOUT OVERLAPS of periods.
    PeriodKey,
    /// A unique key.
    Unique,
    /// Any other index.
    Index,
    /// A foreign key.
    ForeignKey {
        /// The parent's database, if printed.
        database: Option<String>,
        /// The parent table.
        parent: String,
    },
    /// A check, a period, or anything unknown: it stays in the table.
    Other,
}

/// One line of `CREATE TABLE (…)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// What it declares.
    pub(super) kind: ItemKind,
    /// Its SQL.
    pub(super) sql: String,
}

/// A table in the pieces that are made one after the other.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// The table with its columns, primary key and checks.
    pub(super) bare: String,
    /// Its unique keys.
    pub(super) unique: Vec<Item>,
    /// Its other indexes.
    pub(super) index: Vec<Item>,
    /// Its keys WITHOUT OVERLAPS.
    pub(super) period: Vec<Item>,
    /// Its foreign keys.
    pub(super) foreign: Vec<Item>,
}

/// A `CREATE TABLE` taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CreateTable {
    /// Up to the opening parenthesis.
    head: String,
    /// What stands between the parentheses.
    pub(super) items: Vec<Item>,
    /// After the closing parenthesis, without the counter and file paths.
    options: String,
}

impl CreateTable {
    /// Takes a statement apart; `None` if it has no column list.
    pub(super) fn parse(sql: &str) -> Option<Self> {
        let all = tokens(sql);
        let open = all.iter().position(|token| token.is_symbol("("))?;
        let mut depth = 0;
        let mut items = Vec::new();
        let mut start = open + 1;
        for (at, token) in all.iter().enumerate().skip(open) {
            if token.is_symbol("(") {
                depth += 1;
            } else if token.is_symbol(")") {
                depth -= 1;
            }
            if depth == 0 || depth == 1 && token.is_symbol(",") {
                items.push(item(&all[start..at]));
                start = at + 1;
            }
            if depth == 0 {
                let head = join(&all[..open]).trim_end().to_owned();
                return Some(Self { head, items, options: portable_options(&all[at + 1..]) });
            }
        }
        None
    }

    /// Splits into the bare table, its unique keys, its other indexes and its foreign keys. The bare table
    /// keeps the index its AUTO_INCREMENT column cannot exist without.
    pub(super) fn split(self) -> Parts {
        let needed = self.counter_index();
        let mut inline = Vec::new();
        let mut parts = Parts::default();
        for (at, item) in self.items.into_iter().enumerate() {
            match item.kind {
                _ if Some(at) == needed => inline.push(item.sql),
                ItemKind::Unique => parts.unique.push(item),
                ItemKind::Index => parts.index.push(item),
                ItemKind::PeriodKey => parts.period.push(item),
                ItemKind::ForeignKey { .. } => parts.foreign.push(item),
                _ => inline.push(item.sql),
            }
        }
        parts.bare = format!("{} (\n  {}\n){}", self.head, inline.join(",\n  "), self.options);
        parts
    }

    /// The secondary index that must stay in the table for AUTO_INCREMENT.
    fn counter_index(&self) -> Option<usize> {
        let counter = self.items.iter().find_map(|item| match &item.kind {
            ItemKind::Column { name, auto_increment: true } => Some(name),
            _ => None,
        })?;
        let is_index = |item: &Item| {
            matches!(
                item.kind,
                ItemKind::PrimaryKey | ItemKind::PeriodKey | ItemKind::Unique | ItemKind::Index
            )
        };
        let leads = |item: &Item| is_index(item) && indexed_columns(&item.sql).first() == Some(counter);
        // MyISAM also numbers a later column of an index, per group.
        let holds = |item: &Item| is_index(item) && indexed_columns(&item.sql).contains(counter);
        let at = self.items.iter().position(leads).or_else(|| self.items.iter().position(holds))?;
        (self.items[at].kind != ItemKind::PrimaryKey).then_some(at)
    }
}

fn join(tokens: &[Token<'_>]) -> String {
    tokens.iter().map(|token| token.text).collect()
}

fn item(all: &[Token<'_>]) -> Item {
    let words: Vec<&Token<'_>> = all.iter().filter(|token| !token.is_blank()).collect();
    let is = |at: usize, word: &str| words.get(at).is_some_and(|token| token.is_word(word));
    // `CONSTRAINT name FOREIGN KEY …` and `CONSTRAINT FOREIGN KEY …`
    let body = if !is(0, "constraint") {
        0
    } else if words.get(1).is_some_and(|token| token.kind == Kind::Quoted) {
        2
    } else {
        1
    };
    let kind = if body == 0 && words.first().is_some_and(|token| token.kind == Kind::Quoted) {
        ItemKind::Column {
            name: words[0].name().unwrap_or_default(),
            auto_increment: words.iter().any(|token| token.is_word("auto_increment")),
        }
    } else if words.windows(2).any(|pair| pair[0].is_word("without") && pair[1].is_word("overlaps"))
        && (is(body, "primary") || is(body, "unique"))
    {
        ItemKind::PeriodKey
    } else if is(body, "primary") {
        ItemKind::PrimaryKey
    } else if is(body, "unique") {
        ItemKind::Unique
    } else if is(body, "foreign") {
        let at = words.iter().position(|token| token.is_word("references")).unwrap_or(words.len());
        let first = words.get(at + 1).and_then(|token| token.name()).unwrap_or_default();
        match words.get(at + 2).filter(|token| token.is_symbol(".")).and(words.get(at + 3)) {
            Some(parent) => {
                ItemKind::ForeignKey { database: Some(first), parent: parent.name().unwrap_or_default() }
            }
            None => ItemKind::ForeignKey { database: None, parent: first },
        }
    } else if is(body, "key") || is(body, "index") || is(body + 1, "key") || is(body + 1, "index") {
        // KEY, FULLTEXT KEY, SPATIAL KEY, VECTOR KEY
        ItemKind::Index
    } else {
        ItemKind::Other
    };
    Item { kind, sql: join(all).trim().to_owned() }
}

/// True for an index with an expression among its parts.
fn computes(sql: &str) -> bool {
    let all: Vec<Token<'_>> = tokens(sql).into_iter().filter(|token| !token.is_blank()).collect();
    all.windows(2).any(|pair| (pair[0].is_symbol("(") || pair[0].is_symbol(",")) && pair[1].is_symbol("("))
}

/// The name of an index, as the statement quotes it.
fn index_name(sql: &str) -> String {
    let all = tokens(sql);
    all.iter().find(|token| token.kind == Kind::Quoted).and_then(Token::name).unwrap_or_default()
}

/// The names of the plain columns of a key.
fn indexed_columns(sql: &str) -> Vec<String> {
    let all = tokens(sql);
    let open = all.iter().position(|token| token.is_symbol("(")).unwrap_or(all.len());
    let mut depth = 0;
    let mut columns = Vec::new();
    for token in &all[open..] {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
            if depth == 0 {
                break;
            }
        } else if depth == 1 && token.kind == Kind::Quoted {
            columns.extend(token.name());
        }
    }
    columns
}

/// Drops `AUTO_INCREMENT=17` (it tells how many rows the source has) and directories of the source's machine.
fn portable_options(all: &[Token<'_>]) -> String {
    let mut kept = String::new();
    let mut at = 0;
    while at < all.len() {
        let word = |offset: usize| all.get(at + offset);
        let is = |offset: usize, text: &str| word(offset).is_some_and(|token| token.is_word(text));
        let equals = |offset: usize| word(offset).is_some_and(|token| token.is_symbol("="));
        if is(0, "auto_increment") && equals(1) {
            at += 3;
        } else if (is(0, "data") || is(0, "index")) && is(2, "directory") && equals(3) {
            at += 5;
        } else {
            kept.push_str(all[at].text);
            at += 1;
            continue;
        }
        if all.get(at).is_some_and(|token| token.kind == Kind::Space) && kept.ends_with(char::is_whitespace) {
            at += 1;
        }
    }
    kept
}

/// How the statement begins that gives the current database its defaults.
pub(super) const ALTER_DATABASE: &str = "ALTER DATABASE ";

/// Says how to build the schema again.
pub(super) fn blueprint(catalog: &Catalog, schema: &Schema) -> (Blueprint, Vec<Finding>) {
    let mut builder = Builder { catalog, statements: Vec::new(), findings: Vec::new() };
    let (charset, collation) = &catalog.defaults;
    if !charset.is_empty() {
        let sql = format!("{ALTER_DATABASE}CHARACTER SET = {charset} COLLATE = {collation}");
        builder.push(Phase::Prepare, "database defaults".to_owned(), &sql).optional = true;
    }
    for (name, create) in &catalog.sequences {
        builder.push(Phase::Prepare, format!("sequence {name}"), create);
    }
    for (id, table) in schema.iter() {
        if let Some(found) = catalog.tables.iter().find(|found| found.name == table.name.name) {
            builder.table(id, &found.name, &found.create, schema);
        }
    }
    for fixture in &catalog.fixtures {
        builder.fixture(fixture, schema);
    }
    let Builder { mut statements, findings, .. } = builder;
    statements.sort_by_key(|statement| statement.phase);
    let blueprint =
        Blueprint { dialect: DialectName::MySql, statements, sequences: sequences(catalog, schema) };
    (blueprint, findings)
}

struct Builder<'a> {
    catalog: &'a Catalog,
    statements: Vec<Statement>,
    findings: Vec<Finding>,
}

impl Builder<'_> {
    fn push(&mut self, phase: Phase, object: String, sql: &str) -> &mut Statement {
        let sql = self.catalog.home.unqualify(sql);
        if self.catalog.home.still_names(&sql) {
            self.findings.push(Finding::warning(
                "names-its-database",
                format!("{object} may still name its database"),
            ));
        }
        self.statements.push(Statement { phase, object, table: None, parent: None, sql, optional: false });
        let last = self.statements.len() - 1;
        &mut self.statements[last]
    }

    fn table(&mut self, id: TableId, name: &str, create: &str, schema: &Schema) {
        let Some(parsed) = CreateTable::parse(create) else {
            let what = "its CREATE TABLE statement could not be read";
            self.findings
                .push(Finding::warning("unreadable-object", what).table(name).instead("kept as it is"));
            self.push(Phase::Table, format!("table {name}"), create).table = Some(id);
            return;
        };
        let Parts { bare, unique, index, period, foreign } = parsed.split();
        self.push(Phase::Table, format!("table {name}"), &bare).table = Some(id);
        // One ALTER per table and phase: the table is read once for all its indexes. FULLTEXT must come alone,
        // because InnoDB builds one such index per statement.
        for (phase, what, items) in [(Phase::Key, "unique keys", unique), (Phase::Index, "indexes", index)] {
            // So must one whose failure may cost no other: rows that it cannot be computed for are not a constraint's.
            let (computed, items): (Vec<_>, Vec<_>) = items
                .into_iter()
                .map(|item| item.sql)
                .partition(|sql| phase == Phase::Index && computes(sql));
            let (alone, together): (Vec<_>, Vec<_>) = items.into_iter().partition(|sql| {
                ["fulltext", "spatial", "vector"].iter().any(|kind| sql.to_lowercase().starts_with(kind))
            });
            if !together.is_empty() {
                let sql = format!("ALTER TABLE {} ADD {}", identifier(name), together.join(", ADD "));
                self.push(phase, format!("{what} of {name}"), &sql).table = Some(id);
            }
            for sql in computed {
                let object = format!("index {}", index_name(&sql));
                let sql = format!("ALTER TABLE {} ADD {sql}", identifier(name));
                let statement = self.push(phase, object, &sql);
                statement.table = Some(id);
                statement.optional = true;
            }
            for sql in alone {
                let sql = format!("ALTER TABLE {} ADD {sql}", identifier(name));
                self.push(phase, format!("index of {name}"), &sql).table = Some(id);
            }
        }
        for item in period {
            let sql = format!("ALTER TABLE {} ADD {}", identifier(name), item.sql);
            let statement = self.push(Phase::Key, format!("key of {name} without overlaps"), &sql);
            statement.table = Some(id);
            statement.optional = true;
        }
        for item in foreign {
            let ItemKind::ForeignKey { database, parent } = &item.kind else { continue };
            let inside = database.as_ref().is_none_or(|database| *database == self.catalog.home.database);
            // A parent outside the schema was already reported when the schema was lifted.
            let Some(parent_id) = schema.find(parent).filter(|_| inside) else { continue };
            let sql = format!("ALTER TABLE {} ADD {}", identifier(name), item.sql);
            let statement = self.push(Phase::ForeignKey, format!("foreign key of {name} to {parent}"), &sql);
            statement.table = Some(id);
            statement.parent = Some(parent_id);
        }
    }

    fn fixture(&mut self, fixture: &CatalogFixture, schema: &Schema) {
        let table = match fixture.table.as_deref() {
            None => None,
            Some(name) => match schema.find(name) {
                Some(id) => Some(id),
                None => return,
            },
        };
        let mut sql = without_definer(&fixture.create);
        if !fixture.settings.is_empty() {
            sql = under(&fixture.settings, &sql);
        }
        let object = format!("{} {}", fixture.kind.word().to_lowercase(), fixture.name);
        let statement = self.push(Phase::Finish, object, &sql);
        statement.table = table;
        statement.optional = true;
    }
}

/// Writes the session a statement asks for into a leading comment.
pub(super) fn under(settings: &[String], sql: &str) -> String {
    format!("/* dbsynth: {} */ {sql}", settings.join("; "))
}

/// The session a statement asks for in its leading comment (see [`under`]).
pub(super) fn wanted_settings(sql: &str) -> Vec<&str> {
    let comment = sql.strip_prefix("/* dbsynth: ").and_then(|rest| rest.split_once(" */"));
    comment.map(|(settings, _)| settings.split("; ").collect()).unwrap_or_default()
}

fn sequences(catalog: &Catalog, schema: &Schema) -> Vec<Sequence> {
    let mut found = Vec::new();
    for (table_id, table) in schema.iter() {
        for (column_id, column) in table.iter() {
            if column.auto_increment {
                let name = identifier(&table.name.name);
                found.push(Sequence { name, table: table_id, column: column_id });
            } else if let Some(sequence) =
                column.default.as_deref().and_then(|default| sequence_in(catalog, default))
            {
                found.push(Sequence { name: identifier(sequence), table: table_id, column: column_id });
            }
        }
    }
    found
}

/// The sequence a `nextval(…)` default draws from.
fn sequence_in<'a>(catalog: &'a Catalog, default: &str) -> Option<&'a str> {
    let all = tokens(default);
    let at = all.iter().position(|token| token.is_word("nextval"))?;
    let named: Vec<String> = all[at + 1..].iter().filter_map(Token::name).collect();
    catalog
        .sequences
        .iter()
        .map(|(name, _)| name.as_str())
        .find(|name| named.iter().any(|found| found == name))
}
