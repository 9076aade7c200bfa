//! Yesterday's copy is set aside, not dropped: readers go on reading it until the new one is committed.
//!
//! `ALTER SCHEMA … RENAME` locks the schema's name and none of its tables. Other sessions see the old name until the
//! commit; only then are the old tables dropped, and only then must somebody wait.

use std::collections::BTreeSet;

use serde::Deserialize;
use sqlx::PgConnection;

use super::{
    room::MadeObject,
    server::{ask, run},
    sql::{literal, quote},
};
use crate::db::DbError;

/// A schema, and what a new one of its name needs.
#[derive(Debug, Clone, Deserialize)]
struct Namespace {
    name: String,
    quoted: String,
    owner: String,
    comment: Option<String>,
    /// The role may rename it, and nothing stands in it that would not come along.
    movable: bool,
    grants: Vec<String>,
    extensions: Vec<String>,
}

/// Renames the schemas of the objects that are to go, if all else in those schemas can stay with them or come back.
/// Returns the new quoted names; none if the objects must be dropped at once.
pub(super) async fn set_aside(
    connection: &mut PgConnection,
    going: &[MadeObject],
    staying: &BTreeSet<MadeObject>,
) -> Result<Vec<String>, DbError> {
    let all: Vec<Namespace> = ask(connection, include_str!("catalog/aside.sql")).await?;
    let inside = |object: &MadeObject, namespace: &Namespace| {
        object.identity.strip_prefix(&namespace.quoted).is_some_and(|rest| rest.starts_with('.'))
    };
    let chosen: Vec<&Namespace> =
        all.iter().filter(|namespace| going.iter().any(|object| inside(object, namespace))).collect();
    let homeless = |object: &&MadeObject| {
        object.is_below_a_schema() && !chosen.iter().any(|namespace| inside(object, namespace))
    };
    let mixed = staying.iter().any(|object| chosen.iter().any(|namespace| inside(object, namespace)));
    let movable = chosen.iter().all(|namespace| namespace.movable);
    if chosen.is_empty() || mixed || !movable || going.iter().any(|object| homeless(&object)) {
        return Ok(Vec::new());
    }
    let doing = "setting the old copy aside";
    run(connection, "SAVEPOINT dbsynth_aside", doing).await?;
    match rename(connection, &chosen, doing).await {
        Ok(aside) => {
            run(connection, "RELEASE SAVEPOINT dbsynth_aside", doing).await?;
            Ok(aside)
        }
        Err(error) => {
            tracing::debug!(%error, "the old copy is dropped before the load, not after it");
            let undo = "ROLLBACK TO SAVEPOINT dbsynth_aside; RELEASE SAVEPOINT dbsynth_aside";
            run(connection, undo, doing).await?;
            Ok(Vec::new())
        }
    }
}

async fn rename(
    connection: &mut PgConnection,
    chosen: &[&Namespace],
    doing: &str,
) -> Result<Vec<String>, DbError> {
    let mut aside = Vec::new();
    for (number, namespace) in chosen.iter().enumerate() {
        let Namespace { name, quoted, owner, comment, grants, extensions, .. } = namespace;
        let old = quote(&format!("__dbsynth_old_{number}"));
        run(connection, &format!("ALTER SCHEMA {quoted} RENAME TO {old}"), doing).await?;
        aside.push(old);
        // Any other schema is made by the load, if it is still wanted.
        if name != "public" && extensions.is_empty() {
            continue;
        }
        run(connection, &format!("CREATE SCHEMA {quoted} AUTHORIZATION {owner}"), doing).await?;
        for statement in grants.iter().chain(extensions) {
            run(connection, statement, doing).await?;
        }
        if let Some(comment) = comment {
            run(connection, &format!("COMMENT ON SCHEMA {quoted} IS {}", literal(comment)), doing).await?;
        }
    }
    Ok(aside)
}

/// Drops what was set aside, at the end of the load.
pub(super) async fn drop_aside(connection: &mut PgConnection, aside: &[String]) -> Result<(), DbError> {
    for schema in aside {
        run(connection, &format!("DROP SCHEMA {schema} CASCADE"), "removing the old copy").await?;
    }
    Ok(())
}
