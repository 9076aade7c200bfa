//! Makes unique keys unique: a clashing value moves to the nearest free one; a row without a free one leaves the
//! predicate of a partial key, or is left out.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::{Array, ArrayRef};
use indexmap::IndexSet;

use crate::{
    data::{KeyColumns, TableData},
    finding::Finding,
    model::TableModel,
    plan::ColumnRole,
    sample::{
        Sampler,
        candidates::{Candidates, Moved},
        draft::Draft,
    },
    schema::{ColumnId, Storage, Table, TableId, UniqueKey},
    seed::spread,
};

/// Rows whose predicate columns are tried for a row that finds no free value.
const DONORS: usize = 8;
/// Values tried per column where two columns move at once.
const PAIR_SIDE: usize = 64;
/// Pairs of values tried per key, over all its rows.
const PAIR_TRIES: usize = 20_000;

impl Sampler<'_> {
    /// Makes every unique key of a table hold that is understood here. Runs before any child of the table exists.
    pub(super) fn make_unique(&mut self, id: TableId, model: &TableModel, draft: &mut Draft) {
        let table = self.model.schema.table(id);
        let roles = &self.model.plan.table(id).columns;
        let found = &model.facts.rules.differing;
        for (key, declared) in table.keys().map(|key| (key, true)).chain(found.iter().map(|key| (key, false)))
        {
            if key.columns.iter().any(|column| roles[column.0] == ColumnRole::SurrogateKey)
                || key.columns.is_empty() && key.expressions.is_empty()
            {
                continue;
            }
            let rules = &model.facts.rules;
            // The keys of a predicate only the target can read are the target's to judge.
            if !rules.understands(key) {
                continue;
            }
            let subject = rules.key_subjects(key, &draft.data);
            let Some(clashing) = clashes(table, key, model, &draft.data, &subject) else { continue };
            if clashing.is_empty() {
                continue;
            }
            let bound = Bound { table, key, model, subject: &subject, declared };
            let stuck = resolve(bound, roles, &mut draft.data, &clashing);
            let stuck = leave_predicate(bound, roles, &mut draft.data, stuck);
            if !declared {
                self.report_found(table, key, clashing.len() - stuck.len(), stuck.len());
                continue;
            }
            self.report(table, key, clashing.len() - stuck.len(), stuck.len());
            if !stuck.is_empty() {
                let mut keep = vec![true; draft.row_count()];
                for row in stuck {
                    keep[row] = false;
                }
                self.drop_rows(id, draft, &keep);
            }
        }
    }

    /// Drops rows; links inside the table follow their rows, and become null where the parent is gone.
    pub(super) fn drop_rows(&mut self, id: TableId, draft: &mut Draft, keep: &[bool]) {
        let mut next = 0;
        let moved: Vec<u32> = keep
            .iter()
            .map(|keep| {
                next += u32::from(*keep);
                if *keep { next - 1 } else { crate::data::NO_ROW }
            })
            .collect();
        draft.retain(keep);
        let table = self.model.schema.table(id);
        for index in (0..table.foreign_keys.len()).filter(|index| self.is_late(id, *index)) {
            let fk = &table.foreign_keys[index];
            if fk.parent != id || draft.links[index].parent.is_empty() {
                continue;
            }
            let required = fk.columns.iter().all(|column| !table.column(*column).nullable);
            for (row, parent) in draft.links[index].parent.iter_mut().enumerate() {
                // A key that cannot be null refers to its own row instead.
                let lost = if required { row as u32 } else { crate::data::NO_ROW };
                let there = moved.get(*parent as usize).copied().filter(|row| *row != crate::data::NO_ROW);
                *parent = match there {
                    Some(there) => there,
                    None if *parent == crate::data::NO_ROW => *parent,
                    None => lost,
                };
            }
            let parents = draft.data.clone();
            for (column, parent_column) in fk.columns.iter().zip(&fk.parent_columns) {
                let shared = table
                    .foreign_keys
                    .iter()
                    .enumerate()
                    .any(|(other, key)| other != index && key.columns.contains(column));
                if !shared {
                    let alike = table.column(*column).data_type == table.column(*parent_column).data_type;
                    let links = &draft.links[index].parent;
                    draft.data.set_linked(*column, (&parents, *parent_column), links, alike);
                }
            }
        }
    }

    fn report_found(&mut self, table: &Table, key: &UniqueKey, moved: usize, left: usize) {
        let other = if key.columns.len() == 1 { "another row" } else { "a sibling" };
        let mut what = format!("{moved} rows were like {other} in ({}) and moved to a free value", key.name);
        if left > 0 {
            what = format!("{what}, {left} found none and stayed");
        }
        self.summary.findings.push(Finding::note("siblings-told-apart", what).table(&table.name));
    }

    fn report(&mut self, table: &Table, key: &UniqueKey, moved: usize, dropped: usize) {
        let mut columns: Vec<&str> =
            key.columns.iter().map(|column| table.column(*column).name.as_str()).collect();
        columns.extend(key.expressions.iter().map(String::as_str));
        let columns = columns.join(", ");
        if moved > 0 {
            let what = format!("{moved} rows clashed on ({columns}) and moved to a free value");
            self.summary
                .findings
                .push(Finding::note("unique-repaired", what).table(&table.name).column(&key.name));
        }
        if dropped > 0 {
            let what = format!("{dropped} rows clashed on ({columns}) and no free value was found");
            self.summary.findings.push(
                Finding::warning("unique-dropped", what)
                    .table(&table.name)
                    .column(&key.name)
                    .instead("these rows were left out"),
            );
        }
    }
}

