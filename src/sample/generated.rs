//! Generated columns that keys are made of: the target computes them, but a foreign key must find its parent by them
//! before.

use std::collections::BTreeSet;

use arrow_array::{Array, ArrayRef};

use crate::{
    data::{Links, NO_ROW, TableData, bound_rows},
    finding::Finding,
    model::TableModel,
    plan::{ColumnRole, LinkRole},
    sample::{Sampler, draft::Draft, links, referable::referable},
    schema::{ColumnId, ForeignKey, Table, TableId},
    seed::spread,
};

/// Rows whose values are tried for a row that finds no parent.
const DONORS: usize = 16;

impl Sampler<'_> {
    /// Computes the generated columns that keys need and whose inputs are there.
    pub(super) fn fill_generated(&self, id: TableId, model: &TableModel, draft: &mut Draft) {
        for column in self.key_columns_generated(id) {
            let rules = &model.facts.rules;
            if let Some(values) = rules.generated_values(self.model.schema.table(id), column, &draft.data) {
                draft.data.set(column, values);
            }
        }
    }

    /// Generated columns of a table that foreign keys lead from or to.
    fn key_columns_generated(&self, id: TableId) -> Vec<ColumnId> {
        let table = self.model.schema.table(id);
        let own = table.foreign_keys.iter().flat_map(|fk| &fk.columns);
        let keys = self.model.schema.foreign_keys();
        let above = keys.filter(|(_, _, fk)| fk.parent == id).flat_map(|(_, _, fk)| &fk.parent_columns);
        let all: BTreeSet<ColumnId> = own.chain(above).copied().collect();
        all.into_iter().filter(|column| table.column(*column).generated.is_some()).collect()
    }

    /// Takes families from parents that cannot have children, and gives them to parents that can: a constant part of
    /// the key rules a parent out, or a link that must be set and shares a column with the key finds nothing there.
    pub(super) fn only_eligible(&mut self, id: TableId, model: &TableModel, counts: &mut [u32]) {
        let Some(context) = self.model.plan.table(id).context else { return };
        let table = self.model.schema.table(id);
        let fk = &table.foreign_keys[context.0];
        let Some(parents) = self.keys[fk.parent.0].as_ref() else { return };
        let mut eligible = referable(&self.model.schema, table, fk, parents)
            .unwrap_or_else(|| vec![true; parents.row_count]);
        eligible.truncate(counts.len());
        for (column, parent_column) in fk.columns.iter().zip(&fk.parent_columns) {
            let rules = &model.facts.rules;
            let one = TableData::new(Vec::new(), Vec::new(), 1);
            let constant = rules.generated_from(*column).is_some_and(<[ColumnId]>::is_empty);
            let value = constant.then(|| rules.generated_values(table, *column, &one)).flatten();
            if let (Some(value), Some(array)) = (value, parents.column(*parent_column)) {
                keep_common(&mut eligible, table, fk, (vec![array.clone()], vec![value]));
            }
        }
        for (index, link) in table.foreign_keys.iter().enumerate() {
            let required = link.columns.iter().all(|column| !table.column(*column).nullable);
            let drawn = self.model.plan.table(id).links[index] == LinkRole::Link && link.when().is_none();
            let Some(others) = self.keys[link.parent.0].as_ref().filter(|_| required && drawn) else {
                continue;
            };
            let above = |column: &ColumnId| {
                let place = fk.columns.iter().position(|own| own == column)?;
                parents.column(fk.parent_columns[place]).cloned()
            };
            let shared =
                link.columns.iter().zip(&link.parent_columns).filter_map(|(column, parent_column)| {
                    Some((above(column)?, others.column(*parent_column)?.clone()))
                });
            let (above, below): (Vec<ArrayRef>, Vec<ArrayRef>) = shared.unzip();
            if !above.is_empty() {
                keep_common(&mut eligible, table, fk, (above, below));
            }
        }
        // A unique key over the link says how many children a parent can have at most; families show how many.
        let bounded = table.keys().any(|key| fk.columns.iter().any(|column| key.columns.contains(column)));
        let largest = counts.iter().copied().max().unwrap_or(0).max(1);
        let lost = give_away(&eligible, counts, if bounded { largest } else { u32::MAX });
        if lost > 0 {
            let what = format!("{lost} rows have no parent row to belong to");
            let finding = Finding::warning("no-parent-rows", what).table(&table.name);
            self.summary.findings.push(finding.instead("they were left out"));
        }
    }

    /// Computes generated columns from finished values and lets the foreign keys over them find their parents. A row
    /// that finds none takes the inputs of one that does, gives them up for null, or is left out.
    pub(super) fn settle_generated(&mut self, id: TableId, model: &TableModel, draft: &mut Draft) {
        self.fill_generated(id, model, draft);
        let table = self.model.schema.table(id);
        let schema = &self.model.schema;
        for (index, fk) in table.foreign_keys.iter().enumerate() {
            let rules = &model.facts.rules;
            let computed: Vec<ColumnId> = (fk.columns.iter().copied())
                .filter(|column| table.column(*column).generated.is_some())
                .collect();
            if computed.is_empty() || fk.columns.iter().any(|column| draft.data.column(*column).is_none()) {
                continue;
            }
            let inputs: Vec<ColumnId> = computed
                .iter()
                .filter_map(|column| rules.generated_from(*column))
                .flatten()
                .copied()
                .collect();
            let mut free = rules.bound_to(&inputs);
            let roles = &self.model.plan.table(id).columns;
            free.retain(|column| {
                matches!(roles.get(column.0), Some(ColumnRole::Attribute | ColumnRole::KeyAttribute))
            });
            let mut parents = self.parents_of(id, fk, &draft.data);
            let mut lost = orphans(table, fk, &draft.data, &parents);
            let before = lost.len();
            let good: Vec<u32> =
                (0..draft.row_count() as u32).filter(|row| parents[*row as usize] != NO_ROW).collect();
            if !lost.is_empty() {
                self.aim(id, model, draft, fk, (index, &lost, &free));
                parents = self.parents_of(id, fk, &draft.data);
                lost = orphans(table, fk, &draft.data, &parents);
            }
            for attempt in 0..DONORS {
                if lost.is_empty() || good.is_empty() || free.is_empty() {
                    break;
                }
                let mut index: Vec<u32> = (0..draft.row_count() as u32).collect();
                for row in &lost {
                    index[*row] = good[spread(*row, attempt, good.len())];
                }
                self.take_columns(id, model, draft, &free, &index);
                parents = self.parents_of(id, fk, &draft.data);
                lost = orphans(table, fk, &draft.data, &parents);
            }
            if free.iter().any(|column| schema.table(id).column(*column).nullable) && !lost.is_empty() {
                let nullable: Vec<ColumnId> =
                    free.iter().copied().filter(|column| table.column(*column).nullable).collect();
                let mut index: Vec<u32> = (0..draft.row_count() as u32).collect();
                for row in &lost {
                    index[*row] = NO_ROW;
                }
                self.take_columns(id, model, draft, &nullable, &index);
                parents = self.parents_of(id, fk, &draft.data);
                lost = orphans(table, fk, &draft.data, &parents);
            }
            draft.links[index] = Links { parent: parents };
            if before == 0 {
                continue;
            }
            let what = format!("{before} rows computed a key without a parent row");
            let finding = Finding::note("generated-key-repaired", what).table(&table.name).column(&fk.name);
            let mended = before - lost.len();
            self.summary.findings.push(finding.instead(format!(
                "{mended} took the values of a row that has one, {} were left out",
                lost.len()
            )));
            if !lost.is_empty() {
                let lost: BTreeSet<usize> = lost.into_iter().collect();
                let keep: Vec<bool> = (0..draft.row_count()).map(|row| !lost.contains(&row)).collect();
                self.drop_rows(id, draft, &keep);
            }
        }
    }

    /// Gives lost rows an input that computes the key of a parent: of the one they were made for, or else of any.
    fn aim(
        &self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
        fk: &ForeignKey,
        (index, lost, free): (usize, &[usize], &[ColumnId]),
    ) {
        let table = self.model.schema.table(id);
        let own = (fk.parent == id).then(|| draft.data.clone());
        let Some(above) = own.as_ref().or(self.keys[fk.parent.0].as_ref()) else { return };
        if above.row_count == 0 {
            return;
        }
        let lost: Vec<u32> = lost.iter().map(|row| *row as u32).collect();
        let made_for = &draft.links[index].parent;
        let parents: Vec<u32> = lost
            .iter()
            .map(|row| match made_for.get(*row as usize) {
                Some(parent) if (*parent as usize) < above.row_count => *parent,
                _ => spread(*row as usize, 0, above.row_count) as u32,
            })
            .collect();
        let mut trial = draft.data.take(&lost);
        for (column, parent_column) in fk.columns.iter().zip(&fk.parent_columns) {
            let Some(keys) = above.column(*parent_column) else { return };
            let wanted = crate::model::take_linked(keys.as_ref(), &parents);
            match model.facts.rules.solved(table, *column, &wanted, &trial) {
                Some((input, values)) if free.contains(&input) => trial.set(input, values),
                _ if table.column(*column).generated.is_some() => return,
                _ => {}
            }
        }
        for column in self.key_columns_generated(id) {
            if let Some(values) = model.facts.rules.generated_values(table, column, &trial) {
                trial.set(column, values);
            }
        }
        let found = self.parents_of(id, fk, &trial);
        let broken = model.facts.rules.violations(&trial);
        let good = lost.iter().enumerate().filter(|(place, _)| found[*place] != NO_ROW && !broken[*place]);
        draft.data = draft.data.patched(&trial, good.map(|(place, row)| (*row as usize, place)));
    }

    fn parents_of(&self, id: TableId, fk: &ForeignKey, rows: &TableData) -> Vec<u32> {
        let parents = if fk.parent == id { Some(rows) } else { self.keys[fk.parent.0].as_ref() };
        links::find_parents(self.model.schema.table(id), fk, rows, parents)
    }

    /// Takes some columns from other rows (null for [`NO_ROW`]) and computes the generated ones again.
    fn take_columns(
        &self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
        columns: &[ColumnId],
        index: &[u32],
    ) {
        for column in columns {
            if let Some(array) = draft.data.column(*column).cloned() {
                draft.data.set(*column, crate::model::take_linked(array.as_ref(), index));
            }
        }
        self.fill_generated(id, model, draft);
    }
}

