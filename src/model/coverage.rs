//! How every column of the target is made, and what is lost on the way: read off the very pieces that make it.

use arrow_array::ArrayRef;
use rayon::prelude::*;
use serde::Serialize;

use crate::{
    codec::Codec,
    config::TableMode,
    finding::Finding,
    model::{FitOptions, Model, TableFacts, encode::encode},
    plan::{ColumnRole, LinkRole, Plan},
    rules::ancestor_along,
    schema::{Column, ColumnId, DataType, Schema, Storage, Table, TableId},
    semantic::Above,
};

/// Digits that a number keeps in memory.
const DIGITS: u32 = 15;

/// How a column is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// Its table is left out of the target.
    LeftOut,
    /// Its table has no rows.
    Empty,
    /// Real values are copied.
    Copied,
    /// Fresh numbers or UUIDs are allotted.
    Key,
    /// Values come from the parent rows.
    ForeignKey,
    /// The server computes it.
    Generated,
    /// Computed from other columns, ancestors or children.
    Computed,
    /// One value, as in the source.
    Constant,
    /// Learned, value by value.
    Learned,
    /// Only null or not is learned; the values are written by their meaning.
    Written,
    /// Nothing fills it: it is null, or has the column's default.
    Unfilled,
}

impl Made {
    /// Says it in a word or two.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::LeftOut => "left out",
            Self::Empty => "no rows",
            Self::Copied => "copied",
            Self::Key => "key",
            Self::ForeignKey => "foreign key",
            Self::Generated => "generated",
            Self::Computed => "computed",
            Self::Constant => "constant",
            Self::Learned => "learned",
            Self::Written => "written",
            Self::Unfilled => "null or default",
        }
    }
}

/// What happens to one column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnCoverage {
    /// The table, as the user would write it.
    pub table: String,
    /// The column.
    pub column: String,
    /// The type as the server prints it.
    pub native_type: String,
    /// How it is made.
    pub made: Made,
    /// By what: the codec, the meaning, the parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
    /// What its values mean, where that was looked for, as the user would write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
    /// How sure that is, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// True if the values can point at a person or open a door.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub personal: bool,
    /// What of the source's column the target's will not have.
    pub lost: Vec<String>,
}

/// Says how every column of a schema will be made, from the rows to learn from: every codec and writer is fitted as for
/// a model, nothing is trained. `findings` are those made so far; those on columns say what is lost.
#[must_use]
pub fn cover(options: FitOptions<'_>, findings: &[Finding]) -> Vec<ColumnCoverage> {
    let FitOptions { schema, plan, snapshot, .. } = options;
    let encoded: Vec<_> =
        (0..schema.tables.len()).into_par_iter().map(|index| encode(&options, TableId(index))).collect();
    let mut told = findings.to_vec();
    let facts: Vec<Option<TableFacts>> = encoded
        .into_iter()
        .map(|pair| {
            pair.map(|(encoded, found)| {
                told.extend(found);
                encoded.facts
            })
        })
        .collect();
    let facts = |id: TableId| facts[id.0].as_ref();
    let values = |id: TableId, column: ColumnId| snapshot.table(id)?.data.column(column);
    Coverage { schema, plan, facts: &facts, values: &values, findings: &told }.all()
}

/// Says how every column is made by a model.
#[must_use]
pub fn cover_model(model: &Model) -> Vec<ColumnCoverage> {
    let Model { schema, plan, .. } = model;
    let facts = |id: TableId| model.table(id).map(|table| &table.facts);
    Coverage { schema, plan, facts: &facts, values: &|_, _| None, findings: &[] }.all()
}

struct Coverage<'a> {
    schema: &'a Schema,
    plan: &'a Plan,
    facts: &'a dyn Fn(TableId) -> Option<&'a TableFacts>,
    values: &'a dyn Fn(TableId, ColumnId) -> Option<&'a ArrayRef>,
    findings: &'a [Finding],
}

