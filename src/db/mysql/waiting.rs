//! Who holds the lock that a load waited for in vain.

use super::{server::Connection, sql::literal};
use crate::{
    config::TargetSettings,
    db::{DbError, DbErrorKind},
};

/// Where locks on tables are listed, if the server lists them and the login may see it.
const BY_LOCK: &str = "SELECT t.PROCESSLIST_ID AS process, t.PROCESSLIST_USER AS login, l.OBJECT_NAME AS place \
    FROM performance_schema.metadata_locks l JOIN performance_schema.threads t ON t.THREAD_ID = l.OWNER_THREAD_ID \
    WHERE l.OBJECT_TYPE = 'TABLE' AND l.LOCK_STATUS = 'GRANTED' AND t.PROCESSLIST_ID <> CONNECTION_ID() \
    AND l.OBJECT_SCHEMA = {target} ORDER BY 1, 3 LIMIT 1";
/// Else: who has a transaction open in the database.
const BY_TRANSACTION: &str = "SELECT p.ID AS process, p.USER AS login, NULL AS place \
    FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id \
    WHERE p.ID <> CONNECTION_ID() AND p.DB = {target} ORDER BY t.trx_started, 1 LIMIT 1";

/// Says who waits for whom where a lock was waited for too long; any other error is left as it is.
pub(super) fn explain(
    connection: &mut Connection,
    target: &str,
    limits: &TargetSettings,
    error: DbError,
) -> DbError {
    if error.kind != DbErrorKind::Timeout {
        return error;
    }
    let seconds = limits.lock_seconds();
    let mut find = |question: &str| {
        let rows = connection.records(&question.replace("{target}", &literal(target))).ok()?;
        let row = rows.first()?;
        let place = row
            .optional("place")
            .map_or_else(|| format!("a table of {target}"), |name| format!("{target}.{name}"));
        let (process, login) = (row.optional("process")?, row.optional("login").unwrap_or_default());
        Some((process, login, place))
    };
    let whom = match find(BY_LOCK).or_else(|| find(BY_TRANSACTION)) {
        Some((process, login, place)) => {
            format!("connection {process} of the server (login {login}) holds {place}")
        }
        None => "another session holds it".to_owned(),
    };
    let message = format!("{}; dbsynth waited {seconds} s for a lock, and {whom}", error.message);
    DbError::new(DbErrorKind::Timeout, message).caused_by(error)
}
