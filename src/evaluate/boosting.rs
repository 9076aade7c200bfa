//! Gradient-boosted trees for two classes: they try to tell real rows from synthetic ones.
//!
//! Second-order boosting of the logistic loss over histograms, with XGBoost's defaults.
//! Source: Chen & Guestrin, "XGBoost: A Scalable Tree Boosting System", KDD 2016, equations 6 and 7.

const ROUNDS: usize = 100;
const LEARNING_RATE: f64 = 0.3;
const MAX_DEPTH: usize = 6;
const LAMBDA: f64 = 1.0;
const MIN_CHILD_WEIGHT: f64 = 1.0;
const MIN_GAIN: f64 = 1e-6;
const MAX_BINS: usize = 256;

/// One feature of all rows, in bins.
#[derive(Debug, Clone)]
pub(super) struct Feature {
    /// True: rows are split at a threshold. False: one bin is split from all others, which is what one-hot
    /// columns allow.
    ordered: bool,
    bins: Vec<u16>,
    bin_count: usize,
}

impl Feature {
    /// Bins numbers: one bin per value up to 256 values, else about equally full ones.
    pub(super) fn ordered(values: &[f32]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f32::total_cmp);
        let mut cuts = sorted.clone();
        cuts.dedup();
        if cuts.len() > MAX_BINS {
            cuts = (1..MAX_BINS).map(|bin| sorted[bin * sorted.len() / MAX_BINS]).collect();
            cuts.dedup();
        }
        // The bin of a value is the number of cuts below it.
        let bins: Vec<u16> =
            values.iter().map(|value| cuts.partition_point(|cut| cut < value) as u16).collect();
        Self { ordered: true, bins, bin_count: cuts.len() + 1 }
    }

    /// One bin per category, renumbered densely; the rarest beyond 65,536 categories share one.
    pub(super) fn categorical(codes: &[u32]) -> Self {
        let mut distinct = codes.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let last = usize::from(u16::MAX);
        let bins = codes.iter().map(|code| distinct.partition_point(|other| other < code).min(last) as u16);
        Self { ordered: false, bins: bins.collect(), bin_count: distinct.len().min(last + 1) }
    }

    /// False if all rows are in one bin.
    pub(super) fn varies(&self) -> bool {
        self.bins.windows(2).any(|pair| pair[0] != pair[1])
    }

    fn goes_left(&self, row: usize, bin: u16) -> bool {
        if self.ordered { self.bins[row] <= bin } else { self.bins[row] == bin }
    }
}

/// Sums of gradients and hessians.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    gradient: f64,
    hessian: f64,
}

impl Sums {
    fn plus(self, other: Self) -> Self {
        Self { gradient: self.gradient + other.gradient, hessian: self.hessian + other.hessian }
    }

    fn minus(self, other: Self) -> Self {
        Self { gradient: self.gradient - other.gradient, hessian: self.hessian - other.hessian }
    }

    fn score(self) -> f64 {
        self.gradient * self.gradient / (self.hessian + LAMBDA)
    }
}

enum Node {
    Leaf(f64),
    Split { feature: usize, bin: u16, left: usize, right: usize },
}

/// A fitted classifier.
pub(super) struct Boosted {
    base: f64,
    trees: Vec<Vec<Node>>,
    gains: Vec<f64>,
}

struct Grower<'a> {
    features: &'a [Feature],
    offsets: Vec<usize>,
    sums: Vec<Sums>,
    nodes: Vec<Node>,
    gains: Vec<f64>,
}

impl Boosted {
    /// Learns to tell the rows labelled true from the others, from `rows` only.
    pub(super) fn fit(features: &[Feature], labels: &[bool], rows: &[u32]) -> Self {
        let positives = rows.iter().filter(|row| labels[**row as usize]).count() as f64;
        let share = (positives / rows.len() as f64).clamp(1e-6, 1.0 - 1e-6);
        let base = (share / (1.0 - share)).ln();
        let mut margins = vec![base; labels.len()];
        let mut offsets = vec![0];
        for feature in features {
            offsets.push(offsets[offsets.len() - 1] + feature.bin_count);
        }
        let mut grower = Grower {
            features,
            offsets,
            sums: vec![Sums::default(); labels.len()],
            nodes: Vec::new(),
            gains: vec![0.0; features.len()],
        };
        let mut trees = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            for row in rows.iter().map(|row| *row as usize) {
                let probability = 1.0 / (1.0 + (-margins[row]).exp());
                grower.sums[row] = Sums {
                    gradient: probability - f64::from(u8::from(labels[row])),
                    hessian: (probability * (1.0 - probability)).max(1e-16),
                };
            }
            let mut members = rows.to_vec();
            let histogram = grower.histogram(&members);
            grower.grow(&mut members, &histogram, 0);
            let tree = std::mem::take(&mut grower.nodes);
            for row in rows.iter().map(|row| *row as usize) {
                margins[row] += leaf(&tree, features, row);
            }
            trees.push(tree);
        }
        Self { base, trees, gains: grower.gains }
    }

    /// Returns how much each feature's splits lowered the loss, summed over all trees.
    pub(super) fn gains(&self) -> &[f64] {
        &self.gains
    }

    /// Says whether a row looks like the rows labelled true.
    pub(super) fn predict(&self, features: &[Feature], row: usize) -> bool {
        self.margin(features, row) > 0.0
    }

    /// The log-odds of a row looking like the rows labelled true.
    pub(super) fn margin(&self, features: &[Feature], row: usize) -> f64 {
        self.base + self.trees.iter().map(|tree| leaf(tree, features, row)).sum::<f64>()
    }
}

