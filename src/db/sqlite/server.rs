//! A connection to a SQLite file, its identity, and what its error codes mean.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteRow},
};

use crate::{
    config::SourceSettings,
    db::{DbError, DbErrorKind, ServerIdentity, runtime::block_on},
};

/// How long a lock of another process is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Rows the driver's thread runs ahead of ours; each hand-over costs a wake-up.
const ROW_BUFFER: usize = 1024;

/// A connection that blocks.
pub(super) struct Connection {
    pub(super) inner: SqliteConnection,
}

impl Connection {
    /// Opens a source: its statements can be listened to, see `--show-sql`; they hold no values of rows. A lock is
    /// waited for as long as asked.
    pub(super) fn read_source(path: &Path, settings: &SourceSettings) -> Result<Self, DbError> {
        let patience = settings.lock_timeout.map(Duration::from_secs);
        let options = Self::read_options(path)?.row_buffer_size(ROW_BUFFER);
        let options = options.busy_timeout(patience.unwrap_or(BUSY_TIMEOUT));
        Self::open(if settings.show_sql { options } else { options.disable_statement_logging() }, path)
    }

    /// Opens an existing file for reading only.
    pub(super) fn read(path: &Path) -> Result<Self, DbError> {
        Self::connect(Self::read_options(path)?, path)
    }

    /// Opens a file that nobody writes, without locks.
    pub(super) fn read_immutable(path: &Path) -> Result<Self, DbError> {
        Self::connect(Self::read_options(path)?.immutable(true), path)
    }

    fn read_options(path: &Path) -> Result<SqliteConnectOptions, DbError> {
        File::open(path).map_err(|error| file_error("open", path, error))?;
        if path.is_dir() {
            return Err(DbError::new(DbErrorKind::Unreachable, format!("{} is a folder", path.display())));
        }
        Ok(SqliteConnectOptions::new().filename(path).read_only(true).pragma("query_only", "ON"))
    }

    /// Opens an existing file for writing.
    pub(super) fn write(path: &Path) -> Result<Self, DbError> {
        Self::connect(SqliteConnectOptions::new().filename(path).foreign_keys(false), path)
    }

    /// Creates a file for writing.
    pub(super) fn create(path: &Path) -> Result<Self, DbError> {
        File::create(path).map_err(|error| file_error("create", path, error))?;
        Self::write(path)
    }

    fn connect(options: SqliteConnectOptions, path: &Path) -> Result<Self, DbError> {
        let options = options.busy_timeout(BUSY_TIMEOUT).row_buffer_size(ROW_BUFFER);
        Self::open(options.disable_statement_logging(), path)
    }

    /// REGEXP is an operator of SQLite without a function of its own; every shell and framework brings one.
    fn open(options: SqliteConnectOptions, path: &Path) -> Result<Self, DbError> {
        let options = options.with_regexp();
        let what = format!("cannot open {}", path.display());
        let inner = block_on(async { options.connect().await.map_err(|error| lift_error(&what, error)) })?;
        Ok(Self { inner })
    }

    /// Makes collations that only an application has known to SQLite: compared byte by byte.
    pub(super) fn stand_in(&mut self, collations: Vec<String>) -> Result<(), DbError> {
        for name in unknown_collations(collations) {
            let what = "cannot add a collation";
            block_on(async {
                let mut handle = self.inner.lock_handle().await.map_err(|error| lift_error(what, error))?;
                handle.create_collation(&name, str::cmp).map_err(|error| lift_error(what, error))
            })?;
        }
        Ok(())
    }

