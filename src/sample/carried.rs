//! Values that a sibling decides: ends of periods, running totals, the state before a change.

use crate::{
    data::{Families, TableData},
    finding::Finding,
    model::TableModel,
    rules::{Carried, Given, enforce},
    sample::{Sampler, draft::Draft},
    schema::{Table, TableId},
};

/// Rounds of letting go: a total that a CHECK forbids begins anew, and the rows behind it are computed again.
const ROUNDS: usize = 8;

impl Sampler<'_> {
    /// Puts what the siblings decide into finished rows, and what follows from it inside each row. A row that would
    /// break a CHECK by it keeps its own value, and what comes after goes on from there.
    pub(super) fn carry_on(
        &mut self,
        id: TableId,
        model: &TableModel,
        families: &Families,
        values: TableData,
        given: &Given,
    ) -> TableData {
        let (values, kept) = self.carried(id, model, families, values, given);
        if kept > 0 {
            let what = format!("{kept} rows would have broken a CHECK by what the rows before them hand on");
            let finding = Finding::note("siblings-not-followed", what);
            let finding = finding.table(&self.model.schema.table(id).name);
            self.summary.findings.push(finding.instead("they kept values of their own"));
        }
        values
    }

    /// Does so again where a repair has moved what siblings read of each other.
    pub(super) fn follow_siblings(&self, id: TableId, model: &TableModel, draft: &mut Draft) {
        if !self.carries(id, model).is_empty() {
            let given = self.given(id, model, draft, &draft.data);
            let series = draft.series(&model.facts);
            let families = series.as_ref().unwrap_or(&draft.families);
            draft.data = self.carried(id, model, families, draft.data.clone(), &given).0;
        }
    }

    /// The rules to follow: a condition of the user's on a column comes before what the source shows.
    fn carries<'m>(&self, id: TableId, model: &'m TableModel) -> Vec<&'m Carried> {
        let rules = model.facts.rules.carried.iter();
        let asked = |rule: &&Carried| {
            self.condition(id).is_some_and(|condition| condition.limits.contains_key(&rule.to))
        };
        rules.filter(|rule| !asked(rule)).collect()
    }

    /// The rows, and how many of them kept a value of their own.
    fn carried(
        &self,
        id: TableId,
        model: &TableModel,
        families: &Families,
        values: TableData,
        given: &Given,
    ) -> (TableData, usize) {
        let (table, rules) = (self.model.schema.table(id), &model.facts.rules);
        let carries = self.carries(id, model);
        if carries.is_empty() || families.row_count() != values.row_count {
            return (values, 0);
        }
        let before = rules.violations(&values);
        let mut kept = vec![false; values.row_count];
        for round in 0..=ROUNDS {
            let rows = followed(&carries, (table, families), values.clone(), &kept);
            let mut given = given.clone();
            given
                .values
                .extend(carries.iter().filter_map(|rule| Some((rule.to, rows.column(rule.to)?.clone()))));
            let settled = enforce(&rules.discovered, table, rows, &given).0;
            // What the row made of it may be what the next one reads.
            let settled = followed(&carries, (table, families), settled, &kept);
            let after = rules.violations(&settled);
            let broken =
                before.iter().zip(&after).enumerate().filter(|(_, (before, after))| **after && !**before);
            let new: Vec<usize> = broken.map(|(row, _)| row).filter(|row| !kept[*row]).collect();
            if new.is_empty() {
                return (settled, kept.iter().filter(|kept| **kept).count());
            }
            if round + 1 < ROUNDS {
                new.into_iter().for_each(|row| kept[row] = true);
                continue;
            }
            // Where one row after the other breaks a CHECK, the whole family stays as it was drawn.
            for family in (0..families.len()).map(|family| families.rows(family)) {
                if family.clone().any(|row| after[row] && !before[row]) {
                    kept[family].fill(true);
                }
            }
        }
        (values, before.len())
    }
}

/// The rows with what siblings decide, rule after rule.
fn followed(
    carries: &[&Carried],
    (table, families): (&Table, &Families),
    mut rows: TableData,
    kept: &[bool],
) -> TableData {
    for rule in carries {
        if let Some(values) = rule.values(table, &rows, families, kept) {
            rows.set(rule.to, values);
        }
    }
    rows
}
