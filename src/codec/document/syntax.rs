//! The notations a document is written in: JSON, arrays, composites, sets, bit strings, durations, ranges, addresses,
//! shapes, words, XML.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    codec::calendar::unit_of,
    data::template::{has_hole, json_string},
    schema::{Column, DataType},
    seed::Stream,
};

use super::{
    nested::{is_list, print_array, print_composite, raw_array, raw_composite, read_leaf},
    scalar,
    shape::Shape,
    span::{Axis, print_address, print_interval, read_address, read_interval},
    words, xml,
};

/// Share of the texts that must be of the notation.
const SHARE: f64 = 0.9;
/// Deepest nesting of types described.
const DEPTH_MAX: usize = 6;

/// A notation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Syntax {
    /// JSON; `spaced` with a blank after colons and commas.
    Json { spaced: bool },
    /// A Postgres array, possibly of arrays.
    Array { element: Box<Syntax> },
    /// A Postgres composite.
    Composite { fields: Vec<(String, Syntax)> },
    /// Inside one of those: a truth value, number, text, label, day or point in time.
    Leaf(DataType),
    /// Inside one of those: a value of any other type, kept as it is where enough rows share it.
    Label,
    /// Labels joined by commas, in the order of the type.
    Set { labels: Vec<String> },
    /// Zeros and ones.
    Bits,
    /// A duration, its clock counted in units of so many microseconds.
    Interval { unit: i64 },
    /// A time of day, counted in units of so many microseconds.
    Clock { unit: i64, zoned: bool },
    /// A range.
    Range { axis: Axis },
    /// A list of ranges.
    Multirange { axis: Axis },
    /// An address of a host, or of a network.
    Address { network: bool },
    /// An address of a network card.
    Hardware { bytes: usize },
    /// A UUID.
    Uuid,
    /// Raw bytes.
    Bytes,
    /// An amount of money.
    Money,
    /// A position in a log.
    Position,
    /// A shape.
    Shape(Shape),
    /// A document for text search, its words with their positions or without.
    Lexemes { placed: bool },
    /// A query of text search.
    Query,
    /// A path of labels.
    Path,
    /// Keys and values.
    Pairs,
    /// Corners in any number of dimensions.
    Cube,
    /// Numbers between signs.
    Numbers { open: String, between: String, close: String },
    /// XML.
    Xml,
    /// JSON, XML or pairs inside an array or a composite: the same document, but its texts are kept as labels or not at
    /// all. A text to be written anew can stand inside one pair of quotes, not inside several.
    Inner { document: Box<Syntax> },
}

impl Syntax {
    /// Finds the notation of a column; `None` if its values have none that is known. `json` says that text values
    /// are documents.
    pub(super) fn fit(column: &Column, values: &[&str], json: bool) -> Option<Self> {
        let syntax = match &column.data_type {
            DataType::Text { .. } if json => Self::json(values),
            DataType::Inet => {
                Self::Address { network: column.native_type.to_ascii_lowercase().contains("cidr") }
            }
            other => Self::of(other, values, 0)?,
        };
        let read = values.iter().filter(|text| syntax.read(text).is_some()).count();
        (read > 0 && read as f64 >= SHARE * values.len() as f64).then_some(syntax)
    }

    /// The notation of a type; `None` for a type without one.
    fn of(data_type: &DataType, values: &[&str], depth: usize) -> Option<Self> {
        Some(match data_type {
            DataType::Json => Self::json(values),
            DataType::Array { element } => {
                let raw: Vec<Value> =
                    values.iter().filter_map(|text| raw_array(text, is_box(element))).collect();
                let mut texts = Vec::new();
                raw.iter().for_each(|value| leaves(value, &mut texts));
                Self::Array { element: Box::new(Self::nested(element, &texts, depth + 1)) }
            }
            DataType::Composite { fields } => {
                let raw: Vec<Vec<Option<String>>> =
                    values.iter().filter_map(|text| raw_composite(text)).collect();
                let field = |(place, (name, data_type)): (usize, &(String, DataType))| {
                    let texts = raw.iter().filter_map(|row| row.get(place)?.as_deref()).collect::<Vec<_>>();
                    (name.clone(), Self::nested(data_type, &texts, depth + 1))
                };
                Self::Composite { fields: fields.iter().enumerate().map(field).collect() }
            }
            DataType::Range { subtype, multi } => {
                let axis = Axis::fit(subtype, values, *multi)?;
                if *multi { Self::Multirange { axis } } else { Self::Range { axis } }
            }
            DataType::Set { labels } => Self::Set { labels: labels.clone() },
            DataType::Bits { .. } => Self::Bits,
            DataType::Interval => {
                let clocks: Vec<i64> = values.iter().filter_map(|v| read_interval(v)).map(|v| v[2]).collect();
                Self::Interval { unit: unit_of(clocks.iter().copied()) }
            }
            DataType::Native { name, .. } => Self::of_name(name, values)?,
            _ => return None,
        })
    }

