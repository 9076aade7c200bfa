//! EXCLUDE constraints and partition bounds: what rows must satisfy beyond keys and checks.

use super::{
    catalog::Catalog,
    layout::Layout,
    sql::{closing, without_outer_parentheses},
};
use crate::schema::{Check, Exclusion, ExclusionElement, Table, TableId};

/// Reads `EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (…)` as `pg_get_constraintdef` prints it.
pub(super) fn exclusion(name: &str, definition: &str) -> Option<Exclusion> {
    let open = definition.find('(')?;
    let close = open + closing(&definition[open..])?;
    let elements: Option<Vec<ExclusionElement>> =
        split(&definition[open + 1..close]).into_iter().map(element).collect();
    let rest = &definition[close + 1..];
    let predicate = rest.find(" WHERE ").and_then(|at| {
        let rest = rest[at + 7..].trim_start();
        let end = closing(rest)?;
        Some(without_outer_parentheses(&rest[..=end]).to_owned())
    });
    Some(Exclusion { name: name.to_owned(), elements: elements?, predicate })
}

/// `room_id WITH =`, `daterange(a, b) range_ops WITH &&`: the operator class is left out.
fn element(text: &str) -> Option<ExclusionElement> {
    let (left, operator) = text.trim().rsplit_once(" WITH ")?;
    let left = left.trim();
    let end = if left.starts_with('"') {
        let quoted = left.char_indices().skip(1);
        let mut doubled = false;
        let mut found = None;
        for (at, character) in quoted {
            if character == '"' && !doubled && !left[at + 1..].starts_with('"') {
                found = Some(at + 1);
                break;
            }
            doubled = character == '"' && !doubled;
        }
        found?
    } else if left.starts_with('(') {
        closing(left)? + 1
    } else {
        left.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$' | '.'))).unwrap_or(left.len())
    };
    // A function's arguments belong to it.
    let end = if left[end..].starts_with('(') { end + closing(&left[end..])? + 1 } else { end };
    Some(ExclusionElement {
        expression: left[..end].to_owned(),
        until: None,
        operator: operator.trim().to_owned(),
    })
}

/// Splits at the commas outside of parentheses and quotes.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_i64;
    let mut quote = None;
    let mut from = 0;
    let mut parts = Vec::new();
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            (None, _) => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// Adds to every partitioned table the condition that some partition takes the row. Partitions by hash take every
/// row that reaches them.
pub(super) fn add_partition_bounds(catalog: &Catalog, layout: &Layout<'_>, tables: &mut [Table]) {
    for (index, table) in tables.iter_mut().enumerate() {
        let mut bounds: Vec<String> = Vec::new();
        let mut unbounded = false;
        for leaf in layout.leaves(TableId(index)) {
            let mut at = layout.relation(leaf);
            // What the level above demands is all a hash partition demands.
            for _ in 0..catalog.relations.len() {
                let by_hash = |bound: &str| bound.starts_with("FOR VALUES WITH");
                match at.filter(|row| row.bound.as_deref().is_some_and(by_hash)) {
                    Some(row) => at = row.parents.first().and_then(|parent| layout.relation(*parent)),
                    None => break,
                }
            }
            let bound = at.and_then(|row| row.partition_constraint.as_deref());
            let named = |oid: i64| layout.relation(oid).map(|row| row.qualified.clone());
            match bound.map(|bound| without_oids(bound, named)) {
                Some(bound) if !bounds.contains(&bound) => bounds.push(bound),
                Some(_) => {}
                None => unbounded = true,
            }
        }
        if unbounded || bounds.is_empty() {
            continue;
        }
        // Partitions come by their number in the catalog, which is another in every database.
        bounds.sort_unstable();
        let expression = bounds.iter().map(|bound| format!("({bound})")).collect::<Vec<_>>().join(" OR ");
        table.checks.push(Check { name: "partition bounds".to_owned(), expression, domain_column: None });
    }
}

/// A partition's condition with the names of tables in place of their numbers, which are others in every database.
fn without_oids(bound: &str, named: impl Fn(i64) -> Option<String>) -> String {
    const CALL: &str = "satisfies_hash_partition('";
    let mut parts = bound.split(CALL);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let table = part.split_once("'::oid").and_then(|(oid, rest)| Some((named(oid.parse().ok()?)?, rest)));
        match table {
            Some((table, rest)) => {
                let table = table.replace('\'', "''");
                text.extend([CALL, &table, "'::regclass", rest]);
            }
            None => {
                text.extend([CALL, part]);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{exclusion, without_oids};

    #[test]
    fn a_hash_partition_names_its_table() {
        let bound = "((kind = 'a') AND satisfies_hash_partition('531754'::oid, 2, 1, tenant))";
        let named = |oid| (oid == 531_754).then(|| "\"public\".\"it's\"".to_owned());

        assert_eq!(
            without_oids(bound, named),
            "((kind = 'a') AND satisfies_hash_partition('\"public\".\"it''s\"'::regclass, 2, 1, tenant))"
        );
        assert_eq!(without_oids(bound, |_| None), bound);
    }

    #[test]
    fn elements_operators_and_predicate_are_told_apart() {
        let text = "EXCLUDE USING gist (room_id WITH =, tstzrange(starts, ends, '[)'::text) WITH &&, \
                    \"odd, \"\"name\" gist_int4_ops WITH <>) WHERE ((NOT cancelled)) DEFERRABLE";
        let read = exclusion("e", text).unwrap();
        let elements: Vec<(&str, &str)> =
            read.elements.iter().map(|e| (e.expression.as_str(), e.operator.as_str())).collect();

        assert_eq!(
            elements,
            [("room_id", "="), ("tstzrange(starts, ends, '[)'::text)", "&&"), ("\"odd, \"\"name\"", "<>")]
        );
        assert_eq!(read.predicate.as_deref(), Some("(NOT cancelled)"));
    }
}
