//! From catalog rows to keys, foreign keys and checks; what cannot be lifted is a finding.

use super::{
    catalog::{Catalog, ConstraintRow, IndexRow},
    exclusion::exclusion,
    layout::Layout,
    sql::without_outer_parentheses,
};
use crate::{
    finding::Finding,
    schema::{Check, ComputedIndex, DataType, ForeignKey, Table, TableId, UniqueKey},
};

/// Adds the key of a unique index, or what another index computes.
pub(super) fn add_key(
    catalog: &Catalog,
    layout: &Layout<'_>,
    index: &IndexRow,
    tables: &mut [Table],
    findings: &mut Vec<Finding>,
) {
    if !index.valid || index.of_view || index.parent.is_some() {
        return;
    }
    let Some(id) = layout.table(index.relation) else { return };
    let table = &mut tables[id.0];
    let predicate = index.predicate.as_deref().map(|text| without_outer_parentheses(text).to_owned());
    if !index.is_unique {
        if (!index.expressions.is_empty() || predicate.is_some()) && !layout.is_partition(index.relation) {
            let (name, expressions) = (index.name.clone(), index.expressions.clone());
            table.computed_indexes.push(ComputedIndex { name, expressions, predicate });
        }
        return;
    }
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
        predicate,
        nulls_not_distinct: index.nulls_not_distinct,
    };
    if index.is_primary && table.primary_key.is_none() && !layout.is_partition(index.relation) {
        table.primary_key = Some(key);
    } else {
        table.unique_keys.push(key);
    }
}

/// Adds a foreign key or a check; keys come from their indexes.
pub(super) fn add_constraint(
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
        'c' if on_partition && !on_every_leaf(catalog, layout, id, constraint) => findings.push(
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
            Some(mut new) => {
                if on_partition && !on_every_leaf(catalog, layout, id, constraint) {
                    new.validated = false;
                    let what = format!("foreign key {} is declared by some partitions only", new.name);
                    findings.push(
                        Finding::note("partition-only-foreign-key", what)
                            .table(&table.name)
                            .instead("it is followed in all partitions; rows without a parent are ignored"),
                    );
                }
                table.foreign_keys.push(new);
            }
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
        'x' => match exclusion(&constraint.name, &constraint.definition) {
            // One that a partition has for itself alone binds its own rows only.
            Some(read) if !on_partition => table.exclusions.push(read),
            _ => findings.push(
                Finding::note(
                    "exclusion-constraint",
                    format!("{} is an EXCLUDE constraint", constraint.name),
                )
                .table(&table.name)
                .instead(left_out),
            ),
        },
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
        undeclared: None,
    })
}