impl Coverage<'_> {
    fn all(&self) -> Vec<ColumnCoverage> {
        let tables = self.schema.iter();
        tables
            .flat_map(|(id, table)| table.iter().map(move |(column, _)| self.column(id, table, column)))
            .collect()
    }

    fn column(&self, id: TableId, table: &Table, at: ColumnId) -> ColumnCoverage {
        let column = table.column(at);
        let (made, how, mut lost) = self.making(id, table, at);
        let rows = !matches!(made, Made::LeftOut | Made::Empty | Made::Generated);
        if rows {
            lost.extend(lost_by_type(column, made));
        }
        let name = table.name.to_string();
        let concerns = |finding: &&Finding| {
            finding.table.as_deref() == Some(name.as_str())
                && finding.column.as_deref() == Some(column.name.as_str())
        };
        for finding in self.findings.iter().filter(concerns).filter(|_| rows) {
            let instead = finding.instead.as_ref().map_or_else(String::new, |instead| format!(": {instead}"));
            let text = format!("{}{instead}", finding.what);
            if !lost.contains(&text) {
                lost.push(text);
            }
        }
        let facts = (self.facts)(id);
        let known = facts.and_then(|facts| facts.meanings.iter().find(|(column, ..)| *column == at));
        ColumnCoverage {
            table: name,
            column: column.name.clone(),
            native_type: column.native_type.clone(),
            made,
            how,
            meaning: known.map(|(_, meaning, _)| meaning.word()),
            score: known.map(|(.., score)| *score),
            personal: known.is_some_and(|(_, meaning, _)| meaning.is_personal()),
            lost,
        }
    }

    fn making(&self, id: TableId, table: &Table, at: ColumnId) -> (Made, Option<String>, Vec<String>) {
        let plan = self.plan.table(id);
        let plain = |made: Made| (made, None, Vec::new());
        match plan.mode {
            TableMode::Skip => return plain(Made::LeftOut),
            TableMode::Structure => return plain(Made::Empty),
            TableMode::Copy if table.column(at).generated.is_none() => return plain(Made::Copied),
            TableMode::Copy | TableMode::Synthesize => {}
        }
        match plan.columns[at.0] {
            ColumnRole::Generated => return plain(Made::Generated),
            ColumnRole::SurrogateKey => return plain(Made::Key),
            ColumnRole::ForeignKey => {
                return (Made::ForeignKey, Some(self.parents(id, table, at)), Vec::new());
            }
            ColumnRole::KeyAttribute | ColumnRole::Attribute => {}
        }
        let Some(facts) = (self.facts)(id) else { return plain(Made::Unfilled) };
        if facts.rules.computed().contains(&at) || facts.rules.is_settled(at) {
            return (Made::Computed, Some("a relation found (--rules)".to_owned()), Vec::new());
        }
        let referring = self.parents(id, table, at);
        let beside = |word: String| {
            if referring.is_empty() { word } else { format!("{word}; {referring}") }
        };
        if let Some((_, meaning)) = facts.writer.columns().find(|(column, _)| *column == at) {
            let lost = vec!["values are not learned".to_owned()];
            let followed = facts.writer.followed(at).into_iter();
            let followed: Vec<String> = followed
                .map(|leader| match facts.writer.above().filter(|_| leader == Above::COLUMN) {
                    Some(above) => self.above(id, above),
                    None => table.column(leader).name.clone(),
                })
                .collect();
            let how = match followed.as_slice() {
                [] => format!("as {}", meaning.word()),
                _ => format!("as {}, follows {}", meaning.word(), followed.join(" and ")),
            };
            return (Made::Written, Some(beside(how)), lost);
        }
        let codec = facts.codecs.iter().find(|(column, codec)| {
            *column == at || matches!(codec, Codec::Place(place) if place.partner() == Some(at))
        });
        let Some((_, codec)) = codec else { return plain(Made::Unfilled) };
        let mut lost = Vec::new();
        if let Some(rows) =
            (self.values)(id, at).map(|values| codec.unkept_rows(values)).filter(|rows| *rows > 0)
        {
            lost.push(format!("{rows} rows have rare values, which others stand for"));
        }
        if facts.writer.documents().any(|column| column == at) {
            lost.push("texts inside are written by their meaning".to_owned());
        }
        let made = if matches!(codec, Codec::Constant(_)) { Made::Constant } else { Made::Learned };
        (made, Some(beside(codec.word().to_owned())), lost)
    }

    /// An ancestor's column that says a country.
    fn above(&self, id: TableId, above: &Above) -> String {
        let ancestor = self.schema.table(ancestor_along(self.schema, id, &above.path));
        format!("{}.{}", ancestor.name, ancestor.column(above.from).name)
    }

    /// The parents of a column, with the rows a conditional key binds.
    fn parents(&self, id: TableId, table: &Table, at: ColumnId) -> String {
        let keys = table.foreign_keys.iter().zip(&self.plan.table(id).links);
        let named = keys.filter(|(key, _)| key.columns.contains(&at)).map(|(key, role)| {
            let when = key.when().map_or_else(String::new, |when| format!(" when {}", when.describe(table)));
            let lost = if *role == LinkRole::Dangling { ", which has no rows" } else { "" };
            format!("{}{when}{lost}", self.schema.table(key.parent).name)
        });
        let mut named: Vec<String> = named.collect();
        named.dedup();
        if named.is_empty() { String::new() } else { format!("to {}", named.join(", ")) }
    }
}

/// What the form in memory cannot hold of a type.
fn lost_by_type(column: &Column, made: Made) -> Option<String> {
    if matches!(made, Made::Key | Made::ForeignKey | Made::Unfilled) {
        return None;
    }
    match column.data_type {
        DataType::Decimal { precision, .. } if column.data_type.storage() == Storage::Float => {
            let wide = precision.is_none_or(|digits| digits > DIGITS);
            wide.then(|| format!("digits beyond {DIGITS}"))
        }
        _ => None,
    }
}
