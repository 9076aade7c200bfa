//! Cohorts: kinds of families. What the child rows of a parent are like together, as tokens of the parent's row.
//!
//! Families of one cohort have child rows that are alike on average. A parent row says its cohort after its
//! attributes and before its counts, and its child rows are drawn under it: what siblings have in common is decided
//! before the first of them, instead of being handed on from one to the next.

use super::{
    blocks::{Blocks, MIN_BLOCK_ROWS},
    cluster,
    profile::{self, FamilyProfile},
};
use crate::{
    codec::{EncodedTable, SubColumn},
    data::Families,
    seed::Stream,
};

/// Families a cohort has on average.
const FAMILIES_PER_COHORT: usize = 16;
/// Most cohorts of one foreign key.
const MAX_COHORTS: usize = 64;
/// Most coarse cohorts: a short vocabulary learns faster.
const COARSE: usize = 12;
/// Families below which kinds of them cannot be told from chance.
const LEAST_FAMILIES: usize = 400;
/// Siblings a family has on average, at least: smaller ones hardly have anything in common to be drawn under.
const LEAST_SIBLINGS: f64 = 2.0;
/// What must differ between families and not be told by the parent's own row, in variances of a child row, summed
/// over what is known of families. Where less does, the siblings' own state suffices.
const LEAST_SIGNAL: f64 = 2.0;

/// The families of one foreign key.
#[derive(Debug, Clone, Copy)]
pub struct CohortEvidence<'a> {
    /// Parent rows, and what is known of each.
    pub parents: &'a EncodedTable,
    /// The child rows' own attributes.
    pub children: &'a EncodedTable,
    /// The child rows of each parent row, in order.
    pub families: &'a Families,
}

/// Groups parent rows by what their child rows are like. Returns the cohorts, as [`Blocks`], and each parent's;
/// `None` where families are few, small or alike.
#[must_use]
pub fn cohorts(evidence: CohortEvidence<'_>, random: &mut Stream) -> Option<(Blocks, Vec<u16>)> {
    let CohortEvidence { parents, children, families } = evidence;
    let sizes = (0..parents.row_count.min(families.len())).map(|family| families.rows(family).len());
    let (used, linked) = sizes
        .filter(|size| *size > 0)
        .fold((0_usize, 0_usize), |(used, linked), size| (used + 1, linked + size));
    if used < LEAST_FAMILIES || (linked as f64) < LEAST_SIBLINGS * used as f64 {
        return None;
    }
    let children = with_kinship(children, families);
    let FamilyProfile { points, signal } = profile::of_families(&children, families, parents)?;
    if signal < LEAST_SIGNAL {
        return None;
    }
    let wanted = (used / FAMILIES_PER_COHORT).min(MAX_COHORTS);
    let coarse = COARSE.min(wanted);
    let clusters = cluster::two_levels(&points, (coarse, wanted.div_ceil(coarse)), MIN_BLOCK_ROWS, random);
    Blocks::of(clusters)
}

/// The child rows' tokens, and beside them what says how much siblings differ: the squares of numbers, and whether
/// a row has the token of the sibling before it.
fn with_kinship(children: &EncodedTable, families: &Families) -> EncodedTable {
    let mut table = children.clone();
    for (column, tokens) in children.sub_columns.iter().zip(&children.tokens) {
        let beside = |scalars: Vec<f32>, size: u16| SubColumn {
            scalars,
            size,
            counts_children: false,
            one_hot: false,
            ..column.clone()
        };
        if !column.scalars.is_empty() {
            let squares = column.scalars.iter().map(|scalar| scalar * scalar).collect();
            table.push(beside(squares, column.size), tokens.clone());
        }
        if column.one_hot {
            let mut same = vec![0; tokens.len()];
            for row in (0..families.len()).flat_map(|family| families.rows(family).skip(1)) {
                same[row] = u16::from(tokens[row - 1] == tokens[row]);
            }
            table.push(beside(vec![0.0, 1.0], 2), same);
        }
    }
    table
}
