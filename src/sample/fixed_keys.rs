//! Keys that a CHECK fixes: the root of a tree that must be number 0, the system's own account that must be number 1.
//!
//! Fresh keys count from 1 and know nothing of the row. Where a CHECK compares the key with a constant beside other
//! columns, a row that breaks it takes the constant as its key; a row that is no root for want of the constant is
//! hung below the one that has it.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Int64Array, cast::AsArray, types::Int64Type};

use crate::{
    data::{NO_ROW, TableData},
    model::TableModel,
    plan::ColumnRole,
    sample::{Sampler, draft::Draft, suspects::changeable},
    schema::{ColumnId, DataType, ForeignKeyId, TableId},
};

impl Sampler<'_> {
    /// Gives rows that break a CHECK over their fresh key the constant that it asks for. Runs once self references
    /// are drawn and before any other table refers to the rows.
    pub(super) fn fix_keys(&self, id: TableId, model: &TableModel, draft: &mut Draft) {
        let table = self.model.schema.table(id);
        let roles = &self.model.plan.table(id).columns;
        let surrogate = |column: ColumnId| {
            roles[column.0] == ColumnRole::SurrogateKey
                && matches!(table.column(column).data_type, DataType::Integer { .. })
        };
        for (key, _) in table.iter().filter(|(column, _)| surrogate(*column)) {
            for constant in model.facts.rules.key_constants(key) {
                let Some(keys) = integers(&draft.data, key) else { continue };
                if keys.iter().flatten().any(|held| held == constant) {
                    continue;
                }
                let bad = broken(model, draft, key);
                let mut trial = draft.data.take(&bad);
                trial.set(key, Arc::new(Int64Array::from(vec![constant; bad.len()])));
                let broken = self.breaks(id, model, &trial);
                let Some(place) =
                    (0..bad.len()).filter(|row| broken[*row].0 == 0).min_by_key(|row| broken[*row])
                else {
                    continue;
                };
                let chosen = bad[place];
                draft.data = draft.data.patched(&trial, [(chosen as usize, place)]);
                self.follow_keys(id, key, draft);
                self.hang_below(id, model, key, chosen, draft);
            }
        }
    }

    /// Per row, how many CHECKs it breaks: those that no other attribute can mend, and the others.
    fn breaks(&self, id: TableId, model: &TableModel, rows: &TableData) -> Vec<(usize, usize)> {
        let roles = &self.model.plan.table(id).columns;
        let mut counts = vec![(0, 0); rows.row_count];
        for (check, failed) in model.facts.rules.failures(rows) {
            let soft = !changeable(model, roles, &check.columns).is_empty();
            for (count, _) in counts.iter_mut().zip(&failed).filter(|(_, failed)| **failed) {
                *(if soft { &mut count.1 } else { &mut count.0 }) += 1;
            }
        }
        counts
    }

    /// Hangs rows that still break such a CHECK, and have no parent in their own table, below row `root`.
    fn hang_below(&self, id: TableId, model: &TableModel, key: ColumnId, root: u32, draft: &mut Draft) {
        for fk in self.own_references(id, key, draft) {
            let links = &draft.links[fk.0].parent;
            let orphans: Vec<u32> =
                broken(model, draft, key).into_iter().filter(|row| links[*row as usize] == NO_ROW).collect();
            let mut hung = draft.clone();
            for row in &orphans {
                hung.links[fk.0].parent[*row as usize] = root;
            }
            self.follow_keys(id, key, &mut hung);
            let broken = self.breaks(id, model, &hung.data.take(&orphans));
            for (row, _) in orphans.iter().zip(&broken).filter(|(row, (hard, _))| *hard == 0 && **row != root)
            {
                draft.links[fk.0].parent[*row as usize] = root;
            }
            self.follow_keys(id, key, draft);
        }
    }

    /// Copies keys into the self references to them once more.
    fn follow_keys(&self, id: TableId, key: ColumnId, draft: &mut Draft) {
        let table = self.model.schema.table(id);
        for fk in self.own_references(id, key, draft) {
            let own = draft.data.select(|column| column == key);
            let links = draft.links[fk.0].parent.clone();
            let columns =
                table.foreign_keys[fk.0].columns.iter().zip(&table.foreign_keys[fk.0].parent_columns);
            for (column, _) in columns.filter(|(_, parent)| **parent == key) {
                draft.data.set_linked(*column, (&own, key), &links, true);
            }
        }
    }

    /// Foreign keys of a table to its own key that are drawn already and bind every row.
    fn own_references(&self, id: TableId, key: ColumnId, draft: &Draft) -> Vec<ForeignKeyId> {
        let keys = self.model.schema.table(id).foreign_keys.iter().enumerate();
        keys.filter(|(index, fk)| {
            fk.parent == id
                && fk.when().is_none()
                && fk.parent_columns == [key]
                && draft.links[*index].parent.len() == draft.row_count()
        })
        .map(|(index, _)| ForeignKeyId(index))
        .collect()
    }
}

/// The rows that break a CHECK over a key.
fn broken(model: &TableModel, draft: &Draft, key: ColumnId) -> Vec<u32> {
    let broken = model.facts.rules.broken(&draft.data);
    broken.into_iter().filter(|(_, reads)| reads.contains(&key)).map(|(row, _)| row).collect()
}

fn integers(rows: &TableData, column: ColumnId) -> Option<Int64Array> {
    let array: &ArrayRef = rows.column(column)?;
    array.as_primitive_opt::<Int64Type>().filter(|array| array.null_count() == 0).cloned()
}
