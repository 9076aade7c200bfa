//! Lists of words and numbers in notations of their own: text-search documents and queries, label paths, keys with
//! values, cubes, vectors; and XML.

use rand::RngExt;
use serde_json::{Map, Value};

use crate::{
    data::template::{has_hole, json_string},
    seed::Stream,
};

/// A word that stands for one that may not be kept.
fn word(value: &Value, random: &mut Stream) -> String {
    match value.as_str().filter(|text| !has_hole(text) && !text.is_empty()) {
        Some(text) => text.to_owned(),
        None => format!("w{}", random.random_range(1..1000)),
    }
}

/// Text in quotes with `\` and the quote doubled, from just behind the opening quote; what follows, too.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => word.push(characters.next()?.1),
            _ if character == quote => {
                if characters.next_if(|(_, next)| *next == quote && quote == '\'').is_some() {
                    word.push(quote);
                } else {
                    return Some((word, &text[at + quote.len_utf8()..]));
                }
            }
            other => word.push(other),
        }
    }
    None
}

/// The words of a `tsvector`, in the order of their first positions, and whether it has positions.
pub(super) fn read_lexemes(text: &str) -> Option<(Value, bool)> {
    let mut rest = text.trim();
    let (mut words, mut placed): (Vec<(u32, String)>, bool) = (Vec::new(), false);
    while !rest.is_empty() {
        let (word, after) = quoted(rest.strip_prefix('\'')?, '\'')?;
        let (positions, after) = after.split_at(after.find(' ').unwrap_or(after.len()));
        let first = positions
            .strip_prefix(':')
            .and_then(|list| list.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
        placed |= first.is_some();
        words.push((first.unwrap_or(0), word));
        rest = after.trim_start();
    }
    words.sort_by_key(|(position, _)| *position);
    Some((Value::Array(words.into_iter().map(|(_, word)| Value::from(word)).collect()), placed))
}

fn lexeme(word: &str) -> String {
    format!("'{}'", word.replace('\\', "\\\\").replace('\'', "''"))
}

/// Words as a `tsvector`, one after the other.
pub(super) fn print_lexemes(value: &Value, placed: bool, random: &mut Stream) -> String {
    let mut words: Vec<String> = Vec::new();
    for value in value.as_array().into_iter().flatten() {
        let word = word(value, random);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let shown = words.iter().enumerate().map(|(place, word)| {
        let position = if placed { format!(":{}", place + 1) } else { String::new() };
        format!("{}{position}", lexeme(word))
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// The words of a `tsquery`.
pub(super) fn read_query(text: &str) -> Option<Value> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\'') {
        let (word, after) = quoted(&rest[at + 1..], '\'')?;
        words.push(Value::from(word));
        rest = after;
    }
    (!words.is_empty() || text.is_empty()).then_some(Value::Array(words))
}

/// Words as a query for all of them.
pub(super) fn print_query(value: &Value, random: &mut Stream) -> String {
    let words = value.as_array().into_iter().flatten().map(|value| lexeme(&word(value, random)));
    words.collect::<Vec<_>>().join(" & ")
}

/// The labels of an `ltree`.
pub(super) fn read_path(text: &str) -> Value {
    Value::Array(text.split('.').filter(|label| !label.is_empty()).map(Value::from).collect())
}

/// Labels as a path.
pub(super) fn print_path(value: &Value, random: &mut Stream) -> String {
    let labels = value.as_array().into_iter().flatten().map(|value| word(value, random));
    labels.collect::<Vec<_>>().join(".")
}

/// Keys and values of an `hstore`.
pub(super) fn read_pairs(text: &str) -> Option<Value> {
    let mut pairs = Map::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, after) = quoted(rest.strip_prefix('"')?, '"')?;
        let after = after.strip_prefix("=>")?;
        let (value, after) = match after.strip_prefix('"') {
            Some(inside) => {
                let (value, after) = quoted(inside, '"')?;
                (Value::from(value), after)
            }
            None => (Value::Null, after.strip_prefix("NULL")?),
        };
        pairs.insert(key, value);
        rest = after.trim_start_matches([',', ' ']);
    }
    Some(Value::Object(pairs))
}

/// Keys and values as an `hstore`; a hole stays in its quotes.
pub(super) fn print_pairs(value: &Value) -> String {
    let quote = |text: &str| {
        if has_hole(text) {
            json_string(text)
        } else {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
    };
    let pairs = value.as_object().into_iter().flatten().map(|(key, value)| match value {
        Value::String(text) => format!("{}=>{}", quote(key), quote(text)),
        _ => format!("{}=>NULL", quote(key)),
    });
    pairs.collect::<Vec<_>>().join(", ")
}

/// The numbers between the signs of a notation: `[1,2.5]`, `(1, 2),(3, 4)`, `1 2 3`; none if there is anything else.
pub(super) fn read_numbers(text: &str) -> Option<Value> {
    let parts = text.split([',', ' ', '(', ')', '[', ']', '{', '}']).filter(|part| !part.is_empty());
    let number = |part: &str| match part.parse::<i64>() {
        Ok(whole) => Some(Value::from(whole)),
        Err(_) => serde_json::Number::from_f64(part.parse().ok()?).map(Value::Number),
    };
    parts.map(number).collect::<Option<Vec<_>>>().map(Value::Array)
}

/// The numbers of a list as text, with a sign between them.
pub(super) fn print_numbers(value: &Value, between: &str) -> String {
    let numbers = value.as_array().into_iter().flatten();
    numbers
        .map(|value| if value.is_number() { value.to_string() } else { "0".to_owned() })
        .collect::<Vec<_>>()
        .join(between)
}

/// The corners of a cube: one if it is a point.
pub(super) fn read_cube(text: &str) -> Option<Value> {
    let corners = text.split("),(").map(read_numbers).collect::<Option<Vec<_>>>()?;
    Some(Value::Array(corners))
}

/// A cube from its corners, cut to as many dimensions as both have.
pub(super) fn print_cube(value: &Value) -> String {
    let corners: Vec<&Vec<Value>> =
        value.as_array().into_iter().flatten().filter_map(Value::as_array).collect();
    let least = corners.iter().map(|corner| corner.len()).min().unwrap_or(0).min(100);
    let shown = corners.iter().take(2).map(|corner| {
        let corner = Value::Array(corner.iter().take(least).cloned().collect());
        format!("({})", print_numbers(&corner, ", "))
    });
    let text = shown.collect::<Vec<_>>().join(",");
    if text.is_empty() { "(0)".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn words_pairs_and_numbers_come_back_as_the_server_prints_them() {
        let mut random = Seed(1).stream("words", 0);
        let (words, placed) = read_lexemes(r"'b c':2 'it''s':1A 'x\\y':3,9").unwrap();
        assert!(placed);
        assert_eq!(print_lexemes(&words, placed, &mut random), r"'it''s':1 'b c':2 'x\\y':3");
        assert_eq!(print_query(&read_query("'a' & !( 'b' | 'c' )").unwrap(), &mut random), "'a' & 'b' & 'c'");
        assert_eq!(print_path(&read_path("Top.Science.x_1"), &mut random), "Top.Science.x_1");
        let pairs = r#""a"=>"1", "b \"q\""=>NULL, "c"=>"x, y""#;
        assert_eq!(print_pairs(&read_pairs(pairs).unwrap()), pairs);
        assert_eq!(print_cube(&read_cube("(1, 2.5),(3, 4)").unwrap()), "(1, 2.5),(3, 4)");
        assert_eq!(format!("[{}]", print_numbers(&read_numbers("[1,0.25,-3]").unwrap(), ",")), "[1,0.25,-3]");
        for broken in ["'a", "a", "'a' b"] {
            assert_eq!(read_lexemes(broken), None, "{broken}");
        }
        assert_eq!(read_pairs("\"a\"=>"), None);
        assert_eq!(read_numbers("[1,x]"), None);
    }
}
