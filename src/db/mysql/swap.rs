//! The last step of a load: everything built beside the target takes its place, in one `RENAME TABLE`.

use crate::db::{DbError, DbErrorKind};

use super::{
    catalog::{self, MARKER},
    ddl::{CreateTable, ItemKind},
    server::Connection,
    sink::{Later, MARKER_COLUMNS, make},
    sql::{Fixture, Home, identifier, literal},
    user_sql::leave_note,
};

/// Tables (and sequences) of the current database, marker included.
pub(super) fn tables(connection: &mut Connection) -> Result<Vec<String>, DbError> {
    let found = connection.records(include_str!("catalog/tables.sql"))?;
    Ok(found.iter().filter(|row| row.text("kind") != "VIEW").map(|row| row.text("name")).collect())
}

/// Drops a database that an earlier run left behind; refuses to drop any other.
pub(super) fn drop_if_ours(connection: &mut Connection, database: &str) -> Result<(), DbError> {
    let found = connection.records(&format!(
        "SELECT TABLE_NAME AS name, TABLE_TYPE AS kind FROM information_schema.TABLES WHERE TABLE_SCHEMA = {}",
        literal(database)
    ))?;
    // A run that died right after the exchange leaves nothing but views behind: the marker moved with the tables.
    let holds_rows = found.iter().any(|row| row.text("kind") != "VIEW");
    if holds_rows && !found.iter().any(|row| row.text("name") == MARKER) {
        let text = format!("the database {database} is in the way, and dbsynth did not make it");
        return Err(DbError::new(DbErrorKind::Refused, text));
    }
    match connection
        .run_as("drop a stale side database", &format!("DROP DATABASE IF EXISTS {}", identifier(database)))
    {
        Err(error) if found.is_empty() && error.kind == DbErrorKind::Permission => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Notes in the marker what this load made.
pub(super) fn mark(connection: &mut Connection, later: &[Later], note: Option<&str>) -> Result<(), DbError> {
    let version = literal(env!("CARGO_PKG_VERSION"));
    let views = later.iter().filter(|later| later.kind == Fixture::View).map(|later| later.name.clone());
    let names: Vec<String> =
        tables(connection)?.into_iter().filter(|name| name != MARKER).chain(views).collect();
    let marker = identifier(MARKER);
    connection.run(&format!("DELETE FROM {marker}"))?;
    for chunk in names.chunks(500) {
        let rows: Vec<String> = chunk.iter().map(|name| format!("({}, {version})", literal(name))).collect();
        connection.run(&format!("INSERT IGNORE INTO {marker} (name, version) VALUES {}", rows.join(", ")))?;
    }
    match note {
        Some(note) => leave_note(connection, note),
        None => Ok(()),
    }
}

/// Empties the current database of what a failed load in place made.
pub(super) fn drop_everything(connection: &mut Connection) -> Result<(), DbError> {
    let found = connection.records(include_str!("catalog/tables.sql"))?;
    for row in found {
        let kind = match row.text("kind").as_str() {
            "VIEW" => "VIEW",
            "SEQUENCE" => "SEQUENCE",
            _ => "TABLE",
        };
        connection.run(&format!("DROP {kind} IF EXISTS {}", identifier(&row.text("name"))))?;
    }
    Ok(())
}

fn drop_fixture(connection: &mut Connection, kind: Fixture, name: &str) -> Result<(), DbError> {
    connection
        .run_as("replace the old copy", &format!("DROP {} IF EXISTS {}", kind.word(), identifier(name)))?;
    Ok(())
}

/// Moves the old tables of `target` to `trash` and those of `side` to `target`, in one statement: readers
/// see either all old or all new tables. Triggers of the old copy cannot move; they are dropped just before, and
/// made again if the server refuses the move. Views stay: they read the new tables from then on, so that none is
/// missing at any moment. Returns those that the new copy does not have.
pub(super) fn swap(
    connection: &mut Connection,
    side: &str,
    target: &str,
    trash: &str,
    later: &[Later],
) -> Result<Vec<String>, DbError> {
    let mut unreadable = Vec::new();
    // Triggers forbid a table to leave its database.
    for fixture in catalog::fixtures(connection, &mut unreadable)? {
        if fixture.kind == Fixture::Trigger {
            drop_fixture(connection, Fixture::Trigger, &fixture.name)?;
        }
    }
    let new_tables = tables(connection)?;
    let enter = |database: &str| format!("USE {}", identifier(database));
    connection.run(&enter(target))?;
    let old_tables = tables(connection)?;
    let old_fixtures = catalog::fixtures(connection, &mut unreadable)?;
    connection
        .run_as("create a database for the old copy", &format!("CREATE DATABASE {}", identifier(trash)))?;
    if !old_tables.iter().any(|name| name == MARKER) {
        let marker = format!("{}.{}", identifier(trash), identifier(MARKER));
        connection.run(&format!("CREATE TABLE {marker} {MARKER_COLUMNS}"))?;
    }
    let fold = connection.server.ignore_case;
    let same = |one: &str, other: &str| one == other || fold && one.to_lowercase() == other.to_lowercase();
    let in_the_way = |fixture: &catalog::CatalogFixture| match fixture.kind {
        Fixture::Trigger => true,
        Fixture::View => new_tables.iter().any(|name| same(name, &fixture.name)),
        _ => false,
    };
    let mut moved = old_fixtures
        .iter()
        .filter(|fixture| in_the_way(fixture))
        .try_for_each(|fixture| drop_fixture(connection, fixture.kind, &fixture.name));
    if moved.is_ok() {
        let step = |from: &str, to: &str, name: &String| {
            let name = identifier(name);
            format!("{}.{name} TO {}.{name}", identifier(from), identifier(to))
        };
        let mut steps: Vec<String> = old_tables.iter().map(|name| step(target, trash, name)).collect();
        steps.extend(new_tables.iter().map(|name| step(side, target, name)));
        let sql = format!("RENAME TABLE {}", steps.join(", "));
        moved = connection.run_as("move the new tables into place", &sql).map(|_| ());
    }
    if let Err(error) = moved {
        for fixture in old_fixtures.iter().filter(|fixture| in_the_way(fixture)) {
            if let Err(lost) = connection.run(&fixture.create) {
                tracing::warn!(object = %fixture.name, error = %lost, "could not restore an object of the old copy");
            }
        }
        connection.run(&format!("DROP DATABASE IF EXISTS {}", identifier(trash)))?;
        return Err(error);
    }
    let wanted = |name: &str| later.iter().any(|new| new.kind == Fixture::View && same(&new.name, name));
    let views = old_fixtures.iter().filter(|old| old.kind == Fixture::View && !in_the_way(old));
    Ok(views.map(|old| old.name.clone()).filter(|name| !wanted(name)).collect())
}

/// Drops views that only the old copy had.
pub(super) fn drop_views(connection: &mut Connection, views: &[String]) -> Result<(), DbError> {
    views.iter().try_for_each(|name| drop_fixture(connection, Fixture::View, name))
}

/// Makes the views, triggers, routines and events in the target. All but events have been tried before, so a
/// refusal here is rare; the tables are in place already, so it is reported and the rest goes on.
pub(super) fn finish(connection: &mut Connection, later: &[Later]) -> Result<(), DbError> {
    let mut refused = Vec::new();
    for object in later {
        let sql = if object.kind == Fixture::View {
            // The old copy's stands until then.
            object.sql.replacen("CREATE ", "CREATE OR REPLACE ", 1)
        } else {
            drop_fixture(connection, object.kind, &object.name)?;
            object.sql.clone()
        };
        if let Err(error) = make(connection, &sql) {
            tracing::warn!(object = %object.name, %error, "could not make an object in the target");
            refused.push((object, error));
        }
    }
    match refused.into_iter().find(|(object, _)| object.kind != Fixture::Event) {
        None => Ok(()),
        Some((object, error)) => {
            let text = format!(
                "the tables are in place, but {} {} is not: {error}",
                object.kind.word(),
                object.name
            );
            Err(DbError::new(error.kind, text))
        }
    }
}

/// MariaDB keeps `nextval(`side`.`sequence`)` as a default when its table moves: point it to the new place.
pub(super) fn requalify_defaults(connection: &mut Connection, side: &str) -> Result<(), DbError> {
    if !connection.server.mariadb {
        return Ok(());
    }
    let names = tables(connection)?;
    let home = Home {
        database: side.to_owned(),
        objects: names.iter().cloned().collect(),
        ignore_case: connection.server.ignore_case,
    };
    for name in names {
        let create =
            connection.one(&format!("SHOW CREATE TABLE {}", identifier(&name)))?.nth(1).unwrap_or_default();
        if !home.still_names(&create) {
            continue;
        }
        let Some(parsed) = CreateTable::parse(&create) else { continue };
        // In one statement: while any default still names the side database, the server refuses to touch the table.
        let changes: Vec<String> = parsed
            .items
            .iter()
            .filter(|item| matches!(item.kind, ItemKind::Column { .. }) && home.still_names(&item.sql))
            .map(|item| format!("MODIFY COLUMN {}", home.unqualify(&item.sql)))
            .collect();
        if !changes.is_empty() {
            let sql = format!("ALTER TABLE {} {}", identifier(&name), changes.join(", "));
            connection.run_as("point a default to its sequence", &sql)?;
        }
    }
    Ok(())
}
