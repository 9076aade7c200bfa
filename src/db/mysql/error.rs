//! Turns what the driver says into [`DbError`]s that never carry a cell value.

use sqlx::mysql::MySqlDatabaseError;

use crate::db::{DbError, DbErrorKind};

use super::lex::{Kind, tokens};

/// The class of a server error number.
///
/// Source: MySQL server error message reference; MariaDB error codes (4025 is its CHECK violation).
pub(super) fn kind_of(number: u16) -> DbErrorKind {
    match number {
        1045 | 1698 | 1862 => DbErrorKind::Login,
        1049 => DbErrorKind::NoDatabase,
        1044 | 1142 | 1143 | 1227 | 1290 | 1370 | 1410 | 1419 | 3530 => DbErrorKind::Permission,
        1022 | 1048 | 1062 | 1169 | 1216 | 1217 | 1263 | 1364 | 1451 | 1452 | 1526 | 1557 | 1586 | 1761
        | 1762 | 3819 | 4025 => DbErrorKind::Constraint,
        // Values that an expression of the schema cannot be computed from.
        1264
        | 1292
        | 1365
        | 1366
        | 1406
        | 1411
        | 1441
        | 1690
        | 3140..=3158
        | 3751..=3753
        | 3903..=3905
        | 4036..=4042 => DbErrorKind::Constraint,
        1021 | 1114 | 1041 => DbErrorKind::DiskFull,
        1205 | 1317 | 1969 | 3024 => DbErrorKind::Timeout,
        1040 | 1129 | 1130 | 1203 | 2002 | 2003 => DbErrorKind::Unreachable,
        1053 | 1927 | 2006 | 2013 | 4031 => DbErrorKind::Disconnected,
        _ => DbErrorKind::Other,
    }
}

/// True for errors whose message quotes a value of the row.
fn quotes_a_value(number: u16) -> bool {
    matches!(
        number,
        1022 | 1062
            | 1064
            | 1210
            | 1264
            | 1265
            | 1292
            | 1366
            | 1367
            | 1406
            | 1411
            | 1525
            | 1586
            | 3140
            | 3141
            | 3156
            | 3854
    )
}

/// Replaces every quoted text that is not the name of a column, key, table or constraint.
pub(super) fn redact(message: &str) -> String {
    let all = tokens(message);
    let mut shown = String::with_capacity(message.len());
    for (index, token) in all.iter().enumerate() {
        let names = all[..index].iter().rev().find(|token| !token.is_blank()).is_some_and(|previous| {
            ["column", "key", "table", "constraint", "function"].iter().any(|word| previous.is_word(word))
        });
        if token.kind == Kind::Text && !names { shown.push('…') } else { shown.push_str(token.text) }
    }
    shown
}

/// Wraps a driver error; `doing` says what dbsynth was about, in the form `read the catalog`.
pub(super) fn wrap(doing: &str, error: sqlx::Error) -> DbError {
    match &error {
        sqlx::Error::Database(database) => {
            let number =
                database.try_downcast_ref::<MySqlDatabaseError>().map_or(0, MySqlDatabaseError::number);
            server_error(doing, number, database.message())
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => {
            let kind = match &error {
                sqlx::Error::Io(io) if is_broken(io.kind()) => DbErrorKind::Disconnected,
                _ => DbErrorKind::Unreachable,
            };
            DbError::new(kind, format!("cannot {doing}: {error}")).caused_by(error)
        }
        _ => DbError::new(DbErrorKind::Other, format!("cannot {doing}: {error}")),
    }
}

fn is_broken(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind;
    matches!(kind, ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

/// Describes what the server said.
pub(super) fn server_error(doing: &str, number: u16, message: &str) -> DbError {
    // A syntax error quotes our own SQL, which helps where no row is written.
    let message = if quotes_a_value(number) && !(number == 1064 && doing.starts_with("run")) {
        redact(message)
    } else {
        message.to_owned()
    };
    DbError::new(kind_of(number), format!("cannot {doing}: {message} (error {number})"))
}
