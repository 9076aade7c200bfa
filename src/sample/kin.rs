//! What a row's ancestors decide about it.

use arrow_array::ArrayRef;

use crate::{
    data::{NO_ROW, TableData, arrow_type},
    finding::Finding,
    model::{Model, TableModel, take_linked},
    rules::{Given, Heirloom, Inheritance, Inherited, Rule, ancestor_along, enforce, repeated_as},
    sample::{Sampler, draft::Draft},
    schema::{ColumnId, ForeignKeyId, TableId, TableName},
};

/// Per table, the columns that rules of the tables below it read.
pub(super) fn wanted_columns(model: &Model) -> Vec<Vec<ColumnId>> {
    let mut wanted = vec![Vec::new(); model.schema.tables.len()];
    for (id, _) in model.schema.iter() {
        let Some(table) = model.table(id) else { continue };
        for rule in &table.facts.rules.inherited {
            wanted[rule.ancestor(&model.schema, id).0].extend(rule.how.from());
        }
        for loan in &table.facts.rules.borrowed {
            wanted[ancestor_along(&model.schema, id, &loan.path).0].push(loan.from);
        }
        if let Some(above) = table.facts.writer.above() {
            wanted[ancestor_along(&model.schema, id, &above.path).0].push(above.from);
        }
    }
    wanted
}

impl Sampler<'_> {
    /// Follows the rules that lead to ancestors, for every row of a draft with these values.
    pub(super) fn given(&self, id: TableId, model: &TableModel, draft: &Draft, values: &TableData) -> Given {
        let rules = &model.facts.rules.inherited;
        let found: Vec<(&Inherited, Heirloom)> =
            rules.iter().filter_map(|rule| Some((rule, self.heirloom(id, rule, draft, values)?))).collect();
        Given::new(&found, values).with_borrowed(self.borrowed(id, model, draft))
    }

    /// Columns that repeat an ancestor's and that times of their row are counted from.
    pub(super) fn known_bases(&self, id: TableId, model: &TableModel, draft: &Draft) -> TableData {
        let facts = &model.facts;
        let decoded = |base: ColumnId| facts.codecs.iter().any(|(column, _)| *column == base);
        let bases: Vec<ColumnId> = (facts.codecs.iter())
            .filter_map(|(_, codec)| codec.counted_from())
            .filter(|base| !decoded(*base))
            .collect();
        let mut known = TableData::bare(draft.row_count());
        for rule in facts.rules.inherited.iter().filter(|rule| bases.contains(&rule.to)) {
            if let Some(Heirloom::Values(values)) = self.heirloom(id, rule, draft, &draft.data) {
                known.set(rule.to, values);
            }
        }
        known
    }

    /// The numbers that rules of a table read of its ancestors.
    pub(super) fn borrowed(
        &self,
        id: TableId,
        model: &TableModel,
        draft: &Draft,
    ) -> Vec<(ColumnId, ArrayRef)> {
        let loans = model.facts.rules.borrowed.iter();
        loans
            .filter_map(|loan| Some((loan.known_as, self.fetch(id, &loan.path, loan.from, draft)?)))
            .collect()
    }

    fn heirloom(&self, id: TableId, rule: &Inherited, draft: &Draft, values: &TableData) -> Option<Heirloom> {
        if !rule.beside.is_empty() {
            return self.jointly_decided(id, rule, draft, values);
        }
        match rule.how.from() {
            Some(from) => {
                let values = self.fetch(id, &rule.path, from, draft)?;
                let storage = self.model.schema.table(id).column(rule.to).data_type.storage();
                let copied = matches!(rule.how, Inheritance::Copy(_));
                let values = if copied { repeated_as(&values, &arrow_type(storage))? } else { values };
                Some(Heirloom::Values(values))
            }
            None => self.climb(id, &rule.path, draft).map(|(_, rows)| Heirloom::Ancestors(rows)),
        }
    }

    /// What ancestors say of every row's country, where the writer wants to know.
    pub(super) fn said_above(&self, id: TableId, model: &TableModel, draft: &Draft) -> Option<ArrayRef> {
        let above = model.facts.writer.above()?;
        self.fetch(id, &above.path, above.from, draft)
    }

    /// A column of the ancestors along a path, for every row.
    fn fetch(&self, id: TableId, path: &[ForeignKeyId], from: ColumnId, draft: &Draft) -> Option<ArrayRef> {
        let (ancestor, rows) = self.climb(id, path, draft)?;
        let above = self.keys[ancestor.0].as_ref()?.column(from)?;
        Some(take_linked(above.as_ref(), &rows))
    }

    /// The ancestor row of every row along a path.
    pub(super) fn climb(
        &self,
        id: TableId,
        path: &[ForeignKeyId],
        draft: &Draft,
    ) -> Option<(TableId, Vec<u32>)> {
        let (first, further) = path.split_first()?;
        let mut at = self.model.schema.table(id).foreign_keys[first.0].parent;
        let mut rows = draft.links.get(first.0)?.parent.clone();
        for fk in further {
            let links = &self.graph.tables[at.0].as_ref()?.links.get(fk.0)?.parent;
            for row in &mut rows {
                *row = links.get(*row as usize).copied().unwrap_or(NO_ROW);
            }
            at = self.model.schema.table(at).foreign_keys[fk.0].parent;
        }
        (rows.len() == draft.row_count()).then_some((at, rows))
    }

    /// Lets columns follow what decides them: a repair for a key or an EXCLUDE constraint moves a date or a link alone.
    pub(super) fn follow(&self, id: TableId, model: &TableModel, draft: &mut Draft) {
        self.follow_joint(id, model, draft);
        self.follow_columns(id, model, draft);
        self.follow_siblings(id, model, draft);
        self.place(id, model, draft);
    }

    /// Parts of dates, and what a code decides.
    fn follow_columns(&self, id: TableId, model: &TableModel, draft: &mut Draft) {
        let rules = model.facts.rules.discovered.iter();
        let decides = |rule: &&Rule| matches!(rule, Rule::DatePart { .. } | Rule::Determines { .. });
        let rules: Vec<Rule> = rules.filter(decides).cloned().collect();
        if !rules.is_empty() {
            let given = self.given(id, model, draft, &draft.data);
            draft.data = enforce(&rules, self.model.schema.table(id), draft.data.clone(), &given).0;
        }
    }

    pub(super) fn report_enforced(&mut self, table: &TableName, changed: usize) {
        if changed > 0 {
            let what = format!("{changed} values were moved to keep relations found in the source");
            self.summary.findings.push(Finding::note("rule-enforced", what).table(table));
        }
    }
}
