//! Where catalog objects are in the schema: partitions stand for their root.

use std::collections::BTreeMap;

use super::catalog::{Catalog, Relation};
use crate::schema::{ColumnId, TableId};

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
    pub(super) fn leaves(&self, id: TableId) -> impl Iterator<Item = i64> {
        self.relations
            .values()
            .filter(move |row| row.is_partition && row.kind == 'r' && self.table(row.oid) == Some(id))
            .map(|row| row.oid)
    }

    /// The places of several columns, if the schema has them all.
    pub(super) fn columns_of(&self, relation: i64, numbers: &[i32]) -> Option<Vec<ColumnId>> {
        numbers.iter().map(|number| self.column(relation, *number)).collect()
    }
}
