//! Fresh keys whose numbers run with a time, or with the key of the parent, as they do in the source.

use std::{cmp::Reverse, sync::Arc};

use arrow_array::Int64Array;

use crate::{
    data::{TableData, ordered},
    model::TableModel,
    rules::KeyClock,
    sample::{Sampler, draft::Draft},
    schema::TableId,
};

/// Exchanges the numbers of a key among the rows whose clock is known, so that they run with it; other rows keep
/// theirs.
pub(super) fn set_by_clock(clock: KeyClock, rows: &mut TableData) {
    let (Some(numbers), Some(times)) =
        (rows.column(clock.key).and_then(ordered), rows.column(clock.with).and_then(ordered))
    else {
        return;
    };
    let Some(mut numbers) = numbers.into_iter().collect::<Option<Vec<i64>>>() else { return };
    let mut order: Vec<usize> = (0..rows.row_count).filter(|row| times[*row].is_some()).collect();
    let mut free: Vec<i64> = order.iter().map(|row| numbers[*row]).collect();
    free.sort_unstable();
    order.sort_by_key(|row| times[*row]);
    for (row, number) in order.into_iter().zip(free) {
        numbers[row] = number;
    }
    rows.set(clock.key, Arc::new(Int64Array::from(numbers)));
}

/// The rows in the order of a key.
pub(super) fn in_key_order(clock: KeyClock, rows: TableData) -> TableData {
    let Some(numbers) = rows.column(clock.key).and_then(ordered) else { return rows };
    if numbers.is_sorted() {
        return rows;
    }
    let mut order: Vec<u32> = (0..rows.row_count as u32).collect();
    order.sort_by_key(|row| numbers[*row as usize]);
    rows.take(&order)
}

/// Where the rows of a table stand in the order of its key, if they are generated in blocks. A clock that is known
/// beforehand (the parent's key) decides; of another one each block has its share of early and late rows, so that
/// the blocks' numbers are dealt out in turn.
pub(super) fn ranks(clock: KeyClock, draft: &Draft, blocks: &[usize]) -> Vec<u32> {
    let rows = draft.row_count();
    let Some(known) = draft.data.column(clock.with).and_then(ordered) else { return dealt(blocks) };
    let mut order: Vec<u32> = (0..rows as u32).collect();
    order.sort_by_key(|row| (Reverse(known[*row as usize].is_some()), known[*row as usize]));
    let mut ranks = vec![0; rows];
    for (rank, row) in order.into_iter().enumerate() {
        ranks[row as usize] = rank as u32;
    }
    ranks
}

/// Per row, block by block, its rank where row `r` of a block with `n` rows stands at `(r + ½) / n`; of equal places
/// the earlier block's comes first.
fn dealt(blocks: &[usize]) -> Vec<u32> {
    let mut ranks = Vec::with_capacity(blocks.iter().sum());
    for (block, rows) in blocks.iter().enumerate() {
        for row in 0..*rows {
            let before = |(other, size): (usize, &usize)| {
                // (2 s + 1) / (2 size) < (2 row + 1) / (2 rows), in whole numbers.
                let place = (2 * row + 1) * size;
                let last = if other < block { place / rows } else { place.saturating_sub(1) / rows };
                last.div_ceil(2).min(*size)
            };
            let all = blocks.iter().enumerate().filter(|(other, _)| *other != block);
            ranks.push((row + all.map(before).sum::<usize>()) as u32);
        }
    }
    ranks
}

impl Sampler<'_> {
    /// What the fresh numbers of a table run with, if with anything; those of its own key first.
    pub(super) fn clocks(&self, id: TableId) -> &[KeyClock] {
        self.generated(id).map_or(&[], |model| &model.facts.rules.clocks)
    }

    /// Lets fresh numbers run with their clocks.
    pub(super) fn run_with_clocks(&self, model: &TableModel, draft: &mut Draft) {
        for clock in &model.facts.rules.clocks {
            set_by_clock(*clock, &mut draft.data);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Date32Array, Int64Array, cast::AsArray, types::Int64Type};

    use super::{KeyClock, dealt, in_key_order, set_by_clock};
    use crate::{data::TableData, schema::ColumnId};

    const CLOCK: KeyClock = KeyClock { key: ColumnId(0), with: ColumnId(1) };

    fn numbers(rows: &TableData) -> Vec<i64> {
        rows.arrays[0].as_primitive::<Int64Type>().values().to_vec()
    }

    #[test]
    fn later_rows_get_higher_numbers_and_rows_without_a_time_keep_theirs() {
        let key: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4, 5]));
        let day: ArrayRef = Arc::new(Date32Array::from(vec![Some(9), None, Some(3), Some(3), Some(1)]));
        let mut rows = TableData::new(vec![ColumnId(0), ColumnId(1)], vec![key, day], 5);

        set_by_clock(CLOCK, &mut rows);

        assert_eq!(numbers(&rows), [5, 2, 3, 4, 1]);
        assert_eq!(numbers(&in_key_order(CLOCK, rows)), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn blocks_are_dealt_numbers_in_turn_and_every_number_once() {
        assert_eq!(dealt(&[2, 2]), [0, 2, 1, 3]);
        assert_eq!(dealt(&[4, 2]), [0, 2, 3, 5, 1, 4]);
        for blocks in [vec![1, 7, 3], vec![5, 5, 5, 5], vec![1], vec![9, 2], vec![3, 0, 2]] {
            let ranks = dealt(&blocks);
            let mut all = ranks.clone();
            all.sort_unstable();
            assert_eq!(all, (0..blocks.iter().sum::<usize>() as u32).collect::<Vec<_>>(), "{blocks:?}");
            let mut from = 0;
            for rows in blocks {
                assert!(ranks[from..from + rows].is_sorted(), "a block's own rows stay in order");
                from += rows;
            }
        }
    }
}
