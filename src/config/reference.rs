//! The short form of a foreign key, `comments(post_id)`, and of the rows it binds, `kind = 'Post'`.

use crate::config::ReferenceCondition;

/// Splits `table(column, column)`; the table may be qualified.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn table_and_columns(text: &str) -> Result<(String, Vec<String>), String> {
    let form = || format!("`{text}` is not of the form `table(column)` or `table(column, column)`");
    let (table, rest) = text.trim().split_once('(').ok_or_else(form)?;
    let inner = rest.strip_suffix(')').ok_or_else(form)?;
    let columns: Vec<String> = inner.split(',').map(|column| column.trim().to_owned()).collect();
    let table = table.trim();
    if table.is_empty() || inner.contains(['(', ')']) || columns.iter().any(String::is_empty) {
        return Err(form());
    }
    Ok((table.to_owned(), columns))
}

/// Reads `column = 'value'` or `column IN ('value', 'value')`; the column may stand behind the child table's name.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn condition(text: &str, child: &str) -> Result<ReferenceCondition, String> {
    let form = || format!("`{text}` is not of the form `column = 'value'` or `column IN ('value', 'value')`");
    let (mut column, mut rest) = name(text.trim()).ok_or_else(form)?;
    while let Some(after) = rest.strip_prefix('.') {
        let (next, after) = name(after).ok_or_else(form)?;
        let table = child.rsplit('.').next().unwrap_or(child);
        if !column.eq_ignore_ascii_case(table) && !child.starts_with(&column) {
            return Err(format!("`{text}` is about {column}, not about {child}, whose rows refer"));
        }
        (column, rest) = (next, after);
    }
    let rest = rest.trim_start();
    let (list, rest) = match rest.strip_prefix('=') {
        Some(rest) => (false, rest.trim_start()),
        None if rest.get(..2).is_some_and(|word| word.eq_ignore_ascii_case("in")) => {
            (true, rest[2..].trim_start().strip_prefix('(').ok_or_else(form)?)
        }
        None => return Err(form()),
    };
    let mut values = Vec::new();
    let mut rest = rest;
    loop {
        let (value, after) = literal(rest.trim_start()).ok_or_else(form)?;
        values.push(value);
        let after = after.trim_start();
        match (list, after.chars().next()) {
            (true, Some(',')) => rest = &after[1..],
            (true, Some(')')) if after[1..].trim().is_empty() => break,
            (false, None) => break,
            _ => return Err(form()),
        }
    }
    Ok(ReferenceCondition { column, values })
}

/// A name, quoted or bare, and what follows it.
fn name(text: &str) -> Option<(String, &str)> {
    match text.chars().next()? {
        quote @ ('"' | '`') => quoted(text, quote),
        _ => {
            let end =
                text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(text.len());
            (end > 0).then(|| (text[..end].to_owned(), &text[end..]))
        }
    }
}

/// A value, a quoted text or a number, and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    match text.chars().next()? {
        quote @ ('\'' | '"') => quoted(text, quote),
        _ => {
            let end = text.find(|c: char| !(c.is_ascii_digit() || c == '-')).unwrap_or(text.len());
            (end > 0).then(|| (text[..end].to_owned(), &text[end..]))
        }
    }
}

/// What stands in quotes, a doubled one being one, and what follows them.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut inside = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != quote {
            inside.push(character);
        } else if characters.next_if(|(_, next)| *next == quote).is_some() {
            inside.push(quote);
        } else {
            return Some((inside, &text[at + quote.len_utf8()..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{condition, table_and_columns};

    #[test]
    fn a_table_and_its_columns_are_split() {
        let split = |text| table_and_columns(text).unwrap();

        assert_eq!(split("posts(id)"), ("posts".to_owned(), vec!["id".to_owned()]));
        assert_eq!(split(" sales.lines ( a , b )").1, ["a", "b"]);
    }

    #[test]
    fn a_condition_is_a_column_and_its_values() {
        let read = |text| {
            let when = condition(text, "app.comments").unwrap();
            (when.column, when.values)
        };

        assert_eq!(
            read("commentable_type = 'Post'"),
            ("commentable_type".to_owned(), vec!["Post".to_owned()])
        );
        assert_eq!(read("comments.\"odd type\"='It''s'"), ("odd type".to_owned(), vec!["It's".to_owned()]));
        assert_eq!(read(" kind in ( 1, -2 ,\"x\" ) ").1, ["1", "-2", "x"]);
    }

    #[test]
    fn other_conditions_are_refused() {
        for text in [
            "",
            "kind",
            "kind =",
            "kind = Post",
            "kind <> 'a'",
            "kind = 'a' AND x = 'b'",
            "kind IN ()",
            "kind = 'a",
        ] {
            assert!(condition(text, "comments").is_err(), "{text}");
        }
        assert!(condition("posts.kind = 'a'", "comments").unwrap_err().contains("not about comments"));
    }

    #[test]
    fn other_forms_are_refused() {
        for text in ["posts", "posts()", "(id)", "posts(id", "posts(id,)", "posts(id) x", "a(b)(c)"] {
            assert!(table_and_columns(text).is_err(), "{text}");
        }
    }
}
