//! What only an application knows: SQLite lets a program bring functions of its own, and its schemas call them.

use super::{server::Connection, sql::identifier};
use crate::db::DbError;

/// What SQLite says of a function it does not know.
const UNKNOWN_FUNCTION: &str = "no such function: ";

/// SQLite makes any view; whether it can be read shows only when it is. One that calls a function of an application
/// stays, for that application; another broken one is removed again.
///
/// # Errors
/// What SQLite says of a broken view.
pub(super) fn try_view(connection: &mut Connection) -> Result<(), DbError> {
    let newest = "SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY rowid DESC LIMIT 1";
    let name = identifier(&connection.texts("cannot read the catalog", newest)?.concat());
    match connection.rows("the view cannot be read", &format!("SELECT * FROM {name} LIMIT 0")) {
        Err(error) if !error.message.contains(UNKNOWN_FUNCTION) => {
            connection.run("cannot remove a view", &format!("DROP VIEW {name}"))?;
            Err(error)
        }
        _ => Ok(()),
    }
}
