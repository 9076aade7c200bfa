//! A stand-in for a snapshot under differential privacy: noisy looks at the real rows, and rows drawn from what they
//! said.
//!
//! Everything after this room (rules, codecs, writers, networks, the model file, the target) sees the stand-in and never
//! a real row, so nothing there can cost privacy any more: what is computed from a private result is private. All looks
//! go through one budget per group of tables with the same entities, which enters each of them in the accountant.
//!
//! The looks, in order: how many entities there are and how many rows each has ([`table`]); the range of numbers and
//! the labels of texts ([`shape`]); every column alone; which columns depend on which, and how ([`relations`]). An entity
//! changes each of them by no more than a bound, because no more than so many of its rows count.

mod assemble;
mod axis;
mod budget;
mod draw;
mod grid;
mod group;
mod lineage;
mod relations;
mod shape;
mod table;
#[cfg(test)]
mod tests;

pub use lineage::reading_plan;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::{
    config::TableSettings,
    finding::Finding,
    plan::{LinkRole, Plan},
    privacy::{AccountError, Guarantee, Ledger},
    rules::Rules,
    schema::{Schema, TableId},
    seed::Secret,
    snapshot::Snapshot,
};

/// Entities that a group should have, over the noise of counting them.
const FEW: f64 = 20.0;

/// What a private stand-in is made of.
#[derive(Clone, Copy)]
pub struct PrivateOptions<'a> {
    /// The schema.
    pub schema: &'a Schema,
    /// The plan, made without a look at any row.
    pub plan: &'a Plan,
    /// What the schema demands.
    pub rules: &'a Rules,
    /// What the user says about each table.
    pub settings: &'a BTreeMap<TableId, TableSettings>,
    /// What must hold.
    pub asked: Guarantee,
    /// Where the noise comes from.
    pub secret: Secret,
    /// Share of the entities of a root table that the snapshot lacks, if each was left out by chance alone.
    pub held_out: &'a dyn Fn(TableId) -> f64,
    /// Most rows of a table to draw.
    pub rows: u64,
}

/// A private stand-in.
#[derive(Debug, Clone)]
pub struct Private {
    /// Rows drawn from noisy looks; those of copied tables are real.
    pub snapshot: Snapshot,
    /// What was promised and spent.
    pub ledger: Ledger,
    /// What was not learned.
    pub findings: Vec<Finding>,
}

/// Looks at a whole snapshot and returns its stand-in.
///
/// # Errors
/// [`AccountError`] if no noise keeps the guarantee.
pub fn privatise(snapshot: &Snapshot, options: PrivateOptions<'_>) -> Result<Private, AccountError> {
    let PrivateOptions { schema, plan, rules, settings, asked, secret, .. } = options;
    let source = group::Source { schema, plan, snapshot, rules, settings };
    let lineages = lineage::lineages(schema, plan);
    let roots: BTreeSet<TableId> = lineages
        .iter()
        .flatten()
        .map(|lineage| lineage.root)
        .filter(|root| snapshot.table(*root).is_some())
        .collect();
    let learned: Vec<(TableId, group::LearnedGroup)> = roots
        .into_par_iter()
        .map(|root| Ok((root, group::learn(source, &lineages, root, (asked, secret))?)))
        .collect::<Result<_, AccountError>>()?;
    let groups: BTreeMap<TableId, group::LearnedGroup> = learned.into_iter().collect();

    let findings = findings(options, &lineages, &groups);
    let unread = groups.values().flat_map(group::unread).map(|(id, column)| {
        let table = schema.table(id);
        format!("{}.{}", table.name, table.column(column).name)
    });
    let spent = groups.values().map(|group| group.ledger.spent.epsilon).fold(0.0, f64::max);
    let copied = schema.iter().filter(|(id, _)| plan.table(*id).is_copied());
    let ledger = Ledger {
        asked,
        achieved: Guarantee { epsilon: spent, delta: asked.delta },
        groups: groups.values().map(|group| group.ledger.clone()).collect(),
        unread: unread.collect(),
        copied: copied.map(|(_, table)| table.name.to_string()).collect(),
    };
    let snapshot = assemble::assemble(snapshot, options, &lineages, &groups);
    Ok(Private { snapshot, ledger, findings })
}

/// What was not learned, and why.
fn findings(
    options: PrivateOptions<'_>,
    lineages: &[Option<lineage::Lineage>],
    groups: &BTreeMap<TableId, group::LearnedGroup>,
) -> Vec<Finding> {
    let PrivateOptions { schema, plan, asked, .. } = options;
    let mut found = Vec::new();
    for (root, group) in groups {
        let name = &schema.table(*root).name;
        if group.entities < FEW * group.noise {
            found.push(
                Finding::warning(
                    "private-few-entities",
                    format!("about {} entities are few for epsilon {}", group.entities, asked.epsilon),
                )
                .table(name)
                .instead("its rows, and those below, follow the noise more than the data")
                .remedy(format!(
                    "raise --epsilon, or [tables.\"{name}\"] mode = \"copy\" if its rows are public"
                )),
            );
        }
        if asked.delta * group.entities > 0.1 {
            let what =
                format!("delta {:e} is not small against one in about {}", asked.delta, group.entities);
            found.push(
                Finding::warning("private-delta", what)
                    .table(name)
                    .remedy("set --delta well below one over the number of entities"),
            );
        }
        for (id, column) in group::unread(group) {
            let table = schema.table(id);
            found.push(
                Finding::note("private-unread", "nothing but its nulls is learned under epsilon")
                    .table(&table.name)
                    .column(&table.column(column).name)
                    .instead("values are written by its name and type"),
            );
        }
    }
    for (id, table) in schema.iter() {
        let Some(lineage) = lineages[id.0] else { continue };
        for (index, fk) in table.foreign_keys.iter().enumerate() {
            let above = lineage.above.is_some_and(|(key, _)| key.0 == index);
            let drawn = plan.table(id).links[index] != LinkRole::Dangling;
            let copied = plan.table(fk.parent).is_copied();
            if drawn && !above && !copied {
                found.push(
                    Finding::note("private-links", "who is linked to whom is not learned under epsilon")
                        .table(&table.name)
                        .column(&fk.name)
                        .instead("parents are drawn evenly"),
                );
            }
            let nullable = fk.columns.iter().any(|column| table.column(*column).nullable);
            if above && nullable {
                found.push(
                    Finding::note("private-orphans", "rows without a parent belong to no entity")
                        .table(&table.name)
                        .column(&fk.name)
                        .instead("none are generated")
                        .remedy("context = [] in its [tables] entry makes every row an entity of its own"),
                );
            }
        }
    }
    found
}
