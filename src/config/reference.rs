//! The short form of a foreign key: `comments(post_id)`.

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

#[cfg(test)]
mod tests {
    use super::table_and_columns;

    #[test]
    fn a_table_and_its_columns_are_split() {
        let split = |text| table_and_columns(text).unwrap();

        assert_eq!(split("posts(id)"), ("posts".to_owned(), vec!["id".to_owned()]));
        assert_eq!(split(" sales.lines ( a , b )").1, ["a", "b"]);
    }

    #[test]
    fn other_forms_are_refused() {
        for text in ["posts", "posts()", "(id)", "posts(id", "posts(id,)", "posts(id) x", "a(b)(c)"] {
            assert!(table_and_columns(text).is_err(), "{text}");
        }
    }
}
