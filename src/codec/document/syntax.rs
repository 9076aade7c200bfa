//! The notations a document is written in: JSON, arrays, sets, bit strings, durations, ranges, addresses.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    codec::calendar::unit_of,
    data::template::{array_element, has_hole, json_string},
    schema::{Column, DataType},
    seed::Stream,
};

use super::span::{Axis, print_address, print_interval, read_address, read_interval};

/// Share of the texts that must be of the notation.
const SHARE: f64 = 0.9;

/// A notation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Syntax {
    /// JSON; `spaced` with a blank after colons and commas.
    Json { spaced: bool },
    /// A Postgres array, possibly of arrays, of elements of a type.
    Array { element: DataType },
    /// Labels joined by commas, in the order of the type.
    Set { labels: Vec<String> },
    /// Zeros and ones.
    Bits,
    /// A duration, its clock counted in units of so many microseconds.
    Interval { unit: i64 },
    /// A range.
    Range { axis: Axis },
    /// A list of ranges.
    Multirange { axis: Axis },
    /// An address of a host, or of a network.
    Address { network: bool },
}

impl Syntax {
    /// Finds the notation of a column; `None` if its values have none that is known. `json` says that text values
    /// are documents.
    pub(super) fn fit(column: &Column, values: &[&str], json: bool) -> Option<Self> {
        let native = column.native_type.to_ascii_lowercase();
        let syntax = match &column.data_type {
            DataType::Json => Self::json(values),
            DataType::Text { .. } if json => Self::json(values),
            DataType::Array { element } => match element.as_ref() {
                DataType::Boolean
                | DataType::Integer { .. }
                | DataType::Decimal { .. }
                | DataType::Float { .. }
                | DataType::Text { .. }
                | DataType::Date
                | DataType::Timestamp { .. }
                | DataType::Uuid
                | DataType::Enum { .. } => Self::Array { element: element.as_ref().clone() },
                _ => return None,
            },
            DataType::Set { labels } => Self::Set { labels: labels.clone() },
            DataType::Bits { .. } => Self::Bits,
            DataType::Interval => {
                let clocks: Vec<i64> = values.iter().filter_map(|v| read_interval(v)).map(|v| v[2]).collect();
                Self::Interval { unit: unit_of(clocks.iter().copied()) }
            }
            DataType::Inet => Self::Address { network: native.contains("cidr") },
            DataType::Other if native.contains("multirange") => {
                Self::Multirange { axis: Axis::fit(&native, values)? }
            }
            DataType::Other if native.contains("range") => Self::Range { axis: Axis::fit(&native, values)? },
            _ => return None,
        };
        let read = values.iter().filter(|text| syntax.read(text).is_some()).count();
        (read > 0 && read as f64 >= SHARE * values.len() as f64).then_some(syntax)
    }

    fn json(values: &[&str]) -> Self {
        let count = |part: &str| values.iter().filter(|text| text.contains(part)).count();
        Self::Json { spaced: count("\": ") + count("], [") > count("\":\"") + count("\":{") }
    }

    /// The type of every leaf, where the column's type says it.
    pub(super) fn leaf(&self) -> Option<&DataType> {
        if let Self::Array { element } = self { Some(element) } else { None }
    }

    /// True if keys and values are the type's own words: none of them is anyone's.
    pub(super) fn is_declared(&self) -> bool {
        matches!(self, Self::Set { .. } | Self::Bits | Self::Address { .. })
    }

