//! How Postgres writes names and literals.

use super::probe;
use crate::{
    db::{Capabilities, Computation, Dialect, Probe, STAGING_ROW},
    schema::{Column, DialectName, Table, TableName},
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

    fn staging(&self, table: &Table) -> (TableName, Vec<String>) {
        let name = TableName::qualified("pg_temp", "dbsynth_judge");
        let create =
            format!("CREATE TEMP TABLE {STAGING} (LIKE {} INCLUDING GENERATED)", quote_table(&table.name));
        let number = format!("ALTER TABLE {STAGING} ADD COLUMN {STAGING_ROW} pg_catalog.int8");
        (name, vec![create, number, LOOSEN.to_owned()])
    }

    fn probe(&self, _: &Table, _: &TableName, what: Computation<'_>) -> Probe {
        probe::probe(what)
    }

    fn set_aside(&self, _: &TableName, column: &Column) -> (String, String) {
        probe::set_aside(column)
    }
}

/// The staging table.
pub(super) const STAGING: &str = "pg_temp.dbsynth_judge";

/// Takes NOT NULL from every column, and from domains all but their base type.
const LOOSEN: &str = "DO $dbsynth$
DECLARE
    part record;
BEGIN
    FOR part IN
        WITH RECURSIVE chain AS (
            SELECT a.attname, a.attnotnull, t.oid, t.typtype, t.typbasetype, a.atttypmod AS modifier, a.attgenerated,
                   t.typtype = 'd' AS domain
            FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
            WHERE a.attrelid = 'pg_temp.dbsynth_judge'::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL
            SELECT c.attname, c.attnotnull, t.oid, t.typtype, t.typbasetype, d.typtypmod, c.attgenerated, c.domain
            FROM chain c JOIN pg_catalog.pg_type d ON d.oid = c.oid
            JOIN pg_catalog.pg_type t ON t.oid = c.typbasetype
            WHERE c.typtype = 'd'
        )
        SELECT attname, attnotnull, domain, attgenerated, pg_catalog.format_type(oid, modifier) AS base
        FROM chain WHERE typtype <> 'd'
    LOOP
        IF part.attnotnull THEN
            EXECUTE pg_catalog.format('ALTER TABLE pg_temp.dbsynth_judge ALTER COLUMN %I DROP NOT NULL', part.attname);
        END IF;
        IF part.domain THEN
            BEGIN
                EXECUTE pg_catalog.format('ALTER TABLE pg_temp.dbsynth_judge ALTER COLUMN %I TYPE %s',
                                          part.attname, part.base);
            EXCEPTION WHEN feature_not_supported OR invalid_table_definition THEN
                NULL; -- a generated column depends on it
            END;
        END IF;
    END LOOP;
END $dbsynth$";

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

/// The place of the parenthesis that closes the first one.
pub(super) fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_i64;
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            (None, _) => {}
        }
    }
    None
}

/// Removes one pair of parentheses that encloses the whole expression.
pub(super) fn without_outer_parentheses(expression: &str) -> &str {
    let text = expression.trim();
    match text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) if closing(text) == Some(text.len() - 1) => inner,
        _ => text,
    }
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
