//! Where a large table is cut, so that several connections can read it: the parts, one behind the other, are the rows
//! in the order that one connection would read.
//!
//! Without an order the cuts are between pages, since a scan reads page by page. In the order of a key they are
//! between keys: the bounds of the histogram that ANALYZE keeps, if the rows lie in that order in the table as well
//! (else every part would have to look through all of it). Bounds are named by their place, never spelled out:
//! statements are shown and logged.

use serde::Deserialize;

use super::{
    server::{Server, ask, run},
    sql::{literal, quote, quote_table},
};
use crate::{
    db::{DbError, Scan, runtime::block_on},
    schema::Table,
};

/// Smaller tables are read by one connection.
const LEAST_BYTES: u64 = 8 << 20;
/// Bytes of a part, about; small, since what is read ahead of its turn waits in memory.
const PART_BYTES: u64 = 4 << 20;
/// Most parts of a table.
const MOST_PARTS: u64 = 1000;
/// The oldest server that finds rows by ranges of pages without looking through the whole table.
const PAGE_RANGES_VERSION: i64 = 140_000;

/// Types of keys that sort one way everywhere: no collation decides.
const SORTED_TYPES: [&str; 9] = [
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "date",
    "uuid",
    "bytea",
    "timestamp without time zone",
    "timestamp with time zone",
];

/// Where a table is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cuts {
    /// What is compared with the bounds.
    place: String,
    /// Lower bound of every part but the first.
    bounds: Vec<String>,
}

impl Cuts {
    /// The table as a whole.
    pub(super) fn none() -> Self {
        Self { place: String::new(), bounds: Vec::new() }
    }

    /// Number of parts.
    pub(super) fn count(&self) -> usize {
        self.bounds.len() + 1
    }

    /// The rows of a part; `None` for all.
    pub(super) fn condition(&self, part: usize) -> Option<String> {
        let from = part.checked_sub(1).and_then(|before| self.bounds.get(before));
        let from = from.map(|bound| format!("{} >= {bound}", self.place));
        let to = self.bounds.get(part).map(|bound| format!("{} < {bound}", self.place));
        match (from, to) {
            (Some(from), Some(to)) => Some(format!("{from} AND {to}")),
            (from, to) => from.or(to),
        }
    }

    fn between_pages(pages: u64, parts: u64) -> Self {
        let bounds = (1..parts).map(|part| format!("'({},0)'::pg_catalog.tid", pages * part / parts));
        Self { place: "ctid".to_owned(), bounds: bounds.collect() }
    }

    fn between_keys(table: &Table, column: &str, native_type: &str, known: u64, parts: u64) -> Self {
        let histogram = histogram(table, column, native_type);
        // The first and the last bound are the least and the greatest key.
        let parts = parts.min(known.saturating_sub(1)).max(1);
        let place = |part: u64| 1 + (known - 1) * part / parts;
        let bounds = (1..parts).map(|part| format!("(SELECT h.bounds[{}] {histogram})", place(part)));
        Self { place: quote(column), bounds: bounds.collect() }
    }
}

/// FROM … of the one row with the histogram of a column.
fn histogram(table: &Table, column: &str, native_type: &str) -> String {
    format!(
        "FROM (SELECT s.histogram_bounds::pg_catalog.text::{native_type}[] AS bounds, s.correlation \
         FROM pg_catalog.pg_stats s WHERE s.schemaname = {} AND s.tablename = {} AND s.attname = {} \
         AND NOT s.inherited) h",
        literal(table.name.namespace.as_deref().unwrap_or("public")),
        literal(&table.name.name),
        literal(column)
    )
}

#[derive(Deserialize)]
struct Extent {
    bytes: i64,
    pages: i64,
}

#[derive(Deserialize)]
struct Known {
    bounds: i64,
}

