//! Makes unique keys unique: a clashing value moves to the nearest free one; a row without a free one is left out.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, cast::AsArray,
};
use indexmap::IndexSet;

use crate::{
    codec::Codec,
    data::{KeyColumns, TableData},
    finding::Finding,
    model::TableModel,
    plan::ColumnRole,
    sample::{Sampler, draft::Draft},
    schema::{Column, ColumnId, DataType, Storage, Table, TableId, UniqueKey},
};

/// Most values tried for one clashing row.
const MAX_TRIES: usize = 2000;

impl Sampler<'_> {
    /// Makes every unique key of a table hold. Runs before any child of the table exists.
    pub(super) fn make_unique(&mut self, id: TableId, model: &TableModel, draft: &mut Draft) {
        let table = self.model.schema.table(id);
        let roles = &self.model.plan.table(id).columns;
        for key in table.keys() {
            if key.columns.is_empty() || key.columns.iter().any(|column| draft.data.column(*column).is_none())
            {
                continue;
            }
            if key.columns.iter().any(|column| roles[column.0] == ColumnRole::SurrogateKey) {
                continue;
            }
            let subject = model.facts.rules.key_subjects(key, &draft.data);
            let clashing = clashes(table, key, &draft.data, &subject);
            if clashing.is_empty() {
                continue;
            }
            let bound = Bound { table, key, model, subject: &subject };
            let stuck = resolve(bound, roles, &mut draft.data, &clashing);
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
            for parent in &mut draft.links[index].parent {
                *parent = moved.get(*parent as usize).copied().unwrap_or(crate::data::NO_ROW);
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

    fn report(&mut self, table: &Table, key: &UniqueKey, moved: usize, dropped: usize) {
        let columns: Vec<&str> =
            key.columns.iter().map(|column| table.column(*column).name.as_str()).collect();
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

fn columns_of<'a>(table: &Table, key: &UniqueKey, data: &'a TableData) -> Vec<(&'a ArrayRef, bool)> {
    key.columns
        .iter()
        .filter_map(|column| {
            data.column(*column).map(|array| (array, table.column(*column).case_insensitive))
        })
        .collect()
}

/// Rows whose key an earlier row has already.
fn clashes(table: &Table, key: &UniqueKey, data: &TableData, subject: &[bool]) -> Vec<usize> {
    let keys = KeyColumns::new(&columns_of(table, key, data));
    let mut seen: IndexSet<Vec<u8>> = IndexSet::with_capacity(data.row_count);
    let mut value = Vec::new();
    (0..data.row_count)
        .filter(|row| subject[*row] && keys.write(*row, &mut value) && !seen.insert(value.clone()))
        .collect()
}

/// A unique key and whom it binds.
#[derive(Clone, Copy)]
struct Bound<'a> {
    table: &'a Table,
    key: &'a UniqueKey,
    model: &'a TableModel,
    /// Per row: does the key bind it (a partial key binds some only)?
    subject: &'a [bool],
}

/// Moves clashing rows to free values. Returns the rows that found none.
fn resolve(bound: Bound<'_>, roles: &[ColumnRole], data: &mut TableData, clashing: &[usize]) -> Vec<usize> {
    let Bound { key, model, .. } = bound;
    let mut stuck: Vec<usize> = clashing.to_vec();
    let movable: Vec<ColumnId> = key
        .columns
        .iter()
        .copied()
        .filter(|column| matches!(roles[column.0], ColumnRole::KeyAttribute | ColumnRole::Attribute))
        .filter(|column| !model.facts.rules.positions.iter().any(|position| position.column == *column))
        .collect();
    for column in movable {
        if stuck.is_empty() {
            break;
        }
        stuck = move_column(bound, column, data, &stuck);
    }
    stuck
}

/// Tries other values of one column for every stuck row.
fn move_column(bound: Bound<'_>, column: ColumnId, data: &mut TableData, stuck: &[usize]) -> Vec<usize> {
    let Bound { table, key, model, subject } = bound;
    let definition = table.column(column);
    let codec = model.facts.codecs.iter().find(|(id, _)| *id == column).map(|(_, codec)| codec);
    let Some(array) = data.column(column).cloned() else { return stuck.to_vec() };
    let candidates = Candidates::new(definition, codec, &array);
    // The taken keys of all rows that are not stuck.
    let mut taken: IndexSet<Vec<u8>> = IndexSet::with_capacity(data.row_count);
    let is_stuck: std::collections::BTreeSet<usize> = stuck.iter().copied().collect();
    let mut value = Vec::new();
    {
        let keys = KeyColumns::new(&columns_of(table, key, data));
        for row in (0..data.row_count).filter(|row| subject[*row] && !is_stuck.contains(row)) {
            if keys.write(row, &mut value) {
                taken.insert(value.clone());
            }
        }
    }
    let mut changed: BTreeMap<usize, Moved> = BTreeMap::new();
    let mut left = Vec::new();
    for row in stuck {
        let mut others = Vec::new();
        let found = candidates.of(*row).take(MAX_TRIES).find(|candidate| {
            let single: ArrayRef = candidate.array(definition.data_type.storage());
            others.clear();
            for id in &key.columns {
                let part = if *id == column {
                    Some(single.clone())
                } else {
                    data.column(*id).map(|a| a.slice(*row, 1))
                };
                if let Some(part) = part {
                    others.push((part, table.column(*id).case_insensitive));
                }
            }
            let refs: Vec<(&ArrayRef, bool)> = others.iter().map(|(array, fold)| (array, *fold)).collect();
            KeyColumns::new(&refs).write(0, &mut value) && !taken.contains(&value)
        });
        match found {
            Some(candidate) => {
                taken.insert(value.clone());
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

/// A value a clashing row may move to.
#[derive(Debug, Clone)]
enum Moved {
    Integer(i64),
    Float(f64),
    Text(String),
    Boolean(bool),
}

impl Moved {
    fn array(&self, storage: Storage) -> ArrayRef {
        match self {
            Self::Integer(value) => match storage {
                Storage::Date => Arc::new(Date32Array::from(vec![*value as i32])),
                Storage::Time => Arc::new(Time64MicrosecondArray::from(vec![*value])),
                Storage::Timestamp => Arc::new(TimestampMicrosecondArray::from(vec![*value])),
                _ => Arc::new(Int64Array::from(vec![*value])),
            },
            Self::Float(value) => Arc::new(Float64Array::from(vec![*value])),
            Self::Text(value) => Arc::new(StringArray::from(vec![value.as_str()])),
            Self::Boolean(value) => Arc::new(BooleanArray::from(vec![*value])),
        }
    }
}

/// Values near a row's own, nearest first, inside the column's domain.
struct Candidates<'a> {
    column: &'a Column,
    array: &'a ArrayRef,
    /// Other values of an enumerated text column.
    domain: Option<Vec<String>>,
    range: (i64, i64),
}

impl<'a> Candidates<'a> {
    fn new(column: &'a Column, codec: Option<&Codec>, array: &'a ArrayRef) -> Self {
        let enumerated =
            column.data_type.storage() == Storage::Text && codec.is_some_and(|c| !c.is_presence());
        let domain = enumerated.then(|| {
            let texts = array.as_string::<i32>();
            let all: std::collections::BTreeSet<String> = texts.iter().flatten().map(str::to_owned).collect();
            all.into_iter().collect()
        });
        let range = match column.data_type {
            DataType::Integer { min, max } => (min, max),
            DataType::Date => (-700_000, 2_900_000),
            _ => (i64::MIN / 2, i64::MAX / 2),
        };
        Self { column, array, domain, range }
    }

    fn of(&self, row: usize) -> Box<dyn Iterator<Item = Moved> + '_> {
        if self.array.is_null(row) {
            return Box::new(std::iter::empty());
        }
        match self.column.data_type.storage() {
            Storage::Integer => {
                self.steps(self.array.as_primitive::<arrow_array::types::Int64Type>().value(row), 1)
            }
            Storage::Date => {
                let day = self.array.as_primitive::<arrow_array::types::Date32Type>().value(row);
                self.steps(i64::from(day), 1)
            }
            Storage::Time => {
                let time = self.array.as_primitive::<arrow_array::types::Time64MicrosecondType>().value(row);
                self.steps(time, 1_000_000)
            }
            Storage::Timestamp => {
                let time =
                    self.array.as_primitive::<arrow_array::types::TimestampMicrosecondType>().value(row);
                let day = 86_400_000_000;
                self.steps(time, if time % day == 0 { day } else { 1_000_000 })
            }
            Storage::Float => {
                let value = self.array.as_primitive::<arrow_array::types::Float64Type>().value(row);
                let scale = match self.column.data_type {
                    DataType::Decimal { scale: Some(scale), .. } => scale,
                    _ => 6,
                };
                let step = 10_f64.powi(-scale);
                Box::new((1..).map(move |n| {
                    let offset = f64::from((n + 1) / 2) * step;
                    Moved::Float(if n % 2 == 1 { value + offset } else { value - offset })
                }))
            }
            Storage::Boolean => Box::new([true, false].into_iter().map(Moved::Boolean)),
            Storage::Text => self.texts(row),
            Storage::Bytes => Box::new(std::iter::empty()),
        }
    }

    fn steps(&self, value: i64, step: i64) -> Box<dyn Iterator<Item = Moved> + '_> {
        let (low, high) = self.range;
        let around = (1..i64::MAX).map(move |n| {
            let offset = (n + 1) / 2 * step;
            if n % 2 == 1 { value.saturating_add(offset) } else { value.saturating_sub(offset) }
        });
        Box::new(around.take(MAX_TRIES * 2).filter(move |v| (low..=high).contains(v)).map(Moved::Integer))
    }

    fn texts(&self, row: usize) -> Box<dyn Iterator<Item = Moved> + '_> {
        if let Some(domain) = &self.domain {
            let start = row % domain.len().max(1);
            return Box::new(domain.iter().cycle().skip(start).take(domain.len()).cloned().map(Moved::Text));
        }
        let text = self.array.as_string::<i32>().value(row).to_owned();
        let longest = match self.column.data_type {
            DataType::Text { max_chars: Some(longest) } => longest as usize,
            _ => usize::MAX,
        };
        Box::new((1..).map(move |n: u32| {
            let suffix = if longest < 6 { base36(n) } else { format!(" {n}") };
            let room = longest.saturating_sub(suffix.chars().count());
            let head: String = text.chars().take(room).collect();
            Moved::Text(format!("{head}{suffix}").chars().take(longest).collect())
        }))
    }
}

/// A number in digits and capitals, for keys too short for anything else.
fn base36(mut number: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit(number % 36, 36).unwrap_or('0').to_ascii_uppercase());
        number /= 36;
        if number == 0 {
            break;
        }
    }
    digits.iter().rev().collect()
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
