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

/// Makes every `FROM` of a table that others inherit from read the table alone: to this program a table is its
/// own rows. Names are quoted as [`quote_table`] quotes them.
pub(super) fn own_rows(sql: &str, with_heirs: &[TableName]) -> String {
    let mut sql = sql.to_owned();
    for name in with_heirs {
        let whole = format!("FROM {}", quote_table(name));
        let mut parts = sql.split(&whole).peekable();
        let mut rewritten = String::with_capacity(sql.len());
        while let Some(part) = parts.next() {
            rewritten.push_str(part);
            if let Some(next) = parts.peek() {
                // Another table's name may go on here: "a" and "a""b".
                let only = if next.starts_with('"') { "FROM " } else { "FROM ONLY " };
                rewritten.push_str(only);
                rewritten.push_str(&quote_table(name));
            }
        }
        sql = rewritten;
    }
    sql
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
    use super::{literal, own_rows, quote, without_outer_parentheses};
    use crate::schema::TableName;

    #[test]
    fn quotes_and_backslashes_are_doubled() {
        assert_eq!(quote(r#"a"b.c"#), r#""a""b.c""#);
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal(r"a\b"), r"E'a\\b'");
    }

    #[test]
    fn a_table_with_heirs_is_read_alone() {
        let heirs = [TableName::qualified("public", "a")];
        let sql = r#"SELECT 1 FROM "public"."a" WHERE EXISTS (SELECT 1 FROM "public"."a") AND 1 IN (SELECT 2 FROM "public"."a""b")"#;
        let alone = r#"SELECT 1 FROM ONLY "public"."a" WHERE EXISTS (SELECT 1 FROM ONLY "public"."a") AND 1 IN (SELECT 2 FROM "public"."a""b")"#;

        assert_eq!(own_rows(sql, &heirs), alone);
        assert_eq!(own_rows(sql, &[]), sql);
    }

    #[test]
    fn only_a_pair_around_everything_is_removed() {
        assert_eq!(without_outer_parentheses("((a > 0) AND (b > 0))"), "(a > 0) AND (b > 0)");
        assert_eq!(without_outer_parentheses("(a > 0) AND (b > 0)"), "(a > 0) AND (b > 0)");
        assert_eq!(without_outer_parentheses("(a <> ')'::text)"), "a <> ')'::text");
    }
}