/// Rows whose key is known, binds them and has no parent.
fn orphans(table: &Table, fk: &ForeignKey, rows: &TableData, parents: &[u32]) -> Vec<usize> {
    let bound = bound_rows(table, fk, rows);
    let binds = |row: usize| bound.as_ref().is_none_or(|bound| bound[row]);
    let known = |row: usize| {
        fk.columns.iter().all(|column| rows.column(*column).is_some_and(|array| array.is_valid(row)))
    };
    (0..rows.row_count).filter(|row| parents[*row] == NO_ROW && binds(*row) && known(*row)).collect()
}

/// Keeps what has one of the values below among those above, row for row; all, if nothing has.
fn keep_common(
    eligible: &mut [bool],
    table: &Table,
    fk: &ForeignKey,
    (above, below): (Vec<ArrayRef>, Vec<ArrayRef>),
) {
    let columns: Vec<ColumnId> = (0..above.len()).map(ColumnId).collect();
    let part = ForeignKey {
        columns: columns.clone(),
        parent_columns: columns.clone(),
        undeclared: None,
        ..fk.clone()
    };
    let rows = |arrays: Vec<ArrayRef>| {
        let count = arrays.first().map_or(0, Array::len);
        TableData::new(columns.clone(), arrays, count)
    };
    let found = links::find_parents(table, &part, &rows(above), Some(&rows(below)));
    let kept: Vec<bool> =
        eligible.iter().zip(&found).map(|(eligible, found)| *eligible && *found != NO_ROW).collect();
    if kept.contains(&true) {
        eligible.copy_from_slice(&kept);
    }
}

