//! Draws the parents of conditional foreign keys: `commentable_id` refers to a post where `commentable_type` says so.
//!
//! These come last. A row's own values decide which key binds it, so the type is final by then; every row holds a
//! plausible value in the columns that refer, learnt like any other, and a row that is bound gets its parent's instead.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, new_null_array};
use arrow_select::zip::zip;

use crate::{
    data::{NO_ROW, arrow_type, bound_rows},
    finding::Finding,
    model::TableModel,
    plan::{ColumnRole, LinkRole},
    sample::{Sampler, draft::Draft},
    schema::{ColumnId, ForeignKeyId, TableId},
};

impl Sampler<'_> {
    /// Draws every conditional foreign key of a table. Rows that are bound and find no parent lose the key or, where
    /// it cannot be null, are left out as long as no child refers to them (`may_drop`).
    pub(super) fn draw_references(
        &mut self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
        may_drop: bool,
    ) {
        let keys = &self.model.schema.table(id).foreign_keys;
        for index in (0..keys.len()).filter(|index| keys[*index].when().is_some()) {
            self.draw_reference(id, model, ForeignKeyId(index), draft, may_drop);
        }
    }

    fn draw_reference(
        &mut self,
        id: TableId,
        model: &TableModel,
        fk_id: ForeignKeyId,
        draft: &mut Draft,
        may_drop: bool,
    ) {
        let table = self.model.schema.table(id);
        let fk = &table.foreign_keys[fk_id.0];
        let plan = self.model.plan.table(id);
        let Some(bound) = bound_rows(table, fk, &draft.data) else { return };
        // Columns that another key has filled stay as they are: they say among which parents to draw.
        let own: Vec<ColumnId> = (fk.columns.iter().copied())
            .filter(|column| plan.columns[column.0] != ColumnRole::ForeignKey)
            .collect();
        let row_count = draft.row_count();
        let learnt: Vec<(ColumnId, ArrayRef)> = own
            .iter()
            .map(|column| {
                let kind = arrow_type(table.column(*column).data_type.storage());
                let learnt = draft.data.column(*column).cloned();
                (*column, learnt.unwrap_or_else(|| new_null_array(&kind, row_count)))
            })
            .collect();
        let set = |row: usize| learnt.iter().all(|(_, array)| array.is_valid(row));
        let present: Vec<bool> = (0..row_count).map(|row| bound[row] && set(row)).collect();
        draft.data = draft.data.select(|column| !own.contains(&column));
        draft.present[fk_id.0].clone_from(&present);
        if plan.links[fk_id.0] == LinkRole::Dangling {
            draft.links[fk_id.0] = crate::data::Links::absent(row_count);
        } else {
            self.draw_link(id, model, fk_id, draft);
        }

        let failed: Vec<bool> = (present.iter().zip(&draft.links[fk_id.0].parent))
            .map(|(present, parent)| *present && *parent == NO_ROW)
            .collect();
        let mask = BooleanArray::from(present);
        for (column, learnt) in learnt {
            let drawn = match draft.data.column(column) {
                Some(drawn) => Arc::clone(drawn),
                None => new_null_array(learnt.data_type(), row_count),
            };
            let both = zip(&mask, &drawn, &learnt).unwrap_or(learnt);
            draft.data.set(column, both);
        }
        let failures = failed.iter().filter(|failed| **failed).count();
        if failures == 0 {
            return;
        }
        let nullable = own.iter().any(|column| table.column(*column).nullable);
        let finding = Finding::warning("link-without-parent", format!("{failures} rows found no parent row"))
            .table(&table.name)
            .column(&fk.name);
        if nullable || !may_drop {
            self.summary.findings.push(finding.instead("the key was left null"));
        } else {
            let keep: Vec<bool> = failed.iter().map(|failed| !failed).collect();
            draft.retain(&keep);
            self.summary.findings.push(finding.instead("these rows were left out"));
        }
    }
}
