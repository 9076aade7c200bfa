//! From the texts of a schema's constraints to rules.

use crate::{
    finding::Finding,
    schema::{Check, DialectName, Schema, Table},
};

use super::{CheckRule, TableRules, computed, expression::Expression, parse, ranges, value::Value};

/// Reads all that a table's constraints say.
pub(super) fn declare(schema: &Schema, table: &Table, findings: &mut Vec<Finding>) -> TableRules {
    let mut rules = TableRules::default();
    for check in &table.checks {
        let rule = understand(check, table, schema.dialect);
        if rule.expression.is_none() {
            findings.push(
                Finding::note(
                    "check-not-understood",
                    format!("CHECK {} is too special to evaluate here", check.name),
                )
                .table(&table.name)
                .instead("the target is asked which rows break it before they are loaded"),
            );
        }
        rules.checks.push(rule);
    }
    let read = |name: &str, expression: &str| {
        let part = Check { name: name.to_owned(), expression: expression.to_owned(), domain_column: None };
        understand(&part, table, schema.dialect)
    };
    for key in &table.unique_keys {
        let parts = key.expressions.iter().map(|expression| read(&key.name, expression));
        rules.key_expressions.extend(parts);
        rules.predicates.extend(key.predicate.iter().map(|predicate| read(&key.name, predicate)));
    }
    for exclusion in &table.exclusions {
        let predicate = exclusion.predicate.iter();
        rules.predicates.extend(predicate.map(|predicate| read(&exclusion.name, predicate)));
    }
    for (id, column) in table.iter() {
        let computed = column.generated.iter().map(|expression| (id, read(&column.name, expression)));
        rules.generated.extend(computed.filter(|(_, rule)| rule.expression.is_some()));
    }
    for (column, _) in table.iter() {
        let understood = || rules.checks.iter().filter_map(|check| check.expression.as_ref());
        let range = understood()
            .filter_map(|expression| ranges::bounds(expression, table, column))
            .reduce(|a, b| (a.0.max(b.0), a.1.min(b.1)));
        let list = understood().find_map(|expression| ranges::allowed(expression, column));
        let range = range.filter(|(low, high)| low <= high);
        rules.ranges.extend(range.map(|(low, high)| (column, Value::Float(low), Value::Float(high))));
        rules.lists.extend(list.map(|list| (column, list)));
    }
    rules
}

fn understand(check: &Check, table: &Table, dialect: DialectName) -> CheckRule {
    let read = parse::parse(check, table, dialect);
    let mentioned = read.as_ref().map(Expression::columns).unwrap_or_default();
    let fold_case = mentioned.iter().any(|column| table.column(*column).collation.ignores_case());
    let expression = read.and_then(|read| computed::inlined(&read, table, dialect));
    let columns = expression.as_ref().map(Expression::columns).unwrap_or_default();
    CheckRule { name: check.name.clone(), expression, columns, fold_case }
}
