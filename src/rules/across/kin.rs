//! Who belongs to whom: the children of each row, and the ancestor of each.

use crate::data::NO_ROW;

/// The children of each parent row, in their own order.
pub(super) struct Kin {
    offsets: Vec<u32>,
    rows: Vec<u32>,
}

impl Kin {
    /// Groups rows by their parent row; rows without one are left out.
    pub(super) fn new(parent_of_row: &[u32], parent_count: usize) -> Self {
        let mut offsets = vec![0_u32; parent_count + 1];
        let known = |parent: &u32| *parent != NO_ROW && (*parent as usize) < parent_count;
        for parent in parent_of_row.iter().filter(|parent| known(parent)) {
            offsets[*parent as usize + 1] += 1;
        }
        for index in 0..parent_count {
            offsets[index + 1] += offsets[index];
        }
        let mut next = offsets.clone();
        let mut rows = vec![0; offsets[parent_count] as usize];
        for (row, parent) in parent_of_row.iter().enumerate().filter(|(_, parent)| known(parent)) {
            let place = &mut next[*parent as usize];
            rows[*place as usize] = row as u32;
            *place += 1;
        }
        Self { offsets, rows }
    }

    /// The children of a row.
    pub(super) fn of(&self, parent: usize) -> &[u32] {
        &self.rows[self.offsets[parent] as usize..self.offsets[parent + 1] as usize]
    }

    /// Rows there are to have children.
    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }
}
