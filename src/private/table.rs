//! One table under differential privacy: its columns, links and numbers of children as tokens, and what noisy looks say
//! of them.

use super::{
    axis::{Axis, Item, Level, project},
    budget::Budget,
    lineage::Kinship,
    relations::{LEVELS, Relation, View},
    shape::{Shape, token},
};
use crate::{
    privacy::Purpose,
    schema::{ForeignKeyId, TableId},
};

/// Numbers of children: each alone up to here, then two steps to a power of two.
const EXACT_CHILDREN: u32 = 8;
/// Share of the entities whose rows all count.
const WHOLE_ENTITIES: f64 = 0.9;
/// Fewest nulls that are taken for such, in standard deviations of the noise.
const SURE_NULLS: f64 = 3.0;
/// Fewest values at the ends of a range that are taken for such.
const SURE_ENDS: f64 = 1.5;
/// Most rows of an entity that count.
const MOST_ROWS: u32 = 64;

/// What a token column is of.
#[derive(Debug, Clone)]
pub(super) enum Subject {
    /// The values of a column.
    Column(Shape),
    /// Whether a foreign key is set, or which copied row it leads to.
    Link(ForeignKeyId),
    /// How many rows of a table hang below.
    Children(TableId),
}

/// Something a column may depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// An earlier column of the row.
    Own(usize),
    /// A column of the row above.
    Above(usize),
    /// A column of the sibling before.
    Before(usize),
    /// How many siblings come before.
    Place,
}

/// What is learned of a table. `tokens` and `kin` are of real rows, and empty once it is learned.
#[derive(Debug, Clone, Default)]
pub(super) struct LearnedTable {
    pub(super) subjects: Vec<Subject>,
    pub(super) axes: Vec<Axis>,
    pub(super) tokens: Vec<Vec<u16>>,
    pub(super) kin: Kinship,
    /// Share of every token.
    pub(super) shares: Vec<Vec<f64>>,
    /// Groups of tokens, per column from the coarsest.
    pub(super) levels: Vec<Vec<Level>>,
    pub(super) relations: Vec<Relation>,
    /// Rows to expect, as far as noisy counts say.
    pub(super) expected: f64,
}

impl LearnedTable {
    /// Adds a column of tokens.
    pub(super) fn push(&mut self, subject: Subject, axis: Axis, tokens: Vec<u16>) {
        self.subjects.push(subject);
        self.axes.push(axis);
        self.tokens.push(tokens);
    }

    /// Adds a column of values.
    pub(super) fn push_shape(&mut self, shape: Shape, values: &arrow_array::ArrayRef) {
        let tokens = (0..values.len()).map(|row| token(&shape, values, row)).collect();
        let axis = shape.axis.clone();
        self.push(Subject::Column(shape), axis, tokens);
    }

    /// Adds the numbers of children of every row. No more than `most` rows of an entity count: larger numbers are one
    /// step above it, since noise in larger ones would make rows that nobody has.
    pub(super) fn push_children(&mut self, child: TableId, counts: &[u32], most: u32) {
        let edges = child_edges();
        let items = edges.windows(2).take_while(|pair| pair[0] <= most).map(|pair| match pair[1] - pair[0] {
            1 => Item::Number(f64::from(pair[0])),
            _ => Item::Span(f64::from(pair[0]), f64::from(pair[1])),
        });
        let axis = Axis::new(false, items.collect());
        let tokens = counts.iter().map(|count| axis.of_number(f64::from(*count))).collect();
        self.push(Subject::Children(child), axis, tokens);
    }

    /// True if there is something to learn of a column: more than one token.
    pub(super) fn is_open(&self, column: usize) -> bool {
        self.axes[column].size() > 1
    }

