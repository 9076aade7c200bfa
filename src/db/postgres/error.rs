//! Server errors in dbsynth's kinds, stripped of whatever could be a cell value.

use std::io::ErrorKind;

use sqlx::postgres::PgDatabaseError;

use crate::db::{DbError, DbErrorKind};

/// Turns a driver error into ours; `doing` says what was being done: `reading the catalog`.
pub(super) fn db_error(doing: &str, error: sqlx::Error) -> DbError {
    match error {
        sqlx::Error::Database(inner) => match inner.try_downcast_ref::<PgDatabaseError>() {
            Some(server) => {
                let text = describe(server.code(), server.message(), server.r#where());
                DbError::new(kind_of(server.code()), format!("{doing}: {text} (SQLSTATE {})", server.code()))
            }
            None => DbError::new(DbErrorKind::Other, format!("{doing}: the server refused")),
        },
        sqlx::Error::Io(inner) => {
            let kind = match inner.kind() {
                ErrorKind::ConnectionRefused
                | ErrorKind::NotFound
                | ErrorKind::AddrNotAvailable
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::TimedOut
                | ErrorKind::PermissionDenied => DbErrorKind::Unreachable,
                _ => DbErrorKind::Disconnected,
            };
            DbError::new(kind, format!("{doing}: {inner}")).caused_by(inner)
        }
        sqlx::Error::Tls(inner) => {
            DbError::new(DbErrorKind::Unreachable, format!("{doing}: the TLS handshake failed: {inner}"))
        }
        sqlx::Error::WorkerCrashed | sqlx::Error::PoolClosed => {
            DbError::new(DbErrorKind::Disconnected, format!("{doing}: the connection is gone"))
        }
        other => DbError::new(DbErrorKind::Other, format!("{doing}: {other}")),
    }
}

/// Sorts a SQLSTATE. Source: PostgreSQL documentation, appendix A.
fn kind_of(code: &str) -> DbErrorKind {
    match code {
        "3D000" => DbErrorKind::NoDatabase,
        "42501" => DbErrorKind::Permission,
        "53100" => DbErrorKind::DiskFull,
        "57014" | "55P03" | "25P03" | "25P04" => DbErrorKind::Timeout,
        "0A000" => DbErrorKind::Unsupported,
        "57P01" | "57P02" | "57P05" => DbErrorKind::Disconnected,
        "57P03" | "53300" => DbErrorKind::Unreachable,
        _ => match code.get(..2) {
            Some("28") => DbErrorKind::Login,
            // A value that an expression of the schema cannot be computed from is refused like one a CHECK forbids.
            Some("22" | "23" | "P0") => DbErrorKind::Constraint,
            Some("08") => DbErrorKind::Disconnected,
            _ => DbErrorKind::Other,
        },
    }
}

/// Keeps what the server said, without what may be a value: messages of class 22 (data) quote the
/// offending value, messages of functions (P0…) may say anything.
fn describe(code: &str, message: &str, context: Option<&str>) -> String {
    let mut text = match code.get(..2) {
        Some("22") => blank_quoted(message),
        Some("53") if code == "53200" => {
            format!("{message}; a schema of thousands of tables needs a larger max_locks_per_transaction")
        }
        Some("P0") => "a function of the database raised an error".to_owned(),
        _ => message.to_owned(),
    };
    if let Some(place) = context.and_then(copy_place) {
        text = format!("{text} at {place}");
    }
    text
}

/// Replaces everything between the first and the last double quote, and after a colon, by an ellipsis.
fn blank_quoted(message: &str) -> String {
    let head = message.split_once('"').map_or(message, |(head, _)| head);
    let head = head.split_once(": ").map_or(head, |(head, _)| head).trim_end();
    match message.rsplit_once('"') {
        Some((_, tail)) if head.len() < message.len() && !tail.contains(':') => format!("{head} \"…\"{tail}"),
        _ => head.trim_end_matches(':').to_owned(),
    }
}

/// Reads `table, column` out of the context of a COPY error: `COPY t, line 3, column c: "value"`.
fn copy_place(context: &str) -> Option<String> {
    let line = context.lines().find_map(|line| line.strip_prefix("COPY "))?;
    let (table, rest) = line.split_once(", line ")?;
    match rest.split_once(", column ") {
        Some((_, column)) => {
            let column = column.split(": ").next().unwrap_or(column).trim_end_matches(':');
            Some(format!("table {table}, column {column}"))
        }
        None => Some(format!("table {table}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{describe, kind_of};
    use crate::db::DbErrorKind;

    #[test]
    fn a_value_in_a_message_is_blanked_and_the_place_kept() {
        let shown = describe(
            "22P02",
            "invalid input syntax for type integer: \"s3cret\"",
            Some("COPY orders, line 7, column amount: \"s3cret\""),
        );

        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("table orders, column amount"), "{shown}");
        let range = describe("22003", "value \"99999999999\" is out of range for type integer", None);
        assert!(!range.contains('9') && range.contains("out of range for type integer"), "{range}");
    }

    #[test]
    fn sqlstates_are_sorted_by_class_and_code() {
        assert_eq!(kind_of("28P01"), DbErrorKind::Login);
        assert_eq!(kind_of("3D000"), DbErrorKind::NoDatabase);
        assert_eq!(kind_of("23505"), DbErrorKind::Constraint);
        assert_eq!(kind_of("57014"), DbErrorKind::Timeout);
    }
}
