//! JSON documents: shape learned, leaves written by their own meaning.

use indexmap::IndexMap;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::{
    detect,
    quantiles::Quantiles,
    value_writer::{Cell, ColumnShape, ValueWriter},
};
use crate::{
    privacy::{Guard, Kept, KeptKind, Owned, entities},
    seed::Stream,
};

/// Documents looked at.
const DOCUMENTS_MAX: usize = 20_000;
/// Deepest nesting described.
const DEPTH_MAX: usize = 8;
/// Most keys of an object described.
const KEYS_MAX: usize = 200;

/// A value and the entity that has it.
type Place<'a> = Owned<&'a Value>;

/// One place of a document: the kinds of values seen there, with their weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct JsonShape {
    kinds: Vec<(f64, Kind)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Null,
    /// Share of true.
    Boolean(f64),
    Integer(Quantiles),
    Real(Quantiles, usize),
    Text(Box<ValueWriter>),
    /// Length, and what the elements are.
    Array(Quantiles, Box<JsonShape>),
    /// Keys that enough entities have, each with its share, and how many do.
    Object(Vec<(String, f64, JsonShape, u32)>),
}

impl JsonShape {
    /// Learns from documents in text form; what does not parse is left out.
    pub(super) fn fit(name: &str, values: &[&str], guard: Guard<'_>) -> Self {
        let step = values.len().div_ceil(DOCUMENTS_MAX).max(1);
        let sample = values.iter().enumerate().step_by(step);
        let documents: Vec<(Value, u32)> = sample
            .filter_map(|(row, text)| Some((serde_json::from_str(text).ok()?, guard.owner(row))))
            .collect();
        let documents: Vec<Place<'_>> = documents.iter().map(|(value, owner)| (value, *owner)).collect();
        Self::of(name, &documents, guard.least() as u32, 0)
    }

    /// What it keeps of the source; a range has so many entities behind it.
    pub(super) fn kept(&self, least: u32, out: &mut Vec<Kept>) {
        for (_, kind) in &self.kinds {
            match kind {
                Kind::Null | Kind::Boolean(_) => {}
                Kind::Integer(numbers) => out.push(numbers.kept(least, &|number| format!("{number:.0}"))),
                Kind::Real(numbers, decimals) => {
                    out.push(numbers.kept(least, &|number| format!("{number:.decimals$}")));
                }
                Kind::Text(writer) => out.extend(writer.kept(least)),
                Kind::Array(_, element) => element.kept(least, out),
                Kind::Object(fields) => {
                    for (key, _, shape, entities) in fields {
                        out.push(Kept::value(key.clone(), *entities).as_kind(KeptKind::Key));
                        shape.kept(least, out);
                    }
                }
            }
        }
    }

