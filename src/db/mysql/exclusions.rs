//! Keys that forbid more than equal values: periods WITHOUT OVERLAPS, elements of documents.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{Check, Exclusion, ExclusionElement, Table, UniqueKey};

use super::{
    catalog::Catalog,
    ddl::{CreateTable, ItemKind},
    lex::{Kind, Token, tokens},
    sql::identifier,
};

/// Tables and names of the keys WITHOUT OVERLAPS: the catalog shows them as plain keys over the period's columns.
pub(super) fn period_keys(catalog: &Catalog) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for table in &catalog.tables {
        if !table.create.contains("WITHOUT OVERLAPS") {
            continue;
        }
        let items = CreateTable::parse(&table.create).map(|parsed| parsed.items).unwrap_or_default();
        for item in items.into_iter().filter(|item| item.kind == ItemKind::PeriodKey) {
            let own =
                tokens(&item.sql).into_iter().find(|token| !token.is_blank() && token.is_word("primary"));
            let quoted =
                tokens(&item.sql).iter().find(|token| token.kind == Kind::Quoted).and_then(Token::name);
            let name = if own.is_some() { Some("PRIMARY".to_owned()) } else { quoted };
            found.extend(name.map(|name| (table.name.clone(), name)));
        }
    }
    found
}

/// The periods of a table: each begins before it ends, and those of one key WITHOUT OVERLAPS do not overlap.
pub(super) fn add_periods(table: &mut Table, create: &str) {
    if !create.contains("PERIOD FOR") {
        return;
    }
    let items = CreateTable::parse(create).map(|parsed| parsed.items).unwrap_or_default();
    let names = |sql: &str| -> Vec<String> {
        tokens(sql).iter().filter(|token| token.kind == Kind::Quoted).filter_map(Token::name).collect()
    };
    let mut periods: BTreeMap<String, (String, String)> = BTreeMap::new();
    for item in items.iter().filter(|item| item.sql.starts_with("PERIOD FOR ")) {
        // The time of the system is the server's own.
        if let [name, from, until] = names(&item.sql).as_slice() {
            let ends = (identifier(from), identifier(until));
            table.checks.push(Check {
                name: name.clone(),
                expression: format!("{} < {}", ends.0, ends.1),
                domain_column: None,
            });
            periods.insert(name.clone(), ends);
        }
    }
    for item in items.iter().filter(|item| item.kind == ItemKind::PeriodKey) {
        let mut parts = names(&item.sql);
        let primary = item.sql.trim_start().to_uppercase().starts_with("PRIMARY");
        if parts.is_empty() {
            continue;
        }
        let name = if primary { "PRIMARY".to_owned() } else { parts.remove(0) };
        let elements = parts.iter().map(|part| match periods.get(part) {
            Some((from, until)) => ExclusionElement {
                expression: from.clone(),
                until: Some(until.clone()),
                operator: "&&".to_owned(),
            },
            None => ExclusionElement { expression: identifier(part), until: None, operator: "=".to_owned() },
        });
        table.exclusions.push(Exclusion { name, elements: elements.collect(), predicate: None });
    }
}

/// A unique key over the elements of documents (`CAST(doc->'$.tags' AS UNSIGNED ARRAY)`) forbids two rows to have one in
/// common: that is an exclusion.
pub(super) fn exclude_overlaps(table: &mut Table) {
    let keys = std::mem::take(&mut table.unique_keys);
    let (several, single): (Vec<UniqueKey>, Vec<UniqueKey>) = keys
        .into_iter()
        .partition(|key| key.expressions.iter().any(|expression| elements_of(expression).is_some()));
    table.unique_keys = single;
    for key in several {
        let equal =
            |expression: String| ExclusionElement { expression, until: None, operator: "=".to_owned() };
        let columns = key.columns.iter().map(|id| equal(identifier(&table.column(*id).name)));
        let expressions = key.expressions.iter().map(|expression| match elements_of(expression) {
            Some(elements) => {
                ExclusionElement { expression: elements, until: None, operator: "JSON_OVERLAPS".to_owned() }
            }
            None => equal(expression.clone()),
        });
        let elements = columns.chain(expressions).collect();
        table.exclusions.push(Exclusion { name: key.name, elements, predicate: None });
    }
}

/// The document part whose elements `cast(… as … array)` indexes.
fn elements_of(expression: &str) -> Option<String> {
    let all: Vec<Token<'_>> = tokens(expression);
    let words: Vec<&Token<'_>> = all.iter().filter(|token| !token.is_blank()).collect();
    let [cast, open, .., array, close] = words.as_slice() else { return None };
    if !(cast.is_word("cast") && open.is_symbol("(") && array.is_word("array") && close.is_symbol(")")) {
        return None;
    }
    let start = all.iter().position(|token| token.is_symbol("("))? + 1;
    let mut depth = 0_i32;
    let mut end = None;
    for (at, token) in all.iter().enumerate().skip(start) {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
        } else if depth == 0 && token.is_word("as") {
            end = Some(at);
        }
    }
    let text: String = all[start..end?].iter().map(|token| token.text).collect();
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::elements_of;

    #[test]
    fn what_an_index_over_elements_reads_is_found() {
        let of = |text| elements_of(text);

        assert_eq!(
            of("cast(json_extract(`doc`,'$.as') as unsigned array)").as_deref(),
            Some("json_extract(`doc`,'$.as')")
        );
        assert_eq!(
            of("cast( (cast(`a` as json)) as char(10) array )").as_deref(),
            Some("(cast(`a` as json))")
        );
        assert_eq!(of("cast(`array` as unsigned)"), None);
        assert_eq!(of("lower(`a`)"), None);
    }
}
