//! Rows in memory, columnar: Arrow arrays per column, row-level links per foreign key.

mod bound;
mod key;
mod storage;
pub mod template;

pub use bound::bound_rows;
pub use key::{KeyColumns, KeyIndex, KeyNumbering};
pub use storage::arrow_type;

use arrow_array::{ArrayRef, UInt32Array};
use arrow_select::{concat::concat, take::take};

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
        Self { columns, arrays, row_count }
    }

    /// Returns the values of a column, if held.
    #[must_use]
    pub fn column(&self, id: ColumnId) -> Option<&ArrayRef> {
        self.columns.iter().position(|held| *held == id).map(|index| &self.arrays[index])
    }

    /// Adds a column, or replaces its values.
    ///
    /// # Panics
    /// If the array's length differs from `row_count`.
    pub fn set(&mut self, id: ColumnId, array: ArrayRef) {
        assert_eq!(array.len(), self.row_count, "columns of equal length");
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
        Self { columns, arrays, row_count: self.row_count }
    }

    /// Returns `length` rows from `offset` without copying.
    #[must_use]
    pub fn slice(&self, offset: usize, length: usize) -> Self {
        Self {
            columns: self.columns.clone(),
            arrays: self.arrays.iter().map(|array| array.slice(offset, length)).collect(),
            row_count: length,
        }
    }

    /// Returns the rows at `indices`, in that order.
    ///
    /// # Panics
    /// If an index is out of range.
    #[must_use]
    pub fn take(&self, indices: &[u32]) -> Self {
        let indices = UInt32Array::from(indices.to_vec());
        Self {
            columns: self.columns.clone(),
            arrays: self
                .arrays
                .iter()
                .map(|array| take(array, &indices, None).expect("row index in range"))
                .collect(),
            row_count: indices.len(),
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
        Some(Self {
            columns: first.columns.clone(),
            arrays,
            row_count: batches.iter().map(|batch| batch.row_count).sum(),
        })
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

    /// The parent of every row, in row order.
    #[must_use]
    pub fn parent_of_rows(&self) -> Vec<u32> {
        (0..self.len()).flat_map(|p| std::iter::repeat_n(p as u32, self.rows(p).len())).collect()
    }
}
