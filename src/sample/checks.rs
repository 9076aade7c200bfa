//! CHECKs over links: a river flows into a lake, a sea or another river, never into two of them.
//!
//! What a row's own values break is repaired when they are made; here the links are there as well. A nullable
//! link that breaks a CHECK is given up; a row that still breaks one is left out while it has no children.

use arrow_array::new_null_array;

use crate::{
    data::{NO_ROW, arrow_type},
    finding::Finding,
    model::TableModel,
    plan::LinkRole,
    sample::{Sampler, draft::Draft},
    schema::{ColumnId, ForeignKeyId, TableId},
};

impl Sampler<'_> {
    /// Makes the CHECKs hold that read foreign key columns. `may_drop` says that no child refers to the rows yet.
    pub(super) fn settle_checks(
        &mut self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
        may_drop: bool,
    ) {
        let table = self.model.schema.table(id);
        let reads_link = |column: &ColumnId| table.foreign_keys.iter().any(|fk| fk.columns.contains(column));
        if !model.facts.rules.checks.iter().any(|check| check.columns.iter().any(reads_link)) {
            return;
        }
        let mut bad = broken(model, draft);
        if bad.is_empty() {
            return;
        }
        let given_up = self.give_up_links(id, model, draft, &mut bad);
        let name = &table.name;
        if given_up > 0 {
            let what = format!("{given_up} rows gave up a link that broke a CHECK");
            self.summary.findings.push(Finding::note("link-given-up", what).table(name));
        }
        if bad.is_empty() {
            return;
        }
        let finding =
            Finding::warning("check-not-met", format!("{} rows break a CHECK over their links", bad.len()));
        if may_drop {
            let mut keep = vec![true; draft.row_count()];
            for row in &bad {
                keep[*row] = false;
            }
            self.drop_rows(id, draft, &keep);
            self.summary.findings.push(finding.table(name).instead("these rows were left out"));
        } else {
            self.summary.findings.push(finding.table(name).instead("the target decides about them"));
        }
    }

    /// Tries to null links of the broken rows: each alone, then from the last to the first all together.
    /// `bad` keeps the rows that did not help. Returns how many rows it did.
    fn give_up_links(
        &self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
        bad: &mut Vec<usize>,
    ) -> usize {
        let table = self.model.schema.table(id);
        let roles = &self.model.plan.table(id).links;
        let free: Vec<(ForeignKeyId, Vec<ColumnId>)> = (0..table.foreign_keys.len())
            .rev()
            .filter(|index| roles[*index] != LinkRole::Context)
            .map(|index| {
                let shared = |column: &ColumnId| {
                    let others = table.foreign_keys.iter().enumerate();
                    others.filter(|(other, _)| *other != index).any(|(_, fk)| fk.columns.contains(column))
                };
                let mut columns = table.foreign_keys[index].columns.clone();
                columns.retain(|column| table.column(*column).nullable && !shared(column));
                (ForeignKeyId(index), columns)
            })
            .filter(|(_, columns)| !columns.is_empty())
            .collect();
        let alone = (0..free.len()).map(|index| index..index + 1);
        let together = (2..=free.len()).map(|count| 0..count);
        let before = bad.len();
        for attempt in alone.chain(together) {
            if bad.is_empty() {
                break;
            }
            let links = &free[attempt];
            let rows: Vec<u32> = bad.iter().map(|row| *row as u32).collect();
            let mut trial = draft.data.take(&rows);
            for column in links.iter().flat_map(|(_, columns)| columns) {
                let kind = arrow_type(table.column(*column).data_type.storage());
                trial.set(*column, new_null_array(&kind, rows.len()));
            }
            let failed = model.facts.rules.violations(&trial);
            let helped: Vec<usize> =
                bad.iter().zip(&failed).filter(|(_, failed)| !**failed).map(|(row, _)| *row).collect();
            for (fk, columns) in links {
                unlink(draft, *fk, columns, &helped);
            }
            bad.retain(|row| helped.binary_search(row).is_err());
        }
        before - bad.len()
    }
}

fn broken(model: &TableModel, draft: &Draft) -> Vec<usize> {
    let failed = model.facts.rules.violations(&draft.data);
    (0..failed.len()).filter(|row| failed[*row]).collect()
}

/// Nulls a link of some rows (ascending), its columns with it.
pub(super) fn unlink(draft: &mut Draft, fk: ForeignKeyId, columns: &[ColumnId], rows: &[usize]) {
    if rows.is_empty() {
        return;
    }
    let index: Vec<u32> = (0..draft.row_count())
        .map(|row| if rows.binary_search(&row).is_ok() { NO_ROW } else { row as u32 })
        .collect();
    for column in columns {
        let own = draft.data.select(|held| held == *column);
        draft.data.set_linked(*column, (&own, *column), &index, true);
    }
    for row in rows {
        if let Some(parent) = draft.links[fk.0].parent.get_mut(*row) {
            *parent = NO_ROW;
        }
    }
}
