//! Which foreign keys are cut so that no cycle is left.
//!
//! Inside each strongly connected component the cheapest edge goes first, until none is left: a nullable one before one
//! that is NOT NULL, one outside of the child's primary key before one that is part of its identity, one that is not the
//! child's context before one that is, one that points from few rows to many (`departments.head → employees`) before its
//! counterpart, one that is alone between its two tables before one of several, a deferrable one before one that is not,
//! one with fewer columns, and then the order of the schema. At the end every cut edge that closes no cycle any more is put
//! back, dearest first, so that no cut is needless.

use std::{cmp::Reverse, collections::BTreeSet};

use petgraph::algo::{has_path_connecting, tarjan_scc};

use crate::{
    plan::graph::{self, Edge},
    schema::{ForeignKeyId, TableId},
};

/// A foreign key across the schema.
pub(super) type Key = (TableId, ForeignKeyId);

/// What an edge is worth; the lowest is cut first.
type Worth = (bool, bool, u8, Reverse<bool>, usize, bool, usize, Key);

/// Chooses the edges to cut.
///
/// `context` says how an edge serves as its child's context: 0 not at all, 1 chosen by rule, 2 by the user.
/// `rows` are the rows per table.
pub(super) fn cut(
    tables: usize,
    edges: &[Edge<'_>],
    context: &dyn Fn(Key) -> u8,
    rows: &[u64],
) -> BTreeSet<Key> {
    let worth = |edge: &Edge<'_>| -> Worth {
        let backward = rows[edge.fk.parent.0] > rows[edge.child.0];
        let alongside = |other: &&Edge<'_>| other.child == edge.child && other.fk.parent == edge.fk.parent;
        let (parallel, columns) = (edges.iter().filter(alongside).count(), edge.fk.columns.len());
        let service = context(edge.key());
        let required = !edge.optional;
        let (firm, own) = (!edge.fk.deferrable, edge.identifying);
        (required, own, service, Reverse(backward), parallel, firm, columns, edge.key())
    };
    let mut cut: Vec<usize> = Vec::new();
    loop {
        let kept = edges.iter().enumerate().filter(|(index, _)| !cut.contains(index));
        let graph = graph::build(tables, kept);
        let before = cut.len();
        for component in tarjan_scc(&graph).into_iter().filter(|component| component.len() > 1) {
            let inside: BTreeSet<_> = component.into_iter().collect();
            let cheapest = graph
                .edge_indices()
                .filter(|id| {
                    graph.edge_endpoints(*id).is_some_and(|(a, b)| inside.contains(&a) && inside.contains(&b))
                })
                .map(|id| graph[id])
                .min_by_key(|index| worth(&edges[*index]));
            cut.extend(cheapest);
        }
        if cut.len() == before {
            break;
        }
    }
    let mut graph = graph::build(tables, edges.iter().enumerate().filter(|(index, _)| !cut.contains(index)));
    cut.sort_by_key(|index| Reverse(worth(&edges[*index])));
    cut.retain(|index| {
        let (parent, child) = (graph::node(edges[*index].fk.parent), graph::node(edges[*index].child));
        let closes_cycle = has_path_connecting(&graph, child, parent, None);
        if !closes_cycle {
            graph.add_edge(parent, child, *index);
        }
        closes_cycle
    });
    cut.into_iter().map(|index| edges[index].key()).collect()
}
