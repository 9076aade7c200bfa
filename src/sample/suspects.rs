//! Which constraints of a table only the target can decide, and which columns they read.

use std::collections::BTreeSet;

use arrow_array::cast::AsArray;

use crate::{
    data::TableData,
    model::TableModel,
    plan::ColumnRole,
    rules::may_fail,
    sample::judged::{Answer, Suspect},
    schema::{ColumnId, DataType, Storage, Table, UniqueKey},
};

pub(super) fn holds(rows: &Result<Vec<u32>, String>, row: u32) -> bool {
    rows.as_ref().is_ok_and(|rows| rows.binary_search(&row).is_ok())
}

pub(super) fn union(answer: &Answer) -> BTreeSet<u32> {
    answer.iter().filter_map(|rows| rows.as_ref().ok()).flatten().copied().collect()
}

/// The constraints of a table that are not decided here.
pub(super) fn suspects(table: &Table, model: &TableModel, rows: &TableData) -> Vec<Suspect> {
    let rules = &model.facts.rules;
    let checks = rules.checks.iter().enumerate().filter(|(place, check)| {
        check.expression.is_none()
            || table.checks.get(*place).is_some_and(|check| may_fail(table, &check.expression))
    });
    let checks = checks.map(|(place, _)| Suspect::Check(place));
    let keys = table.keys().enumerate().filter(|(_, key)| {
        !rules.understands(key)
            || key.columns.iter().any(|column| weighs_oddly(table, *column, rows))
            || computes_in_vain(table, &key.expressions, key.predicate.as_deref())
    });
    let keys = keys.map(|(place, _)| Suspect::Key(place));
    let exclusions = (0..table.exclusions.len()).map(Suspect::Exclusion);
    let indexes = table
        .computed_indexes
        .iter()
        .enumerate()
        .filter(|(_, index)| computes_in_vain(table, &index.expressions, index.predicate.as_deref()));
    let indexes = indexes.map(|(place, _)| Suspect::Index(place));
    let columns = uncertain_columns(table).into_iter().map(Suspect::Generated);
    columns.chain(checks).chain(keys).chain(exclusions).chain(indexes).collect()
}

/// True if what an index computes may fail for a row.
#[must_use]
pub fn computes_in_vain(table: &Table, expressions: &[String], predicate: Option<&str>) -> bool {
    expressions.iter().map(String::as_str).chain(predicate).any(|text| may_fail(table, text))
}

/// The generated columns that may have no value for a row, with those that read them; ascending.
#[must_use]
pub fn uncertain_columns(table: &Table) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    loop {
        let more = table.iter().filter(|(id, column)| {
            let Some(expression) = column.generated.as_deref().filter(|_| !found.contains(&id.0)) else {
                return false;
            };
            may_fail(table, expression)
                || mentioned(table, expression).iter().any(|read| found.contains(&read.0))
        });
        let more: Vec<usize> = more.map(|(id, _)| id.0).collect();
        if more.is_empty() {
            break;
        }
        found.extend(more);
    }
    found.sort_unstable();
    found
}

/// True if the column's collation may find texts of `rows` equal that differ in more than case.
fn weighs_oddly(table: &Table, column: ColumnId, rows: &TableData) -> bool {
    let definition = table.column(column);
    if definition.data_type.storage() != Storage::Text
        || matches!(definition.data_type, DataType::Enum { .. })
    {
        return false;
    }
    let texts = rows.column(column).and_then(|array| array.as_string_opt::<i32>());
    !definition.collation.is_case_alone(texts.into_iter().flat_map(|texts| texts.iter().flatten()))
}

/// The constraint's name and the columns it reads.
pub(super) fn reads(table: &Table, suspect: Suspect) -> (String, Vec<ColumnId>) {
    match suspect {
        Suspect::Check(place) => {
            let check = &table.checks[place];
            let columns = match check.domain_column {
                Some(column) => vec![column],
                None => mentioned(table, &check.expression),
            };
            (format!("CHECK {}", check.name), columns)
        }
        Suspect::Key(place) => {
            let key: Option<&UniqueKey> = table.keys().nth(place);
            let mut columns = key.map(|key| key.columns.clone()).unwrap_or_default();
            for text in key.into_iter().flat_map(|key| &key.expressions) {
                columns.extend(mentioned(table, text));
            }
            (format!("unique key {}", key.map_or("", |key| key.name.as_str())), columns)
        }
        Suspect::Index(place) => {
            let index = &table.computed_indexes[place];
            let texts = index.expressions.iter().chain(&index.predicate);
            (format!("index {}", index.name), texts.flat_map(|text| mentioned(table, text)).collect())
        }
        Suspect::Generated(place) => {
            let column = &table.columns[place];
            let text = column.generated.as_deref().unwrap_or_default();
            (format!("generated column {}", column.name), mentioned(table, text))
        }
        Suspect::ForeignKey(place) => {
            let fk = &table.foreign_keys[place];
            (format!("foreign key {}", fk.name), fk.columns.clone())
        }
        Suspect::Exclusion(place) => {
            let exclusion = &table.exclusions[place];
            let parts = exclusion.elements.iter();
            let parts = parts.flat_map(|element| std::iter::once(&element.expression).chain(&element.until));
            let columns = parts.flat_map(|part| mentioned(table, part));
            (format!("EXCLUDE {}", exclusion.name), columns.collect())
        }
    }
}

/// The columns whose names stand in a text of SQL, outside of string literals.
pub(super) fn mentioned(table: &Table, text: &str) -> Vec<ColumnId> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => 1 + rest[1..].find('\'').map_or(rest.len() - 1, |at| at + 1),
            '"' | '`' => {
                let end = 1 + rest[1..].find(first).unwrap_or(rest.len() - 1);
                found.extend(table.find(&rest[1..end]));
                (end + 1).min(rest.len())
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
                let end = end.unwrap_or(rest.len());
                // A function may have a column's name.
                if !rest[end..].trim_start().starts_with('(') {
                    found.extend(table.find(&rest[..end]));
                }
                end
            }
            c => c.len_utf8(),
        };
        rest = &rest[length..];
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Of the columns read, those that may take another value, and all that is bound to them.
pub(super) fn changeable(model: &TableModel, roles: &[ColumnRole], reads: &[ColumnId]) -> Vec<ColumnId> {
    let rules = &model.facts.rules;
    let mut columns = rules.bound_to(reads);
    columns.retain(|column| {
        matches!(roles.get(column.0), Some(ColumnRole::Attribute | ColumnRole::KeyAttribute))
            && !rules.is_settled(*column)
    });
    columns
}

#[cfg(test)]
mod tests;
