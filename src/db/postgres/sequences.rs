//! Sequences and statistics after the load.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::{
    server::{regclass, run, scalar},
    sql::{literal, quote, quote_table},
};
use crate::{
    db::{Blueprint, DbError},
    schema::{DataType, Schema},
};

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
    let mut there = Vec::new();
    for place in places {
        if exists(connection, &place.0).await? {
            there.push(place.clone());
        }
    }
    if there.is_empty() {
        return Ok(());
    }
    run(connection, &setting(sequence, &there), &format!("setting {sequence}")).await
}

/// Every sequence with the columns it numbers: table and column, quoted.
pub(super) fn numbered<'a>(
    schema: &Schema,
    blueprint: &'a Blueprint,
) -> BTreeMap<&'a str, Vec<(String, String)>> {
    let mut columns: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
    for sequence in &blueprint.sequences {
        let table = schema.table(sequence.table);
        let column = table.column(sequence.column);
        // A sequence inside a text default numbers nothing that could be compared.
        if matches!(column.data_type, DataType::Integer { .. } | DataType::Decimal { .. }) {
            let place = (quote_table(&table.name), quote(&column.name));
            columns.entry(&sequence.name).or_default().push(place);
        }
    }
    columns
}

/// The statement that moves a sequence past the outermost value of its columns.
pub(super) fn setting(sequence: &str, places: &[(String, String)]) -> String {
    let edges: Vec<String> = places
        .iter()
        .map(|(table, column)| {
            format!("SELECT max({column})::numeric AS high, min({column})::numeric AS low FROM {table}")
        })
        .collect();
    format!(
        "SELECT pg_catalog.setval(s.seqrelid::pg_catalog.regclass, coalesce(e.edge, s.seqstart), e.edge IS NOT NULL) \
         FROM pg_catalog.pg_sequence s \
         CROSS JOIN (SELECT max(high) AS high, min(low) AS low FROM ({}) v) r \
         CROSS JOIN LATERAL (SELECT CASE \
             WHEN s.seqincrement > 0 AND r.high >= s.seqmin THEN least(r.high, s.seqmax)::int8 \
             WHEN s.seqincrement < 0 AND r.low <= s.seqmax THEN greatest(r.low, s.seqmin)::int8 END AS edge) e \
         WHERE s.seqrelid = {}",
        edges.join(" UNION ALL "),
        regclass(sequence)
    )
}