/// Rows whose key an earlier row has already; `None` if a column of the key is not there yet.
fn clashes(
    table: &Table,
    key: &UniqueKey,
    model: &TableModel,
    data: &TableData,
    subject: &[bool],
) -> Option<Vec<usize>> {
    let values = model.facts.rules.key_values(table, key, data)?;
    let keys = key_columns(&values);
    let mut seen: IndexSet<Vec<u8>> = IndexSet::with_capacity(data.row_count);
    let mut value = Vec::new();
    let nulls = key.nulls_not_distinct;
    let rows = (0..data.row_count).filter(|row| {
        subject[*row] && keys.write_nulls(*row, nulls, &mut value) && !seen.insert(value.clone())
    });
    Some(rows.collect())
}

fn key_columns(values: &[(ArrayRef, bool)]) -> KeyColumns<'_> {
    KeyColumns::new(&values.iter().map(|(array, fold)| (array, *fold)).collect::<Vec<_>>())
}

/// A unique key and whom it binds.
#[derive(Clone, Copy)]
struct Bound<'a> {
    table: &'a Table,
    key: &'a UniqueKey,
    model: &'a TableModel,
    /// Per row: does the key bind it (a partial key binds some only)?
    subject: &'a [bool],
    /// False for a key that was only found: its rows move to values like those there are, or not at all.
    declared: bool,
}

impl Bound<'_> {
    /// The columns of the key, and those its expressions read.
    fn columns(&self) -> Vec<ColumnId> {
        let mut all = self.key.columns.clone();
        all.extend(self.model.facts.rules.key_reads(self.key).0);
        let mut seen = BTreeSet::new();
        all.retain(|column| seen.insert(*column));
        all
    }
}

/// Moves clashing rows to free values. Returns the rows that found none.
fn resolve(bound: Bound<'_>, roles: &[ColumnRole], data: &mut TableData, clashing: &[usize]) -> Vec<usize> {
    let mut stuck: Vec<usize> = clashing.to_vec();
    let movable: Vec<ColumnId> = bound
        .columns()
        .into_iter()
        .filter(|column| matches!(roles[column.0], ColumnRole::KeyAttribute | ColumnRole::Attribute))
        .filter(|column| !bound.model.facts.rules.positions.iter().any(|position| position.column == *column))
        .collect();
    for column in &movable {
        if stuck.is_empty() {
            break;
        }
        stuck = move_column(bound, *column, data, &stuck);
    }
    let mut tries = PAIR_TRIES;
    for (place, first) in movable.iter().enumerate() {
        for second in &movable[place + 1..] {
            stuck = move_pair(bound, (*first, *second), data, stuck, &mut tries);
        }
    }
    stuck
}

