//! From catalog rows to the [`Schema`]: a pure function.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    catalog::{Catalog, ColumnRow, ConstraintRow, IndexRow, Relation},
    sql::without_outer_parentheses,
    types::Types,
};
use crate::{
    finding::Finding,
    schema::{
        Check, Column, ColumnId, DataType, DialectName, ForeignKey, Schema, Table, TableId, TableName,
        UniqueKey,
    },
};

/// From this version on, -1 means that a table was never analysed; before, 0 does.
const TELLS_UNANALYSED: i64 = 140_000;

/// Where catalog objects are in the schema.
pub(super) struct Layout<'a> {
    /// Tables by OID; partitions map to their root.
    tables: BTreeMap<i64, TableId>,
    columns: BTreeMap<(i64, i32), ColumnId>,
    relations: BTreeMap<i64, &'a Relation>,
}

impl<'a> Layout<'a> {
    /// Numbers tables by name and columns by their place.
    pub(super) fn new(catalog: &'a Catalog) -> Self {
        let relations: BTreeMap<_, _> = catalog.relations.iter().map(|row| (row.oid, row)).collect();
        let mut sorted: Vec<_> = catalog.relations.iter().filter(|row| row.is_table()).collect();
        sorted.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        let mut tables: BTreeMap<_, _> =
            sorted.iter().enumerate().map(|(index, row)| (row.oid, TableId(index))).collect();
        for row in catalog.relations.iter().filter(|row| row.holds_rows() && row.is_partition) {
            let mut root = row;
            // A partition has one parent; the bound guards against a corrupt catalog.
            for _ in 0..catalog.relations.len() {
                match root.parents.first().and_then(|oid| relations.get(oid)).filter(|_| root.is_partition) {
                    Some(parent) => root = parent,
                    None => break,
                }
            }
            if let Some(id) = tables.get(&root.oid).copied() {
                tables.insert(row.oid, id);
            }
        }
        let mut columns = BTreeMap::new();
        let mut names: BTreeMap<(i64, &str), ColumnId> = BTreeMap::new();
        let mut next: BTreeMap<i64, usize> = BTreeMap::new();
        for column in &catalog.columns {
            let place = next.entry(column.relation).or_default();
            columns.insert((column.relation, column.number), ColumnId(*place));
            names.insert((column.relation, &column.name), ColumnId(*place));
            *place += 1;
        }
        // A partition may hold the columns in another order than its root, under the same names.
        let roots: BTreeMap<TableId, i64> =
            sorted.iter().enumerate().map(|(index, row)| (TableId(index), row.oid)).collect();
        for column in &catalog.columns {
            let root = tables.get(&column.relation).and_then(|id| roots.get(id));
            if let Some(of_root) = root.and_then(|root| names.get(&(*root, column.name.as_str()))) {
                columns.insert((column.relation, column.number), *of_root);
            }
        }
        Self { tables, columns, relations }
    }

    /// The table an OID belongs to; a partition's is its root.
    pub(super) fn table(&self, oid: i64) -> Option<TableId> {
        self.tables.get(&oid).copied()
    }

    /// A column's place in its table; a partition's columns are those of its root.
    pub(super) fn column(&self, relation: i64, number: i32) -> Option<ColumnId> {
        self.columns.get(&(relation, number)).copied()
    }

    /// True if the OID is a partition.
    pub(super) fn is_partition(&self, oid: i64) -> bool {
        self.relations.get(&oid).is_some_and(|row| row.is_partition)
    }

