//! The order of siblings.

use std::collections::BTreeMap;

use arrow_array::{Array, ArrayRef};

use crate::{
    data::{Families, TableData, ordered},
    schema::{ColumnId, DataType, ForeignKeyId, Table},
};

/// Fewest rows of several series, and the length of a series, on average.
const PAIRS_MIN: usize = 50;
const SERIES_ROWS: usize = 3;

/// Where siblings come series after series, at least this share of the steps leads back in time, and by this share of
/// the family's time on average: to where the next series begins, not just behind a late row.
const BACK_MIN: f64 = 0.02;
const WAY_BACK: f64 = 0.5;

/// Share of the siblings that have a time in common with another one, in a panel. Where a key says that a time comes once
/// in a series, the share of a family's times that each of its series has: what somebody buys now and then is no series.
/// Without such a key, the share of the gaps within a series that are equal.
const SHARED_TIMES: f64 = 0.1;
const COVERED: f64 = 0.5;
const EQUAL_GAPS: f64 = 0.5;
/// Share of the steps within a series that may stand still.
const STILL: f64 = 0.001;

/// A link whose parents split siblings into series: the shops of a product's daily sales.
pub(super) struct Panel<'a> {
    pub(super) link: ForeignKeyId,
    parents: &'a [u32],
    times: Vec<i64>,
}

/// Looks for the link that makes a panel of a table's rows: under one parent many rows have one time, and with the
/// link's parent each has it once, from time to time.
pub(super) fn panel<'a>(
    table: &Table,
    data: &TableData,
    context_rows: &[u32],
    context: Option<ForeignKeyId>,
    links: &'a [(ForeignKeyId, Vec<u32>)],
) -> Option<Panel<'a>> {
    let own = &table.foreign_keys[context?.0].columns;
    links.iter().find_map(|(link, parents)| {
        let above = &table.foreign_keys[link.0].columns;
        let mut keys = table.keys().filter(|key| key.predicate.is_none() && key.expressions.is_empty());
        let declared = keys.find_map(|key| {
            let both = own.iter().chain(above).all(|column| key.columns.contains(column));
            let mut rest =
                key.columns.iter().filter(|column| !own.contains(column) && !above.contains(column));
            rest.next().filter(|_| both && rest.next().is_none()).copied()
        });
        let times = match declared {
            Some(column) => places(data, column)?,
            None => first_time(table, data)?,
        };
        is_panel(context_rows, parents, &times, declared.is_some()).then_some(Panel {
            link: *link,
            parents,
            times,
        })
    })
}

fn is_panel(context_rows: &[u32], parents: &[u32], times: &[i64], is_key: bool) -> bool {
    let mut order: Vec<usize> = (0..times.len()).filter(|row| times[*row] != i64::MAX).collect();
    if order.len() * 10 < times.len() * 9 {
        return false;
    }
    order.sort_by_key(|row| (context_rows[*row], times[*row]));
    let at = |row: &usize| (context_rows[*row], times[*row]);
    let shared: usize = order.chunk_by(|one, other| at(one) == at(other)).map(|rows| rows.len() - 1).sum();
    let mut moments: BTreeMap<u32, usize> = BTreeMap::new();
    for rows in order.chunk_by(|one, other| at(one) == at(other)) {
        *moments.entry(context_rows[rows[0]]).or_default() += 1;
    }
    order.sort_by_key(|row| (context_rows[*row], parents[*row], times[*row]));
    let (mut series, mut pairs, mut still, mut possible) = (0, 0, 0, 0);
    let mut gaps: BTreeMap<i64, usize> = BTreeMap::new();
    let of = |row: &usize| (context_rows[*row], parents[*row]);
    for rows in order.chunk_by(|one, other| of(one) == of(other)) {
        series += 1;
        possible += moments.get(&context_rows[rows[0]]).copied().unwrap_or(0);
        for pair in rows.windows(2) {
            let gap = times[pair[1]].saturating_sub(times[pair[0]]);
            pairs += 1;
            still += usize::from(gap == 0);
            *gaps.entry(gap).or_default() += 1;
        }
    }
    let most = gaps.values().copied().max().unwrap_or(0);
    pairs >= PAIRS_MIN
        && order.len() >= SERIES_ROWS * series
        && shared as f64 >= SHARED_TIMES * order.len() as f64
        && still as f64 <= STILL * pairs as f64
        && if is_key {
            order.len() as f64 >= COVERED * possible as f64
        } else {
            most as f64 >= EQUAL_GAPS * pairs as f64
        }
}

