//! Arrays and composites in Postgres's text form: the texts in them, and how those are put in quotes.
//!
//! Source: PostgreSQL documentation, "Array Input and Output Syntax" and "Composite Type Input and Output Syntax".

use serde_json::Value;

use crate::{
    data::template::{array_element, has_hole},
    schema::DataType,
    seed::Stream,
};

use super::{shape::Shape, syntax::Syntax};

/// What stands between the elements of an array: a box is the one built-in type whose own text holds a comma outside of
/// quotes, so its arrays have another sign.
fn delimiter(element: &Syntax) -> char {
    if *element == Syntax::Shape(Shape::Box) { ';' } else { ',' }
}

/// Reads `{1,NULL,"a b",{2}}` as texts and nulls. Bounds in front (`[0:2]=`) are dropped.
pub(super) fn raw_array(text: &str, boxes: bool) -> Option<Value> {
    let delimiter = if boxes { ';' } else { ',' };
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
            sign if sign == delimiter => {}
            '"' => {
                let mut string = String::new();
                loop {
                    match characters.next()? {
                        '"' => break,
                        '\\' => string.push(characters.next()?),
                        other => string.push(other),
                    }
                }
                open.last_mut()?.push(Value::from(string));
            }
            first => {
                let mut string = String::from(first);
                while let Some(next) = characters.next_if(|c| !matches!(c, '}' | '{') && *c != delimiter) {
                    string.push(next);
                }
                let null = string.eq_ignore_ascii_case("null");
                open.last_mut()?.push(if null { Value::Null } else { Value::from(string) });
            }
        }
    }
}

/// Reads `(1,"a ""b""",)` as texts; a field without any text is null.
pub(super) fn raw_composite(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut fields = Vec::new();
    let mut characters = inner.chars().peekable();
    let (mut field, mut present, mut quoted) = (String::new(), false, false);
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => {
                quoted = !quoted;
                present = true;
            }
            '\\' => {
                field.push(characters.next()?);
                present = true;
            }
            ',' if !quoted => {
                fields.push(present.then(|| std::mem::take(&mut field)));
                present = false;
            }
            other => {
                field.push(other);
                present = true;
            }
        }
    }
    fields.push(present.then_some(field));
    (!quoted).then_some(fields)
}

/// A value of a plain type.
pub(super) fn read_leaf(text: &str, data_type: &DataType) -> Option<Value> {
    Some(match data_type {
        DataType::Boolean => Value::Bool(matches!(text, "t" | "true" | "1")),
        DataType::Integer { .. } => Value::from(text.parse::<i64>().ok()?),
        DataType::Decimal { .. } | DataType::Float { .. } => {
            let number: f64 = text.parse().ok()?;
            // NaN and the infinities have no number in a document: they are labels.
            serde_json::Number::from_f64(number).map_or_else(|| Value::from(text), Value::Number)
        }
        // Neither do the infinite days and those before Christ have a day.
        DataType::Date | DataType::Timestamp { .. }
            if !text.starts_with(|c: char| c.is_ascii_digit()) || text.ends_with("BC") =>
        {
            Value::Null
        }
        _ => Value::from(text),
    })
}

/// The text of a value inside, in quotes where they are needed; `None` if it is null.
fn inside(value: &Value, syntax: &Syntax, random: &mut Stream) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) if has_hole(text) => Some(text.clone()),
        value => Some(array_element(&syntax.print(value, random))),
    }
}

/// Writes an array of values of a notation.
pub(super) fn print_array(value: &Value, element: &Syntax, random: &mut Stream, out: &mut String) {
    let Value::Array(array) = value else {
        out.push_str(inside(value, element, random).as_deref().unwrap_or("NULL"));
        return;
    };
    out.push('{');
    for (place, value) in array.iter().enumerate() {
        if place > 0 {
            out.push(delimiter(element));
        }
        match value {
            // Elements that are lists themselves, and no dimension of this array.
            Value::Array(_) if !matches!(element, Syntax::Leaf(_) | Syntax::Label) && is_list(element) => {
                out.push_str(inside(value, element, random).as_deref().unwrap_or("NULL"));
            }
            value => print_array(value, element, random, out),
        }
    }
    out.push('}');
}

/// True if a value of the notation is a list, or may be one.
pub(super) fn is_list(syntax: &Syntax) -> bool {
    matches!(
        syntax,
        Syntax::Multirange { .. }
            | Syntax::Bits
            | Syntax::Lexemes { .. }
            | Syntax::Query
            | Syntax::Path
            | Syntax::Cube
            | Syntax::Numbers { .. }
            | Syntax::Inner { .. }
    )
}

/// Writes a composite.
pub(super) fn print_composite(value: &Value, fields: &[(String, Syntax)], random: &mut Stream) -> String {
    let shown = fields.iter().map(|(name, field)| {
        let value = value.get(name).unwrap_or(&Value::Null);
        // An element of an array of several dimensions is printed as the text it is in a composite as well.
        inside(value, field, random).unwrap_or_default()
    });
    format!("({})", shown.collect::<Vec<_>>().join(","))
}