    fn of_name(name: &str, values: &[&str]) -> Option<Self> {
        let clocks = || unit_of(values.iter().filter_map(|text| Some(scalar::clock_parts(text)?.0)));
        let numbers = |open: &str, between: &str, close: &str| Self::Numbers {
            open: open.to_owned(),
            between: between.to_owned(),
            close: close.to_owned(),
        };
        Some(match name {
            "timetz" => Self::Clock { unit: clocks(), zoned: true },
            "macaddr" => Self::Hardware { bytes: 6 },
            "macaddr8" => Self::Hardware { bytes: 8 },
            "pg_lsn" => Self::Position,
            "tsvector" => {
                let placed = |text: &&str| words::read_lexemes(text).is_some_and(|(_, placed)| placed);
                Self::Lexemes { placed: values.iter().any(placed) }
            }
            "tsquery" => Self::Query,
            "ltree" => Self::Path,
            "hstore" => Self::Pairs,
            "cube" => Self::Cube,
            "vector" | "halfvec" => numbers("[", ",", "]"),
            "int2vector" | "oidvector" => numbers("", " ", ""),
            "xid" | "xid8" | "cid" => Self::Leaf(DataType::Integer { min: 0, max: u32::MAX.into() }),
            "xml" => Self::Xml,
            _ => Self::Shape(Shape::of(name, values)?),
        })
    }

    /// The notation of a type inside another one.
    fn nested(data_type: &DataType, values: &[&str], depth: usize) -> Self {
        let clocks = || unit_of(values.iter().filter_map(|text| Some(scalar::clock_parts(text)?.0)));
        match data_type {
            // A text can be written anew where one pair of quotes is around it, not where there are several.
            DataType::Text { .. } if depth > 1 => Self::Label,
            // Amounts come with a sign.
            DataType::Decimal { .. } if values.iter().any(|text| text.contains('$')) => Self::Money,
            DataType::Boolean
            | DataType::Integer { .. }
            | DataType::Decimal { .. }
            | DataType::Float { .. }
            | DataType::Text { .. }
            | DataType::Date
            | DataType::Timestamp { .. }
            | DataType::Enum { .. } => Self::Leaf(data_type.clone()),
            DataType::Time => Self::Clock { unit: clocks(), zoned: false },
            DataType::Uuid => Self::Uuid,
            DataType::Bytes { .. } => Self::Bytes,
            DataType::Inet => {
                Self::Address { network: !values.is_empty() && values.iter().all(|text| text.contains('/')) }
            }
            _ if depth >= DEPTH_MAX => Self::Label,
            other => match Self::of(other, values, depth) {
                None => Self::Label,
                Some(document @ (Self::Json { .. } | Self::Xml | Self::Pairs)) => {
                    Self::Inner { document: Box::new(document) }
                }
                Some(syntax) => syntax,
            },
        }
    }

    fn json(values: &[&str]) -> Self {
        let count = |part: &str| values.iter().filter(|text| text.contains(part)).count();
        Self::Json { spaced: count("\": ") + count("], [") > count("\":\"") + count("\":{") }
    }

    /// The type of a leaf, where the column's type says it.
    pub(super) fn leaf(&self) -> Option<&DataType> {
        if let Self::Leaf(data_type) = self { Some(data_type) } else { None }
    }

