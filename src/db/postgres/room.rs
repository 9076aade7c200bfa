//! What the target holds, which of it dbsynth made, and how room is made for a new copy.
//!
//! The marker is the table `_dbsynth.made`: every object dbsynth left there, so that a later run
//! removes those and nothing else. Extensions are always kept.

use std::collections::BTreeSet;

use serde::Deserialize;
use sqlx::PgConnection;

use super::{
    server::{ask, run, scalar},
    sql::literal,
};
use crate::{
    db::{DbError, Inventory},
    schema::TableName,
};

/// Version of the marker's form.
const MARKER_VERSION: u32 = 1;
/// Objects per statement when the marker is written.
const MARKER_ROWS: usize = 1000;

/// An object and the word that drops it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(super) struct MadeObject {
    /// `TABLE`, `VIEW`, `TYPE` …
    kind: String,
    /// Its quoted, qualified name (with argument types for functions).
    identity: String,
}

#[derive(Deserialize)]
struct Present {
    namespace: String,
    name: String,
    qualified: String,
    is_partition: bool,
}

/// Lists tables and views, and says if the marker names them all.
pub(super) async fn inventory(connection: &mut PgConnection) -> Result<Inventory, DbError> {
    let present: Vec<Present> = ask(connection, include_str!("catalog/relations.sql")).await?;
    let made = marked(connection).await?;
    let own: Vec<&Present> = present.iter().filter(|row| !row.is_partition).collect();
    let names: BTreeSet<&str> = made.iter().flatten().map(|object| object.identity.as_str()).collect();
    Ok(Inventory {
        ignores_case: false,
        made_by_dbsynth: made.is_some() && own.iter().all(|row| names.contains(row.qualified.as_str())),
        tables: own.iter().map(|row| TableName::qualified(&row.namespace, &row.name)).collect(),
    })
}

/// Lists every user-made object that is no part of an extension, tables first.
pub(super) async fn objects(connection: &mut PgConnection) -> Result<Vec<MadeObject>, DbError> {
    ask(connection, include_str!("catalog/made_objects.sql")).await
}

/// Removes what would be in the way: only marked objects if the marker names every table; nothing from a
/// database without tables or marker, since nobody was asked about its functions and types; else everything
/// user-made (the caller has checked that this is wanted). Returns what stays.
pub(super) async fn clear(connection: &mut PgConnection) -> Result<BTreeSet<MadeObject>, DbError> {
    let doing = "making room in the target";
    let held = inventory(connection).await?;
    let marked = marked(connection).await?;
    let mut present = objects(connection).await?;
    if held.made_by_dbsynth {
        let marked: BTreeSet<MadeObject> = marked.into_iter().flatten().collect();
        present.retain(|object| marked.contains(object));
    } else if held.tables.is_empty() {
        present.clear();
    }
    for object in &present {
        let sql = format!("DROP {} IF EXISTS {} CASCADE", object.kind, object.identity);
        run(connection, &sql, doing).await?;
    }
    run(connection, "DROP SCHEMA IF EXISTS _dbsynth CASCADE", doing).await?;
    Ok(objects(connection).await?.into_iter().collect())
}

/// Writes the marker: everything present but what was there before.
pub(super) async fn mark(
    connection: &mut PgConnection,
    before: &BTreeSet<MadeObject>,
) -> Result<(), DbError> {
    let doing = "leaving the marker";
    let create = format!(
        "CREATE SCHEMA _dbsynth; \
         CREATE TABLE _dbsynth.made (kind text NOT NULL, identity text NOT NULL, version int NOT NULL DEFAULT {MARKER_VERSION}); \
         COMMENT ON SCHEMA _dbsynth IS 'What dbsynth made in this database; dbsynth replaces it at its next run.'"
    );
    run(connection, &create, doing).await?;
    let made = objects(connection).await?;
    let rows: Vec<String> = made
        .iter()
        .filter(|object| !before.contains(object))
        .map(|object| format!("({}, {})", literal(&object.kind), literal(&object.identity)))
        .collect();
    for chunk in rows.chunks(MARKER_ROWS) {
        let sql = format!("INSERT INTO _dbsynth.made (kind, identity) VALUES {}", chunk.join(", "));
        run(connection, &sql, doing).await?;
    }
    Ok(())
}

/// Reads the marker, if there is one.
async fn marked(connection: &mut PgConnection) -> Result<Option<Vec<MadeObject>>, DbError> {
    let question = "SELECT pg_catalog.to_regclass('_dbsynth.made') IS NOT NULL";
    if !scalar::<bool>(connection, question, "looking for the marker").await? {
        return Ok(None);
    }
    ask(connection, "SELECT kind, identity FROM _dbsynth.made").await.map(Some)
}