/// Cuts a table for this scan; in one part if it is small, no plain table, or its order cannot be kept.
///
/// # Errors
/// [`DbError`] if the connection is gone. What the server refuses to tell leaves one part.
pub(super) fn cuts(server: &mut Server, table: &Table, scan: &Scan) -> Result<Cuts, DbError> {
    let sql = include_str!("catalog/extent.sql").replace("'{table}'", &literal(&quote_table(&table.name)));
    let Some(Extent { bytes, pages }) = probe::<Extent>(server, &sql)? else { return Ok(Cuts::none()) };
    let (bytes, pages) = (u64::try_from(bytes).unwrap_or(0), u64::try_from(pages).unwrap_or(0));
    if bytes < LEAST_BYTES {
        return Ok(Cuts::none());
    }
    let parts = (bytes / PART_BYTES).clamp(2, MOST_PARTS);
    let Some(first) = scan.order_by.first().map(|id| table.column(*id)) else {
        let whole = server.version < PAGE_RANGES_VERSION;
        return Ok(if whole { Cuts::none() } else { Cuts::between_pages(pages, parts) });
    };
    let native_type = first.native_type.split('(').next().unwrap_or_default();
    let bare = first.native_type.rfind(')').map_or("", |end| &first.native_type[end + 1..]);
    let unsized_name =
        if first.native_type.contains('(') { format!("{native_type}{bare}") } else { native_type.to_owned() };
    if first.nullable || !SORTED_TYPES.contains(&unsized_name.as_str()) {
        return Ok(Cuts::none());
    }
    let sql = format!(
        "SELECT coalesce(pg_catalog.cardinality(h.bounds), 0)::int8 AS bounds {} WHERE abs(h.correlation) >= 0.9",
        histogram(table, &first.name, &first.native_type)
    );
    let Some(Known { bounds }) = probe::<Known>(server, &sql)? else { return Ok(Cuts::none()) };
    let bounds = u64::try_from(bounds).unwrap_or(0);
    if bounds < 3 {
        return Ok(Cuts::none());
    }
    Ok(Cuts::between_keys(table, &first.name, &first.native_type, bounds, parts))
}

/// Asks for one row; none if there is none or the server refuses.
fn probe<T: for<'a> Deserialize<'a>>(server: &mut Server, sql: &str) -> Result<Option<T>, DbError> {
    let doing = "looking where a table can be cut";
    let connection = &mut server.connection;
    block_on(async {
        run(connection, "SAVEPOINT dbsynth_cuts", doing).await?;
        let answer: Result<Vec<T>, DbError> = ask(connection, sql).await;
        let end = match &answer {
            Ok(_) => "RELEASE SAVEPOINT dbsynth_cuts",
            Err(error) => {
                tracing::debug!(%error, "the table is read by one connection");
                "ROLLBACK TO SAVEPOINT dbsynth_cuts; RELEASE SAVEPOINT dbsynth_cuts"
            }
        };
        run(connection, end, doing).await?;
        Ok(answer.ok().and_then(|rows| rows.into_iter().next()))
    })
}

#[cfg(test)]
mod tests {
    use super::Cuts;
    use crate::schema::{Column, DataType, Table, TableName};

    #[test]
    fn parts_follow_each_other_without_a_gap() {
        let cuts = Cuts::between_pages(100, 3);

        assert_eq!(cuts.count(), 3);
        assert_eq!(cuts.condition(0).unwrap(), "ctid < '(33,0)'::pg_catalog.tid");
        assert_eq!(
            cuts.condition(1).unwrap(),
            "ctid >= '(33,0)'::pg_catalog.tid AND ctid < '(66,0)'::pg_catalog.tid"
        );
        assert_eq!(cuts.condition(2).unwrap(), "ctid >= '(66,0)'::pg_catalog.tid");
        assert_eq!(Cuts::none().condition(0), None);
    }

    #[test]
    fn keys_are_cut_at_bounds_of_the_histogram_that_are_named_by_their_place() {
        let column = Column::new("id", DataType::Integer { min: 0, max: 9 });
        let table = Table::new(TableName::qualified("public", "a"), vec![column]);
        let places = |known, parts| -> Vec<String> {
            let cuts = Cuts::between_keys(&table, "id", "integer", known, parts);
            cuts.bounds.iter().map(|bound| bound.split_once(' ').unwrap().1[..12].to_owned()).collect()
        };

        assert_eq!(places(101, 4), ["h.bounds[26]", "h.bounds[51]", "h.bounds[76]"]);
        assert_eq!(places(3, 50), ["h.bounds[2] "]);
        assert!(places(2, 50).is_empty() && places(101, 1).is_empty());
    }
}