    /// Looks at every column alone.
    pub(super) fn look_at_columns(&mut self, budget: &mut Budget, (rows, most): (&[u32], f64), of: usize) {
        for column in 0..self.subjects.len() {
            let size = self.axes[column].size();
            let shares = if self.is_open(column) {
                let mut counts = vec![0.0; size];
                for row in rows {
                    counts[usize::from(self.tokens[column][*row as usize])] += 1.0;
                }
                let mut look = budget.look((Purpose::Columns, 1.0), of, most);
                look.blur(&mut counts);
                quieten(&self.axes[column], &mut counts, look.sigma);
                project(&counts)
            } else {
                vec![1.0; size]
            };
            let levels = LEVELS.map(|most| Level::new(&self.axes[column], &shares, most)).to_vec();
            self.shares.push(shares);
            self.levels.push(levels);
        }
    }

    /// Forgets the real rows.
    pub(super) fn forget(&mut self) {
        self.tokens = Vec::new();
        self.kin = Kinship::default();
    }

    /// A look at its rows with those above.
    pub(super) fn view<'a>(&'a self, above: Option<&'a Self>, (rows, most): (&'a [u32], f64)) -> View<'a> {
        View { table: self, above, rows, most, rate: 1.0 }
    }
}

/// Takes back what is surely noise: nulls where hardly any were counted, and values beyond both ends of the rest.
fn quieten(axis: &Axis, noisy: &mut [f64], sigma: f64) {
    let nulls = usize::from(axis.nullable);
    let most = noisy.iter().copied().fold(0.0, f64::max);
    if axis.nullable && noisy[0] < SURE_NULLS * sigma && noisy[0] < most {
        noisy[0] = 0.0;
    }
    if !axis.ordered || most < SURE_ENDS * sigma {
        return;
    }
    let sure = |count: &f64| *count >= SURE_ENDS * sigma;
    let Some(first) = noisy[nulls..].iter().position(sure) else { return };
    let Some(last) = noisy[nulls..].iter().rposition(sure) else { return };
    noisy[nulls..nulls + first].fill(0.0);
    noisy[nulls + last + 1..].fill(0.0);
}

fn child_edges() -> Vec<u32> {
    let exact = 0..=EXACT_CHILDREN;
    let wide = (3..20).flat_map(|power| [3 << (power - 1), 1 << (power + 1)]);
    exact.chain(wide.filter(|edge| *edge > EXACT_CHILDREN)).collect()
}

/// Most rows of an entity that count, from noisy counts of how many rows entities have: nearly all of them have no more.
/// Also about how many they have on average.
pub(super) fn bound(budget: &mut Budget, of: usize, rows: &[Vec<u32>]) -> (u32, f64) {
    let edges: Vec<u32> = child_edges().into_iter().filter(|edge| *edge <= MOST_ROWS).collect();
    let mut counts = vec![0.0; edges.len()];
    for rows in rows {
        let size = (rows.len() as u32).min(MOST_ROWS);
        counts[edges.partition_point(|edge| *edge < size).min(edges.len() - 1)] += 1.0;
    }
    let mut look = budget.look((Purpose::Counts, 1.0), of, 1.0);
    look.blur(&mut counts);
    // Where nobody is, noise alone reaches so far (Donoho and Johnstone 1994): left in, a few large sizes that nobody
    // has would be most of the rows.
    let floor = look.sigma * (2.0 * (counts.len() as f64).ln()).sqrt();
    if counts.iter().any(|count| *count > floor) {
        counts.iter_mut().filter(|count| **count <= floor).for_each(|count| *count = 0.0);
    }
    let shares = project(&counts);
    // Entities without rows say nothing of those with.
    let some: f64 = shares[1..].iter().sum();
    let mean = edges.iter().zip(&shares).map(|(edge, share)| f64::from(*edge) * share).sum();
    let mut sum = 0.0;
    for (edge, share) in edges.iter().zip(&shares).skip(1) {
        sum += share;
        if sum >= WHOLE_ENTITIES * some {
            return ((*edge).max(1), mean);
        }
    }
    (MOST_ROWS, mean)
}

#[cfg(test)]
mod tests {
    use super::child_edges;

    #[test]
    fn numbers_of_children_have_steps_that_grow() {
        let edges = child_edges();

        assert_eq!(edges[..14], [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48]);
        assert!(edges.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
