//! What a row's children add up to.

use crate::{
    data::TableData,
    finding::Finding,
    rules::recompute,
    sample::{Sampler, draft::Draft, waiting::Waiting},
    schema::TableId,
};

impl Sampler<'_> {
    /// Works out the totals over a table whose rows are final, for the tables that wait for them.
    pub(super) fn add_up(&mut self, child: TableId, draft: &Draft) {
        let rows = self.with_borrowed(child, draft);
        let Self { waiting, model, .. } = self;
        for parent in waiting.iter_mut() {
            let Some(facts) = model.table(parent.id).map(|table| &table.facts) else { continue };
            for (total, values) in facts.rules.aggregates.iter().zip(&mut parent.totals) {
                if total.child == child && values.is_none() {
                    let links = &draft.links[total.foreign_key.0].parent;
                    *values = Some(total.values(&rows, links, parent.draft.row_count()));
                }
            }
        }
    }

    /// A table's rows with the numbers that its rules, or totals over it, borrow from ancestors.
    fn with_borrowed(&self, id: TableId, draft: &Draft) -> TableData {
        let mut rows = draft.data.clone();
        if let Some(model) = self.generated(id) {
            for (column, array) in self.borrowed(id, model, draft) {
                rows.set(column, array);
            }
        }
        rows
    }

    /// Works out the totals over the rows of the table itself.
    fn own_totals(&self, waiting: &mut Waiting) {
        let Some(model) = self.generated(waiting.id) else { return };
        for (total, values) in model.facts.rules.aggregates.iter().zip(&mut waiting.totals) {
            if total.child == waiting.id && values.is_none() {
                let draft = &waiting.draft;
                let links = &draft.links[total.foreign_key.0].parent;
                *values =
                    Some(total.values(&self.with_borrowed(waiting.id, draft), links, draft.row_count()));
            }
        }
    }

    /// True once every total of a waiting table is known; those over its own rows are worked out here.
    pub(super) fn totals_known(&self, waiting: &mut Waiting) -> bool {
        let Some(model) = self.generated(waiting.id) else { return true };
        // A child table without rows has no more to wait for than one that is never generated.
        for (total, values) in model.facts.rules.aggregates.iter().zip(&mut waiting.totals) {
            if values.is_none() && self.model.table(total.child).is_none() {
                *values = Some(vec![None; waiting.draft.row_count()]);
            }
        }
        self.own_totals(waiting);
        waiting.totals.iter().all(Option::is_some)
    }

    /// Overwrites the columns that sum up children, and what depends on them inside the row.
    pub(super) fn put_totals(&mut self, waiting: &mut Waiting) {
        let Some(model) = self.generated(waiting.id) else { return };
        if waiting.totals.is_empty() || waiting.draft.row_count() == 0 {
            return;
        }
        let totals: Vec<_> = waiting.totals.drain(..).flatten().collect();
        let table = self.model.schema.table(waiting.id);
        let given = self.given(waiting.id, model, &waiting.draft, &waiting.draft.data);
        let done = recompute(&model.facts.rules, table, &waiting.draft.data, &totals, &given);
        waiting.draft.data = done.rows;
        if done.changed > 0 {
            let what = format!("{} values were computed from the rows below them", done.changed);
            self.summary.findings.push(Finding::note("total-computed", what).table(&table.name));
        }
        if done.left > 0 {
            let what = format!("{} rows do not add up: the total breaks a CHECK or its type", done.left);
            let finding = Finding::warning("total-not-kept", what).table(&table.name);
            self.summary.findings.push(finding.instead("they keep the values that were drawn"));
        }
    }
}
