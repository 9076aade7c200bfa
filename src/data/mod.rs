//! Rows in memory, columnar: Arrow arrays per column, row-level links per foreign key.

mod bound;
mod key;
mod key_course;
mod key_run;
mod storage;
pub mod template;

pub use bound::bound_rows;
pub use key::{KeyColumns, KeyIndex, KeyNumbering};
pub use key_course::{KeyCourse, KeySpread};
pub use key_run::{KeyRun, ordered};
pub use storage::arrow_type;

use arrow_array::{Array, ArrayRef, BooleanArray, StringArray, UInt32Array, new_null_array};
use arrow_schema::DataType as ArrowType;
use arrow_select::{concat::concat, filter::filter, take::take};

use crate::schema::ColumnId;

/// The parent row of a child row that has none (null foreign key) in [`Links`].
pub const NO_ROW: u32 = u32::MAX;

/// Rows of one table (or some columns of it), column by column.
#[derive(Debug, Clone)]
pub struct TableData {
    /// Which column each array holds.
    pub columns: Vec<ColumnId>,
    /// One array per entry of `columns`, all of `row_count` values, typed by [`crate::schema::Storage`].
    pub arrays: Vec<ArrayRef>,
    /// Rows held; meaningful even without columns.
    pub row_count: usize,
    /// Per column, values that its array does not hold exactly (digits beyond a float's, a zero date), as text that
    /// only the engine that read them writes back; null where the array says it all. Only an exact scan fills it.
    pub exact: Vec<(ColumnId, ArrayRef)>,
}

impl TableData {
    /// Bundles columns that all have `row_count` values.
    ///
    /// # Panics
    /// If an array's length differs from `row_count`.
    #[must_use]
    pub fn new(columns: Vec<ColumnId>, arrays: Vec<ArrayRef>, row_count: usize) -> Self {
        assert_eq!(columns.len(), arrays.len(), "one array per column");
        assert!(arrays.iter().all(|array| array.len() == row_count), "columns of equal length");
        Self { columns, arrays, row_count, exact: Vec::new() }
    }

    /// Rows without columns.
    #[must_use]
    pub fn bare(row_count: usize) -> Self {
        Self { columns: Vec::new(), arrays: Vec::new(), row_count, exact: Vec::new() }
    }

    /// The exact texts of a column's values, if any of them needs one.
    #[must_use]
    pub fn exact(&self, id: ColumnId) -> Option<&StringArray> {
        let (_, array) = self.exact.iter().find(|(held, _)| *held == id)?;
        array.as_any().downcast_ref()
    }

    /// Keeps the exact texts of a column that is held; texts that are all null are not kept.
    ///
    /// # Panics
    /// If the array's length differs from `row_count`.
    pub fn set_exact(&mut self, id: ColumnId, texts: ArrayRef) {
        assert_eq!(texts.len(), self.row_count, "columns of equal length");
        self.exact.retain(|(held, _)| *held != id);
        if texts.null_count() < texts.len() {
            self.exact.push((id, texts));
        }
    }

    /// Returns the values of a column, if held.
    #[must_use]
    pub fn column(&self, id: ColumnId) -> Option<&ArrayRef> {
        self.columns.iter().position(|held| *held == id).map(|index| &self.arrays[index])
    }

    /// Fills a column from another one, row by row: row `links[n]` of `source`, null for [`NO_ROW`]. The exact texts
    /// come along if `exact` says that both columns are of one type.
    ///
    /// # Panics
    /// If there is not one link per row, or a link leads out of `source`.
    pub fn set_linked(&mut self, id: ColumnId, source: (&Self, ColumnId), links: &[u32], exact: bool) {
        let (rows, column) = source;
        let indices: UInt32Array = links.iter().map(|row| (*row != NO_ROW).then_some(*row)).collect();
        let linked = |array: &ArrayRef| take(array, &indices, None).expect("a linked row exists");
        let Some(values) = rows.column(column).map(linked) else { return };
        let texts = rows.exact.iter().find(|(held, _)| *held == column).map(|(_, array)| linked(array));
        self.set(id, values);
        if let Some(texts) = texts.filter(|_| exact) {
            self.set_exact(id, texts);
        }
    }

    /// Adds a column, or replaces its values, exact texts and all.
    ///
    /// # Panics
    /// If the array's length differs from `row_count`.
    pub fn set(&mut self, id: ColumnId, array: ArrayRef) {
        assert_eq!(array.len(), self.row_count, "columns of equal length");
        self.exact.retain(|(held, _)| *held != id);
        match self.columns.iter().position(|held| *held == id) {
            Some(index) => self.arrays[index] = array,
            None => {
                self.columns.push(id);
                self.arrays.push(array);
            }
        }
    }