    /// Runs statements that return nothing of interest.
    pub(super) fn run(&mut self, what: &str, sql: &str) -> Result<(), DbError> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        block_on(async {
            query.execute(&mut self.inner).await.map(|_| ()).map_err(|error| lift_error(what, error))
        })
    }

    /// Returns all rows of a small query.
    pub(super) fn rows(&mut self, what: &str, sql: &str) -> Result<Vec<SqliteRow>, DbError> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        block_on(async {
            query.fetch(&mut self.inner).try_collect().await.map_err(|error| lift_error(what, error))
        })
    }

    /// Returns the integer of a one-row query; zero if there is no row.
    pub(super) fn integer(&mut self, what: &str, sql: &str) -> Result<i64, DbError> {
        match self.rows(what, sql)?.first() {
            Some(row) => row.try_get(0).map_err(|error| lift_error(what, error)),
            None => Ok(0),
        }
    }

    /// Returns the first column of a query, as text.
    pub(super) fn texts(&mut self, what: &str, sql: &str) -> Result<Vec<String>, DbError> {
        let rows = self.rows(what, sql)?;
        rows.iter().map(|row| row.try_get(0).map_err(|error| lift_error(what, error))).collect()
    }

    /// Closes the file.
    pub(super) fn close(self) -> Result<(), DbError> {
        block_on(async {
            self.inner.close().await.map_err(|error| lift_error("cannot close the file", error))
        })
    }
}

/// Those of the collations that SQLite itself does not have.
pub(super) fn unknown_collations(mut names: Vec<String>) -> Vec<String> {
    names.retain(|name| !["binary", "nocase", "rtrim"].contains(&name.to_lowercase().as_str()));
    names.sort_unstable();
    names.dedup();
    names
}

/// Says which file this is: two paths (symbolic and hard links too) to one file have one identity.
pub(super) fn identity(path: &Path, version: String) -> ServerIdentity {
    let canonical = canonical(path);
    let file = file_number(&canonical).unwrap_or_else(|| canonical.display().to_string());
    ServerIdentity { server: "sqlite".to_owned(), database: file, version }
}

/// The path without links, also for a file that is not there yet.
pub(super) fn canonical(path: &Path) -> PathBuf {
    if let Ok(canonical) = path.canonicalize() {
        return canonical;
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

#[cfg(unix)]
fn file_number(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = path.metadata().ok()?;
    Some(format!("device {} inode {}", metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn file_number(_path: &Path) -> Option<String> {
    None
}

/// Explains an error of the file system.
pub(super) fn file_error(verb: &str, path: &Path, error: io::Error) -> DbError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => DbErrorKind::NoDatabase,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => DbErrorKind::Permission,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DbErrorKind::DiskFull,
        _ => DbErrorKind::Unreachable,
    };
    let reason = match kind {
        DbErrorKind::NoDatabase => "no such file or folder".to_owned(),
        _ => error.kind().to_string(),
    };
    DbError::new(kind, format!("cannot {verb} {}: {reason}", path.display())).caused_by(error)
}

/// Explains an error of the driver. SQLite's messages name tables and columns, never values.
///
/// Source: <https://www.sqlite.org/rescode.html>; the low byte of an extended code is the primary code.
pub(super) fn lift_error(what: &str, error: sqlx::Error) -> DbError {
    let (kind, reason) = match &error {
        sqlx::Error::Database(said) => {
            let code: i32 = said.code().and_then(|code| code.parse().ok()).unwrap_or(1);
            (kind_of(code & 0xff), said.message().to_owned())
        }
        sqlx::Error::Io(io) => (DbErrorKind::Unreachable, io.kind().to_string()),
        sqlx::Error::WorkerCrashed | sqlx::Error::PoolClosed => {
            (DbErrorKind::Disconnected, "the driver stopped".to_owned())
        }
        other => (DbErrorKind::Other, other.to_string()),
    };
    DbError::new(kind, format!("{what}: {reason}")).caused_by(error)
}

fn kind_of(primary_code: i32) -> DbErrorKind {
    match primary_code {
        3 | 8 | 23 => DbErrorKind::Permission,
        5 | 6 => DbErrorKind::Timeout,
        9 => DbErrorKind::Interrupted,
        13 => DbErrorKind::DiskFull,
        14 | 26 => DbErrorKind::Unreachable,
        19 => DbErrorKind::Constraint,
        _ => DbErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::kind_of;
    use crate::db::DbErrorKind;

    #[test]
    fn result_codes_map_to_kinds() {
        let kinds: Vec<_> = [5, 8, 13, 19, 26, 1].into_iter().map(kind_of).collect();

        assert_eq!(
            kinds,
            [
                DbErrorKind::Timeout,
                DbErrorKind::Permission,
                DbErrorKind::DiskFull,
                DbErrorKind::Constraint,
                DbErrorKind::Unreachable,
                DbErrorKind::Other,
            ]
        );
    }
}
