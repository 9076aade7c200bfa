//! Reads the catalog: one query per question for all tables, and the `SHOW CREATE` text of each object.

use std::collections::BTreeSet;

use crate::{
    db::{DbError, DbErrorKind},
    finding::Finding,
};

use super::{
    grants,
    server::{Connection, Record},
    sql::{Fixture, Home, identifier, literal},
};

/// The table in which dbsynth notes what it made.
pub(super) const MARKER: &str = "_dbsynth";

/// Engines whose tables hold no rows of their own: reading them would read rows twice, or elsewhere.
const BORROWING_ENGINES: [&str; 4] = ["MRG_MYISAM", "FEDERATED", "BLACKHOLE", "SPIDER"];

/// Engines that ignore transactions.
const SNAPSHOTLESS_ENGINES: [&str; 5] = ["MYISAM", "ARIA", "MEMORY", "CSV", "ARCHIVE"];

/// A table and the statement that makes it.
#[derive(Debug, Clone)]
pub(super) struct CatalogTable {
    /// Its name.
    pub(super) name: String,
    /// `SHOW CREATE TABLE`.
    pub(super) create: String,
    /// The server's estimate of its rows.
    pub(super) estimated_rows: Option<u64>,
}

/// A view, trigger, routine or event.
#[derive(Debug, Clone)]
pub(super) struct CatalogFixture {
    /// What it is.
    pub(super) kind: Fixture,
    /// Its name.
    pub(super) name: String,
    /// The table of a trigger.
    pub(super) table: Option<String>,
    /// The statement that makes it, as the server prints it.
    pub(super) create: String,
    /// Assignments to session variables under which it was made: they are kept with it and change what it does.
    pub(super) settings: Vec<String>,
}

/// Everything the catalog says, as rows.
#[derive(Debug, Clone)]
pub(super) struct Catalog {
    /// True for MariaDB, whose catalog does not escape expressions and quotes defaults.
    pub(super) mariadb: bool,
    /// Names to recognise in SQL.
    pub(super) home: Home,
    /// The database's own character set and collation: those of parameters and variables that name none.
    pub(super) defaults: (String, String),
    /// Base tables, sorted by name.
    pub(super) tables: Vec<CatalogTable>,
    /// MariaDB sequences and the statements that make them.
    pub(super) sequences: Vec<(String, String)>,
    /// Views (dependencies first), triggers, routines, events.
    pub(super) fixtures: Vec<CatalogFixture>,
    /// Rows of `catalog/columns.sql`.
    pub(super) columns: Vec<Record>,
    /// Rows of `catalog/spatial_mysql.sql`.
    pub(super) spatial: Vec<Record>,
    /// Rows of `catalog/keys_*.sql`.
    pub(super) keys: Vec<Record>,
    /// Rows of `catalog/foreign_keys.sql`.
    pub(super) foreign_keys: Vec<Record>,
    /// Rows of `catalog/checks_*.sql`.
    pub(super) checks: Vec<Record>,
    /// What could not be read.
    pub(super) findings: Vec<Finding>,
}

/// Reads the catalog of the connection's database.
pub(super) fn read(connection: &mut Connection) -> Result<Catalog, DbError> {
    let mariadb = connection.server.mariadb;
    let mut findings = Vec::new();
    let mut tables = Vec::new();
    let mut sequences = Vec::new();
    let mut objects = BTreeSet::new();
    for row in connection.records(include_str!("catalog/tables.sql"))? {
        let name = row.text("name");
        if name == MARKER {
            continue;
        }
        objects.insert(name.clone());
        let engine = row.text("engine").to_uppercase();
        match row.text("kind").as_str() {
            "BASE TABLE" | "SYSTEM VERSIONED" if BORROWING_ENGINES.contains(&engine.as_str()) => {
                let what = format!("its engine {engine} keeps no rows of its own");
                findings.push(Finding::warning("unsupported-engine", what).table(&name).instead("left out"));
            }
            "BASE TABLE" | "SYSTEM VERSIONED" => {
                if SNAPSHOTLESS_ENGINES.contains(&engine.as_str()) {
                    let what = format!("its engine {engine} has no snapshots");
                    let instead =
                        "read as it is at that moment; foreign keys may dangle if it is being written";
                    findings.push(Finding::note("no-snapshot", what).table(&name).instead(instead));
                }
                if row.text("kind") == "SYSTEM VERSIONED" {
                    let what = "keeps the history of its rows";
                    let instead =
                        "only the rows of this moment are learned from; the copy begins a history of its own";
                    findings.push(Finding::note("history-not-copied", what).table(&name).instead(instead));
                }
                // SHOW CREATE TABLE is content with any right on the table, also one that reads nothing.
                let readable = connection.run(&format!("SELECT 1 FROM {} LIMIT 0", identifier(&name)));
                let shown = readable
                    .and_then(|_| connection.one(&format!("SHOW CREATE TABLE {}", identifier(&name))));
                let create = match shown {
                    Err(error) if error.kind == DbErrorKind::Permission => {
                        findings.push(
                            Finding::warning("unreadable-table", "the login may not select from it")
                                .table(&name)
                                .instead("left out")
                                .remedy("grant SELECT on the whole table"),
                        );
                        continue;
                    }
                    answer => answer?,
                };
                let estimated_rows = row.optional("estimated_rows").and_then(|rows| rows.parse().ok());
                let create = create.nth(1).unwrap_or_default();
                tables.push(CatalogTable { name, create, estimated_rows });
            }
            "SEQUENCE" => {
                let create = connection.one(&format!("SHOW CREATE SEQUENCE {}", identifier(&name)))?;
                sequences.push((name, create.nth(1).unwrap_or_default()));
            }
            _ => {}
        }
    }
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    findings.extend(grants::unseen(connection)?);
    let fixtures = fixtures(connection, &mut findings)?;
    objects.extend(fixtures.iter().map(|fixture| fixture.name.clone()));
    let home = Home {
        database: connection.server.database.clone(),
        objects,
        ignore_case: connection.server.ignore_case,
    };
    let keys = if mariadb {
        include_str!("catalog/keys_mariadb.sql")
    } else {
        include_str!("catalog/keys_mysql.sql")
    };
    let checks = if mariadb {
        include_str!("catalog/checks_mariadb.sql")
    } else {
        include_str!("catalog/checks_mysql.sql")
    };
    let defaults = connection
        .one("SELECT @@character_set_database AS charset, @@collation_database AS collation_name")?;
    Ok(Catalog {
        mariadb,
        home,
        defaults: (defaults.text("charset"), defaults.text("collation_name")),
        tables,
        sequences,
        fixtures,
        columns: connection.records(include_str!("catalog/columns.sql"))?,
        spatial: if mariadb {
            Vec::new()
        } else {
            connection.records(include_str!("catalog/spatial_mysql.sql"))?
        },
        keys: connection.records(keys)?,
        foreign_keys: connection.records(include_str!("catalog/foreign_keys.sql"))?,
        checks: connection.records(checks)?,
        findings,
    })
}