    /// The catalog's row of a relation.
    pub(super) fn relation(&self, oid: i64) -> Option<&'a Relation> {
        self.relations.get(&oid).copied()
    }

    /// The leaf partitions of a table.
    fn leaves(&self, id: TableId) -> impl Iterator<Item = i64> {
        self.relations
            .values()
            .filter(move |row| row.is_partition && row.kind == 'r' && self.table(row.oid) == Some(id))
            .map(|row| row.oid)
    }

    fn columns_of(&self, relation: i64, numbers: &[i32]) -> Option<Vec<ColumnId>> {
        numbers.iter().map(|number| self.column(relation, *number)).collect()
    }
}

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
        let mut table = Table {
            name: TableName::qualified(&relation.namespace, &relation.name),
            columns: Vec::new(),
            primary_key: None,
            unique_keys: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            estimated_rows: estimate(catalog, layout, relation),
        };
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
    for table in &mut tables {
        table.unique_keys.sort_by(|a, b| a.name.cmp(&b.name));
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
        case_insensitive: !row.deterministic || types.is_citext(row.type_oid),
        representation: None,
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

fn add_key(
    catalog: &Catalog,
    layout: &Layout<'_>,
    index: &IndexRow,
    tables: &mut [Table],
    findings: &mut Vec<Finding>,
) {
    if !index.is_unique || !index.valid || index.of_view || index.attached {
        return;
    }
    let Some(id) = layout.table(index.relation) else { return };
    let table = &mut tables[id.0];
    let plain: Vec<i32> = index.columns.iter().copied().filter(|number| *number > 0).collect();
    let Some(columns) = layout.columns_of(index.relation, &plain) else { return };
    if layout.is_partition(index.relation) {
        if table.keys().any(|key| key.columns == columns && key.predicate.is_none()) {
            return;
        }
        let same = |other: &IndexRow, leaf| {
            other.is_unique
                && other.predicate.is_none()
                && other.expressions.is_empty()
                && layout.columns_of(leaf, &other.columns).as_ref() == Some(&columns)
        };
        let everywhere =
            layout.leaves(id).all(|leaf| catalog.indexes_of(leaf).iter().any(|other| same(other, leaf)));
        // Numbers and UUIDs that are unique in each partition are meant to be so in all.
        let surrogate = columns.iter().any(|column| {
            let column = table.column(*column);
            column.auto_increment || column.data_type == DataType::Uuid
        });
        if !everywhere || !surrogate {
            findings.push(
                Finding::warning(
                    "partition-only-key",
                    format!("{} holds for one partition only", index.name),
                )
                .table(&table.name)
                .instead("it is not learned; if the new rows break it, it is left out"),
            );
            return;
        }
    }
    let key = UniqueKey {
        name: index.name.clone(),
        columns,
        expressions: index.expressions.clone(),
        predicate: index.predicate.as_deref().map(|text| without_outer_parentheses(text).to_owned()),
        nulls_not_distinct: index.nulls_not_distinct,
    };
    if index.is_primary && table.primary_key.is_none() && !layout.is_partition(index.relation) {
        table.primary_key = Some(key);
    } else {
        table.unique_keys.push(key);
    }
}

fn add_constraint(
    catalog: &Catalog,
    layout: &Layout<'_>,
    constraint: &ConstraintRow,
    tables: &mut [Table],
    findings: &mut Vec<Finding>,
) {
    let Some(id) = layout.table(constraint.relation) else { return };
    let table = &mut tables[id.0];
    let on_partition = layout.is_partition(constraint.relation);
    if constraint.is_clone || (on_partition && constraint.inherited) {
        return;
    }
    let known = |foreign_key: &ForeignKey| {
        let columns = layout.columns_of(constraint.relation, &constraint.columns);
        layout.table(constraint.parent) == Some(foreign_key.parent)
            && columns.as_ref() == Some(&foreign_key.columns)
    };
    if on_partition && constraint.kind == 'f' {
        // Another partition has declared it; this one may still hold orphans.
        if let Some(foreign_key) = table.foreign_keys.iter_mut().find(|old| known(old)) {
            foreign_key.validated &= constraint.validated;
            return;
        }
    }
    let left_out = "it is not learned; if the new rows break it, it is left out";
    match constraint.kind {
        'c' | 'f' if on_partition && !on_every_leaf(catalog, layout, id, constraint) => findings.push(
            Finding::warning(
                "partition-only-constraint",
                format!("constraint {} holds for some partitions only", constraint.name),
            )
            .table(&table.name)
            .instead(left_out),
        ),
        'c' if !constraint.enforced => findings.push(
            Finding::note("check-not-enforced", format!("{} is NOT ENFORCED", constraint.name))
                .table(&table.name)
                .instead("new rows need not satisfy it"),
        ),
        'c' => {
            let expression = constraint.expression.as_deref().unwrap_or_default();
            let expression = without_outer_parentheses(expression).to_owned();
            if !table.checks.iter().any(|check| check.expression == expression) || !on_partition {
                table.checks.push(Check { name: constraint.name.clone(), expression, domain_column: None });
            }
        }
        'f' => match foreign_key(layout, constraint) {
            Some(new) => table.foreign_keys.push(new),
            None => findings.push(
                Finding::warning(
                    "foreign-key-not-followed",
                    format!(
                        "{} points at a partition, a period, or a table that is not cloned",
                        constraint.name
                    ),
                )
                .table(&table.name)
                .instead(left_out),
            ),
        },
        'x' => findings.push(
            Finding::note("exclusion-constraint", format!("{} is an EXCLUDE constraint", constraint.name))
                .table(&table.name)
                .instead(left_out),
        ),
        _ if constraint.temporal => findings.push(
            Finding::note("exclusion-constraint", format!("{} is WITHOUT OVERLAPS", constraint.name))
                .table(&table.name)
                .instead("periods are not learned; if the new rows overlap, it is left out"),
        ),
        _ => {}
    }
}

/// True if every leaf partition declares the same foreign key or check, so that it holds for the table.
fn on_every_leaf(catalog: &Catalog, layout: &Layout<'_>, id: TableId, wanted: &ConstraintRow) -> bool {
    let columns = |row: &ConstraintRow| layout.columns_of(row.relation, &row.columns);
    let same = |row: &ConstraintRow| {
        row.kind == wanted.kind
            && columns(row) == columns(wanted)
            && row.parent == wanted.parent
            && row.parent_columns == wanted.parent_columns
            && row.expression == wanted.expression
    };
    let mut leaves = layout.leaves(id);
    leaves.all(|leaf| catalog.constraints_of(leaf).iter().any(same))
}

fn foreign_key(layout: &Layout<'_>, constraint: &ConstraintRow) -> Option<ForeignKey> {
    let parent = layout.table(constraint.parent).filter(|_| !layout.is_partition(constraint.parent))?;
    if constraint.temporal {
        return None;
    }
    Some(ForeignKey {
        name: constraint.name.clone(),
        columns: layout.columns_of(constraint.relation, &constraint.columns)?,
        parent,
        parent_columns: layout.columns_of(constraint.parent, &constraint.parent_columns)?,
        cascades: constraint.cascades,
        match_full: constraint.match_full,
        deferrable: constraint.deferrable,
        validated: constraint.validated,
    })
}
