//! XML as documents: an element is an object of its attributes (`@name`), its children by tag, and its text (`#text`).
//!
//! Comments, processing instructions and the order of unlike siblings are not kept.

use indexmap::IndexMap;
use serde_json::{Map, Value};

/// Deepest nesting read.
const DEPTH_MAX: usize = 32;

/// Reads a document or a fragment of elements; `None` if it is not well-formed or holds a document type.
pub(super) fn read_xml(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text };
    let (content, closed) = reader.content(0)?;
    closed.is_none().then_some(content)
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn until(&mut self, end: &str) -> Option<&'a str> {
        let at = self.rest.find(end)?;
        let before = &self.rest[..at];
        self.rest = &self.rest[at + end.len()..];
        Some(before)
    }

    /// Reads up to the next closing tag, and its name, or to the end.
    fn content(&mut self, depth: usize) -> Option<(Value, Option<&'a str>)> {
        let mut text = String::new();
        let mut children: IndexMap<String, Vec<Value>> = IndexMap::new();
        let mut closed = None;
        loop {
            let Some(at) = self.rest.find('<') else {
                text.push_str(&unescape(self.rest)?);
                self.rest = "";
                break;
            };
            text.push_str(&unescape(&self.rest[..at])?);
            self.rest = &self.rest[at + 1..];
            if let Some(rest) = self.rest.strip_prefix("!--") {
                self.rest = rest;
                self.until("-->")?;
            } else if let Some(rest) = self.rest.strip_prefix("![CDATA[") {
                self.rest = rest;
                text.push_str(self.until("]]>")?);
            } else if let Some(rest) = self.rest.strip_prefix('?') {
                self.rest = rest;
                self.until("?>")?;
            } else if self.rest.starts_with('!') || depth > DEPTH_MAX {
                return None;
            } else if let Some(rest) = self.rest.strip_prefix('/') {
                self.rest = rest;
                closed = Some(self.until(">")?.trim());
                break;
            } else {
                let (name, element) = self.element(depth)?;
                children.entry(name).or_default().push(element);
            }
        }
        let mut parts = Map::new();
        for (name, mut same) in children {
            let only = same.len() == 1;
            let value = if only { same.pop().unwrap_or_default() } else { Value::Array(same) };
            parts.insert(name, value);
        }
        let text = text.trim();
        let value = match (parts.is_empty(), text.is_empty()) {
            (true, _) => plain(text),
            (false, true) => Value::Object(parts),
            (false, false) => {
                parts.insert("#text".to_owned(), plain(text));
                Value::Object(parts)
            }
        };
        Some((value, closed))
    }

    /// Reads an element, from behind its `<`.
    fn element(&mut self, depth: usize) -> Option<(String, Value)> {
        let end = self.rest.find(|c: char| c.is_whitespace() || matches!(c, '/' | '>'))?;
        let name = &self.rest[..end];
        if !is_name(name) {
            return None;
        }
        self.rest = &self.rest[end..];
        let mut attributes = Map::new();
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix("/>") {
                self.rest = rest;
                let empty = attributes.is_empty();
                return Some((
                    name.to_owned(),
                    if empty { Value::from("") } else { Value::Object(attributes) },
                ));
            }
            if let Some(rest) = self.rest.strip_prefix('>') {
                self.rest = rest;
                break;
            }
            let attribute = self.until("=")?.trim();
            self.rest = self.rest.trim_start();
            let quote = self.rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            self.rest = &self.rest[1..];
            let value = self.until(quote.encode_utf8(&mut [0; 4]))?;
            if !is_name(attribute) {
                return None;
            }
            attributes.insert(format!("@{attribute}"), plain(&unescape(value)?));
        }
        let (content, closed) = self.content(depth + 1)?;
        if closed != Some(name) {
            return None;
        }
        let value = match content {
            content if attributes.is_empty() => content,
            Value::Object(parts) => {
                attributes.extend(parts);
                Value::Object(attributes)
            }
            Value::String(text) if text.is_empty() => Value::Object(attributes),
            other => {
                attributes.insert("#text".to_owned(), other);
                Value::Object(attributes)
            }
        };
        Some((name.to_owned(), value))
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
}

/// A number if it is written as one, else a text.
fn plain(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(whole) if whole.to_string() == text => Value::from(whole),
        _ => match text.parse::<f64>() {
            Ok(number) if number.to_string() == text => Value::from(number),
            _ => Value::from(text),
        },
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        result.push_str(&rest[..at]);
        let (entity, after) = rest[at + 1..].split_once(';')?;
        match entity {
            "lt" => result.push('<'),
            "gt" => result.push('>'),
            "amp" => result.push('&'),
            "quot" => result.push('"'),
            "apos" => result.push('\''),
            _ => {
                let code = entity.strip_prefix('#')?;
                let code = match code.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => code.parse().ok()?,
                };
                result.push(char::from_u32(code)?);
            }
        }
        rest = after;
    }
    result.push_str(rest);
    Some(result)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The text of a fragment. A hole is filled with plain words, which need no escape.
pub(super) fn print_xml(value: &Value) -> String {
    let mut text = String::new();
    print_content(value, &mut text);
    text
}

fn print_content(value: &Value, out: &mut String) {
    match value {
        Value::Object(parts) => {
            for (name, value) in parts.iter().filter(|(name, _)| !name.starts_with(['@', '#'])) {
                match value {
                    Value::Array(same) => same.iter().for_each(|value| print_element(name, value, out)),
                    value => print_element(name, value, out),
                }
            }
            if let Some(text) = parts.get("#text") {
                print_content(text, out);
            }
        }
        Value::String(text) => out.push_str(&escape(text)),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Array(_) | Value::Null => {}
    }
}

fn print_element(name: &str, value: &Value, out: &mut String) {
    out.push('<');
    out.push_str(name);
    for (name, value) in value.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with('@')) {
        let text = match value {
            Value::String(text) => escape(text),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        out.push_str(&format!(" {}=\"{text}\"", &name[1..]));
    }
    let mut inside = String::new();
    print_content(value, &mut inside);
    if inside.is_empty() {
        out.push_str("/>");
    } else {
        out.push_str(&format!(">{inside}</{name}>"));
    }
}

#[cfg(test)]
mod tests {
    use super::{print_xml, read_xml};

    #[test]
    fn elements_attributes_and_texts_come_back() {
        for text in [
            r#"<order id="7"><item>5</item><item>x &amp; y</item><note/></order>"#,
            "<a>1.5</a>",
            "plain &lt; text",
            "<a><b c=\"d\">t</b></a><e/>",
        ] {
            assert_eq!(print_xml(&read_xml(text).unwrap()), text);
        }
        let whole = "<?xml version=\"1.0\"?><!-- x --><a><![CDATA[1 < 2]]></a>";
        assert_eq!(print_xml(&read_xml(whole).unwrap()), "<a>1 &lt; 2</a>");
        for broken in ["<a>", "<a></b>", "<a b></a>", "</a>", "<1/>", "&x", "<!DOCTYPE a><a/>"] {
            assert_eq!(read_xml(broken), None, "{broken}");
        }
    }
}
