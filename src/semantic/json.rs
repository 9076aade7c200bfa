//! JSON documents: shape learned, leaves written by their own meaning.

use indexmap::IndexMap;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::{
    SHARED_ROWS, detect,
    quantiles::Quantiles,
    value_writer::{Cell, ColumnShape, ValueWriter},
};
use crate::seed::Stream;

/// Documents looked at.
const DOCUMENTS_MAX: usize = 20_000;
/// Deepest nesting described.
const DEPTH_MAX: usize = 8;
/// Most keys of an object described.
const KEYS_MAX: usize = 200;

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
    /// Keys that enough documents have, each with its share.
    Object(Vec<(String, f64, JsonShape)>),
}

impl JsonShape {
    /// Learns from documents in text form; what does not parse is left out.
    pub(super) fn fit(name: &str, values: &[&str]) -> Self {
        let step = values.len().div_ceil(DOCUMENTS_MAX).max(1);
        let documents: Vec<Value> =
            values.iter().step_by(step).filter_map(|text| serde_json::from_str(text).ok()).collect();
        Self::of(name, &documents.iter().collect::<Vec<_>>(), 0)
    }

    fn of(name: &str, values: &[&Value], depth: usize) -> Self {
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
        let numbers: Vec<&Number> = values.iter().filter_map(|value| value.as_number()).collect();
        add(numbers.len(), number_kind(&numbers));
        let texts: Vec<&str> = values.iter().filter_map(|value| value.as_str()).collect();
        if !texts.is_empty() {
            let meaning = detect::detect_text("", name, &texts, false).meaning;
            let writer = ValueWriter::fit(&meaning, &ColumnShape::text(name), &texts);
            add(texts.len(), Some(Kind::Text(Box::new(writer))));
        }
        let arrays: Vec<&Vec<Value>> = values.iter().filter_map(|value| value.as_array()).collect();
        if depth < DEPTH_MAX {
            let elements: Vec<&Value> =
                arrays.iter().flat_map(|array| array.iter()).take(DOCUMENTS_MAX * 4).collect();
            let lengths = Quantiles::fit(arrays.iter().map(|array| array.len() as f64).collect());
            let element = Box::new(Self::of(name, &elements, depth + 1));
            add(arrays.len(), lengths.map(|lengths| Kind::Array(lengths, element)));
        }
        let objects: Vec<&Map<String, Value>> = values.iter().filter_map(|value| value.as_object()).collect();
        add(objects.len(), Some(object_kind(&objects, depth)));
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
                for (key, share, shape) in fields {
                    if random.random_bool(share.clamp(0.0, 1.0)) {
                        object.insert(key.clone(), shape.value(cell, random));
                    }
                }
                Value::Object(object)
            }
        }
    }
}

fn number_kind(numbers: &[&Number]) -> Option<Kind> {
    let values = Quantiles::fit(numbers.iter().filter_map(|number| number.as_f64()).collect())?;
    if numbers.iter().all(|number| number.is_i64() || number.is_u64()) {
        return Some(Kind::Integer(values));
    }
    let decimals =
        numbers.iter().map(|number| number.to_string().split_once('.').map_or(0, |(_, d)| d.len()));
    Some(Kind::Real(values, decimals.max().unwrap_or(2).min(12)))
}

fn object_kind(objects: &[&Map<String, Value>], depth: usize) -> Kind {
    let mut fields = IndexMap::<&str, Vec<&Value>>::new();
    if depth < DEPTH_MAX {
        for (key, value) in objects.iter().flat_map(|object| object.iter()) {
            fields.entry(key).or_default().push(value);
        }
    }
    // A key of few documents may be data (a map keyed by name): it is left out.
    fields.retain(|_, values| values.len() >= SHARED_ROWS);
    let total = objects.len() as f64;
    Kind::Object(
        fields
            .into_iter()
            .take(KEYS_MAX)
            .map(|(key, values)| {
                (key.to_owned(), values.len() as f64 / total, JsonShape::of(key, &values, depth + 1))
            })
            .collect(),
    )
}
