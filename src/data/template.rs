//! Texts with holes: a decoded document whose personal leaves are still to be written.
//!
//! A codec knows where in a document a text belongs, a writer knows how to write one; neither knows the other. The
//! codec leaves a numbered hole, the writer fills it and quotes what it writes as the syntax around it asks.

/// Begins and ends a hole: a code point that no text may hold (Unicode noncharacter).
const MARK: char = '\u{10FFFE}';

/// The hole of text number `index`.
#[must_use]
pub fn hole(index: usize) -> String {
    format!("{MARK}{index}{MARK}")
}

/// True if `text` is, or has, a hole.
#[must_use]
pub fn has_hole(text: &str) -> bool {
    text.contains(MARK)
}

/// Fills the holes of `text`. A hole in double quotes is a JSON string, one behind or before a tag is XML, another one
/// an element of a Postgres array; `write` gives the bare text of hole `index`.
#[must_use]
pub fn fill(text: &str, mut write: impl FnMut(usize) -> String) -> String {
    let mut result = String::with_capacity(text.len() + 32);
    let mut parts = text.split(MARK);
    if let Some(before) = parts.next() {
        result.push_str(before);
    }
    while let (Some(index), Some(after)) = (parts.next(), parts.next()) {
        let written = index.parse().map(&mut write).unwrap_or_default();
        if result.ends_with("=\"") || result.ends_with('>') && after.starts_with('<') {
            result.push_str(&xml_text(&written));
            result.push_str(after);
            continue;
        }
        match after.strip_prefix('"') {
            Some(after) if result.ends_with('"') => {
                result.pop();
                result.push_str(&json_string(&written));
                result.push_str(after);
            }
            _ => {
                result.push_str(&array_element(&written));
                result.push_str(after);
            }
        }
    }
    result
}

/// Text of an XML element or attribute. Source: XML 1.0, section 2.4; characters that no document may hold are left out.
fn xml_text(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&quot;"),
            '\n' | '\r' | '\t' => result.push(character),
            control if control < ' ' => {}
            other => result.push(other),
        }
    }
    result
}

/// A JSON string literal. Source: RFC 8259, section 7.
#[must_use]
pub fn json_string(text: &str) -> String {
    let mut result = String::with_capacity(text.len() + 2);
    result.push('"');
    for character in text.chars() {
        match character {
            '"' => result.push_str("\\\""),
            '\\' => result.push_str("\\\\"),
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            '\t' => result.push_str("\\t"),
            control if control < ' ' => result.push_str(&format!("\\u{:04x}", control as u32)),
            other => result.push(other),
        }
    }
    result.push('"');
    result
}

/// An element as Postgres reads it in an array or a composite: in quotes only where it must be.
#[must_use]
pub fn array_element(text: &str) -> String {
    let plain = !text.is_empty()
        && !text.eq_ignore_ascii_case("null")
        && !text
            .contains(|c: char| c.is_whitespace() || matches!(c, '{' | '}' | '(' | ')' | ',' | '"' | '\\'));
    if plain {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::{fill, hole};

    #[test]
    fn holes_are_filled_as_their_syntax_asks() {
        let json = format!("{{\"a\": \"{}\", \"b\": \"{}\"}}", hole(0), hole(12));
        let filled = fill(&json, |index| format!("say \"{index}\"\n"));
        assert_eq!(filled, "{\"a\": \"say \\\"0\\\"\\n\", \"b\": \"say \\\"12\\\"\\n\"}");

        let xml = format!("<a b=\"{}\">{}</a>", hole(0), hole(1));
        assert_eq!(fill(&xml, |index| format!("{index} & 1")), "<a b=\"0 &amp; 1\">1 &amp; 1</a>");

        let array = format!("{{{},x,{}}}", hole(1), hole(1));
        assert_eq!(fill(&array, |_| "a b".to_owned()), "{\"a b\",x,\"a b\"}");
    }
}