    /// Returns only the columns that `keep` says, in their order.
    #[must_use]
    pub fn select(&self, keep: impl Fn(ColumnId) -> bool) -> Self {
        let (columns, arrays) = self
            .columns
            .iter()
            .zip(&self.arrays)
            .filter(|(id, _)| keep(**id))
            .map(|(id, array)| (*id, array.clone()))
            .unzip();
        let exact = self.exact.iter().filter(|(id, _)| keep(*id)).cloned().collect();
        Self { columns, arrays, row_count: self.row_count, exact }
    }

    /// Returns `length` rows from `offset` without copying.
    #[must_use]
    pub fn slice(&self, offset: usize, length: usize) -> Self {
        Self {
            columns: self.columns.clone(),
            arrays: self.arrays.iter().map(|array| array.slice(offset, length)).collect(),
            row_count: length,
            exact: self.exact.iter().map(|(id, array)| (*id, array.slice(offset, length))).collect(),
        }
    }

    /// Returns the rows at `indices`, in that order.
    ///
    /// # Panics
    /// If an index is out of range.
    #[must_use]
    pub fn take(&self, indices: &[u32]) -> Self {
        let indices = UInt32Array::from(indices.to_vec());
        let taken = |array: &ArrayRef| take(array, &indices, None).expect("row index in range");
        Self {
            columns: self.columns.clone(),
            arrays: self.arrays.iter().map(taken).collect(),
            row_count: indices.len(),
            exact: self.exact.iter().map(|(id, array)| (*id, taken(array))).collect(),
        }
    }

    /// Returns these rows with some replaced: `(row, place)` puts row `place` of `from` in the place of `row`.
    ///
    /// # Panics
    /// If `from` has other columns or array types, or an index is out of range.
    #[must_use]
    pub fn patched(&self, from: &Self, moves: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let base = self.row_count;
        let mut index: Vec<u32> = (0..base as u32).collect();
        let mut moved = false;
        for (row, place) in moves {
            index[row] = (base + place) as u32;
            moved = true;
        }
        let both = moved.then(|| Self::concat(&[self.clone(), from.clone()])).flatten();
        both.map_or_else(|| self.clone(), |both| both.take(&index))
    }

    /// Returns the rows that `keep` says.
    ///
    /// # Panics
    /// If there is not one flag per row.
    #[must_use]
    pub fn filter(&self, keep: &[bool]) -> Self {
        let mask = BooleanArray::from(keep.to_vec());
        let kept = |array: &ArrayRef| filter(array, &mask).expect("a mask as long as the rows");
        Self {
            columns: self.columns.clone(),
            arrays: self.arrays.iter().map(kept).collect(),
            row_count: keep.iter().filter(|keep| **keep).count(),
            exact: self.exact.iter().map(|(id, array)| (*id, kept(array))).collect(),
        }
    }

    /// Appends batches that hold the same columns into one.
    ///
    /// # Panics
    /// If the batches differ in their columns or array types.
    #[must_use]
    pub fn concat(batches: &[Self]) -> Option<Self> {
        let first = batches.first()?;
        let arrays = (0..first.arrays.len())
            .map(|index| {
                let parts: Vec<_> = batches.iter().map(|batch| batch.arrays[index].as_ref()).collect();
                concat(&parts).expect("batches of one table have one type per column")
            })
            .collect();
        let mut all = Self {
            columns: first.columns.clone(),
            arrays,
            row_count: batches.iter().map(|batch| batch.row_count).sum(),
            exact: Vec::new(),
        };
        for column in &first.columns {
            let needed = batches.iter().any(|batch| batch.exact(*column).is_some());
            if !needed {
                continue;
            }
            let parts: Vec<ArrayRef> = batches
                .iter()
                .map(|batch| match batch.exact.iter().find(|(id, _)| id == column) {
                    Some((_, array)) => array.clone(),
                    None => new_null_array(&ArrowType::Utf8, batch.row_count),
                })
                .collect();
            let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
            all.set_exact(*column, concat(&parts).expect("exact values are texts"));
        }
        Some(all)
    }
}

/// For one foreign key: the parent row of each child row, [`NO_ROW`] where the key is null.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    /// Parent row index per child row.
    pub parent: Vec<u32>,
}

