//! Who holds the lock that a load waited for in vain.

use serde::Deserialize;

use super::server::{ask, connect};
use crate::{
    config::{DbUrl, TargetSettings},
    db::{DbError, DbErrorKind, runtime::block_on},
};

#[derive(Deserialize)]
struct Holder {
    process: i64,
    login: String,
    program: String,
    place: String,
}

/// Says who waits for whom where a lock was waited for too long; any other error is left as it is. The waiting
/// connection can ask nothing any more: another one does.
pub(super) fn explain(url: &DbUrl, limits: TargetSettings, error: DbError) -> DbError {
    // A load has no limit but that of locks.
    if error.kind != DbErrorKind::Timeout {
        return error;
    }
    let seconds = limits.lock_seconds();
    let holder = connect(url).and_then(|mut server| {
        block_on(ask::<Holder>(&mut server.connection, include_str!("catalog/holders.sql")))
    });
    let holder = holder.ok().and_then(|holders| holders.into_iter().next());
    let whom = match holder {
        Some(Holder { process, login, program, place }) => {
            let program = if program.is_empty() { String::new() } else { format!(", program {program}") };
            format!("process {process} of the server (login {login}{program}) holds {place}")
        }
        None => "another session holds it".to_owned(),
    };
    let message = format!("{}; dbsynth waited {seconds} s for a lock, and {whom}", error.message);
    DbError::new(DbErrorKind::Timeout, message).caused_by(error)
}
