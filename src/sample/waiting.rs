//! Tables whose rows are there but not final: deferred links wait for their parents, totals for the children. Once
//! nothing is waited for, rows are handed out.

use crate::{
    plan::LinkRole,
    rules::Value,
    sample::{Outlet, SampleError, Sampler, clock::in_key_order, draft::Draft, rows::fill_missing_columns},
    schema::{ForeignKeyId, TableId},
};

/// Rows handed out at a time.
const OUTLET_ROWS: usize = 8192;

/// A table whose rows are there, but not final.
pub(super) struct Waiting {
    pub(super) id: TableId,
    pub(super) draft: Draft,
    /// True if the rows were handed out already; the draft holds what later tables read.
    pub(super) handed_over: bool,
    /// Per aggregate of the table's rules: its values, once the child table is final.
    pub(super) totals: Vec<Option<Vec<Option<Value>>>>,
}

impl Sampler<'_> {
    /// Completes waiting tables as far as what they wait for exists now, and hands those tables out.
    pub(super) fn settle(&mut self, outlet: &mut dyn Outlet) -> Result<(), SampleError> {
        loop {
            let mut progress = false;
            // A table just handed out may be what another one waits for.
            for mut waiting in std::mem::take(&mut self.waiting) {
                if !self.fill_deferred(&mut waiting) || !self.totals_known(&mut waiting) {
                    self.waiting.push(waiting);
                    continue;
                }
                self.put_totals(&mut waiting);
                self.add_up(waiting.id, &waiting.draft);
                self.hand_out(&waiting, outlet)?;
                progress = true;
            }
            if !progress {
                return Ok(());
            }
        }
    }

    /// Fills the deferred links of a table. Returns false if a parent is still missing.
    fn fill_deferred(&mut self, waiting: &mut Waiting) -> bool {
        let (id, draft) = (waiting.id, &mut waiting.draft);
        let table = self.model.schema.table(id);
        let roles = &self.model.plan.table(id).links;
        let deferred: Vec<ForeignKeyId> = (0..roles.len())
            .filter(|index| roles[*index] == LinkRole::Deferred)
            .map(ForeignKeyId)
            .filter(|fk| draft.links[fk.0].parent.is_empty() && draft.row_count() > 0)
            .collect();
        if deferred.iter().any(|fk| self.keys[table.foreign_keys[fk.0].parent.0].is_none()) {
            return false;
        }
        if let Some(model) =
            self.model.table(id).filter(|model| model.copied.is_none() && !deferred.is_empty())
        {
            for fk in deferred.into_iter().filter(|fk| table.foreign_keys[fk.0].when().is_none()) {
                self.draw_link(id, model, fk, draft);
            }
            fill_missing_columns(table, draft);
            self.settle_checks(id, model, draft, false);
            self.draw_references(id, model, draft, false);
        }
        true
    }

    /// Hands out a table that is final.
    pub(super) fn hand_out(&mut self, waiting: &Waiting, outlet: &mut dyn Outlet) -> Result<(), SampleError> {
        if !waiting.handed_over {
            self.hand_over(waiting.id, &waiting.draft, outlet)?;
        }
        outlet.done(waiting.id)
    }

    /// Hands out rows that are final, as far as this shard has to.
    pub(super) fn hand_over(
        &mut self,
        id: TableId,
        draft: &Draft,
        outlet: &mut dyn Outlet,
    ) -> Result<(), SampleError> {
        let row_count = draft.row_count();
        let table = self.model.schema.table(id);
        // The target computes its generated columns itself.
        let mut written = draft.data.select(|column| table.column(column).generated.is_none());
        if let Some(clock) = self.clocks(id).first() {
            written = in_key_order(*clock, written);
        }
        for (chunk, offset) in (0..row_count).step_by(OUTLET_ROWS).enumerate() {
            let Some(piece) = draft.place.piece(id, chunk, self.options.shard) else { continue };
            let length = OUTLET_ROWS.min(row_count - offset);
            outlet.rows(piece, written.slice(offset, length))?;
            self.summary.tables[id.0].rows += length as u64;
        }
        Ok(())
    }
}
