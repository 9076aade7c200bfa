//! A table while it is being generated.

use arrow_array::ArrayRef;

use crate::{
    codec::EncodedTable,
    data::{Families, Links, NO_ROW, TableData},
    model::{TableFacts, take_linked},
    sample::{blocks::Place, joint::KnownTokens},
    schema::{ColumnId, Table},
};

/// A table while it is being generated: structure first, then tokens, then values.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// Rows by context parent, orphans' singletons behind.
    pub(super) families: Families,
    /// Families that belong to a parent row.
    pub(super) parent_count: usize,
    /// Per foreign key; empty where not drawn yet.
    pub(super) links: Vec<Links>,
    /// Per foreign key with a presence token: true where the key is to be set; empty means always.
    pub(super) present: Vec<Vec<bool>>,
    /// All tokens of each row.
    pub(super) tokens: EncodedTable,
    /// Times that were decided with the tokens.
    pub(super) times: Vec<(ColumnId, ArrayRef)>,
    /// Attribute tokens decided before the rows are drawn.
    pub(super) known: Vec<KnownTokens>,
    /// Columns decided so far.
    pub(super) data: TableData,
    /// Where these rows stand in their table.
    pub(super) place: Place,
}

impl Draft {
    pub(super) fn empty(table: &Table) -> Self {
        let keys = table.foreign_keys.len();
        Self {
            families: Families::singletons(0),
            parent_count: 0,
            links: vec![Links::default(); keys],
            present: vec![Vec::new(); keys],
            tokens: EncodedTable::empty(0),
            times: Vec::new(),
            known: Vec::new(),
            data: TableData::bare(0),
            place: Place::default(),
        }
    }

    /// The families cut into the series of a panel, once its link is drawn; `None` if the rows are none.
    pub(super) fn series(&self, facts: &TableFacts) -> Option<Families> {
        let (link, _) = facts.panel()?;
        let parents = &self.links[link.0].parent;
        (parents.len() == self.row_count()).then(|| self.families.split(parents))
    }

    pub(super) fn row_count(&self) -> usize {
        self.data.row_count
    }

    /// Drops the rows that `keep` does not say, everywhere.
    pub(super) fn retain(&mut self, keep: &[bool]) {
        let kept: Vec<u32> = (0..keep.len() as u32).filter(|row| keep[*row as usize]).collect();
        let counts: Vec<u32> = (0..self.families.len())
            .map(|family| self.families.rows(family).filter(|row| keep[*row]).count() as u32)
            .collect();
        // An orphan's family goes with its row; a parent's family stays, maybe empty.
        let counts: Vec<u32> = counts
            .iter()
            .enumerate()
            .filter(|(family, count)| *family < self.parent_count || **count > 0)
            .map(|(_, count)| *count)
            .collect();
        for (_, times) in &mut self.times {
            *times = take_linked(times.as_ref(), &kept);
        }
        self.families = Families::from_counts(&counts);
        for links in self.links.iter_mut().filter(|links| !links.parent.is_empty()) {
            links.parent = kept.iter().map(|row| links.parent[*row as usize]).collect();
        }
        for present in self.present.iter_mut().filter(|present| !present.is_empty()) {
            *present = kept.iter().map(|row| present[*row as usize]).collect();
        }
        if self.tokens.row_count == keep.len() {
            self.tokens = self.tokens.take(&kept);
        }
        self.data = self.data.filter(keep);
    }

    /// Puts rows into the families of the parents that a foreign key gives them by now, in their order.
    pub(super) fn regroup(&mut self, context: usize) {
        let parents = &self.links[context].parent;
        let family = |row: &u32| match parents[*row as usize] {
            NO_ROW => (self.parent_count, *row),
            parent => (parent as usize, 0),
        };
        let mut order: Vec<u32> = (0..parents.len() as u32).collect();
        order.sort_by_key(family);
        let mut counts = vec![0_u32; self.parent_count];
        for row in &order {
            match counts.get_mut(parents[*row as usize] as usize) {
                Some(count) => *count += 1,
                None => counts.push(1),
            }
        }
        self.families = Families::from_counts(&counts);
        for links in self.links.iter_mut().filter(|links| !links.parent.is_empty()) {
            links.parent = order.iter().map(|row| links.parent[*row as usize]).collect();
        }
        for present in self.present.iter_mut().filter(|present| !present.is_empty()) {
            *present = order.iter().map(|row| present[*row as usize]).collect();
        }
        if self.tokens.row_count == order.len() {
            self.tokens = self.tokens.take(&order);
        }
        self.data = self.data.take(&order);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, cast::AsArray, types::Int64Type};

    use super::{Draft, Place};
    use crate::{
        codec::EncodedTable,
        data::{Families, Links, NO_ROW, TableData},
        schema::ColumnId,
    };

    #[test]
    fn dropping_rows_keeps_families_links_and_values_together() {
        let mut draft = Draft {
            families: Families::from_counts(&[2, 0, 1, 1]),
            parent_count: 3,
            links: vec![Links { parent: vec![0, 0, 2, NO_ROW] }],
            present: vec![vec![true, true, true, false]],
            tokens: EncodedTable::empty(4),
            times: Vec::new(),
            known: Vec::new(),
            data: TableData::new(vec![ColumnId(0)], vec![Arc::new(Int64Array::from(vec![1, 2, 3, 4]))], 4),
            place: Place::default(),
        };

        draft.retain(&[false, true, true, false]);

        assert_eq!(draft.families, Families::from_counts(&[1, 0, 1]));
        assert_eq!(draft.links[0].parent, vec![0, 2]);
        assert_eq!(draft.data.arrays[0].as_primitive::<Int64Type>().values().to_vec(), vec![2, 3]);
    }

    #[test]
    fn rows_that_took_another_parent_move_to_its_family() {
        let mut draft = Draft {
            families: Families::from_counts(&[2, 0, 1, 1]),
            parent_count: 3,
            links: vec![Links { parent: vec![2, 0, 1, NO_ROW] }],
            present: vec![Vec::new()],
            tokens: EncodedTable::empty(4),
            times: Vec::new(),
            known: Vec::new(),
            data: TableData::new(vec![ColumnId(0)], vec![Arc::new(Int64Array::from(vec![1, 2, 3, 4]))], 4),
            place: Place::default(),
        };

        draft.regroup(0);

        assert_eq!(draft.families, Families::from_counts(&[1, 1, 1, 1]));
        assert_eq!(draft.links[0].parent, vec![0, 1, 2, NO_ROW]);
        assert_eq!(draft.data.arrays[0].as_primitive::<Int64Type>().values().to_vec(), vec![2, 3, 1, 4]);
    }
}
