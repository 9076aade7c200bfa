//! Sequences and statistics after the load.

use sqlx::PgConnection;

use super::{
    server::{regclass, run, scalar},
    sql::literal,
};
use crate::db::DbError;

/// True if the relation exists (a skipped table does not).
pub(super) async fn exists(connection: &mut PgConnection, quoted: &str) -> Result<bool, DbError> {
    let question = format!("SELECT pg_catalog.to_regclass({}) IS NOT NULL", literal(quoted));
    scalar(connection, &question, "looking up a table").await
}

/// Moves a sequence past the outermost value of its columns in its own direction, or to its start.
pub(super) async fn set_sequence(
    connection: &mut PgConnection,
    sequence: &str,
    places: &[(String, String)],
) -> Result<(), DbError> {
    if !exists(connection, sequence).await? {
        return Ok(());
    }
    let mut edges = Vec::new();
    for (table, column) in places {
        if exists(connection, table).await? {
            edges.push(format!(
                "SELECT max({column})::numeric AS high, min({column})::numeric AS low FROM {table}"
            ));
        }
    }
    if edges.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT pg_catalog.setval(s.seqrelid::pg_catalog.regclass, coalesce(e.edge, s.seqstart), e.edge IS NOT NULL) \
         FROM pg_catalog.pg_sequence s \
         CROSS JOIN (SELECT max(high) AS high, min(low) AS low FROM ({}) v) r \
         CROSS JOIN LATERAL (SELECT CASE \
             WHEN s.seqincrement > 0 AND r.high >= s.seqmin THEN least(r.high, s.seqmax)::int8 \
             WHEN s.seqincrement < 0 AND r.low <= s.seqmax THEN greatest(r.low, s.seqmin)::int8 END AS edge) e \
         WHERE s.seqrelid = {}",
        edges.join(" UNION ALL "),
        regclass(sequence)
    );
    run(connection, &sql, &format!("setting {sequence}")).await
}