    /// The notation under a key.
    pub(super) fn field(&self, key: &str) -> &Self {
        match self {
            Self::Composite { fields } => {
                fields.iter().find(|(name, _)| name == key).map_or(&Self::Label, |(_, field)| field)
            }
            Self::Json { .. } | Self::Xml | Self::Pairs | Self::Inner { .. } => self,
            _ => &Self::Label,
        }
    }

    /// The notation of the elements of a list.
    pub(super) fn element(&self) -> &Self {
        match self {
            Self::Array { element } => element,
            // A list inside a list: an array of several dimensions.
            Self::Json { .. }
            | Self::Xml
            | Self::Pairs
            | Self::Inner { .. }
            | Self::Leaf(_)
            | Self::Composite { .. } => self,
            _ => &Self::Label,
        }
    }

    /// True if a text here may be any text.
    pub(super) fn is_free(&self) -> bool {
        matches!(self, Self::Json { .. } | Self::Xml | Self::Pairs | Self::Leaf(DataType::Text { .. }))
    }

    /// True if keys and values are the type's own words: none of them is anyone's.
    pub(super) fn is_declared(&self) -> bool {
        matches!(
            self,
            Self::Set { .. } | Self::Bits | Self::Address { .. } | Self::Hardware { .. } | Self::Uuid
        )
    }

    /// Reads a text; `None` if it is not of the notation.
    pub(super) fn read(&self, text: &str) -> Option<Value> {
        // A text with what stands for a hole is no text a database should hold.
        if has_hole(text) {
            return None;
        }
        match self {
            Self::Json { .. } => serde_json::from_str(text).ok(),
            Self::Array { element } => {
                filled(raw_array(text, **element == Self::Shape(Shape::Box))?, element)
            }
            Self::Composite { fields } => {
                let raw = raw_composite(text)?;
                if raw.len() != fields.len() {
                    return None;
                }
                let read = |((name, field), text): (&(String, Self), Option<String>)| {
                    let value = text.map_or(Some(Value::Null), |text| field.read(&text))?;
                    Some((name.clone(), value))
                };
                fields.iter().zip(raw).map(read).collect::<Option<Map<_, _>>>().map(Value::Object)
            }
            Self::Leaf(data_type) => read_leaf(text, data_type),
            Self::Label => Some(Value::from(text)),
            Self::Set { labels } => {
                let has = |label: &&String| text.split(',').any(|part| part == label.as_str());
                let chosen = labels.iter().filter(has).map(|label| (label.clone(), Value::Bool(true)));
                Some(Value::Object(chosen.collect::<Map<_, _>>()))
            }
            Self::Bits => text
                .chars()
                .map(|bit| match bit {
                    '0' => Some(Value::Bool(false)),
                    '1' => Some(Value::Bool(true)),
                    _ => None,
                })
                .collect::<Option<Vec<_>>>()
                .map(Value::Array),
            Self::Interval { unit } => {
                let [months, days, micros] = read_interval(text)?;
                let parts = [("months", months), ("days", days), ("clock", micros / unit.max(&1))];
                Some(Value::Object(parts.into_iter().map(|(k, v)| (k.to_owned(), Value::from(v))).collect()))
            }
            Self::Clock { unit, .. } => scalar::read_clock(text, *unit),
            Self::Range { axis } => axis.read(text),
            Self::Multirange { axis } => axis.read_many(text),
            Self::Address { network } => read_address(text, *network),
            Self::Hardware { bytes } => scalar::read_hardware(text, *bytes),
            Self::Uuid => scalar::read_uuid(text),
            Self::Bytes => scalar::read_bytes(text),
            Self::Money => scalar::read_money(text),
            Self::Position => scalar::read_position(text),
            Self::Shape(shape) => shape.read(text),
            Self::Lexemes { .. } => words::read_lexemes(text).map(|(words, _)| words),
            Self::Query => words::read_query(text),
            Self::Path => Some(words::read_path(text)),
            Self::Pairs => words::read_pairs(text),
            Self::Cube => words::read_cube(text),
            Self::Numbers { .. } => words::read_numbers(text),
            Self::Xml => xml::read_xml(text),
            Self::Inner { document } => document.read(text),
        }
    }