/// Moves whole families from parents that are not eligible to childless ones that are; what is over is shared out
/// one by one, none getting more than `most`. Returns how many rows found no place.
fn give_away(eligible: &[bool], counts: &mut [u32], most: u32) -> u32 {
    let mut families: Vec<u32> = Vec::new();
    for (count, _) in counts.iter_mut().zip(eligible).filter(|(count, eligible)| !**eligible && **count > 0) {
        families.push(std::mem::take(count));
    }
    let places: Vec<usize> = (0..eligible.len()).filter(|parent| eligible[*parent]).collect();
    let childless: Vec<usize> = places.iter().copied().filter(|place| counts[*place] == 0).collect();
    for place in childless {
        counts[place] = families.pop().unwrap_or(0);
    }
    let mut lost: u32 = families.iter().sum();
    while lost > 0 {
        let before = lost;
        for place in &places {
            if lost > 0 && counts[*place] < most {
                counts[*place] += 1;
                lost -= 1;
            }
        }
        if lost == before {
            break;
        }
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::give_away;

    #[test]
    fn families_move_whole_to_childless_parents() {
        let mut counts = [3, 0, 5, 0, 1];

        assert_eq!(give_away(&[false, true, true, true, false], &mut counts, 5), 0);

        assert_eq!(counts, [0, 1, 5, 3, 0]);
    }

    #[test]
    fn what_finds_no_place_is_told() {
        let mut counts = [1, 1, 1];

        assert_eq!(give_away(&[true, false, false], &mut counts, 1), 2);

        assert_eq!(counts, [1, 0, 0]);
    }

    #[test]
    fn parents_without_a_bound_take_all_that_is_over() {
        let mut counts = [1, 4, 3];

        assert_eq!(give_away(&[true, true, false], &mut counts, u32::MAX), 0);
        assert_eq!(counts, [3, 5, 0]);

        assert_eq!(
            give_away(&[false, false, false], &mut counts, u32::MAX),
            8,
            "there is nobody to take them"
        );
    }
}
