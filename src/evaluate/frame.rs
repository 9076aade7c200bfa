//! The tables of all sides brought to one form: kinds decided by the real database, categories coded alike.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::ArrayRef;

use super::{Side, Terms, cells::Cells};
use crate::{
    data::{self, Links, NO_ROW, TableData},
    evaluate::cells::fingerprint,
    schema::{ColumnId, DataType, ForeignKey, ForeignKeyId, Schema, TableId},
};

/// Text columns with more distinct values than this are not compared value by value.
const MOST_CATEGORIES: usize = 100;

/// What a column counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Part of a primary or foreign key: left out.
    Key,
    Number,
    Time,
    Category,
    /// Free text: only compared for exact copies.
    Text,
    /// Nothing but one value (or null) in the real table.
    Constant,
}

impl Kind {
    pub(super) fn is_compared(self) -> bool {
        matches!(self, Self::Number | Self::Time | Self::Category)
    }

    pub(super) fn is_numeric(self) -> bool {
        matches!(self, Self::Number | Self::Time)
    }
}

/// The values of one compared column.
#[derive(Debug, Clone)]
pub(super) enum Values {
    /// NaN where null; microseconds for times.
    Number(Vec<f64>),
    /// 0 where null; the same code means the same value on every side.
    Category(Vec<u32>),
}

impl Values {
    pub(super) fn take(&self, rows: &[u32]) -> Self {
        match self {
            Self::Number(values) => Self::Number(rows.iter().map(|row| values[*row as usize]).collect()),
            Self::Category(codes) => Self::Category(rows.iter().map(|row| codes[*row as usize]).collect()),
        }
    }

    pub(super) fn null_share(&self) -> f64 {
        let (nulls, all) = match self {
            Self::Number(values) => (values.iter().filter(|value| value.is_nan()).count(), values.len()),
            Self::Category(codes) => (codes.iter().filter(|code| **code == 0).count(), codes.len()),
        };
        if all == 0 { 0.0 } else { nulls as f64 / all as f64 }
    }
}

/// A compared column: its values on every side.
pub(super) struct FrameColumn {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// One per side, the real one first.
    pub(super) sides: Vec<Values>,
}

/// A table that every side has.
pub(super) struct Frame {
    pub(super) table: TableId,
    pub(super) name: String,
    pub(super) row_counts: Vec<usize>,
    pub(super) columns: Vec<FrameColumn>,
    /// What each column of the real table counts as.
    pub(super) kinds: Vec<Kind>,
    /// Per side: fingerprints of the attributes of each row, empty if there are fewer than three of them.
    pub(super) fingerprints: Vec<Vec<u128>>,
}

/// A foreign key between two frames.
pub(super) struct FrameLink {
    pub(super) child: TableId,
    pub(super) parent: TableId,
    pub(super) columns: String,
    /// One per side.
    pub(super) sides: Vec<Links>,
}

/// All sides in one form.
pub(super) struct Frames {
    /// Indexed by the real `TableId`; `None` where a side lacks the table.
    pub(super) tables: Vec<Option<Frame>>,
    pub(super) links: Vec<FrameLink>,
}

impl Frames {
    pub(super) fn new(sides: &[&Side<'_>], terms: &Terms) -> Self {
        let real = sides[0].schema;
        let tables: Vec<Option<Frame>> = real
            .iter()
            .map(|(id, _)| if terms.skipped.contains(&id) { None } else { frame(id, sides, terms) })
            .collect();
        let mut links = Vec::new();
        for (child, fk, key) in real.foreign_keys() {
            let whole = |table: &TableId| !terms.partial.contains(table);
            let measured = whole(&child) && whole(&key.parent);
            if measured && tables[child.0].is_some() && tables[key.parent.0].is_some() {
                let names: Vec<&str> =
                    key.columns.iter().map(|id| real.table(child).column(*id).name.as_str()).collect();
                links.push(FrameLink {
                    child,
                    parent: key.parent,
                    columns: names.join(", "),
                    sides: sides.iter().map(|side| links_of(real, side, (child, fk), key)).collect(),
                });
            }
        }
        Self { tables, links }
    }

    pub(super) fn table(&self, id: TableId) -> Option<&Frame> {
        self.tables[id.0].as_ref()
    }
}

/// The rows of a real table on another side, found by name.
pub(super) fn data_of<'a>(
    real: &Schema,
    side: &'a Side<'_>,
    table: TableId,
) -> Option<(TableId, &'a TableData)> {
    let id = side.schema.find(&real.table(table).name.to_string())?;
    Some((id, side.tables.get(id.0)?))
}

/// A real column on another side, found by name.
pub(super) fn array_of<'a>(
    real: &Schema,
    side: &'a Side<'_>,
    table: TableId,
    column: ColumnId,
) -> Option<&'a ArrayRef> {
    let (id, data) = data_of(real, side, table)?;
    data.column(side.schema.table(id).find(&real.table(table).column(column).name)?)
}

pub(super) fn cells_of<'a>(
    real: &Schema,
    side: &'a Side<'_>,
    table: TableId,
    columns: &[ColumnId],
) -> Vec<Cells<'a>> {
    columns.iter().map(|id| array_of(real, side, table, *id).map_or(Cells::Unread, Cells::new)).collect()
}

