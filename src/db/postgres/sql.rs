//! How Postgres writes names and literals.

use crate::{
    db::{Capabilities, Dialect},
    schema::{DialectName, TableName},
};

/// Postgres's way of writing SQL.
#[derive(Debug, Clone, Copy)]
pub(super) struct PostgresDialect;

impl Dialect for PostgresDialect {
    fn name(&self) -> DialectName {
        DialectName::Postgres
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { atomic_load: true, enforces_checks: true, identifier_bytes: 63, partial_unique: true }
    }

    fn quote_identifier(&self, identifier: &str) -> String {
        quote(identifier)
    }
}

/// Quotes an identifier. Always, so that no list of reserved words is needed.
pub(super) fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Quotes a table's name with its schema.
pub(super) fn quote_table(table: &TableName) -> String {
    PostgresDialect.quote_table(table)
}

/// Writes a string literal that means the same whatever `standard_conforming_strings` says.
pub(super) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// Removes one pair of parentheses that encloses the whole expression.
pub(super) fn without_outer_parentheses(expression: &str) -> &str {
    let text = expression.trim();
    let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else { return text };
    let mut depth = 0_i64;
    let mut quote = None;
    for character in inner.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') => {
                depth -= 1;
                if depth < 0 {
                    return text;
                }
            }
            (None, _) => {}
        }
    }
    inner
}

#[cfg(test)]
mod tests {
    use super::{literal, quote, without_outer_parentheses};

    #[test]
    fn quotes_and_backslashes_are_doubled() {
        assert_eq!(quote(r#"a"b.c"#), r#""a""b.c""#);
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal(r"a\b"), r"E'a\\b'");
    }

    #[test]
    fn only_a_pair_around_everything_is_removed() {
        assert_eq!(without_outer_parentheses("((a > 0) AND (b > 0))"), "(a > 0) AND (b > 0)");
        assert_eq!(without_outer_parentheses("(a > 0) AND (b > 0)"), "(a > 0) AND (b > 0)");
        assert_eq!(without_outer_parentheses("(a <> ')'::text)"), "a <> ')'::text");
    }
}
