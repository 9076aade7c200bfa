//! The SQL that counts violations: plain enough for every engine, one integer each.

use sqlparser::{
    dialect::GenericDialect,
    tokenizer::{Token, Tokenizer, Word},
};

use crate::{
    db::Dialect,
    schema::{Check, ColumnId, DataType, Exclusion, ForeignKey, Table, UniqueKey},
};

use super::violators::{clash, excluding};

/// Counts rows of a primary key with a null in it.
pub(super) fn null_keys(dialect: &dyn Dialect, table: &Table, key: &UniqueKey) -> String {
    nulls(dialect, table, &key.columns)
}

/// Counts rows with a null in one of the columns.
pub(super) fn nulls(dialect: &dyn Dialect, table: &Table, columns: &[ColumnId]) -> String {
    let is_there = |id: &ColumnId| {
        // A composite of nulls is no null, but IS NULL says it is.
        let composite = matches!(table.column(*id).data_type, DataType::Composite { .. });
        let test = if composite { "IS DISTINCT FROM NULL" } else { "IS NOT NULL" };
        format!("{} {test}", column(dialect, table, *id))
    };
    let all: Vec<String> = columns.iter().map(is_there).collect();
    // Not `IS NULL`, which MySQL answers with yes for a zero date in a NOT NULL column.
    format!(
        "SELECT COUNT(*) FROM {} WHERE CASE WHEN {} THEN 0 ELSE 1 END = 1",
        dialect.quote_table(&table.name),
        all.join(" AND ")
    )
}

/// Counts the rows of a key beyond the first of each value. Rows with a null in the key never clash,
/// except under NULLS NOT DISTINCT; rows outside a partial key's predicate do not count.
pub(super) fn duplicates(dialect: &dyn Dialect, table: &Table, key: &UniqueKey) -> String {
    let mut parts: Vec<String> = key.columns.iter().map(|id| column(dialect, table, *id)).collect();
    parts.extend(key.expressions.iter().map(|expression| format!("({expression}\n)")));
    let mut conditions = Vec::new();
    if !key.nulls_not_distinct {
        conditions.extend(parts.iter().map(|part| format!("{part} IS NOT NULL")));
    }
    conditions.extend(key.predicate.iter().map(|predicate| format!("({predicate}\n)")));
    let rows = format!("FROM {}{}", dialect.quote_table(&table.name), filter(&conditions));
    // A constant is no GROUP BY item everywhere, and a number would be a place in the list: group by name.
    let names: Vec<String> = (0..parts.len()).map(|place| format!("k{place}")).collect();
    let named: Vec<String> =
        parts.iter().zip(&names).map(|(part, name)| format!("{part} AS {name}")).collect();
    let groups = format!("SELECT {} {rows}", named.join(", "));
    // The difference of two counts is an integer everywhere; a sum of counts is a decimal on some servers.
    format!(
        "SELECT (SELECT COUNT(*) {rows}) - (SELECT COUNT(*) FROM (SELECT 1 AS one FROM ({groups}) AS parts_of_key GROUP BY {}) AS groups_of_key)",
        names.join(", ")
    )
}

/// Counts the rows that an EXCLUDE constraint forbids beside an earlier one.
pub(super) fn excluded(dialect: &dyn Dialect, table: &Table, exclusion: &Exclusion) -> String {
    let rows = excluding(exclusion, "ROW_NUMBER() OVER ()", &dialect.quote_table(&table.name));
    format!("{rows} SELECT COUNT(*) FROM k b WHERE {}", clash(exclusion))
}

/// Counts child rows without their parent row.
pub(super) fn orphans(dialect: &dyn Dialect, child: &Table, key: &ForeignKey, parent: &Table) -> String {
    format!("SELECT COUNT(*) {}", orphans_of(dialect, child, key, parent))
}

/// `FROM … c WHERE …`: the child rows without their parent row.
pub(super) fn orphans_of(dialect: &dyn Dialect, child: &Table, key: &ForeignKey, parent: &Table) -> String {
    let child_columns: Vec<String> =
        key.columns.iter().map(|id| format!("c.{}", column(dialect, child, *id))).collect();
    let pairs: Vec<String> = (key.parent_columns.iter().zip(&child_columns))
        .map(|(id, child)| format!("p.{} = {child}", column(dialect, parent, *id)))
        .collect();
    let all = |test: &str, joint: &str| {
        child_columns.iter().map(|column| format!("{column} {test}")).collect::<Vec<_>>().join(joint)
    };
    let missing = format!(
        "NOT EXISTS (SELECT 1 FROM {} p WHERE {})",
        dialect.quote_table(&parent.name),
        pairs.join(" AND ")
    );
    let violation = if key.match_full {
        // All null is fine; some null is not, whatever the parent holds.
        format!("NOT ({}) AND (({}) OR {missing})", all("IS NULL", " AND "), all("IS NULL", " OR "))
    } else {
        format!("{} AND {missing}", all("IS NOT NULL", " AND "))
    };
    let bound = dialect.binding(child, key, "c.").map_or_else(String::new, |bound| format!("{bound} AND "));
    format!("FROM {} c WHERE {bound}{violation}", dialect.quote_table(&child.name))
}

/// Counts rows whose check is false; unknown (null) passes, as on every server.
pub(super) fn failed_check(dialect: &dyn Dialect, table: &Table, check: &Check) -> Option<String> {
    let condition = match check.domain_column {
        Some(id) => replace_value(&check.expression, &column(dialect, table, id))?,
        None => check.expression.clone(),
    };
    // The line break ends a trailing comment.
    Some(format!("SELECT COUNT(*) FROM {} WHERE NOT ({condition}\n)", dialect.quote_table(&table.name)))
}

/// Puts a column in the place of a domain's VALUE, and of nothing that merely looks like it.
pub(super) fn replace_value(expression: &str, column: &str) -> Option<String> {
    let tokens = Tokenizer::new(&GenericDialect {}, expression).with_unescape(false).tokenize().ok()?;
    let is_value = |token: &Token| matches!(token, Token::Word(Word { value, quote_style: None, .. }) if value.eq_ignore_ascii_case("value"));
    let replaced = tokens
        .iter()
        .map(|token| if is_value(token) { column.to_owned() } else { token.to_string() })
        .collect();
    Some(replaced)
}

pub(super) fn column(dialect: &dyn Dialect, table: &Table, id: ColumnId) -> String {
    dialect.quote_identifier(&table.column(id).name)
}

pub(super) fn filter(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
}

#[cfg(test)]
mod tests {
    use super::replace_value;

    #[test]
    fn only_the_bare_word_value_is_replaced() {
        let sql =
            replace_value("VALUE ~ 'VALUE' AND \"value\" > lower((value)::text)", "\"zip code\"").unwrap();

        assert_eq!(sql, "\"zip code\" ~ 'VALUE' AND \"value\" > lower((\"zip code\")::text)");
    }
}
