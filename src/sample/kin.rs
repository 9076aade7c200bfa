//! What a row's ancestors decide about it.

use crate::{
    data::{NO_ROW, TableData},
    finding::Finding,
    model::{Model, TableModel, take_linked},
    rules::{Given, Heirloom, Inherited},
    sample::{Sampler, draft::Draft},
    schema::{ColumnId, TableId},
};

/// Per table, the columns that rules of the tables below it read.
pub(super) fn wanted_columns(model: &Model) -> Vec<Vec<ColumnId>> {
    let mut wanted = vec![Vec::new(); model.schema.tables.len()];
    for (id, _) in model.schema.iter() {
        let Some(table) = model.table(id) else { continue };
        for rule in &table.facts.rules.inherited {
            wanted[rule.ancestor(&model.schema, id).0].extend(rule.how.from());
        }
    }
    wanted
}

impl Sampler<'_> {
    /// Follows the rules that lead to ancestors, for every row of a draft with these values.
    pub(super) fn given(&self, id: TableId, model: &TableModel, draft: &Draft, values: &TableData) -> Given {
        let rules = &model.facts.rules.inherited;
        let found: Vec<(&Inherited, Heirloom)> =
            rules.iter().filter_map(|rule| Some((rule, self.heirloom(id, rule, draft)?))).collect();
        Given::new(&found, values)
    }

    fn heirloom(&self, id: TableId, rule: &Inherited, draft: &Draft) -> Option<Heirloom> {
        let (first, further) = rule.path.split_first()?;
        let mut at = self.model.schema.table(id).foreign_keys[first.0].parent;
        let mut rows = draft.links.get(first.0)?.parent.clone();
        for fk in further {
            let links = &self.graph.tables[at.0].as_ref()?.links.get(fk.0)?.parent;
            for row in &mut rows {
                *row = links.get(*row as usize).copied().unwrap_or(NO_ROW);
            }
            at = self.model.schema.table(at).foreign_keys[fk.0].parent;
        }
        if rows.len() != draft.row_count() {
            return None;
        }
        Some(match rule.how.from() {
            Some(from) => {
                let above = self.keys[at.0].as_ref()?.column(from)?;
                Heirloom::Values(take_linked(above.as_ref(), &rows))
            }
            None => Heirloom::Ancestors(rows),
        })
    }

    pub(super) fn report_enforced(&mut self, table: &str, changed: usize) {
        if changed > 0 {
            let what = format!("{changed} values were moved to keep relations found in the source");
            self.summary.findings.push(Finding::note("rule-enforced", what).table(table));
        }
    }
}
