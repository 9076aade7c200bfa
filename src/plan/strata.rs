//! Tables that can be generated side by side, parents first.

use std::collections::BTreeSet;

use petgraph::algo::toposort;

use crate::{
    plan::{
        cycles::Key,
        graph::{self, Edge},
    },
    schema::TableId,
};

/// Puts every table one stratum after the latest of its parents.
///
/// # Panics
/// If the edges that are not cut still form a cycle.
pub(super) fn strata(tables: usize, edges: &[Edge<'_>], cut: &BTreeSet<Key>) -> Vec<Vec<TableId>> {
    let kept = edges.iter().enumerate().filter(|(_, edge)| !cut.contains(&edge.key()));
    let graph = graph::build(tables, kept);
    let order = toposort(&graph, None).expect("no cycle is left after the cut");
    let mut level = vec![0; tables];
    for node in order {
        for child in graph.neighbors(node) {
            level[child.index()] = level[child.index()].max(level[node.index()] + 1);
        }
    }
    let mut strata = vec![Vec::new(); level.iter().max().map_or(0, |last| last + 1)];
    for (table, level) in level.into_iter().enumerate() {
        strata[level].push(TableId(table));
    }
    strata
}
