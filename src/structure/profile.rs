//! What a parent row is known by when rows that are used alike are sought: what it is, who uses it, what the
//! rows that link to it are like, and its place in the graph of who shares users.

use super::{blocks::BlockEvidence, cluster::Points, spectral};
use crate::{
    codec::{EncodedTable, SubColumn},
    data::{Families, NO_ROW},
    seed::Stream,
};

/// Numbers kept of the parent's own row, and of its profile.
const OWN_WIDTH: usize = 24;
const PROFILE_WIDTH: usize = 24;
/// Vocabularies up to this size are seen token by token even where they have an order.
const SMALL_VOCABULARY: usize = 12;
/// Share of a number's variance that must lie between parents for it to count.
const LEAST_SIGNAL: f64 = 0.004;

/// Rows that child rows link to along another foreign key.
#[derive(Debug, Clone, Copy)]
pub struct Peer<'a> {
    /// Their tokens.
    pub rows: &'a EncodedTable,
    /// The row of each child row; [`NO_ROW`] for none.
    pub index: &'a [u32],
}

/// One point per parent row. Its children, who uses it, its place in the graph and its own row weigh the same.
pub(super) fn points(evidence: BlockEvidence<'_>, random: &mut Stream) -> Points {
    let parent_count = evidence.parents.row_count;
    let mut degrees = vec![0_u32; parent_count];
    for parent in evidence.links.iter().filter(|parent| **parent != NO_ROW) {
        degrees[*parent as usize] += 1;
    }
    let everyone: Vec<u32> = (0..evidence.links.len() as u32).collect();
    let children = profile(evidence.links, &degrees, &[Peer { rows: evidence.children, index: &everyone }]);
    let peers = profile(evidence.links, &degrees, evidence.peers);
    let graph = match evidence.peers.first() {
        Some(peer) => {
            spectral::embed(evidence.links, peer.index, (parent_count, peer.rows.row_count), random)
        }
        None => Vec::new(),
    };
    let groups = [children, peers, graph, own_numbers(evidence.parents)];
    let columns: Vec<Vec<f32>> = groups.into_iter().flat_map(balanced).collect();
    let weights = degrees.iter().map(|degree| 0.1 + (*degree as f32).sqrt()).collect();
    Points::of(&columns, weights)
}

/// What families are like.
pub(super) struct FamilyProfile {
    /// One point per parent row: the means of its child rows, shrunk by how much of them is noise.
    pub(super) points: Points,
    /// What differs between families and no number of the parent's own row tells, in variances of a child row.
    pub(super) signal: f64,
}

/// What the families of the parent rows are like; `None` where nothing differs between them.
pub(super) fn of_families(
    children: &EncodedTable,
    families: &Families,
    parents: &EncodedTable,
) -> Option<FamilyProfile> {
    // Behind the parents' families stand those of orphans.
    let of_parent = |parent: u32| if (parent as usize) < parents.row_count { parent } else { NO_ROW };
    let links: Vec<u32> = families.parent_of_rows().into_iter().map(of_parent).collect();
    let degrees: Vec<u32> = (0..parents.row_count).map(|family| families.rows(family).len() as u32).collect();
    let everyone: Vec<u32> = (0..links.len() as u32).collect();
    let columns = profile(&links, &degrees, &[Peer { rows: children, index: &everyone }]);
    if columns.is_empty() {
        return None;
    }
    let own = own_numbers(parents);
    let weights: Vec<f32> = degrees.iter().map(|degree| (*degree as f32).sqrt()).collect();
    let unexplained = |column: &Vec<f32>| {
        let told = own.iter().map(|number| squared_correlation(column, number, &weights));
        variance(column) * (1.0 - told.fold(0.0, f64::max))
    };
    let signal = columns.iter().map(unexplained).sum();
    Some(FamilyProfile { points: Points::of(&columns, weights), signal })
}

/// The squared correlation of two numbers over the rows that have a weight.
fn squared_correlation(left: &[f32], right: &[f32], weights: &[f32]) -> f64 {
    let pairs = left.iter().zip(right).zip(weights).filter(|(_, weight)| **weight > 0.0);
    let (mut count, mut sums, mut squares, mut product) = (0.0, [0.0; 2], [0.0; 2], 0.0);
    for ((l, r), _) in pairs {
        let (l, r) = (f64::from(*l), f64::from(*r));
        count += 1.0;
        sums = [sums[0] + l, sums[1] + r];
        squares = [squares[0] + l * l, squares[1] + r * r];
        product += l * r;
    }
    let spread = |index: usize| squares[index] - sums[index] * sums[index] / f64::max(count, 1.0);
    let both = spread(0) * spread(1);
    let shared: f64 = product - sums[0] * sums[1] / f64::max(count, 1.0);
    if both > 1e-12 { shared * shared / both } else { 0.0 }
}

/// Scales columns so that their variances sum to 1: each group of numbers weighs the same.
fn balanced(mut columns: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    let total: f64 = columns.iter().map(|column| variance(column)).sum();
    if total <= 1e-12 {
        return Vec::new();
    }
    let factor = (1.0 / total.sqrt()) as f32;
    columns.iter_mut().flatten().for_each(|value| *value *= factor);
    columns
}

fn variance(column: &[f32]) -> f64 {
    let count = column.len().max(1) as f64;
    let mean = column.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
    column.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / count
}

/// The numbers a token is seen as: its place on the line, and flags where the vocabulary is short or unordered.
struct Numbers<'a> {
    sub_column: &'a SubColumn,
    tokens: &'a [u16],
    scalar: usize,
    flags: usize,
}