    /// Writes a document.
    pub(super) fn print(&self, value: &Value, random: &mut Stream) -> String {
        match self {
            Self::Json { spaced: false } => value.to_string(),
            Self::Json { spaced: true } => {
                let mut text = String::new();
                print_json(value, &mut text);
                text
            }
            Self::Array { element } => {
                let value = if is_list(element) { value.clone() } else { rectangular(value.clone()) };
                let mut text = String::new();
                print_array(&value, element, random, &mut text);
                text
            }
            Self::Composite { fields } => print_composite(value, fields, random),
            Self::Leaf(_) | Self::Label => match value {
                Value::Bool(flag) => if *flag { "t" } else { "f" }.to_owned(),
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => String::new(),
            },
            Self::Set { labels } => {
                let chosen: Vec<&str> = labels
                    .iter()
                    .filter(|label| value.get(label.as_str()).is_some())
                    .map(String::as_str)
                    .collect();
                chosen.join(",")
            }
            Self::Bits => {
                let bits = value.as_array().into_iter().flatten();
                bits.map(|bit| if bit.as_bool() == Some(true) { '1' } else { '0' }).collect()
            }
            Self::Interval { unit } => {
                let part = |name: &str| value.get(name).and_then(Value::as_i64).unwrap_or(0);
                print_interval([part("months"), part("days"), part("clock").saturating_mul(*unit)])
            }
            Self::Clock { unit, zoned } => scalar::print_clock(value, *unit, *zoned),
            Self::Range { axis } => axis.print(value),
            Self::Multirange { axis } => axis.print_many(value),
            Self::Address { network } => print_address(value, *network, random),
            Self::Hardware { bytes } => scalar::print_hardware(*bytes, random),
            Self::Uuid => scalar::print_uuid(random),
            Self::Bytes => scalar::print_bytes(value, random),
            Self::Money => scalar::print_money(value),
            Self::Position => scalar::print_position(value),
            Self::Shape(shape) => shape.print(value),
            Self::Lexemes { placed } => words::print_lexemes(value, *placed, random),
            Self::Query => words::print_query(value, random),
            Self::Path => words::print_path(value, random),
            Self::Pairs => words::print_pairs(value),
            Self::Cube => words::print_cube(value),
            Self::Numbers { open, between, close } => {
                format!("{open}{}{close}", words::print_numbers(value, between))
            }
            Self::Xml => xml::print_xml(value),
            Self::Inner { document } => document.print(value, random),
        }
    }
}

/// True for Postgres's box.
fn is_box(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Native { name, .. } if name == "box")
}

/// The texts at the leaves of a raw array.
fn leaves<'a>(value: &'a Value, out: &mut Vec<&'a str>) {
    match value {
        Value::Array(array) => array.iter().for_each(|value| leaves(value, out)),
        Value::String(text) => out.push(text),
        _ => {}
    }
}

/// A raw array with every text read.
fn filled(value: Value, element: &Syntax) -> Option<Value> {
    match value {
        Value::Array(array) => array
            .into_iter()
            .map(|value| filled(value, element))
            .collect::<Option<Vec<_>>>()
            .map(Value::Array),
        Value::String(text) => element.read(&text),
        other => Some(other),
    }
}

/// JSON with a blank after colons and commas, as Postgres's jsonb and MySQL print it.
fn print_json(value: &Value, text: &mut String) {
    match value {
        Value::Array(array) => {
            text.push('[');
            for (place, element) in array.iter().enumerate() {
                text.push_str(if place > 0 { ", " } else { "" });
                print_json(element, text);
            }
            text.push(']');
        }
        Value::Object(object) => {
            text.push('{');
            for (place, (key, element)) in object.iter().enumerate() {
                text.push_str(if place > 0 { ", " } else { "" });
                text.push_str(&json_string(key));
                text.push_str(": ");
                print_json(element, text);
            }
            text.push('}');
        }
        Value::String(string) => text.push_str(&json_string(string)),
        Value::Null | Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
    }
}