    fn of(name: &str, places: &[Place<'_>], least: u32, depth: usize) -> Self {
        let owners: Vec<u32> = places.iter().map(|(_, owner)| *owner).collect();
        let guard = Guard::entities(&owners, least);
        let values: Vec<&Value> = places.iter().map(|(value, _)| *value).collect();
        let total = values.len().max(1) as f64;
        let mut kinds = Vec::new();
        let mut add = |rows: usize, kind: Option<Kind>| {
            if let (true, Some(kind)) = (rows > 0, kind) {
                kinds.push((rows as f64 / total, kind));
            }
        };
        let nulls = values.iter().filter(|value| value.is_null()).count();
        add(nulls, Some(Kind::Null));
        let flags: Vec<bool> = values.iter().filter_map(|value| value.as_bool()).collect();
        let share = flags.iter().filter(|flag| **flag).count() as f64 / flags.len().max(1) as f64;
        add(flags.len(), Some(Kind::Boolean(share)));
        let numbers: Vec<(usize, &Number)> =
            values.iter().enumerate().filter_map(|(row, value)| Some((row, value.as_number()?))).collect();
        add(numbers.len(), number_kind(&numbers, guard));
        let read = places.iter().filter_map(|(value, owner)| Some((value.as_str()?, *owner)));
        let (texts, writers): (Vec<&str>, Vec<u32>) = read.unzip();
        if !texts.is_empty() {
            let meaning = detect::detect_text("", name, &texts, false).meaning;
            let guard = Guard::entities(&writers, least);
            let writer = ValueWriter::fit(&meaning, &ColumnShape::text(name), &texts, guard);
            add(texts.len(), Some(Kind::Text(Box::new(writer))));
        }
        let arrays: Vec<(usize, &Vec<Value>)> =
            values.iter().enumerate().filter_map(|(row, value)| Some((row, value.as_array()?))).collect();
        if depth < DEPTH_MAX {
            let elements: Vec<Place<'_>> = arrays
                .iter()
                .flat_map(|(row, array)| array.iter().map(|value| (value, owners[*row])))
                .take(DOCUMENTS_MAX * 4)
                .collect();
            let lengths = Quantiles::fit(arrays.iter().map(|(row, array)| (*row, array.len() as f64)), guard);
            let element = Box::new(Self::of(name, &elements, least, depth + 1));
            add(arrays.len(), lengths.map(|lengths| Kind::Array(lengths, element)));
        }
        let objects: Vec<(&Map<String, Value>, u32)> =
            places.iter().filter_map(|(value, owner)| Some((value.as_object()?, *owner))).collect();
        add(objects.len(), Some(object_kind(&objects, least, depth)));
        Self { kinds }
    }

    /// Writes a document.
    pub(super) fn write(&self, cell: &Cell<'_>, random: &mut Stream) -> String {
        let value = self.value(cell, random);
        // A place never described (no document parsed) is an empty object: valid, and tells nothing.
        if self.kinds.is_empty() { "{}".to_owned() } else { value.to_string() }
    }

    fn value(&self, cell: &Cell<'_>, random: &mut Stream) -> Value {
        let mut place = random.random::<f64>() * self.kinds.iter().map(|(weight, _)| weight).sum::<f64>();
        let found = self.kinds.iter().find(|(weight, _)| {
            place -= weight;
            place <= 0.0
        });
        let Some((_, kind)) = found.or(self.kinds.last()) else { return Value::Null };
        match kind {
            Kind::Null => Value::Null,
            Kind::Boolean(share) => Value::Bool(random.random_bool(share.clamp(0.0, 1.0))),
            Kind::Integer(numbers) => Value::from(numbers.draw(random).round() as i64),
            Kind::Real(numbers, decimals) => {
                let scale = 10_f64.powi(*decimals as i32);
                Value::from((numbers.draw(random) * scale).round() / scale)
            }
            Kind::Text(writer) => writer
                .write(&Cell { index: None, max: None, ..*cell }, random)
                .map_or(Value::Null, Value::String),
            Kind::Array(lengths, element) => {
                let length = lengths.draw_count(random);
                Value::Array((0..length).map(|_| element.value(cell, random)).collect())
            }
            Kind::Object(fields) => {
                let mut object = Map::new();
                for (key, share, shape, _) in fields {
                    if random.random_bool(share.clamp(0.0, 1.0)) {
                        object.insert(key.clone(), shape.value(cell, random));
                    }
                }
                Value::Object(object)
            }
        }
    }
}

fn number_kind(numbers: &[(usize, &Number)], guard: Guard<'_>) -> Option<Kind> {
    let known = numbers.iter().filter_map(|(row, number)| Some((*row, number.as_f64()?)));
    let values = Quantiles::fit(known, guard)?;
    if numbers.iter().all(|(_, number)| number.is_i64() || number.is_u64()) {
        return Some(Kind::Integer(values));
    }
    let decimals =
        numbers.iter().map(|(_, number)| number.to_string().split_once('.').map_or(0, |(_, d)| d.len()));
    Some(Kind::Real(values, decimals.max().unwrap_or(2).min(12)))
}

fn object_kind(objects: &[(&Map<String, Value>, u32)], least: u32, depth: usize) -> Kind {
    let mut fields = IndexMap::<&str, Vec<Place<'_>>>::new();
    if depth < DEPTH_MAX {
        for (object, owner) in objects {
            for (key, value) in *object {
                fields.entry(key).or_default().push((value, *owner));
            }
        }
    }
    // A key of few documents may be data (a map keyed by name): it is left out.
    fields.retain(|_, values| entities(values) >= least as usize);
    let total = objects.len() as f64;
    Kind::Object(
        fields
            .into_iter()
            .take(KEYS_MAX)
            .map(|(key, values)| {
                let entities = entities(&values) as u32;
                let shape = JsonShape::of(key, &values, least, depth + 1);
                (key.to_owned(), values.len() as f64 / total, shape, entities)
            })
            .collect(),
    )
}
