//! Further connections to a source, which see the snapshot that the first one has exported.

use sqlx::PgConnection;

use super::{
    copy_out::Lane,
    read::{make_sure, source_settings},
    server::{Hold, connect_further, run, run_guarded, settle},
    sql::literal,
};
use crate::{
    config::{DbUrl, SourceSettings},
    db::{DbError, DbErrorKind, runtime::block_on},
};

/// Most connections where nobody says another number.
const DEFAULT_CONNECTIONS: usize = 4;
/// Most connections in any case.
const MOST_CONNECTIONS: usize = 16;

/// The connections beside the first one; opened when a large table is met, and kept as long as the snapshot.
pub(super) struct Further {
    url: DbUrl,
    settings: SourceSettings,
    /// Most of them; none once the server has refused one.
    most: usize,
    /// Under which name the first connection has exported its snapshot.
    snapshot: Option<String>,
    open: Vec<Helper>,
}

/// A connection beside the first one.
pub(super) struct Helper {
    connection: PgConnection,
    lost: bool,
}

impl Helper {
    /// To read by.
    pub(super) fn lane(&mut self) -> Lane<'_> {
        Lane { connection: &mut self.connection, lost: &mut self.lost }
    }
}

impl Further {
    /// None where one connection is asked for or reads slowly by will, or where a pooler stands between.
    pub(super) fn new(url: &DbUrl, settings: &SourceSettings, pooled: bool) -> Self {
        let here = std::thread::available_parallelism().map_or(1, usize::from);
        let most = match settings.max_connections {
            Some(most) => usize::try_from(most).unwrap_or(MOST_CONNECTIONS).min(MOST_CONNECTIONS),
            None => DEFAULT_CONNECTIONS.min(here),
        };
        let alone = pooled || settings.throttle.is_some();
        let most = if alone { 0 } else { most.saturating_sub(1) };
        Self { url: url.clone(), settings: *settings, most, snapshot: None, open: Vec::new() }
    }

    /// True if there may be one.
    pub(super) fn may_help(&self) -> bool {
        self.most > 0
    }

    /// Takes the name under which the first connection has exported its snapshot; none if the server refused.
    pub(super) fn share(&mut self, snapshot: Option<String>) {
        self.snapshot = snapshot;
        if self.snapshot.is_none() {
            self.most = 0;
        }
    }

    /// Hands out those that may read the table, `wanted` at most. Each locks it as a reader does, without waiting: behind
    /// somebody who waits for the first connection's lock, it would wait for itself. What fails costs a helper, never
    /// the run.
    pub(super) fn ready(&mut self, from: &str, wanted: usize) -> Vec<&mut Helper> {
        self.open.retain(|helper| !helper.lost);
        let wanted = wanted.min(self.most);
        if let Some(snapshot) = self.snapshot.clone() {
            self.connect(&snapshot, wanted);
        }
        let lock = format!("LOCK TABLE {from} IN ACCESS SHARE MODE NOWAIT");
        let mut ready = Vec::new();
        for helper in self.open.iter_mut().take(wanted) {
            match block_on(run_guarded(&mut helper.connection, &lock, "locking a table as a reader")) {
                Ok(()) => ready.push(helper),
                Err(error) => {
                    tracing::debug!(%error, "a further connection does not read this table");
                    helper.lost = error.kind == DbErrorKind::Disconnected;
                }
            }
        }
        ready
    }

    fn connect(&mut self, snapshot: &str, wanted: usize) {
        while self.open.len() < wanted {
            match self.join(snapshot) {
                Ok(connection) => self.open.push(Helper { connection, lost: false }),
                Err(error) => {
                    tracing::debug!(%error, "no further connection to the source");
                    self.most = self.open.len();
                    break;
                }
            }
        }
    }

    /// Opens a connection that sees what the first one sees and may do no more.
    fn join(&self, snapshot: &str) -> Result<PgConnection, DbError> {
        let mut connection = connect_further(&self.url, &self.settings)?;
        let doing = "sharing the snapshot";
        block_on(async {
            run(&mut connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", doing).await?;
            run(&mut connection, &format!("SET TRANSACTION SNAPSHOT {}", literal(snapshot)), doing).await?;
            settle(&mut connection, &source_settings(&self.settings), Hold::Transaction).await?;
            make_sure(&mut connection, doing).await
        })?;
        Ok(connection)
    }
}