/// Cuts the arrays inside an array to one length: Postgres's arrays are rectangular. A mix of arrays and values
/// keeps the arrays.
fn rectangular(value: Value) -> Value {
    let Value::Array(array) = value else { return value };
    if !array.iter().any(Value::is_array) {
        return Value::Array(array);
    }
    let mut inner: Vec<Vec<Value>> = array
        .into_iter()
        .map(rectangular)
        .filter_map(|value| if let Value::Array(array) = value { Some(array) } else { None })
        .filter(|array| !array.is_empty())
        .collect();
    let shortest = inner.iter().map(Vec::len).min().unwrap_or(0);
    inner.iter_mut().for_each(|array| array.truncate(shortest));
    Value::Array(inner.into_iter().map(Value::Array).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Syntax, rectangular};
    use crate::{schema::DataType, seed::Seed};

    fn round(text: &str, data_type: &DataType) -> Option<String> {
        let syntax = Syntax::of(data_type, &[text], 0).unwrap();
        let mut random = Seed(1).stream("syntax", 0);
        Some(syntax.print(&syntax.read(text)?, &mut random))
    }

    fn array(element: DataType) -> DataType {
        DataType::Array { element: Box::new(element) }
    }

    #[test]
    fn arrays_come_back_as_they_were_written() {
        let texts = array(DataType::Text { max_chars: None });
        for text in [r#"{a,"b c",NULL,"NULL","","x\"y\\"}"#, "{}", "{{a,b},{c,d}}"] {
            assert_eq!(round(text, &texts).unwrap(), text);
        }
        let numbers = array(DataType::Integer { min: 0, max: 9 });
        assert_eq!(round("[0:2]={1,2,3}", &numbers).unwrap(), "{1,2,3}");
        assert_eq!(round("{t,f}", &array(DataType::Boolean)).unwrap(), "{t,f}");
        assert_eq!(round("{NaN,1.5}", &array(DataType::Float { single: false })).unwrap(), "{NaN,1.5}");
        for broken in ["", "{", "{1", "1,2", "{1}}", "{x}", "{\"1"] {
            assert_eq!(round(broken, &numbers), None, "{broken}");
        }
    }

    #[test]
    fn what_is_inside_an_array_or_a_composite_is_read_by_its_own_type() {
        let part = DataType::Composite {
            fields: vec![
                ("n".into(), DataType::Decimal { precision: None, scale: None }),
                ("t".into(), DataType::Text { max_chars: None }),
                ("r".into(), DataType::Range { subtype: Box::new(DataType::Date), multi: false }),
                ("at".into(), DataType::Time),
            ],
        };
        let whole = r#"(1.5,"a ""b"" (c)","[2024-01-01,2024-02-01)",10:30:00)"#;
        assert_eq!(round(whole, &part).unwrap(), whole.replace("\"\"", "\\\""));
        assert_eq!(round("(,,,)", &part).unwrap(), "(,,,)");
        assert_eq!(round("(1,2)", &part), None);
        let parts = r#"{"(1.5,a,,10:30:00)",NULL}"#;
        assert_eq!(round(parts, &array(part)).unwrap(), parts);
        let points = array(DataType::native("point"));
        assert_eq!(round(r#"{"(1,2)","(3.5,4)"}"#, &points).unwrap(), r#"{"(1,2)","(3.5,4)"}"#);
        let boxes = array(DataType::native("box"));
        assert_eq!(round("{(1,1),(0,0);(3,4),(1,2)}", &boxes).unwrap(), r#"{"(1,1),(0,0)";"(3,4),(1,2)"}"#);
        let spans = array(DataType::Interval);
        assert_eq!(round(r#"{"1 day",01:00:00}"#, &spans).unwrap(), r#"{"1 day",01:00:00}"#);
        let bytes = round(r#"{"\\x00ff"}"#, &array(DataType::Bytes { max_bytes: None })).unwrap();
        assert_eq!(bytes.len(), r#"{"\\x00ff"}"#.len(), "{bytes}");
    }

    #[test]
    fn ragged_arrays_are_cut_to_their_shortest() {
        assert_eq!(rectangular(json!([[1, 2], [3], [], 4])), json!([[1], [3]]));
        assert_eq!(rectangular(json!([[[1], [2, 3]], [[4], [5]]])), json!([[[1], [2]], [[4], [5]]]));
    }
}
