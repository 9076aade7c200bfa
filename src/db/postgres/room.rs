//! What the target holds, which of it dbsynth made, and how room is made for a new copy.
//!
//! The marker is the table `_dbsynth.made`: every object dbsynth left there, so that a later run
//! removes those and nothing else. Extensions are always kept.

use std::collections::BTreeSet;

use serde::Deserialize;
use sqlx::PgConnection;

use super::{
    aside::set_aside,
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
    pub(super) identity: String,
}

impl MadeObject {
    /// True if it lives in a schema and goes where the schema goes.
    pub(super) fn is_below_a_schema(&self) -> bool {
        !matches!(self.kind.as_str(), "SCHEMA" | "CAST" | "EVENT TRIGGER")
    }

    /// True if it is gone once its schema has another name.
    fn goes_with_its_schema(&self) -> bool {
        self.is_below_a_schema() || self.kind == "SCHEMA"
    }
}

/// What [`clear`] left.
#[derive(Debug, Default)]
pub(super) struct Cleared {
    /// Objects that stay.
    pub(super) kept: BTreeSet<MadeObject>,
    /// Schemas that hold the old copy until the end of the load.
    pub(super) aside: Vec<String>,
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
/// user-made (the caller has checked that this is wanted). Where it can, it sets whole schemas aside instead, for
/// [`super::aside::drop_aside`] to drop at the end.
pub(super) async fn clear(connection: &mut PgConnection) -> Result<Cleared, DbError> {
    let doing = "making room in the target";
    let held = inventory(connection).await?;
    let marked = marked(connection).await?;
    let mut going = objects(connection).await?;
    let all: BTreeSet<MadeObject> = going.iter().cloned().collect();
    if held.made_by_dbsynth {
        let marked: BTreeSet<MadeObject> = marked.into_iter().flatten().collect();
        going.retain(|object| marked.contains(object));
    } else if held.tables.is_empty() {
        going.clear();
    }
    let mut kept = all;
    kept.retain(|object| !going.contains(object));
    let aside = set_aside(connection, &going, &kept).await?;
    for object in going.iter().filter(|object| aside.is_empty() || !object.goes_with_its_schema()) {
        let sql = format!("DROP {} IF EXISTS {} CASCADE", object.kind, object.identity);
        run(connection, &sql, doing).await?;
    }
    run(connection, "DROP SCHEMA IF EXISTS _dbsynth CASCADE", doing).await?;
    if aside.is_empty() {
        // A CASCADE may have taken more.
        kept = objects(connection).await?.into_iter().collect();
    }
    Ok(Cleared { kept, aside })
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
