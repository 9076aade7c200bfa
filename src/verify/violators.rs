//! The SQL that names violating rows of a staging table by their numbers.

use super::queries::{column, orphans_of, replace_value};
use crate::{
    db::{Dialect, STAGING_ROW},
    schema::{Check, Exclusion, ForeignKey, Table, TableName, UniqueKey},
};

/// A constraint whose violators the target is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Suspect<'a> {
    /// A CHECK.
    Check(&'a Check),
    /// A unique key.
    Key(&'a UniqueKey),
    /// An EXCLUDE constraint.
    Exclusion(&'a Exclusion),
    /// A foreign key, and its parent table if that is another one, with all its rows there.
    ForeignKey(&'a ForeignKey, Option<&'a Table>),
}

/// Asks which rows of `staging`, a copy of `table` with numbered rows, break a constraint: all for a CHECK; for a
/// key or an exclusion those that clash with a row of a lower number. `None` if its text cannot be read.
#[must_use]
pub fn violators(
    dialect: &dyn Dialect,
    table: &Table,
    staging: &TableName,
    suspect: Suspect<'_>,
) -> Option<String> {
    let place = staging;
    let staging = dialect.quote_table(staging);
    Some(match suspect {
        Suspect::Check(check) => {
            let condition = match check.domain_column {
                Some(id) => replace_value(&check.expression, &column(dialect, table, id))?,
                None => check.expression.clone(),
            };
            // The line break ends a trailing comment.
            format!("SELECT {STAGING_ROW} FROM {staging} WHERE NOT ({condition}\n)")
        }
        Suspect::Key(key) => {
            let mut parts: Vec<String> = key.columns.iter().map(|id| column(dialect, table, *id)).collect();
            parts.extend(key.expressions.iter().map(|expression| format!("({expression}\n)")));
            if parts.is_empty() {
                return None;
            }
            let mut conditions = Vec::new();
            if !key.nulls_not_distinct {
                conditions.extend(parts.iter().map(|part| format!("{part} IS NOT NULL")));
            }
            conditions.extend(key.predicate.iter().map(|predicate| format!("({predicate}\n)")));
            let filter = super::queries::filter(&conditions);
            format!(
                "SELECT {STAGING_ROW} FROM (SELECT {STAGING_ROW}, ROW_NUMBER() OVER (PARTITION BY {} \
                 ORDER BY {STAGING_ROW}) AS place FROM {staging}{filter}) AS places WHERE place > 1",
                parts.join(", ")
            )
        }
        Suspect::ForeignKey(key, parent) => {
            let mut own = table.clone();
            own.name = place.clone();
            let orphans = orphans_of(dialect, &own, key, parent.unwrap_or(&own));
            format!("SELECT c.{STAGING_ROW} {orphans}")
        }
        Suspect::Exclusion(exclusion) => {
            let rows = excluding(exclusion, STAGING_ROW, &staging);
            format!("{rows} SELECT b.n FROM k b WHERE {}", clash(exclusion))
        }
    })
}

/// A query's head that numbers what an exclusion compares, as `k(n, e0, e1 …)`.
pub(super) fn excluding(exclusion: &Exclusion, number: &str, table: &str) -> String {
    let elements: Vec<String> = exclusion
        .elements
        .iter()
        .enumerate()
        .flat_map(|(place, element)| {
            let until = element.until.as_ref().map(|until| format!("({until}) AS u{place}"));
            std::iter::once(format!("({}) AS e{place}", element.expression)).chain(until)
        })
        .collect();
    let compared = exclusion
        .elements
        .iter()
        .flat_map(|element| std::iter::once(&element.expression).chain(&element.until));
    let mut conditions: Vec<String> = compared.map(|part| format!("({part}) IS NOT NULL")).collect();
    conditions.extend(exclusion.predicate.iter().map(|predicate| format!("({predicate}\n)")));
    format!(
        "WITH k AS (SELECT {number} AS n, {} FROM {table}{})",
        elements.join(", "),
        super::queries::filter(&conditions)
    )
}

/// True for a row `b` of [`excluding`] that an earlier row excludes.
pub(super) fn clash(exclusion: &Exclusion) -> String {
    let tests: Vec<String> = exclusion
        .elements
        .iter()
        .enumerate()
        .map(|(place, element)| match element.until {
            Some(_) => format!("a.e{place} < b.u{place} AND b.e{place} < a.u{place}"),
            // MySQL's `JSON_OVERLAPS` is a function.
            None if element.operator.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                format!("{}(a.e{place}, b.e{place})", element.operator)
            }
            None => format!("a.e{place} {} b.e{place}", element.operator),
        })
        .collect();
    format!("EXISTS (SELECT 1 FROM k a WHERE a.n < b.n AND {})", tests.join(" AND "))
}
