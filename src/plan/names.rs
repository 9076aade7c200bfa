//! What a table or column name in the configuration means.

use crate::{
    plan::PlanError,
    schema::{ColumnId, Schema, TableId},
};

/// Most names offered when one is unknown.
const MOST_NEAREST: usize = 3;

/// Finds the one table `name` means: its shown or qualified name, else its bare name if only one table has it,
/// each exactly first and then ignoring case.
pub(super) fn table(schema: &Schema, name: &str, place: &str) -> Result<TableId, PlanError> {
    let lower = name.to_lowercase();
    let rules: [&dyn Fn(&str) -> bool; 2] = [&|known| known == name, &|known| known.to_lowercase() == lower];
    for same in rules {
        for level in [full_names as fn(&Schema, TableId) -> Vec<String>, bare_name] {
            let found: Vec<TableId> = schema
                .iter()
                .map(|(id, _)| id)
                .filter(|id| level(schema, *id).iter().any(|n| same(n)))
                .collect();
            match found.as_slice() {
                [] => {}
                [one] => return Ok(*one),
                several => {
                    let candidates = several.iter().map(|id| qualified(schema, *id)).collect();
                    return Err(PlanError::AmbiguousTable {
                        place: place.to_owned(),
                        name: name.to_owned(),
                        candidates,
                    });
                }
            }
        }
    }
    let known: Vec<String> = schema.tables.iter().map(|table| table.name.to_string()).collect();
    Err(PlanError::UnknownTable {
        place: place.to_owned(),
        name: name.to_owned(),
        nearest: nearest(name, &known),
    })
}

/// Finds every table a name or pattern means; `*` stands for any characters.
pub(super) fn tables(schema: &Schema, pattern: &str, place: &str) -> Result<Vec<TableId>, PlanError> {
    if !pattern.contains('*') {
        return table(schema, pattern, place).map(|id| vec![id]);
    }
    let found: Vec<TableId> = schema
        .iter()
        .map(|(id, _)| id)
        .filter(|id| {
            full_names(schema, *id).iter().chain(&bare_name(schema, *id)).any(|name| glob(pattern, name))
        })
        .collect();
    if found.is_empty() {
        let (place, name) = (place.to_owned(), pattern.to_owned());
        return Err(PlanError::UnknownTable { place, name, nearest: Vec::new() });
    }
    Ok(found)
}

/// Finds a column by name.
pub(super) fn column(
    schema: &Schema,
    table: TableId,
    name: &str,
    place: &str,
) -> Result<ColumnId, PlanError> {
    let table = schema.table(table);
    table.find(name).ok_or_else(|| {
        let known: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        PlanError::UnknownColumn {
            place: place.to_owned(),
            table: table.name.to_string(),
            column: name.to_owned(),
            nearest: nearest(name, &known),
        }
    })
}

fn full_names(schema: &Schema, id: TableId) -> Vec<String> {
    vec![schema.table(id).name.to_string(), qualified(schema, id)]
}

fn bare_name(schema: &Schema, id: TableId) -> Vec<String> {
    vec![schema.table(id).name.name.clone()]
}

fn qualified(schema: &Schema, id: TableId) -> String {
    let name = &schema.table(id).name;
    name.namespace
        .as_ref()
        .map_or_else(|| name.name.clone(), |namespace| format!("{namespace}.{}", name.name))
}

/// True if `pattern`, in which `*` stands for any characters, covers all of `text`.
fn glob(pattern: &str, text: &str) -> bool {
    let parts: Vec<&str> = pattern.split('*').collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in &parts[1..parts.len().max(2) - 1] {
        let Some(start) = rest.find(part) else { return false };
        rest = &rest[start + part.len()..];
    }
    rest.ends_with(last)
}

/// The names most like `name`, nearest first; only those a typing mistake away.
pub(super) fn nearest(name: &str, known: &[String]) -> Vec<String> {
    let name = name.to_lowercase();
    let limit = name.chars().count() / 3 + 1;
    let mut scored: Vec<(usize, &String)> = known
        .iter()
        .map(|candidate| {
            let lower = candidate.to_lowercase();
            let contains =
                lower.len() > 2 && name.len() > 2 && (lower.contains(&name) || name.contains(&lower));
            (if contains { 1 } else { edit_distance(&name, &lower) }, candidate)
        })
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    scored.sort();
    scored.into_iter().take(MOST_NEAREST).map(|(_, candidate)| candidate.clone()).collect()
}

/// Levenshtein distance, one row at a time.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::{glob, nearest};

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, text) in
            [("log_*", "log_2024"), ("*_old", "orders_old"), ("a*b*c", "a1b2c"), ("*", "x")]
        {
            assert!(glob(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("log_*", "blog_x"), ("a*a", "a"), ("*_old", "orders_older")] {
            assert!(!glob(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn similar_names_are_offered_nearest_first() {
        let known = ["orders", "order_lines", "customers"].map(str::to_owned);

        assert_eq!(nearest("order", &known), ["order_lines", "orders"]);
        assert_eq!(nearest("custmers", &known), ["customers"]);
        assert!(nearest("zebra", &known).is_empty());
    }
}
