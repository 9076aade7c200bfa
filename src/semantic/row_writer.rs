//! Writing all written columns of a table, a block of rows at a time.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BinaryArray, Int64Array, StringArray, cast::AsArray, types::Int64Type};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{
    Meaning,
    array::ArrayShape,
    detect, distinct,
    language::Letters,
    opaque::OpaqueShape,
    persona::Persona,
    quantiles::Quantiles,
    told::{Above, Tellers, Told},
    value_writer::{Cell, ColumnShape, ValueWriter},
};
use crate::{
    data::{TableData, template},
    finding::Finding,
    privacy::{Guard, Kept},
    schema::{Column, ColumnId, DataType, Storage, Table},
    seed::Stream,
};

/// Writes new values for the columns of a table that are not modelled as tokens.
///
/// Holds shapes, lengths, common words and labels that enough entities share; no value of a personal column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowWriter {
    columns: Vec<ColumnWriter>,
    /// Columns of documents whose texts are written here.
    #[serde(default)]
    documents: Vec<DocumentWriter>,
    /// Distinct entities that stand behind whatever it keeps, at least.
    least: u32,
    /// What the other columns of a row tell of its person.
    #[serde(default)]
    tellers: Tellers,
}

/// Writes the texts inside the documents of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct DocumentWriter {
    id: ColumnId,
    max_chars: Option<usize>,
    /// One writer per numbered text, with its meaning.
    texts: Vec<(Meaning, ValueWriter)>,
}

