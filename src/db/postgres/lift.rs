//! From catalog rows to the [`Schema`]: a pure function.

use std::collections::BTreeSet;

use super::{
    catalog::{Catalog, ColumnRow, Relation},
    constraints::{add_constraint, add_key},
    exclusion::add_partition_bounds,
    layout::Layout,
    sql::without_outer_parentheses,
    types::Types,
};
use crate::{
    finding::Finding,
    schema::{Check, Collation, Column, ColumnId, DialectName, Schema, Table, TableName},
};

/// From this version on, -1 means that a table was never analysed; before, 0 does.
const TELLS_UNANALYSED: i64 = 140_000;

/// Builds the schema.
pub(super) fn lift(catalog: &Catalog, layout: &Layout<'_>, findings: &mut Vec<Finding>) -> Schema {
    let types = Types::new(&catalog.types);
    let numbered: BTreeSet<(i64, i32)> = catalog
        .sequences
        .iter()
        .flat_map(|row| row.used_by.iter().copied().chain(row.owner.zip(row.owner_column)))
        .collect();
    let mut tables: Vec<Table> = Vec::new();
    let mut own: Vec<&Relation> = catalog.relations.iter().filter(|row| row.is_table()).collect();
    own.sort_by_key(|row| layout.table(row.oid));
    for relation in own {
        let name = TableName::qualified(&relation.namespace, &relation.name);
        let mut table =
            Table { estimated_rows: estimate(catalog, layout, relation), ..Table::new(name, Vec::new()) };
        for (index, row) in catalog.columns_of(relation.oid).iter().enumerate() {
            table.columns.push(column(&numbered, &types, row));
            domain_checks(catalog, &types, row, ColumnId(index), &mut table.checks);
        }
        tables.push(table);
    }
    for index in &catalog.indexes {
        add_key(catalog, layout, index, &mut tables, findings);
    }
    for constraint in &catalog.constraints {
        add_constraint(catalog, layout, constraint, &mut tables, findings);
    }
    add_partition_bounds(catalog, layout, &mut tables);
    for table in &mut tables {
        table.unique_keys.sort_by(|a, b| a.name.cmp(&b.name));
        table.computed_indexes.sort_by(|a, b| a.name.cmp(&b.name));
        table.foreign_keys.sort_by(|a, b| (&a.name, &a.columns).cmp(&(&b.name, &b.columns)));
    }
    Schema { dialect: DialectName::Postgres, tables }
}

fn column(numbered: &BTreeSet<(i64, i32)>, types: &Types<'_>, row: &ColumnRow) -> Column {
    let chain = types.chain(row.type_oid);
    let generated = !row.generated.is_empty();
    let numbered = numbered.contains(&(row.relation, row.number));
    Column {
        name: row.name.clone(),
        native_type: row.native_type.clone(),
        data_type: types.data_type(row.type_oid, row.modifier),
        nullable: !row.not_null && !chain.iter().any(|domain| domain.kind == 'd' && domain.not_null),
        default: row.expression.clone().filter(|_| !generated),
        auto_increment: !row.identity.is_empty() || (numbered && !generated),
        generated: row.expression.clone().filter(|_| generated),
        collation: match (row.deterministic, types.is_citext(row.type_oid)) {
            (false, _) => Collation::Rules,
            (true, true) => Collation::Case,
            (true, false) => Collation::Exact,
        },
        representation: None,
        fraction: types.fraction(row.type_oid, row.modifier),
    }
}

fn domain_checks(
    catalog: &Catalog,
    types: &Types<'_>,
    row: &ColumnRow,
    id: ColumnId,
    checks: &mut Vec<Check>,
) {
    for domain in types.chain(row.type_oid).iter().filter(|domain| domain.kind == 'd') {
        checks.extend(catalog.domain_checks.iter().filter(|check| check.domain == domain.oid).map(|check| {
            Check {
                name: check.name.clone(),
                expression: without_outer_parentheses(&check.expression).to_owned(),
                domain_column: Some(id),
            }
        }));
    }
}

/// Sums the leaves of a partitioned table.
fn estimate(catalog: &Catalog, layout: &Layout<'_>, relation: &Relation) -> Option<u64> {
    let id = layout.table(relation.oid);
    let known: Vec<f64> = catalog
        .relations
        .iter()
        .filter(|row| row.kind == 'r' && layout.table(row.oid) == id)
        .map(|row| row.estimated_rows)
        .filter(|rows| *rows > 0.0 || (*rows == 0.0 && catalog.version >= TELLS_UNANALYSED))
        .collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() as u64)
}
