//! What conditions ask of JSON documents and of arrays in a server's text form.

use serde_json::Value as Json;

use crate::schema::DialectName;

use super::value::Value;

/// The type of a JSON document as `jsonb_typeof` (Postgres), `JSON_TYPE` (MySQL) or `json_type` (SQLite) names it.
pub(super) fn json_type(text: &str, dialect: DialectName) -> Option<Value> {
    let document: Json = serde_json::from_str(text).ok()?;
    let whole = |number: &serde_json::Number| number.is_i64() || number.is_u64();
    let name = match (dialect, &document) {
        (DialectName::Sqlite, Json::Bool(true)) => "true",
        (DialectName::Sqlite, Json::Bool(false)) => "false",
        (DialectName::Sqlite, Json::String(_)) => "text",
        (DialectName::Sqlite, Json::Number(number)) => {
            if whole(number) {
                "integer"
            } else {
                "real"
            }
        }
        (DialectName::MySql, Json::Number(number)) => {
            if whole(number) {
                "integer"
            } else {
                "double"
            }
        }
        (_, Json::Null) => "null",
        (_, Json::Bool(_)) => "boolean",
        (_, Json::Number(_)) => "number",
        (_, Json::String(_)) => "string",
        (_, Json::Array(_)) => "array",
        (_, Json::Object(_)) => "object",
    };
    let name = name.to_owned();
    Some(Value::Text(if dialect == DialectName::MySql { name.to_uppercase() } else { name }))
}

/// The number of elements of a JSON array, or of members of an object.
pub(super) fn json_length(text: &str) -> Option<Value> {
    match serde_json::from_str(text).ok()? {
        Json::Array(all) => Some(Value::Integer(all.len() as i64)),
        Json::Object(all) => Some(Value::Integer(all.len() as i64)),
        _ => Some(Value::Integer(1)),
    }
}

/// A part of a document: by key, by place, or by a path `$.a.b[0]`. As text, strings lose their quotes and null is
/// SQL's null.
pub(super) fn json_part(text: &str, part: &Value, as_text: bool) -> Option<Value> {
    let document: Json = serde_json::from_str(text).ok()?;
    let found = match part {
        Value::Integer(place) => document.get(usize::try_from(*place).ok()?)?,
        Value::Text(path) if path.starts_with('$') => follow(&document, path)?,
        Value::Text(key) => document.get(key.as_str())?,
        _ => return None,
    };
    match found {
        Json::Null if as_text => None,
        Json::String(text) if as_text => Some(Value::Text(text.clone())),
        other => Some(Value::Text(other.to_string())),
    }
}

fn follow<'a>(document: &'a Json, path: &str) -> Option<&'a Json> {
    let mut at = document;
    let mut rest = path.strip_prefix('$')?;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let (place, after) = after.split_once(']')?;
            at = at.get(place.trim().parse::<usize>().ok()?)?;
            rest = after;
        } else {
            let after = rest.strip_prefix('.')?;
            let (key, after) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => after.split_at(after.find(['.', '[']).unwrap_or(after.len())),
            };
            at = at.get(key)?;
            rest = after;
        }
    }
    Some(at)
}

/// The elements of a one-dimensional array, `{1,"a,b",NULL}`; `None` if it has more dimensions.
pub(super) fn array_length(text: &str) -> Option<i64> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    if inner.is_empty() {
        return Some(0);
    }
    let (mut count, mut quoted, mut escaped) = (1, false, false);
    for character in inner.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '{' if !quoted => return None,
            ',' if !quoted => count += 1,
            _ => {}
        }
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::{array_length, json_part, json_type};
    use crate::{rules::Value, schema::DialectName};

    #[test]
    fn parts_are_found_by_key_place_and_path() {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        let document = r#"{"a": {"b c": [1, "x"]}, "n": null, "s": "t"}"#;

        assert_eq!(json_part(document, &Value::Text("s".into()), true), text("t"));
        assert_eq!(json_part(document, &Value::Text("s".into()), false), text("\"t\""));
        assert_eq!(json_part(document, &Value::Text("n".into()), true), None);
        assert_eq!(json_part(document, &Value::Text("$.a.\"b c\"[1]".into()), true), text("x"));
        assert_eq!(json_part("[5, 6]", &Value::Integer(1), true), text("6"));
    }

    #[test]
    fn every_engine_names_json_types_its_own_way() {
        let name = |dialect| json_type("12", dialect).and_then(|name| name.text());

        assert_eq!(name(DialectName::Postgres).as_deref(), Some("number"));
        assert_eq!(name(DialectName::MySql).as_deref(), Some("INTEGER"));
        assert_eq!(name(DialectName::Sqlite).as_deref(), Some("integer"));
    }

    #[test]
    fn commas_inside_quotes_do_not_separate_elements() {
        assert_eq!(array_length(r#"{1,"a,\"b",NULL}"#), Some(3));
        assert_eq!(array_length("{}"), Some(0));
        assert_eq!(array_length("{{1,2},{3,4}}"), None);
    }
}