/// The keys of all rows that are not stuck; `None` if they cannot be computed here.
fn taken_keys(bound: Bound<'_>, data: &TableData, stuck: &[usize]) -> Option<IndexSet<Vec<u8>>> {
    let Bound { table, key, model, subject, .. } = bound;
    let values = model.facts.rules.key_values(table, key, data)?;
    let keys = key_columns(&values);
    let is_stuck: BTreeSet<usize> = stuck.iter().copied().collect();
    let mut taken: IndexSet<Vec<u8>> = IndexSet::with_capacity(data.row_count);
    let mut value = Vec::new();
    for row in (0..data.row_count).filter(|row| subject[*row] && !is_stuck.contains(row)) {
        if keys.write_nulls(row, key.nulls_not_distinct, &mut value) {
            taken.insert(value.clone());
        }
    }
    Some(taken)
}

/// Tries values of two columns at once for rows that no column alone can save: small domains are soon exhausted one
/// by one. Takes from `tries`, over all rows.
fn move_pair(
    bound: Bound<'_>,
    (first, second): (ColumnId, ColumnId),
    data: &mut TableData,
    stuck: Vec<usize>,
    tries: &mut usize,
) -> Vec<usize> {
    let Bound { table, key, model, declared, .. } = bound;
    if stuck.is_empty() || *tries == 0 || !declared {
        return stuck;
    }
    let rules = &model.facts.rules;
    let Some(mut taken) = taken_keys(bound, data, &stuck) else { return stuck };
    let (Some(one), Some(two)) = (data.column(first).cloned(), data.column(second).cloned()) else {
        return stuck;
    };
    let of = |column: ColumnId| {
        let codec = model.facts.codecs.iter().find(|(id, _)| *id == column).map(|(_, codec)| codec);
        (table.column(column), codec, rules.allowed_values(column))
    };
    let storage = |column: ColumnId| table.column(column).data_type.storage();
    let ((definition, codec, allowed), (other, other_codec, other_allowed)) = (of(first), of(second));
    let candidates = Candidates::new(definition, codec, allowed, &one);
    let others = Candidates::new(other, other_codec, other_allowed, &two);
    let (mut changed, mut changed_too) = (BTreeMap::new(), BTreeMap::new());
    let mut left = Vec::new();
    let mut value = Vec::new();
    for row in stuck {
        let own = data.take(&[row as u32]);
        let bad_before = rules.violations(&own)[0];
        let mut found = None;
        'search: for moved in candidates.of(row).filter(|moved| !matches!(moved, Moved::Null)).take(PAIR_SIDE)
        {
            let mut half = own.clone();
            half.set(first, moved.array(storage(first)));
            for also in others.of(row).filter(|moved| !matches!(moved, Moved::Null)).take(PAIR_SIDE) {
                if *tries == 0 {
                    break 'search;
                }
                *tries -= 1;
                let mut trial = half.clone();
                trial.set(second, also.array(storage(second)));
                let Some(values) = rules.key_values(table, key, &trial) else { break 'search };
                let written = key_columns(&values).write_nulls(0, key.nulls_not_distinct, &mut value);
                if written && !taken.contains(&value) && (bad_before || !rules.violations(&trial)[0]) {
                    found = Some((moved.clone(), also));
                    break 'search;
                }
            }
        }
        match found {
            Some((moved, also)) => {
                taken.insert(value.clone());
                changed.insert(row, moved);
                changed_too.insert(row, also);
            }
            None => left.push(row),
        }
    }
    if !changed.is_empty() {
        data.set(first, apply(&one, storage(first), &changed));
        data.set(second, apply(&two, storage(second), &changed_too));
    }
    left
}

/// Tries other values of one column for every stuck row.
fn move_column(bound: Bound<'_>, column: ColumnId, data: &mut TableData, stuck: &[usize]) -> Vec<usize> {
    let Bound { table, key, model, declared, .. } = bound;
    let rules = &model.facts.rules;
    let definition = table.column(column);
    let codec = model.facts.codecs.iter().find(|(id, _)| *id == column).map(|(_, codec)| codec);
    let Some(array) = data.column(column).cloned() else { return stuck.to_vec() };
    let candidates = Candidates::new(definition, codec, rules.allowed_values(column), &array);
    let Some(mut taken) = taken_keys(bound, data, stuck) else { return stuck.to_vec() };
    let mut value = Vec::new();
    let nulls = key.nulls_not_distinct;
    // Other keys over the column, and CHECKs that read it, must bear the new value as well.
    let checked = rules.checks.iter().any(|check| check.columns.contains(&column));
    let mut changed: BTreeMap<usize, Moved> = BTreeMap::new();
    let mut left = Vec::new();
    for row in stuck {
        let own = data.take(&[*row as u32]);
        let bad_before = checked && rules.violations(&own)[0];
        let found =
            candidates.of(*row).filter(|value| declared || candidates.is_seen(value)).find(|candidate| {
                let mut one = own.clone();
                one.set(column, candidate.array(definition.data_type.storage()));
                let Some(values) = rules.key_values(table, key, &one) else { return false };
                // A key with a null in it never clashes, nor does one that the key's predicate leaves out.
                let written = key_columns(&values).write_nulls(0, nulls, &mut value)
                    && rules.key_subjects(key, &one)[0];
                (!written || !taken.contains(&value))
                    && (!checked || bad_before || !rules.violations(&one)[0])
                    && (written || matches!(candidate, Moved::Null) || !rules.key_subjects(key, &one)[0])
            });
        match found {
            Some(candidate) => {
                let mut one = own;
                one.set(column, candidate.array(definition.data_type.storage()));
                if (!matches!(candidate, Moved::Null) || nulls) && rules.key_subjects(key, &one)[0] {
                    taken.insert(value.clone());
                }
                changed.insert(*row, candidate);
            }
            None => left.push(*row),
        }
    }
    if !changed.is_empty() {
        data.set(column, apply(&array, definition.data_type.storage(), &changed));
    }
    left
}

/// Takes stuck rows out of the reach of a partial key: what its predicate reads comes from a row that it does not
/// bind. Returns the rows that still clash.
fn leave_predicate(
    bound: Bound<'_>,
    roles: &[ColumnRole],
    data: &mut TableData,
    stuck: Vec<usize>,
) -> Vec<usize> {
    let Bound { key, model, subject, .. } = bound;
    let rules = &model.facts.rules;
    let free: Vec<u32> = (0..data.row_count as u32).filter(|row| !subject[*row as usize]).collect();
    if stuck.is_empty() || key.predicate.is_none() || free.is_empty() {
        return stuck;
    }
    let mut columns = rules.bound_to(&rules.key_reads(key).1);
    columns.retain(|column| {
        matches!(roles.get(column.0), Some(ColumnRole::Attribute | ColumnRole::KeyAttribute))
    });
    let mut index: Vec<u32> = (0..data.row_count as u32).collect();
    let mut left = Vec::new();
    for row in stuck {
        let own = data.take(&[row as u32]);
        let donor = (0..DONORS).find_map(|attempt| {
            let donor = free[spread(row, attempt, free.len())];
            let mut one = own.clone();
            let other = data.take(&[donor]);
            for column in &columns {
                if let Some(array) = other.column(*column) {
                    one.set(*column, array.clone());
                }
            }
            let out = !rules.key_subjects(key, &one)[0] && !rules.violations(&one)[0];
            out.then_some(donor)
        });
        match donor {
            Some(donor) => index[row] = donor,
            None => left.push(row),
        }
    }
    let moved = data.take(&index);
    for column in columns {
        if let Some(array) = moved.column(column) {
            data.set(column, array.clone());
        }
    }
    left
}

fn apply(array: &ArrayRef, storage: Storage, changed: &BTreeMap<usize, Moved>) -> ArrayRef {
    let mut pieces: Vec<ArrayRef> = Vec::with_capacity(changed.len() * 2 + 1);
    let mut next = 0;
    for (row, value) in changed {
        if *row > next {
            pieces.push(array.slice(next, row - next));
        }
        pieces.push(value.array(storage));
        next = row + 1;
    }
    if next < array.len() {
        pieces.push(array.slice(next, array.len() - next));
    }
    let refs: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
    arrow_select::concat::concat(&refs).expect("pieces of one column have one type")
}