fn frame(table: TableId, sides: &[&Side<'_>], terms: &Terms) -> Option<Frame> {
    let real = sides[0].schema;
    let row_counts: Vec<usize> = sides
        .iter()
        .map(|side| data_of(real, side, table).map(|(_, data)| data.row_count))
        .collect::<Option<_>>()?;
    let mut columns = Vec::new();
    let mut attributes = Vec::new();
    let mut kinds = Vec::new();
    for (id, column) in real.table(table).iter() {
        let per_side: Vec<Cells<'_>> =
            sides.iter().map(|side| cells_of(real, side, table, &[id]).remove(0)).collect();
        let named = terms.categories.get(&real.table(table).name.to_string());
        let is_category = named.is_some_and(|columns| columns.contains(&column.name));
        let kind = kind_of(real, table, id, &per_side[0], (row_counts[0], is_category));
        let replaced = terms.replaced.contains(&(table, id)) && kind.is_compared();
        let kind = if replaced { Kind::Text } else { kind };
        kinds.push(kind);
        if kind.is_compared() || kind == Kind::Text {
            attributes.push(id);
        }
        if kind.is_compared() {
            let values = values_of(kind, &per_side, &row_counts);
            columns.push(FrameColumn { name: column.name.clone(), kind, sides: values });
        }
    }
    let fingerprints = sides
        .iter()
        .zip(&row_counts)
        .map(|(side, rows)| {
            let cells = cells_of(real, side, table, &attributes);
            let rows = if attributes.len() < 3 { 0 } else { *rows };
            (0..rows).filter_map(|row| fingerprint(&cells, row, true)).collect()
        })
        .collect();
    Some(Frame { table, name: real.table(table).name.to_string(), row_counts, columns, kinds, fingerprints })
}

pub(super) fn kind_of(
    schema: &Schema,
    table: TableId,
    id: ColumnId,
    cells: &Cells<'_>,
    (rows, is_category): (usize, bool),
) -> Kind {
    let definition = schema.table(table);
    let primary = definition.primary_key.as_ref().map_or(&[][..], |key| &key.columns[..]);
    let linked = definition.foreign_keys.iter().any(|key| key.columns.contains(&id))
        || schema.foreign_keys().any(|(_, _, key)| key.parent == table && key.parent_columns.contains(&id));
    // A part of a composite key that links nowhere has a meaning of its own: it stays an attribute.
    if linked || (primary.contains(&id) && primary.len() == 1) {
        return Kind::Key;
    }
    let mut distinct = BTreeSet::new();
    let mut repeats = false;
    for row in 0..rows {
        if let Some(text) = cells.text(row) {
            repeats |= !distinct.insert(text);
            if distinct.len() > MOST_CATEGORIES {
                break;
            }
        }
    }
    if is_category {
        return Kind::Category;
    }
    if distinct.len() <= 1 {
        return Kind::Constant;
    }
    match &definition.column(id).data_type {
        DataType::Date | DataType::Timestamp { .. } => Kind::Time,
        DataType::Integer { .. } | DataType::Decimal { .. } | DataType::Float { .. } | DataType::Time => {
            Kind::Number
        }
        DataType::Boolean | DataType::Enum { .. } => Kind::Category,
        // Where no value comes twice they are names of rows, and new names are no fault.
        _ if distinct.len() <= MOST_CATEGORIES && repeats => Kind::Category,
        _ => Kind::Text,
    }
}

fn values_of(kind: Kind, sides: &[Cells<'_>], row_counts: &[usize]) -> Vec<Values> {
    if kind.is_numeric() {
        return sides
            .iter()
            .zip(row_counts)
            .map(|(cells, rows)| Values::Number((0..*rows).map(|row| cells.number(row)).collect()))
            .collect();
    }
    let mut codes: BTreeMap<String, u32> = BTreeMap::new();
    sides
        .iter()
        .zip(row_counts)
        .map(|(cells, rows)| {
            let code = |row| {
                cells.text(row).map_or(0, |text| {
                    let next = codes.len() as u32 + 1;
                    *codes.entry(text).or_insert(next)
                })
            };
            Values::Category((0..*rows).map(code).collect())
        })
        .collect()
}

/// Finds the parent row of every child row, by the values of the key where it is not known; orphans have none.
pub(super) fn links_of(
    real: &Schema,
    side: &Side<'_>,
    (child, fk): (TableId, ForeignKeyId),
    key: &ForeignKey,
) -> Links {
    // Sides that know their links have the real schema.
    if let Some(links) = side.links.as_ref().and_then(|links| links.get(child.0)?.get(fk.0)) {
        return links.clone();
    }
    let rows = |table| data_of(real, side, table).map_or(0, |(_, data)| data.row_count);
    let parents = cells_of(real, side, key.parent, &key.parent_columns);
    let mut index = BTreeMap::new();
    for row in 0..rows(key.parent) {
        if let Some(fingerprint) = fingerprint(&parents, row, false) {
            index.entry(fingerprint).or_insert(row as u32);
        }
    }
    let children = cells_of(real, side, child, &key.columns);
    let bound = bound_rows(real, side, child, key);
    let parent_of = |row: usize| {
        let parent = fingerprint(&children, row, false).and_then(|key| index.get(&key).copied());
        parent.filter(|_| bound.as_ref().is_none_or(|bound| bound[row])).unwrap_or(NO_ROW)
    };
    Links { parent: (0..rows(child)).map(parent_of).collect() }
}

/// Which rows a reference with a condition binds, on this side; `None` if all.
fn bound_rows(real: &Schema, side: &Side<'_>, child: TableId, key: &ForeignKey) -> Option<Vec<bool>> {
    let when = key.when()?;
    let (own, data) = data_of(real, side, child)?;
    let table = side.schema.table(own);
    let column = table.find(&real.table(child).column(when.column).name)?;
    let mut key = key.clone();
    if let Some(when) = key.undeclared.as_mut().and_then(|undeclared| undeclared.when.as_mut()) {
        when.column = column;
    }
    data::bound_rows(table, &key, data)
}
