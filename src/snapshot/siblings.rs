//! The order of siblings.

use arrow_array::{
    Array,
    cast::AsArray,
    types::{Date32Type, TimestampMicrosecondType},
};

use crate::{
    data::{Families, TableData},
    schema::{DataType, Table},
};

/// Fewest rows of several series, and the length of a series, on average.
const PAIRS_MIN: usize = 50;
const SERIES_ROWS: usize = 3;

/// Where siblings come series after series, at least this share of the steps leads back in time, and by this share of
/// the family's time on average: to where the next series begins, not just behind a late row.
const BACK_MIN: f64 = 0.02;
const WAY_BACK: f64 = 0.5;

/// Sorts rows by parent, siblings by time or else as they came (by primary key), orphans last. They also stay as they
/// came where they came series after series: the weeks of one department, then those of the next.
pub(super) fn family_order(
    table: &Table,
    data: &TableData,
    context_rows: &[u32],
    parent_count: usize,
) -> (Vec<u32>, Families) {
    let mut order: Vec<u32> = (0..data.row_count as u32).collect();
    order.sort_by_key(|row| context_rows[*row as usize]);
    let same = |one: &u32, other: &u32| context_rows[*one as usize] == context_rows[*other as usize];
    if let Some(times) = sibling_times(table, data)
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
    table.iter().find_map(|(id, column)| {
        let array = data.column(id)?;
        if array.null_count() * 10 > array.len() {
            return None;
        }
        match column.data_type {
            DataType::Timestamp { .. } => {
                let times = array.as_primitive_opt::<TimestampMicrosecondType>()?;
                Some(
                    (0..array.len())
                        .map(|i| if times.is_valid(i) { times.value(i) } else { i64::MAX })
                        .collect(),
                )
            }
            DataType::Date => {
                let days = array.as_primitive_opt::<Date32Type>()?;
                let value = |i| if days.is_valid(i) { i64::from(days.value(i)) } else { i64::MAX };
                Some((0..array.len()).map(value).collect())
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::is_series_after_series;

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
}