impl<'a> Numbers<'a> {
    fn of(table: &'a EncodedTable) -> Vec<Self> {
        let pairs = table.sub_columns.iter().zip(&table.tokens);
        pairs
            .map(|(sub_column, tokens)| {
                let scalar = usize::from(!sub_column.scalars.is_empty());
                let size = usize::from(sub_column.size);
                let flags = sub_column.one_hot && (scalar == 0 || size <= SMALL_VOCABULARY);
                let flags = if flags { size.min(SubColumn::MAX_ONE_HOT) } else { 0 };
                Self { sub_column, tokens, scalar, flags }
            })
            .collect()
    }

    fn width(&self) -> usize {
        self.scalar + self.flags
    }

    /// Calls `add(slot, value)` for every number of a row that is not zero.
    fn each(&self, row: usize, mut add: impl FnMut(usize, f32)) {
        let token = usize::from(self.tokens[row]);
        if self.scalar == 1 {
            add(0, self.sub_column.scalars.get(token).copied().unwrap_or(0.0));
        }
        if self.flags > 0 {
            add(self.scalar + token % self.flags, 1.0);
        }
    }
}

/// The most varied numbers of the parents' own rows.
fn own_numbers(parents: &EncodedTable) -> Vec<Vec<f32>> {
    let mut columns = Vec::new();
    for numbers in Numbers::of(parents) {
        let mut own = vec![vec![0.0_f32; parents.row_count]; numbers.width()];
        for (row, _) in numbers.tokens.iter().enumerate() {
            numbers.each(row, |slot, value| own[slot][row] = value);
        }
        columns.extend(own);
    }
    largest(columns.into_iter().map(|column| (variance(&column), column)).collect(), OWN_WIDTH)
}

fn largest(mut columns: Vec<(f64, Vec<f32>)>, most: usize) -> Vec<Vec<f32>> {
    columns.retain(|(signal, _)| *signal > 0.0);
    columns.sort_by(|a, b| b.0.total_cmp(&a.0));
    columns.truncate(most);
    columns.into_iter().map(|(_, column)| column).collect()
}

/// Means of the numbers of rows that children are or link to, per parent row. Each number is measured in
/// deviations of a child row and shrunk by how much of it is noise (James–Stein: n / (n + σ²within / σ²between)),
/// so that what does not depend on the parent counts for little.
fn profile(links: &[u32], degrees: &[u32], tables: &[Peer<'_>]) -> Vec<Vec<f32>> {
    let mut found = Vec::new();
    for Peer { rows: table, index } in tables {
        for numbers in Numbers::of(table) {
            let mut sums = vec![vec![0.0_f32; degrees.len()]; numbers.width()];
            let mut squares = vec![0.0_f64; numbers.width()];
            for (parent, row) in links.iter().zip(*index) {
                if *parent != NO_ROW && *row != NO_ROW {
                    numbers.each(*row as usize, |slot, value| {
                        sums[slot][*parent as usize] += value;
                        squares[slot] += f64::from(value * value);
                    });
                }
            }
            for (sum, square) in sums.into_iter().zip(squares) {
                found.extend(shrink(sum, square, degrees));
            }
        }
    }
    largest(found, PROFILE_WIDTH)
}

/// Turns sums into shrunk means in deviations of a child row; `None` without signal.
fn shrink(mut sums: Vec<f32>, squares: f64, degrees: &[u32]) -> Option<(f64, Vec<f32>)> {
    let total: f64 = degrees.iter().map(|n| f64::from(*n)).sum();
    let used = degrees.iter().filter(|n| **n > 0).count() as f64;
    if used < 2.0 || total <= used {
        // One child each: the child's own numbers are the profile.
        let mean = sums.iter().map(|x| f64::from(*x)).sum::<f64>() / total.max(1.0);
        let spread = (squares / total.max(1.0) - mean * mean).max(0.0);
        if spread < 1e-9 {
            return None;
        }
        for (sum, n) in sums.iter_mut().zip(degrees) {
            *sum = if *n > 0 { ((f64::from(*sum) - mean) / spread.sqrt()) as f32 } else { 0.0 };
        }
        return Some((0.5, sums));
    }
    let mean = sums.iter().map(|x| f64::from(*x)).sum::<f64>() / total;
    let spread = squares / total - mean * mean;
    if spread < 1e-9 {
        return None;
    }
    // One-way analysis of variance, unbalanced.
    let between_sum: f64 = sums
        .iter()
        .zip(degrees)
        .filter(|(_, n)| **n > 0)
        .map(|(sum, n)| f64::from(*sum).powi(2) / f64::from(*n))
        .sum();
    let within = ((squares - between_sum) / (total - used)).max(1e-12);
    let squared: f64 = degrees.iter().map(|n| f64::from(*n).powi(2)).sum();
    let typical = (total - squared / total) / (used - 1.0);
    let between_mean = (between_sum - total * mean * mean) / (used - 1.0);
    let between = ((between_mean - within) / typical.max(1e-9)).max(0.0);
    let signal = between / (between + within);
    if signal < LEAST_SIGNAL {
        return None;
    }
    let noise = within / between;
    let deviation = spread.sqrt();
    for (sum, n) in sums.iter_mut().zip(degrees) {
        let n = f64::from(*n);
        *sum =
            if n > 0.0 { ((f64::from(*sum) / n - mean) / deviation * n / (n + noise)) as f32 } else { 0.0 };
    }
    Some((variance(&sums), sums))
}
