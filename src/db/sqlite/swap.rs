//! The side file, the marker inside it, and how it takes the target's place.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use super::{
    catalog::MARKER,
    server::{Connection, file_error},
    sql::{identifier, literal},
};
use crate::{
    db::{DbError, DbErrorKind, Inventory},
    schema::TableName,
};

const WHAT: &str = "cannot read what the target holds";
/// What SQLite keeps beside a file.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The side file of a target, in the same folder so that the swap is one rename.
pub(super) fn partial_path(target: &Path) -> PathBuf {
    beside(target, ".dbsynth-partial")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// True if no log of pending writes lies beside a file.
pub(super) fn has_no_log(path: &Path) -> bool {
    ["-wal", "-journal"]
        .iter()
        .all(|suffix| fs::metadata(beside(path, suffix)).map_or(true, |log| log.len() == 0))
}

/// Refuses a side file that another run is writing; one left behind by a crash is nobody's.
pub(super) fn refuse_running(partial: &Path) -> Result<(), DbError> {
    if !partial.exists() {
        return Ok(());
    }
    let Ok(mut left) = Connection::write(partial) else { return Ok(()) };
    let tried = left.run("cannot lock", "PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE; ROLLBACK");
    let _ = left.close();
    match tried {
        Err(error) if error.kind == DbErrorKind::Timeout => {
            let message = format!("another load is writing {}", partial.display());
            Err(DbError::new(DbErrorKind::Refused, message).caused_by(error))
        }
        _ => Ok(()),
    }
}

/// Deletes a side file and what belongs to it, if there.
pub(super) fn remove_partial(partial: &Path) {
    for suffix in COMPANIONS {
        let _ = fs::remove_file(beside(partial, suffix));
    }
    let _ = fs::remove_file(partial);
}

/// Says what a file holds. No file, or an empty one, holds nothing.
pub(super) fn inventory(target: &Path) -> Result<Inventory, DbError> {
    if fs::metadata(target).map_or(true, |metadata| metadata.len() == 0) {
        return Ok(Inventory { ignores_case: true, ..Inventory::default() });
    }
    let mut connection = Connection::read(target)?;
    let present = connection.texts(WHAT, &present())?;
    let marked =
        format!("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = {}", literal(MARKER));
    let made = connection.integer(WHAT, &marked)? > 0 && {
        let listed = format!("SELECT name FROM {} WHERE kind = 'object' ORDER BY name", identifier(MARKER));
        // A table of that name and another shape is somebody else's.
        connection.texts(WHAT, &listed).is_ok_and(|listed| listed == present)
    };
    connection.close()?;
    let tables = present.into_iter().map(TableName::bare).collect();
    Ok(Inventory { tables, made_by_dbsynth: made, ignores_case: true })
}

fn present() -> String {
    format!(
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') \
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> {} ORDER BY name",
        literal(MARKER)
    )
}

/// Leaves the marker: the version that made the file and the tables and views it made.
pub(super) fn write_marker(connection: &mut Connection) -> Result<(), DbError> {
    let (marker, version) = (identifier(MARKER), literal(env!("CARGO_PKG_VERSION")));
    let sql = format!(
        "CREATE TABLE {marker} (kind TEXT NOT NULL, name TEXT NOT NULL); \
         INSERT INTO {marker} VALUES ('version', {version}); \
         INSERT INTO {marker} SELECT 'object', name FROM ({})",
        present()
    );
    connection.run("cannot leave the marker", &sql)
}

/// Puts the side file in the target's place: for a reader there is the old file or the new one, never a mix.
pub(super) fn swap(partial: &Path, target: &Path) -> Result<(), DbError> {
    let file = File::open(partial).map_err(|error| file_error("open", partial, error))?;
    file.sync_all().map_err(|error| file_error("write", partial, error))?;
    drop(file);
    if let Ok(old) = fs::metadata(target) {
        // Whoever may read the old file may read the new one; a file system without permissions has none to keep.
        let _ = fs::set_permissions(partial, old.permissions());
        retire(target);
    }
    fs::rename(partial, target).map_err(|error| file_error("replace", target, error))?;
    if let Some(folder) = target.parent()
        && let Ok(folder) = File::open(folder)
    {
        // Not every system can flush a folder; the rename itself has happened.
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Brings the old file's log home and removes it: SQLite would replay a log left behind into the new file.
fn retire(target: &Path) {
    if COMPANIONS.iter().any(|suffix| beside(target, suffix).exists()) {
        if let Ok(mut old) = Connection::write(target) {
            let _ = old
                .run("cannot close the old file", "PRAGMA busy_timeout = 1000; PRAGMA journal_mode = DELETE");
            let _ = old.close();
        }
        for suffix in COMPANIONS {
            let _ = fs::remove_file(beside(target, suffix));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::partial_path;

    #[test]
    fn the_side_file_lies_in_the_folder_of_the_target() {
        let partial = partial_path("/data/shop.db".as_ref());

        assert_eq!(partial.display().to_string(), "/data/shop.db.dbsynth-partial");
    }
}
