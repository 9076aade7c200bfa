//! Blocks of parent rows that are used alike: what a child row chooses before it chooses a concrete parent.
//!
//! A block is two tokens, coarse and fine: short vocabularies learn faster than one long one. The tokens are part
//! of the parent's own row (generated jointly with its attributes and counts), so synthetic parents have a block.

use serde::{Deserialize, Serialize};

use super::{cluster, profile};
use crate::{codec::SubColumn, seed::Stream};

pub use super::profile::Peer;

/// Most blocks of one foreign key.
pub(super) const MAX_BLOCKS: usize = 256;
/// Fewest real parent rows in a block: fewer would say whom a child row links to.
pub(super) const MIN_BLOCK_ROWS: usize = 8;
/// Parent rows a block has on average, at least.
const ROWS_PER_BLOCK: usize = 16;
/// Child rows a block has on average, at least: fewer teach nothing about who chooses it.
const LINKS_PER_BLOCK: usize = 60;
/// Up to this many blocks are one token.
const ONE_LEVEL: usize = 24;

/// What the parent rows of one foreign key are grouped by.
#[derive(Debug, Clone, Copy)]
pub struct BlockEvidence<'a> {
    /// Parent rows, and what is known of each: attributes and child counts.
    pub parents: &'a crate::codec::EncodedTable,
    /// Parent row per child row; [`crate::data::NO_ROW`] where there is none.
    pub links: &'a [u32],
    /// The child rows' own attributes.
    pub children: &'a crate::codec::EncodedTable,
    /// The rows the child rows link to along their other foreign keys, context first.
    pub peers: &'a [Peer<'a>],
    /// Most blocks that help: where a child may only choose among few parents (those under its ancestor), many
    /// blocks are rarely among them.
    pub most: usize,
}

/// The blocks of one foreign key's parent rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blocks {
    /// Fine blocks per coarse one, each ≥ 1.
    fine: Vec<u16>,
    /// Centre per block.
    centres: Vec<Vec<f32>>,
}

impl Blocks {
    /// Groups parent rows by what they are, who uses them and how. Returns the blocks and each parent's block;
    /// `None` where there are too few rows for two blocks of [`MIN_BLOCK_ROWS`] rows.
    #[must_use]
    pub fn fit(evidence: BlockEvidence<'_>, random: &mut Stream) -> Option<(Self, Vec<u16>)> {
        let rows = evidence.parents.row_count;
        let linked = evidence.links.iter().filter(|parent| **parent != crate::data::NO_ROW).count();
        let wanted = (rows / ROWS_PER_BLOCK).min(linked / LINKS_PER_BLOCK).min(evidence.most.min(MAX_BLOCKS));
        if wanted < 2 {
            return None;
        }
        let points = profile::points(evidence, random);
        let coarse = if wanted <= ONE_LEVEL { wanted } else { (wanted as f64).sqrt().round() as usize };
        let fine = if wanted <= ONE_LEVEL { 1 } else { wanted.div_ceil(coarse) };
        let clusters = cluster::two_levels(&points, (coarse, fine), MIN_BLOCK_ROWS, random);
        Self::of(clusters)
    }

    /// Blocks of clusters, and each row's block; `None` of fewer than two.
    pub(super) fn of(clusters: cluster::TwoLevels) -> Option<(Self, Vec<u16>)> {
        if clusters.fine.iter().map(|count| usize::from(*count)).sum::<usize>() < 2 {
            return None;
        }
        let centres = clusters
            .centres
            .iter()
            .map(|centre| centre.iter().map(|x| (x * 1e3).round() / 1e3).collect())
            .collect();
        Some((Self { fine: clusters.fine, centres }, clusters.of_rows))
    }

    /// Number of blocks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.centres.len()
    }

    /// True without blocks, which a fit never returns.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.centres.is_empty()
    }

    /// The tokens' sub-columns. A child's have one coarse token more, for no link or one outside the sample.
    #[must_use]
    pub fn sub_columns(&self, name: &str, child: bool) -> Vec<SubColumn> {
        let column = |name: String, size: usize| SubColumn {
            name,
            size: size as u16,
            scalars: Vec::new(),
            counts_children: false,
            one_hot: true,
        };
        let mut columns = vec![column(format!("{name}.block"), self.fine.len() + usize::from(child))];
        if let Some(most) = self.fine.iter().max().filter(|most| **most > 1) {
            columns.push(column(format!("{name}.fine"), usize::from(*most)));
        }
        columns
    }

    /// Turns blocks into tokens, one vector per sub-column; [`crate::data::NO_ROW`]'s place is `None`.
    #[must_use]
    pub fn encode(&self, blocks: &[Option<u16>]) -> Vec<Vec<u16>> {
        let mut pairs: Vec<(u16, u16)> = Vec::with_capacity(self.len());
        for (coarse, count) in self.fine.iter().enumerate() {
            pairs.extend((0..*count).map(|fine| (coarse as u16, fine)));
        }
        let none = (self.fine.len() as u16, 0);
        let pair = |block: &Option<u16>| block.map_or(none, |block| pairs[usize::from(block)]);
        let mut tokens = vec![blocks.iter().map(|block| pair(block).0).collect()];
        if self.fine.iter().any(|count| *count > 1) {
            tokens.push(blocks.iter().map(|block| pair(block).1).collect());
        }
        tokens
    }

    /// Turns tokens into blocks; `None` for the token that says no block.
    #[must_use]
    pub fn decode(&self, tokens: &[Vec<u16>]) -> Vec<Option<u16>> {
        let first: Vec<u16> = self
            .fine
            .iter()
            .scan(0, |next, count| {
                let start = *next;
                *next += *count;
                Some(start)
            })
            .collect();
        let Some(coarse) = tokens.first() else { return Vec::new() };
        (0..coarse.len())
            .map(|row| {
                let group = usize::from(coarse[row]);
                let start = *first.get(group)?;
                let fine = tokens.get(1).map_or(0, |fine| fine[row]);
                Some(start + fine.min(self.fine[group] - 1))
            })
            .collect()
    }

    /// The other blocks, most alike first.
    #[must_use]
    pub fn nearest(&self, block: u16) -> Vec<u16> {
        let Some(here) = self.centres.get(usize::from(block)) else { return Vec::new() };
        let distance = |other: &u16| -> f32 {
            here.iter().zip(&self.centres[usize::from(*other)]).map(|(a, b)| (a - b) * (a - b)).sum()
        };
        let mut others: Vec<u16> = (0..self.len() as u16).filter(|other| *other != block).collect();
        others.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
        others
    }
}
