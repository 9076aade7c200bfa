//! How to build the file again: settings of the file, tables as they were written, indexes, then views and
//! triggers, which must not fire during the load.

use super::{
    catalog::{RawObject, RawTable},
    ddl,
    lift::{Measured, is_rowid_alias},
    server::Connection,
    sql::identifier,
};
use crate::{
    db::{Blueprint, DbError, Phase, Sequence, Statement},
    schema::{ColumnId, DialectName, Schema, TableId},
};

/// Settings kept in the file's header that the copy should share, with SQLite's own value.
const SETTINGS: [(&str, &str); 5] = [
    ("encoding", "UTF-8"),
    ("page_size", "4096"),
    ("auto_vacuum", "0"),
    ("user_version", "0"),
    ("application_id", "0"),
];

/// Reads the settings of the file as statements.
pub(super) fn settings(connection: &mut Connection) -> Result<Vec<Statement>, DbError> {
    let mut statements = Vec::new();
    for (name, usual) in SETTINGS {
        let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
        let values = connection.texts("cannot read the settings of the file", &sql)?;
        if let Some(value) = values.into_iter().find(|value| value != usual) {
            let quoted = if value.chars().all(|c| c.is_ascii_digit() || c == '-') {
                value
            } else {
                format!("'{value}'")
            };
            statements.push(statement(
                Phase::Prepare,
                &format!("setting {name}"),
                None,
                format!("PRAGMA {name} = {quoted}"),
            ));
        }
    }
    Ok(statements)
}

/// Builds the blueprint. `schema` and `measured` hold the same tables in the same order; `derived` are virtual tables
/// that hold no rows of their own, with the table they are computed from.
pub(super) fn blueprint(
    schema: &Schema,
    measured: &[Measured],
    derived: Vec<(RawTable, Option<String>)>,
    objects: Vec<RawObject>,
    settings: Vec<Statement>,
) -> Blueprint {
    let mut statements = settings;
    let mut sequences = Vec::new();
    for (index, Measured { raw, .. }) in measured.iter().enumerate() {
        let id = Some(TableId(index));
        statements.push(statement(Phase::Table, &format!("table {}", raw.name), id, raw.sql.clone()));
        sequences.extend(sequence(raw, TableId(index)));
        for key in &raw.indexes {
            let Some(sql) = &key.sql else { continue };
            let understood =
                schema.table(TableId(index)).unique_keys.iter().any(|known| known.name == key.name);
            statements.push(Statement {
                // A unique index the generator could not read may be broken by its rows, and an expression
                // may call a function only the application has.
                optional: !key.unique
                    || !understood
                    || key.partial
                    || key.parts.iter().any(|part| part.0 < 0),
                ..statement(
                    if key.unique { Phase::Key } else { Phase::Index },
                    &format!("index {}", key.name),
                    id,
                    sql.clone(),
                )
            });
        }
    }
    for (raw, content) in derived {
        let id = content.as_ref().and_then(|content| {
            schema.tables.iter().position(|table| table.name.name.eq_ignore_ascii_case(content)).map(TableId)
        });
        let object = format!("virtual table {}", raw.name);
        let name = identifier(&raw.name);
        // A column called like the table takes commands.
        let rebuild = content.map(|_| format!("INSERT INTO {name} ({name}) VALUES ('rebuild')"));
        for sql in std::iter::once(raw.sql).chain(rebuild) {
            statements.push(Statement { optional: true, ..statement(Phase::Finish, &object, id, sql) });
        }
    }
    let (views, triggers): (Vec<_>, Vec<_>) = objects.into_iter().partition(|object| object.kind == "view");
    for object in in_order(views).into_iter().chain(triggers) {
        let table =
            schema.tables.iter().position(|table| table.name.name.eq_ignore_ascii_case(&object.table));
        let table = table.filter(|_| object.kind == "trigger").map(TableId);
        let name = format!("{} {}", object.kind, object.name);
        statements.push(Statement { optional: true, ..statement(Phase::Finish, &name, table, object.sql) });
    }
    statements.sort_by_key(|statement| statement.phase);
    Blueprint { dialect: DialectName::Sqlite, statements, sequences }
}

/// Views after the views they may mention: SQLite lets them be made in any order, but one can only be
/// tried out once those below it are there.
fn in_order(views: Vec<RawObject>) -> Vec<RawObject> {
    let names: Vec<String> = views.iter().map(|view| view.name.to_lowercase()).collect();
    let mut waiting: Vec<(Vec<String>, RawObject)> = Vec::with_capacity(views.len());
    for view in views {
        let own = view.name.to_lowercase();
        let mentions = ddl::words(&view.sql).into_iter().filter(|word| *word != own && names.contains(word));
        waiting.push((mentions.collect(), view));
    }
    let mut done: Vec<RawObject> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = |mentions: &[String]| {
            mentions.iter().all(|name| done.iter().any(|view| view.name.eq_ignore_ascii_case(name)))
        };
        // Views that mention each other are broken in the source as well: any order will do.
        let at = waiting.iter().position(|(mentions, _)| ready(mentions)).unwrap_or(0);
        done.push(waiting.remove(at).1);
    }
    done
}

fn sequence(raw: &RawTable, table: TableId) -> Option<Sequence> {
    let counted = ddl::words(&raw.sql).iter().any(|word| word == "autoincrement");
    let column = raw.columns.iter().position(|column| column.key_position == 1)?;
    (counted && is_rowid_alias(raw, column)).then(|| Sequence {
        name: identifier(&raw.name),
        table,
        column: ColumnId(column),
    })
}

fn statement(phase: Phase, object: &str, table: Option<TableId>, sql: String) -> Statement {
    Statement { phase, object: object.to_owned(), table, parent: None, sql, optional: false }
}
