//! Which tables can be loaded with COPY … FREEZE: rows that count as old from the commit on, so that no vacuum has to
//! mark or rewrite them and index-only scans work at once.
//!
//! The server allows it only for a table that was made in the same transaction, outside of any open savepoint, and
//! refuses it for a partitioned one (PostgreSQL documentation, "COPY"). What it refuses ends the transaction, so only
//! what is sure is tried.

use serde::Deserialize;
use sqlx::PgConnection;

use super::{
    server::ask,
    sql::{literal, quote_table},
};
use crate::{db::DbError, schema::Table};

/// What the load has made itself.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    /// Beginnings of the statements that made tables.
    made: Vec<String>,
    in_trial: bool,
    /// Somebody else's statements ran in between.
    forgotten: bool,
}

/// Bytes of a statement that surely hold the name of its table.
const HEAD_BYTES: usize = 300;

impl Fresh {
    /// Notes a statement that has run.
    pub(super) fn made(&mut self, sql: &str) {
        let table = sql.strip_prefix("CREATE TABLE ").or_else(|| sql.strip_prefix("CREATE UNLOGGED TABLE "));
        if let Some(table) = table {
            self.made.push(table.chars().take(HEAD_BYTES).collect());
        }
    }

    /// Between savepoints nothing is frozen.
    pub(super) fn in_trial(&mut self, trial: bool) {
        self.in_trial = trial;
    }

    /// From now on nothing is sure.
    pub(super) fn forget(&mut self) {
        self.forgotten = true;
    }

    /// False if no table can be loaded frozen now.
    pub(super) fn may_be(&self) -> bool {
        !self.in_trial && !self.forgotten && !self.made.is_empty()
    }

    /// True if the load made the table of this name, as the server quotes it.
    pub(super) fn has_made(&self, name: &str) -> bool {
        self.made.iter().any(|made| made.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))
    }
}

/// The name of a table as the server quotes it; `None` if it is not a plain one.
pub(super) async fn is_plain(
    connection: &mut PgConnection,
    table: &Table,
) -> Result<Option<String>, DbError> {
    #[derive(Deserialize)]
    struct Row {
        name: String,
    }
    let question =
        include_str!("catalog/plain_table.sql").replace("'{table}'", &literal(&quote_table(&table.name)));
    let rows: Vec<Row> = ask(connection, &question).await?;
    Ok(rows.into_iter().next().map(|row| row.name))
}

#[cfg(test)]
mod tests {
    use super::Fresh;

    #[test]
    fn only_a_table_that_the_load_itself_has_made_is_fresh() {
        let mut fresh = Fresh::default();
        assert!(!fresh.may_be());
        fresh.made("CREATE TABLE public.sale (\n    id bigint\n)");
        fresh.made("CREATE UNLOGGED TABLE public.\"Mixed\" OF kind");
        fresh.made("CREATE INDEX ON public.shop (id)");

        assert!(fresh.may_be() && fresh.has_made("public.sale") && fresh.has_made("public.\"Mixed\""));
        assert!(!fresh.has_made("public.sal") && !fresh.has_made("public.shop"));
        fresh.in_trial(true);
        assert!(!fresh.may_be());
        fresh.in_trial(false);
        fresh.forget();
        assert!(!fresh.may_be());
    }
}