impl Links {
    /// No row has a parent.
    #[must_use]
    pub fn absent(row_count: usize) -> Self {
        Self { parent: vec![NO_ROW; row_count] }
    }

    /// Counts the children of each of `parent_count` parent rows.
    #[must_use]
    pub fn fan_out(&self, parent_count: usize) -> Vec<u32> {
        let mut counts = vec![0_u32; parent_count];
        for parent in self.parent.iter().filter(|parent| **parent != NO_ROW) {
            counts[*parent as usize] += 1;
        }
        counts
    }
}

/// Rows of a child table grouped by their context parent: family `p` is the contiguous range
/// `offsets[p]..offsets[p + 1]`. A table without a context parent is one family per row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Families {
    /// `P + 1` ascending offsets; the last is the row count.
    pub offsets: Vec<u32>,
}

impl Families {
    /// Builds families from the number of children of each parent, in parent order.
    #[must_use]
    pub fn from_counts(counts: &[u32]) -> Self {
        let mut offsets = Vec::with_capacity(counts.len() + 1);
        let mut next = 0_u32;
        offsets.push(0);
        for count in counts {
            next += count;
            offsets.push(next);
        }
        Self { offsets }
    }

    /// One family per row: the shape of a table without a context parent.
    #[must_use]
    pub fn singletons(row_count: usize) -> Self {
        Self::from_counts(&vec![1; row_count])
    }

    /// Number of families, childless parents included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// True without families.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of rows in all families.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.offsets.last().map_or(0, |last| *last as usize)
    }

    /// The rows of family `parent`.
    #[must_use]
    pub fn rows(&self, parent: usize) -> std::ops::Range<usize> {
        self.offsets[parent] as usize..self.offsets[parent + 1] as usize
    }

    /// The same rows, each family cut where a number (the parent along another key) changes from a row to the next.
    #[must_use]
    pub fn split(&self, by: &[u32]) -> Self {
        let cuts = |family: usize| {
            let rows = self.rows(family);
            let (start, end) = (rows.start, rows.end as u32);
            rows.skip(1)
                .filter(move |row| *row > start && by.get(*row) != by.get(*row - 1))
                .map(|row| row as u32)
                .chain([end])
        };
        let offsets = std::iter::once(0).chain((0..self.len()).flat_map(cuts));
        Self { offsets: offsets.collect() }
    }

    /// Calls `visit(first, row)` for every row but the first of each family.
    pub fn for_each_later(&self, mut visit: impl FnMut(usize, usize)) {
        for family in 0..self.len() {
            let rows = self.rows(family);
            let first = rows.start;
            rows.skip(1).for_each(|row| visit(first, row));
        }
    }

    /// The parent of every row, in row order.
    #[must_use]
    pub fn parent_of_rows(&self) -> Vec<u32> {
        (0..self.len()).flat_map(|p| std::iter::repeat_n(p as u32, self.rows(p).len())).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Array, ArrayRef, Float64Array, StringArray};

    use super::TableData;
    use crate::schema::ColumnId;

    fn rows(values: &[f64], exact: &[Option<&str>]) -> TableData {
        let array: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
        let mut rows = TableData::new(vec![ColumnId(0)], vec![array], values.len());
        rows.set_exact(ColumnId(0), Arc::new(StringArray::from(exact.to_vec())));
        rows
    }

    #[test]
    fn exact_values_go_wherever_their_rows_go() {
        let plain = rows(&[1.0, 2.0], &[None, None]);
        assert!(plain.exact(ColumnId(0)).is_none());
        let all = TableData::concat(&[plain, rows(&[3.0, 4.0], &[Some("3.00"), None])]).unwrap();

        assert_eq!(all.exact(ColumnId(0)).unwrap().null_count(), 3);
        assert_eq!(all.take(&[2, 0]).exact(ColumnId(0)).unwrap().value(0), "3.00");
        assert_eq!(all.filter(&[false, false, true, false]).exact(ColumnId(0)).unwrap().value(0), "3.00");
        assert_eq!(all.slice(2, 1).exact(ColumnId(0)).unwrap().value(0), "3.00");
        assert!(all.select(|_| false).exact.is_empty());
    }

    #[test]
    fn new_values_have_no_exact_text_of_the_old_ones() {
        let mut held = rows(&[1.0], &[Some("1.00")]);
        held.set(ColumnId(0), Arc::new(Float64Array::from(vec![2.0])));

        assert!(held.exact(ColumnId(0)).is_none());
    }
}