/// Sorts rows by parent, siblings by time or else as they came (by primary key), orphans last. They also stay as they
/// came where they came series after series: the weeks of one department, then those of the next. In a panel the rows
/// of one parent along its link come after each other, by time.
pub(super) fn family_order(
    table: &Table,
    data: &TableData,
    (context_rows, panel): (&[u32], Option<&Panel<'_>>),
    parent_count: usize,
) -> (Vec<u32>, Families) {
    let mut order: Vec<u32> = (0..data.row_count as u32).collect();
    order.sort_by_key(|row| context_rows[*row as usize]);
    let same = |one: &u32, other: &u32| context_rows[*one as usize] == context_rows[*other as usize];
    if let Some(Panel { parents, times, .. }) = panel {
        order.sort_by_key(|row| (context_rows[*row as usize], parents[*row as usize], times[*row as usize]));
    } else if let Some(times) = sibling_times(table, data)
        && !is_series_after_series(order.chunk_by(same), &times)
    {
        order.sort_by_key(|row| (context_rows[*row as usize], times[*row as usize]));
    }
    let mut counts = vec![0_u32; parent_count];
    let mut orphans = 0;
    for parent in context_rows {
        match counts.get_mut(*parent as usize) {
            Some(count) => *count += 1,
            None => orphans += 1,
        }
    }
    counts.extend(std::iter::repeat_n(1, orphans));
    (order, Families::from_counts(&counts))
}

/// True if the times of siblings, as they came, go up and start again, several times over.
fn is_series_after_series<'a>(families: impl Iterator<Item = &'a [u32]>, times: &[i64]) -> bool {
    let (mut pairs, mut back, mut way) = (0_usize, 0_usize, 0.0);
    for family in families {
        let known = || family.iter().map(|row| times[*row as usize]).filter(|time| *time != i64::MAX);
        let (Some(first), Some(last)) = (known().min(), known().max()) else { continue };
        let span = (last.saturating_sub(first)).max(1) as f64;
        for (from, to) in known().zip(known().skip(1)) {
            pairs += 1;
            if to < from {
                back += 1;
                way += from.saturating_sub(to) as f64 / span;
            }
        }
    }
    pairs >= PAIRS_MIN
        && back as f64 >= BACK_MIN * pairs as f64
        && back * SERIES_ROWS <= pairs
        && way >= WAY_BACK * back as f64
}

/// The time that orders siblings: the first mostly filled date or timestamp, unless the primary key already
/// holds a number of its own (a line number orders better than any date).
fn sibling_times(table: &Table, data: &TableData) -> Option<Vec<i64>> {
    let numbered = table.primary_key.as_ref().is_some_and(|key| {
        key.columns.len() > 1
            && key.columns.iter().any(|column| {
                let linked = table.foreign_keys.iter().any(|fk| fk.columns.contains(column));
                !linked && matches!(table.column(*column).data_type, DataType::Integer { .. })
            })
    });
    if numbered {
        return None;
    }
    first_time(table, data)
}

/// The first date or timestamp that nearly all rows have.
fn first_time(table: &Table, data: &TableData) -> Option<Vec<i64>> {
    table.iter().find_map(|(id, column)| {
        let is_time = matches!(column.data_type, DataType::Timestamp { .. } | DataType::Date);
        let filled = |array: &&ArrayRef| array.null_count() * 10 <= array.len();
        data.column(id).filter(|_| is_time).filter(filled).and_then(|_| places(data, id))
    })
}

/// The places of a column's values on their line, the last one where there is none.
fn places(data: &TableData, column: ColumnId) -> Option<Vec<i64>> {
    let places = ordered(data.column(column)?)?;
    Some(places.into_iter().map(|place| place.unwrap_or(i64::MAX)).collect())
}

#[cfg(test)]
mod tests {
    use super::{is_panel, is_series_after_series};

    fn told(times: &[i64]) -> bool {
        let rows: Vec<u32> = (0..times.len() as u32).collect();
        is_series_after_series(rows.chunks(60), times)
    }

    #[test]
    fn weeks_that_start_again_are_series_and_late_or_shuffled_rows_are_none() {
        let weeks: Vec<i64> = (0..240).map(|row| row % 6 * 7).collect();
        let gaps: Vec<i64> = weeks.iter().map(|day| if *day == 14 { i64::MAX } else { *day }).collect();
        let ascending: Vec<i64> = (0..240).collect();
        let late: Vec<i64> = (0..240).map(|row| if row % 9 == 0 { row - 2 } else { row }).collect();
        let shuffled: Vec<i64> = (0..240).map(|row| row * row % 241).collect();

        assert!(told(&weeks));
        assert!(told(&gaps), "a time may be missing");
        assert!(!told(&ascending));
        assert!(!told(&late));
        assert!(!told(&shuffled));
        assert!(!told(&weeks[..40]), "too few rows to tell");
    }

    #[test]
    fn shops_that_tell_each_day_are_a_panel_and_visits_are_none() {
        // 8 products in 4 shops on 10 days.
        let rows = || 0..320_u32;
        let product: Vec<u32> = rows().map(|row| row / 40).collect();
        let shop: Vec<u32> = rows().map(|row| row / 10 % 4).collect();
        let day: Vec<i64> = rows().map(|row| i64::from(row % 10)).collect();
        assert!(is_panel(&product, &shop, &day, false));

        let twice: Vec<i64> = day.iter().map(|day| day / 2).collect();
        assert!(!is_panel(&product, &shop, &twice, false), "a shop has a day twice");
        let visits: Vec<i64> = rows().map(|row| i64::from(row * row % 1009)).collect();
        assert!(!is_panel(&product, &shop, &visits, false), "no two shops share a day");
        let uneven: Vec<i64> = day.iter().map(|day| day * day).collect();
        assert!(!is_panel(&product, &shop, &uneven, false), "gaps differ");
        assert!(is_panel(&product, &shop, &uneven, true), "but a key says that a day comes once");
        let rare: Vec<i64> = rows().map(|row| i64::from(row % 10 * 31 + row * row % 29)).collect();
        assert!(!is_panel(&product, &shop, &rare, true), "each shop has days of its own");
    }
}