impl DocumentWriter {
    /// Fills the holes of a document; the texts stay empty where it would grow too long for its column.
    fn fill(&self, document: &str, persona: &Persona, random: &mut Stream) -> String {
        if !template::has_hole(document) {
            return document.to_owned();
        }
        let cell = Cell { persona, index: None, max: None, at_home: false, letters: Letters::Ascii };
        let filled = template::fill(document, |index| {
            self.texts.get(index).and_then(|(_, writer)| writer.write(&cell, random)).unwrap_or_default()
        });
        match self.max_chars {
            Some(max) if filled.chars().count() > max => template::fill(document, |_| String::new()),
            _ => filled,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ColumnWriter {
    id: ColumnId,
    /// What its values mean, for people and for reports.
    meaning: Meaning,
    storage: Storage,
    max_chars: Option<usize>,
    nullable: bool,
    unique: bool,
    /// Share of values that are blank: some programs write an empty text where another writes null.
    blank: f64,
    values: Values,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Values {
    Text(Box<ValueWriter>),
    /// Random bytes of these lengths.
    Bytes {
        lengths: Quantiles,
        max: Option<usize>,
    },
}

impl RowWriter {
    /// Learns how the values of each column (its meaning, and whether values must all differ) look.
    ///
    /// The findings name columns of types that are unknown here and what is written instead.
    #[must_use]
    pub fn fit(
        table: &Table,
        data: &TableData,
        written: &[(ColumnId, Meaning, bool)],
        guard: Guard<'_>,
    ) -> (Self, Vec<Finding>) {
        Self::fit_below(table, data, None, written, guard)
    }

    /// True if what a country decides is among the written columns.
    #[must_use]
    pub fn may_follow_a_country(written: &[(ColumnId, Meaning, bool)]) -> bool {
        Tellers::may_follow_a_country(written)
    }

    /// Like [`RowWriter::fit`], where an ancestor says the country of every row.
    #[must_use]
    pub fn fit_below(
        table: &Table,
        data: &TableData,
        above: Option<(Above, ArrayRef)>,
        written: &[(ColumnId, Meaning, bool)],
        guard: Guard<'_>,
    ) -> (Self, Vec<Finding>) {
        let mut findings = Vec::new();
        let columns = written
            .iter()
            .map(|(id, meaning, unique)| {
                let writer =
                    ColumnWriter::fit(*id, table.column(*id), data.column(*id), (meaning, *unique), guard);
                findings.extend(writer.finding(table));
                writer
            })
            .collect();
        let tellers = Tellers::fit(table, data, above, written, guard);
        (Self { columns, documents: Vec::new(), least: guard.least() as u32, tellers }, findings)
    }

    /// What it keeps of a column of the source.
    #[must_use]
    pub fn kept(&self, id: ColumnId) -> Vec<Kept> {
        let columns = self.columns.iter().filter(|column| column.id == id);
        let of_columns = columns.flat_map(|column| match &column.values {
            Values::Text(writer) => writer.kept(self.least),
            Values::Bytes { .. } => Vec::new(),
        });
        let documents = self.documents.iter().filter(|document| document.id == id);
        let texts = documents.flat_map(|document| &document.texts);
        let texts = texts.flat_map(|(_, writer)| writer.kept(self.least));
        of_columns.chain(texts).chain(self.tellers.kept(id)).collect()
    }

    /// Adds a column of documents that come with holes: per hole the name above it, and values of the source with the
    /// entity that has each.
    pub fn add_document(&mut self, table: &Table, id: ColumnId, texts: &[(&str, Vec<&str>, &[u32])]) {
        let max_chars = match table.column(id).data_type {
            DataType::Text { max_chars } => max_chars.map(|max| max as usize),
            _ => None,
        };
        let texts = texts
            .iter()
            .map(|(name, values, owners)| {
                let meaning = detect::detect_text("", name, values, false).meaning;
                let guard = Guard::entities(owners, self.least);
                let writer = ValueWriter::fit(&meaning, &ColumnShape::text(name), values, guard);
                (meaning, writer)
            })
            .collect();
        self.documents.push(DocumentWriter { id, max_chars, texts });
    }

    /// The columns of documents it completes.
    pub fn documents(&self) -> impl Iterator<Item = ColumnId> {
        self.documents.iter().map(|document| document.id)
    }

    /// The columns it writes, with their meanings.
    pub fn columns(&self) -> impl Iterator<Item = (ColumnId, &Meaning)> {
        self.columns.iter().map(|column| (column.id, &column.meaning))
    }

    /// The columns that a written column follows: a given name its row's gender and country, a telephone number its
    /// country.
    #[must_use]
    pub fn followed(&self, id: ColumnId) -> Vec<ColumnId> {
        let column = self.columns.iter().find(|column| column.id == id);
        column.map_or_else(Vec::new, |column| self.tellers.leaders(id, &column.meaning))
    }

    /// The ancestor's column that says a row's country; [`RowWriter::tell`] wants its values as [`Above::COLUMN`].
    #[must_use]
    pub fn above(&self) -> Option<&Above> {
        self.tellers.above()
    }

    /// Reads what the learned columns of rows tell of their persons, for [`RowWriter::complete`].
    #[must_use]
    pub fn tell(&self, rows: &TableData) -> Vec<Told> {
        self.tellers.tell(rows)
    }

    /// Writes a block of rows: one value per row and column, null where `present` says false (a column not named
    /// there is present everywhere). `first_row` is the block's first row in the whole table: values of unique
    /// columns are made from it, so they differ across blocks.
    ///
    /// # Panics
    /// If the entries of `present` differ in length.
    #[must_use]
    pub fn write(&self, present: &[(ColumnId, Vec<bool>)], first_row: u64, random: &mut Stream) -> TableData {
        self.complete(present, &[], &[], first_row, random)
    }

    /// Like [`RowWriter::write`], and fills the holes of `documents` in the same breath: what is written in a row,
    /// inside a document or beside it, is about one person, who fits what the row `told` (nothing if there is no entry).
    ///
    /// # Panics
    /// If the entries of `present` and `documents` differ in length.
    #[must_use]
    pub fn complete(
        &self,
        present: &[(ColumnId, Vec<bool>)],
        documents: &[(ColumnId, StringArray)],
        told: &[Told],
        first_row: u64,
        random: &mut Stream,
    ) -> TableData {
        let rows = present.first().map(|(_, present)| present.len());
        let rows = rows.or(documents.first().map(|(_, documents)| documents.len())).unwrap_or(0);
        assert!(present.iter().all(|(_, present)| present.len() == rows), "one flag per row");
        assert!(documents.iter().all(|(_, documents)| documents.len() == rows), "one document per row");
        let holed: Vec<(&DocumentWriter, &StringArray)> = documents
            .iter()
            .filter_map(|(id, texts)| Some((self.documents.iter().find(|d| d.id == *id)?, texts)))
            .collect();
        let mut filled: Vec<Vec<Option<String>>> = vec![Vec::with_capacity(rows); holed.len()];
        let flags: Vec<Option<&[bool]>> = self
            .columns
            .iter()
            .map(|column| present.iter().find(|(id, _)| *id == column.id).map(|(_, flags)| flags.as_slice()))
            .collect();
        let mut written: Vec<Vec<Option<Written>>> = vec![Vec::with_capacity(rows); self.columns.len()];
        for row in 0..rows {
            // One person per row, whichever columns are null: the columns of a row agree.
            let known = told.get(row).copied().unwrap_or_default();
            let mut persona = Persona::draw(known, self.tellers.has_gender(), self.tellers.names(), random);
            let index = first_row + row as u64;
            for column in self.columns.iter().filter(|column| column.unique) {
                persona.rename(&column.meaning, index);
            }
            for ((column, flags), out) in self.columns.iter().zip(&flags).zip(&mut written) {
                let is_present = flags.is_none_or(|flags| flags[row]);
                let cell = Cell {
                    persona: &persona,
                    index: column.unique.then_some(index),
                    max: column.max_chars,
                    at_home: self.tellers.follows_country(column.id),
                    letters: self.tellers.letters(column.id),
                };
                let value = is_present.then(|| column.write(&cell, random)).flatten();
                out.push(value);
            }
            for ((writer, texts), out) in holed.iter().zip(&mut filled) {
                let there = texts.is_valid(row).then(|| texts.value(row));
                out.push(there.map(|text| writer.fill(text, &persona, random)));
            }
        }
        let arrays = self.columns.iter().zip(written).map(|(column, values)| column.array(values)).collect();
        let mut data = TableData::new(self.columns.iter().map(|column| column.id).collect(), arrays, rows);
        for ((writer, _), texts) in holed.into_iter().zip(filled) {
            data.set(writer.id, Arc::new(StringArray::from(texts)));
        }
        data
    }
}

#[derive(Debug, Clone)]
enum Written {
    Text(String),
    Bytes(Vec<u8>),
}

impl ColumnWriter {
    fn fit(
        id: ColumnId,
        column: &Column,
        values: Option<&ArrayRef>,
        (meaning, unique): (&Meaning, bool),
        guard: Guard<'_>,
    ) -> Self {
        let mut blank = 0.0;
        let storage = column.data_type.storage();
        let max_chars = match &column.data_type {
            DataType::Text { max_chars } => max_chars.map(|max| max as usize),
            _ => None,
        };
        let bytes = storage == Storage::Bytes;
        let values = if bytes && *meaning == Meaning::Bytes {
            let binary = values.and_then(|values| values.as_binary_opt::<i32>());
            let lengths = binary.and_then(|binary| {
                let known = binary.iter().enumerate();
                Quantiles::fit(known.filter_map(|(row, value)| Some((row, value?.len() as f64))), guard)
            });
            let max = match &column.data_type {
                DataType::Bytes { max_bytes } => max_bytes.map(|max| max as usize),
                _ => None,
            };
            let lengths = lengths.unwrap_or_else(|| Quantiles::constant(16.0));
            Values::Bytes { lengths, max }
        } else {
            let numbers: Vec<Option<String>> = values
                .and_then(|values| values.as_primitive_opt::<Int64Type>())
                .map_or_else(Vec::new, |numbers| numbers.iter().map(|n| n.map(|n| n.to_string())).collect());
            let texts: Vec<(usize, &str)> = match values {
                Some(_) if !numbers.is_empty() => {
                    let known = numbers.iter().enumerate();
                    known.filter_map(|(row, number)| Some((row, number.as_deref()?))).collect()
                }
                Some(values) if bytes => values.as_binary_opt::<i32>().map_or_else(Vec::new, |binary| {
                    let known = binary.iter().enumerate();
                    known.filter_map(|(row, value)| Some((row, std::str::from_utf8(value?).ok()?))).collect()
                }),
                Some(values) => values.as_string_opt::<i32>().map_or_else(Vec::new, |texts| {
                    texts.iter().enumerate().filter_map(|(row, text)| Some((row, text?))).collect()
                }),
                None => Vec::new(),
            };
            let (texts, empty): (Vec<_>, Vec<_>) =
                texts.into_iter().partition(|(_, text)| !text.trim().is_empty());
            let owners: Vec<u32> = texts.iter().map(|(row, _)| guard.owner(*row)).collect();
            let texts: Vec<&str> = texts.into_iter().map(|(_, text)| text).collect();
            if matches!(column.data_type, DataType::Text { .. }) && !unique {
                blank = empty.len() as f64 / (texts.len() + empty.len()).max(1) as f64;
            }
            let shape = ColumnShape {
                name: &column.name,
                data_type: &column.data_type,
                native_type: &column.native_type,
                max_chars,
                unique,
            };
            let guard = Guard::entities(&owners, guard.least() as u32);
            Values::Text(Box::new(ValueWriter::fit(meaning, &shape, &texts, guard)))
        };
        Self {
            id,
            meaning: meaning.clone(),
            storage,
            max_chars,
            nullable: column.nullable,
            unique,
            blank,
            values,
        }
    }

    fn finding(&self, table: &Table) -> Option<Finding> {
        let column = table.column(self.id);
        let instead = match &self.values {
            Values::Text(writer) => match writer.as_ref() {
                ValueWriter::Opaque(shape) => OpaqueShape::describe(shape),
                ValueWriter::Array(shape) if ArrayShape::is_unknown(shape) => "empty arrays are written",
                _ => return None,
            },
            Values::Bytes { .. } => return None,
        };
        let what = format!("values of type {} cannot be modelled", column.native_type);
        let remedy =
            "name a meaning for the column in synth.toml, or set the table's mode to copy or structure";
        Some(
            Finding::warning("opaque-type", what)
                .table(&table.name)
                .column(&column.name)
                .instead(instead)
                .remedy(remedy),
        )
    }

    fn write(&self, cell: &Cell<'_>, random: &mut Stream) -> Option<Written> {
        match &self.values {
            Values::Bytes { lengths, max } => {
                let length = lengths.draw_count(random).min(max.unwrap_or(usize::MAX)).min(1 << 24);
                let mut bytes = vec![0; length];
                random.fill(&mut bytes[..]);
                // The index in front, most of all rows' difference in few bytes.
                for (byte, part) in bytes.iter_mut().zip(cell.index.map(u64::to_le_bytes).iter().flatten()) {
                    *byte = *part;
                }
                Some(Written::Bytes(bytes))
            }
            Values::Text(writer) => {
                // Drawn only where the source has blanks: nothing else shifts.
                if self.blank > 0.0 && random.random_bool(self.blank.clamp(0.0, 1.0)) {
                    return Some(Written::Text(String::new()));
                }
                match writer.write(cell, random) {
                    None if !self.nullable => Some(Written::Text(String::new())),
                    text => text.map(Written::Text),
                }
            }
        }
    }

    /// Puts values into the column's own array. A column of another storage (a telephone number kept as a number,
    /// at the user's word) takes the digits.
    fn array(&self, values: Vec<Option<Written>>) -> ArrayRef {
        let text = |value: &Option<Written>| match value {
            Some(Written::Text(text)) => Some(text.clone()),
            Some(Written::Bytes(_)) | None => None,
        };
        match self.storage {
            Storage::Bytes => {
                let bytes = values.into_iter().map(|value| {
                    value.map(|value| match value {
                        Written::Bytes(bytes) => bytes,
                        Written::Text(text) => text.into_bytes(),
                    })
                });
                Arc::new(bytes.collect::<BinaryArray>())
            }
            Storage::Integer => {
                let number = |text: String| distinct::leading_number(&text);
                Arc::new(values.iter().map(|value| text(value).and_then(number)).collect::<Int64Array>())
            }
            _ => Arc::new(values.iter().map(text).collect::<StringArray>()),
        }
    }
}