fn leaf(tree: &[Node], features: &[Feature], row: usize) -> f64 {
    let mut at = 0;
    loop {
        match &tree[at] {
            Node::Leaf(value) => return *value,
            Node::Split { feature, bin, left, right } => {
                at = if features[*feature].goes_left(row, *bin) { *left } else { *right };
            }
        }
    }
}

impl Grower<'_> {
    fn histogram(&self, rows: &[u32]) -> Vec<Sums> {
        let mut histogram = vec![Sums::default(); self.offsets[self.offsets.len() - 1]];
        for (feature, offset) in self.features.iter().zip(&self.offsets) {
            let slots = &mut histogram[*offset..*offset + feature.bin_count];
            for row in rows.iter().map(|row| *row as usize) {
                let slot = &mut slots[usize::from(feature.bins[row])];
                *slot = slot.plus(self.sums[row]);
            }
        }
        histogram
    }

    /// Grows the node of these rows and everything below it; returns its index.
    fn grow(&mut self, rows: &mut [u32], histogram: &[Sums], depth: usize) -> usize {
        let total = rows.iter().fold(Sums::default(), |total, row| total.plus(self.sums[*row as usize]));
        let at = self.nodes.len();
        self.nodes.push(Node::Leaf(-LEARNING_RATE * total.gradient / (total.hessian + LAMBDA)));
        if depth == MAX_DEPTH {
            return at;
        }
        let Some((feature, bin, gain)) = self.best_split(histogram, total) else { return at };
        self.gains[feature] += gain;
        // A stable partition keeps the order of sums, and with it the last bits, independent of the past.
        let (left, right): (Vec<u32>, Vec<u32>) =
            rows.iter().partition(|row| self.features[feature].goes_left(**row as usize, bin));
        let middle = left.len();
        rows[..middle].copy_from_slice(&left);
        rows[middle..].copy_from_slice(&right);
        let (left_rows, right_rows) = rows.split_at_mut(middle);
        let (mut left_histogram, mut right_histogram) = (Vec::new(), Vec::new());
        if depth + 1 < MAX_DEPTH {
            let rest = |part: &[Sums]| -> Vec<Sums> {
                histogram.iter().zip(part).map(|(all, part)| all.minus(*part)).collect()
            };
            if left.len() <= right.len() {
                left_histogram = self.histogram(left_rows);
                right_histogram = rest(&left_histogram);
            } else {
                right_histogram = self.histogram(right_rows);
                left_histogram = rest(&right_histogram);
            }
        }
        let left = self.grow(left_rows, &left_histogram, depth + 1);
        let right = self.grow(right_rows, &right_histogram, depth + 1);
        self.nodes[at] = Node::Split { feature, bin, left, right };
        at
    }

    fn best_split(&self, histogram: &[Sums], total: Sums) -> Option<(usize, u16, f64)> {
        let mut best = (MIN_GAIN, None);
        for (index, feature) in self.features.iter().enumerate() {
            let slots = &histogram[self.offsets[index]..self.offsets[index + 1]];
            let mut below = Sums::default();
            for (bin, slot) in slots.iter().enumerate() {
                below = if feature.ordered { below.plus(*slot) } else { *slot };
                let above = total.minus(below);
                if below.hessian < MIN_CHILD_WEIGHT || above.hessian < MIN_CHILD_WEIGHT {
                    continue;
                }
                let gain = below.score() + above.score() - total.score();
                if gain > best.0 {
                    best = (gain, Some((index, bin as u16, gain)));
                }
            }
        }
        best.1
    }
}