    /// Reads a text; `None` if it is not of the notation.
    pub(super) fn read(&self, text: &str) -> Option<Value> {
        // A text with what stands for a hole is no text a database should hold.
        if has_hole(text) {
            return None;
        }
        match self {
            Self::Json { .. } => serde_json::from_str(text).ok(),
            Self::Array { element } => read_array(text, element),
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
            Self::Range { axis } => axis.read(text),
            Self::Multirange { axis } => axis.read_many(text),
            Self::Address { network } => read_address(text, *network),
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
            Self::Array { .. } => {
                let value = rectangular(value.clone());
                let mut text = String::new();
                print_array(&value, &mut text);
                text
            }
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
            Self::Range { axis } => axis.print(value),
            Self::Multirange { axis } => axis.print_many(value),
            Self::Address { network } => print_address(value, *network, random),
        }
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

/// Reads `{1,NULL,"a b",{2}}` with elements of a type. Bounds in front (`[0:2]=`) are dropped.
fn read_array(text: &str, element: &DataType) -> Option<Value> {
    let body = &text[text.find('{')?..];
    let mut open: Vec<Vec<Value>> = Vec::new();
    let mut characters = body.chars().peekable();
    loop {
        match characters.next()? {
            '{' => open.push(Vec::new()),
            '}' => {
                let array = Value::Array(open.pop()?);
                match open.last_mut() {
                    Some(outer) => outer.push(array),
                    None => return characters.next().is_none().then_some(array),
                }
            }
            ',' => {}
            '"' => {
                let mut string = String::new();
                loop {
                    match characters.next()? {
                        '"' => break,
                        '\\' => string.push(characters.next()?),
                        other => string.push(other),
                    }
                }
                open.last_mut()?.push(read_element(&string, element)?);
            }
            first => {
                let mut string = String::from(first);
                while let Some(next) = characters.next_if(|c| !matches!(c, ',' | '}' | '{')) {
                    string.push(next);
                }
                let null = string.eq_ignore_ascii_case("null");
                open.last_mut()?.push(if null { Value::Null } else { read_element(&string, element)? });
            }
        }
    }
}

fn read_element(text: &str, element: &DataType) -> Option<Value> {
    Some(match element {
        DataType::Boolean => Value::Bool(matches!(text, "t" | "true" | "1")),
        DataType::Integer { .. } => Value::from(text.parse::<i64>().ok()?),
        DataType::Decimal { .. } | DataType::Float { .. } => {
            // NaN and the infinities have no place in a document.
            serde_json::Number::from_f64(text.parse().ok()?).map_or(Value::Null, Value::Number)
        }
        _ => Value::from(text),
    })
}

fn print_array(value: &Value, text: &mut String) {
    match value {
        Value::Array(array) => {
            text.push('{');
            for (place, element) in array.iter().enumerate() {
                text.push_str(if place > 0 { "," } else { "" });
                print_array(element, text);
            }
            text.push('}');
        }
        Value::String(string) if has_hole(string) => text.push_str(string),
        Value::String(string) => text.push_str(&array_element(string)),
        Value::Bool(flag) => text.push(if *flag { 't' } else { 'f' }),
        Value::Number(_) => text.push_str(&value.to_string()),
        Value::Null | Value::Object(_) => text.push_str("NULL"),
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

    use super::{print_array, read_array, rectangular};
    use crate::schema::DataType;

    fn round(text: &str, element: &DataType) -> String {
        let mut out = String::new();
        print_array(&read_array(text, element).unwrap(), &mut out);
        out
    }

    #[test]
    fn arrays_come_back_as_they_were_written() {
        let texts = DataType::Text { max_chars: None };
        for text in [r#"{a,"b c",NULL,"NULL","","x\"y\\"}"#, "{}", "{{a,b},{c,d}}"] {
            assert_eq!(round(text, &texts), text);
        }
        let numbers = DataType::Integer { min: 0, max: 9 };
        assert_eq!(round("[0:2]={1,2,3}", &numbers), "{1,2,3}");
        assert_eq!(round("{t,f}", &DataType::Boolean), "{t,f}");
        for broken in ["", "{", "{1", "1,2", "{1}}", "{x}", "{\"1"] {
            assert_eq!(read_array(broken, &numbers), None, "{broken}");
        }
    }

    #[test]
    fn ragged_arrays_are_cut_to_their_shortest() {
        assert_eq!(rectangular(json!([[1, 2], [3], [], 4])), json!([[1], [3]]));
        assert_eq!(rectangular(json!([[[1], [2, 3]], [[4], [5]]])), json!([[[1], [2]], [[4], [5]]]));
    }
}
