//! Arrays in Postgres's text form as Arrow lists.
//!
//! Source of the form: PostgreSQL documentation, 8.15.6 "Array Input and Output Syntax".

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::FieldRef;

use super::types::from_texts;

/// Reads arrays of one dimension; others, and what cannot be read, are null.
pub(super) fn lists(element: &FieldRef, texts: &[Option<String>]) -> ArrayRef {
    let (mut elements, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for text in texts {
        let read = text.as_deref().and_then(read);
        valid.push(read.is_some());
        let read = read.unwrap_or_default();
        lengths.push(read.len());
        elements.extend(read);
    }
    let values = from_texts(element.data_type(), &elements);
    let nulls = NullBuffer::from(valid);
    Arc::new(ListArray::new(element.clone(), OffsetBuffer::from_lengths(lengths), values, Some(nulls)))
}

/// The elements of `{a,"b c",NULL}`; none if an element is an array itself.
fn read(text: &str) -> Option<Vec<Option<String>>> {
    // Bounds other than 1 stand in front: `[0:1]={a,b}`.
    let body = match text.strip_prefix('[') {
        Some(rest) => rest.split_once('=')?.1,
        None => text,
    };
    let body = body.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    if body.trim().is_empty() {
        return Some(elements);
    }
    let (mut current, mut quoted, mut inside) = (String::new(), false, false);
    let mut characters = body.chars();
    loop {
        match characters.next() {
            Some('"') => {
                inside = !inside;
                quoted = true;
            }
            Some('\\') => current.push(characters.next()?),
            Some('{' | '}') if !inside => return None,
            next @ (Some(',') | None) if !inside => {
                let text = std::mem::take(&mut current);
                let text = if quoted { text } else { text.trim().to_owned() };
                let null = !quoted && text.eq_ignore_ascii_case("null");
                elements.push((!null).then_some(text));
                quoted = false;
                if next.is_none() {
                    return Some(elements);
                }
            }
            None => return None,
            Some(other) => current.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn elements_are_read_as_the_server_writes_them() {
        let some = |text: &str| Some(text.to_owned());

        assert_eq!(read("{}"), Some(vec![]));
        assert_eq!(read("{1,2,NULL}"), Some(vec![some("1"), some("2"), None]));
        assert_eq!(
            read(r#"{"a,b","say \"hi\"","NULL",""}"#),
            Some(vec![some("a,b"), some("say \"hi\""), some("NULL"), some("")])
        );
        assert_eq!(read("[0:1]={a,b}"), Some(vec![some("a"), some("b")]));
        assert_eq!(read("{{1,2},{3,4}}"), None);
        assert_eq!(read("{\"a"), None);
    }
}