/// Reads views, triggers, routines and events of the current database; what may not be read is a finding.
pub(super) fn fixtures(
    connection: &mut Connection,
    findings: &mut Vec<Finding>,
) -> Result<Vec<CatalogFixture>, DbError> {
    let mut wanted: Vec<(Fixture, String, Option<String>)> = Vec::new();
    for row in connection.records(include_str!("catalog/routines.sql"))? {
        match row.text("kind").as_str() {
            "FUNCTION" => wanted.push((Fixture::Function, row.text("name"), None)),
            "PROCEDURE" => wanted.push((Fixture::Procedure, row.text("name"), None)),
            kind => findings.push(
                Finding::warning(
                    "unsupported-object",
                    format!("{} {} is not copied", kind.to_lowercase(), row.text("name")),
                )
                .instead("left out"),
            ),
        }
    }
    for row in connection.records(include_str!("catalog/tables.sql"))? {
        if row.text("kind") == "VIEW" {
            wanted.push((Fixture::View, row.text("name"), None));
        }
    }
    for row in connection.records(include_str!("catalog/triggers.sql"))? {
        wanted.push((Fixture::Trigger, row.text("name"), row.optional("table_name")));
    }
    for row in connection.records(include_str!("catalog/events.sql"))? {
        wanted.push((Fixture::Event, row.text("name"), None));
    }
    let mut found = Vec::new();
    for (kind, name, table) in wanted {
        let answer = connection.one(&format!("SHOW CREATE {} {}", kind.word(), identifier(&name)));
        let create = answer.as_ref().ok().and_then(|row| definition(kind, row));
        let Some(create) = create else {
            let what = format!("the definition of {} {name} cannot be read", kind.word().to_lowercase());
            findings.push(Finding::warning("unreadable-object", what).instead("left out").remedy(
                "it may be invalid, or the login lacks a grant such as SHOW VIEW, TRIGGER or SHOW_ROUTINE",
            ));
            continue;
        };
        let settings = answer.map(|row| made_under(&row)).unwrap_or_default();
        found.push(CatalogFixture { kind, name, table, create, settings });
    }
    Ok(views_in_order(found))
}

fn definition(kind: Fixture, row: &Record) -> Option<String> {
    row.optional(match kind {
        Fixture::View => "Create View",
        Fixture::Trigger => "SQL Original Statement",
        Fixture::Procedure => "Create Procedure",
        Fixture::Function => "Create Function",
        Fixture::Event => "Create Event",
    })
}

/// The session an object was made in, as far as the server keeps it with the object: a routine runs in its own
/// `sql_mode`, an event by its own clock, and literals compare in their own collation.
fn made_under(row: &Record) -> Vec<String> {
    [
        row.optional("sql_mode").map(|mode| format!("sql_mode = {}", literal(&mode))),
        row.optional("time_zone").map(|zone| format!("time_zone = {}", literal(&zone))),
        // Whatever character set the text travels in: the server turns literals into that of the collation.
        row.optional("collation_connection").map(|name| format!("collation_connection = {name}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Puts views after the views they read, leaving everything else where it is.
fn views_in_order(fixtures: Vec<CatalogFixture>) -> Vec<CatalogFixture> {
    let (mut views, mut others): (Vec<_>, Vec<_>) =
        fixtures.into_iter().partition(|fixture| fixture.kind == Fixture::View);
    let first_trigger = others
        .iter()
        .position(|fixture| !matches!(fixture.kind, Fixture::Function | Fixture::Procedure))
        .unwrap_or(others.len());
    let mut ordered: Vec<CatalogFixture> = Vec::new();
    while !views.is_empty() {
        let names: BTreeSet<String> = views.iter().map(|view| view.name.clone()).collect();
        let reads_pending = |view: &CatalogFixture| {
            super::lex::tokens(&view.create)
                .iter()
                .filter_map(super::lex::Token::name)
                .any(|name| name != view.name && names.contains(&name))
        };
        let (ready, waiting): (Vec<_>, Vec<_>) = views.into_iter().partition(|view| !reads_pending(view));
        if ready.is_empty() {
            // Names alone cannot tell (a column called like a view); keep the catalog's order.
            ordered.extend(waiting);
            break;
        }
        ordered.extend(ready);
        views = waiting;
    }
    let tail = others.split_off(first_trigger);
    others.extend(ordered);
    others.extend(tail);
    others
}
