//! The foreign keys that order the work, as a graph of tables.

use petgraph::graph::{DiGraph, NodeIndex};

use crate::{
    plan::modes::{Mode, is_optional},
    schema::{ForeignKey, ForeignKeyId, Schema, TableId},
};

/// A foreign key between two tables, whose parent has rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge<'a> {
    pub(super) child: TableId,
    pub(super) id: ForeignKeyId,
    pub(super) fk: &'a ForeignKey,
    /// True if a child row may be without a parent.
    pub(super) optional: bool,
    /// True if it is (part of) the child's primary key: without it a child row has no identity.
    pub(super) identifying: bool,
}

impl Edge<'_> {
    /// Names the foreign key across the schema.
    pub(super) fn key(&self) -> (TableId, ForeignKeyId) {
        (self.child, self.id)
    }
}

/// Collects the foreign keys that order the work: no self references, no parents without rows. They come in
/// the order of the schema, so whatever walks them is repeatable.
pub(super) fn edges<'a>(schema: &'a Schema, modes: &[Mode]) -> Vec<Edge<'a>> {
    schema
        .foreign_keys()
        .filter(|(child, _, fk)| *child != fk.parent && modes[fk.parent.0].has_rows())
        .map(|(child, id, fk)| {
            let table = schema.table(child);
            let key = table.primary_key.as_ref();
            let identifying =
                key.is_some_and(|key| fk.columns.iter().all(|column| key.columns.contains(column)));
            Edge { child, id, fk, optional: is_optional(table, fk), identifying }
        })
        .collect()
}

/// Builds the graph parent → child of some edges; node `i` is table `i`, a weight is the edge's place in the list.
pub(super) fn build<'a>(
    tables: usize,
    edges: impl Iterator<Item = (usize, &'a Edge<'a>)>,
) -> DiGraph<(), usize> {
    let mut graph = DiGraph::with_capacity(tables, 0);
    for _ in 0..tables {
        graph.add_node(());
    }
    for (index, edge) in edges {
        graph.add_edge(node(edge.fk.parent), node(edge.child), index);
    }
    graph
}

/// The node of a table.
pub(super) fn node(table: TableId) -> NodeIndex {
    NodeIndex::new(table.0)
}
