//! The values of one column as tokens, decided without a look at any row, or by noisy looks alone.

use std::collections::BTreeMap;

/// One thing that a token stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    /// A text.
    Text(String),
    /// One number (or day, or microsecond).
    Number(f64),
    /// Numbers from the first to below the second.
    Span(f64, f64),
    /// A row of a copied table.
    Row(u32),
    /// Some value or other.
    Any,
}

/// The tokens of a column.
#[derive(Debug, Clone, Default)]
pub(super) struct Axis {
    /// True if token 0 is null.
    pub(super) nullable: bool,
    /// What the tokens after it stand for. Numbers ascend.
    pub(super) items: Vec<Item>,
    /// True if neighbours are alike.
    pub(super) ordered: bool,
    texts: BTreeMap<String, u16>,
    numbers: BTreeMap<u64, u16>,
    /// Where spans begin, ascending, and their tokens.
    spans: Vec<(f64, u16)>,
}

/// A number as a key of exact values.
pub(super) fn bits(number: f64) -> u64 {
    if number == 0.0 { 0 } else { number.to_bits() }
}

impl Axis {
    pub(super) fn new(nullable: bool, mut items: Vec<Item>) -> Self {
        let start = |item: &Item| match item {
            Item::Number(number) => *number,
            Item::Span(low, _) => *low,
            _ => 0.0,
        };
        let ordered = items.iter().all(|item| matches!(item, Item::Number(_) | Item::Span(..)));
        if ordered {
            items.sort_by(|a, b| start(a).total_cmp(&start(b)));
        }
        let mut axis = Self { nullable, ordered, ..Self::default() };
        for (index, item) in items.iter().enumerate() {
            let token = (index + usize::from(nullable)) as u16;
            match item {
                Item::Text(text) => _ = axis.texts.insert(text.clone(), token),
                Item::Number(number) => _ = axis.numbers.insert(bits(*number), token),
                Item::Span(low, _) => axis.spans.push((*low, token)),
                Item::Row(_) | Item::Any => {}
            }
        }
        axis.items = items;
        axis
    }

    /// How many tokens there are.
    pub(super) fn size(&self) -> usize {
        self.items.len() + usize::from(self.nullable)
    }

    /// The token of a null: where none is allowed, that of any value.
    pub(super) fn null(&self) -> u16 {
        0
    }

    /// The token of a text; that of `Any`, or else the first, if it has none.
    pub(super) fn of_text(&self, text: &str) -> u16 {
        self.texts.get(text).copied().unwrap_or_else(|| self.other())
    }

    /// The token of a number: its own, or that of the span it lies in or nearest to.
    pub(super) fn of_number(&self, number: f64) -> u16 {
        if let Some(token) = self.numbers.get(&bits(number)) {
            return *token;
        }
        let after = self.spans.partition_point(|(low, _)| *low <= number);
        match self.spans.get(after.saturating_sub(1)) {
            Some((_, token)) => *token,
            None => {
                let value = |bits: &u64| (f64::from_bits(*bits) - number).abs();
                let nearest = self.numbers.iter().min_by(|a, b| value(a.0).total_cmp(&value(b.0)));
                nearest.map_or_else(|| self.other(), |(_, token)| *token)
            }
        }
    }

    /// The token of the `n`-th item.
    pub(super) fn of_item(&self, n: usize) -> u16 {
        (n.min(self.items.len().saturating_sub(1)) + usize::from(self.nullable)) as u16
    }

    fn other(&self) -> u16 {
        let any = self.items.iter().position(|item| *item == Item::Any);
        self.of_item(any.unwrap_or(0))
    }

    /// What a token stands for; `None` for null.
    pub(super) fn item(&self, token: u16) -> Option<&Item> {
        let place = (token as usize).checked_sub(usize::from(self.nullable))?;
        self.items.get(place)
    }
}

/// Tokens put together: fewer of them, for relations between columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Level {
    /// How many groups.
    pub(super) groups: usize,
    /// The group of each token.
    pub(super) of: Vec<u16>,
}

impl Level {
    /// Groups tokens so that the groups are about as frequent: neighbours where the tokens are ordered, else the
    /// frequent ones alone and the others together. Null stays alone.
    pub(super) fn new(axis: &Axis, shares: &[f64], most: usize) -> Self {
        let size = shares.len();
        if size <= most {
            return Self { groups: size.max(1), of: (0..size as u16).collect() };
        }
        let nulls = usize::from(axis.nullable);
        let room = (most - nulls).max(1);
        let mut of = vec![0_u16; size];
        if axis.ordered {
            let total: f64 = shares[nulls..].iter().sum::<f64>().max(f64::MIN_POSITIVE);
            let mut sum = 0.0;
            let mut last = None;
            let mut group = nulls;
            for (token, share) in shares.iter().enumerate().skip(nulls) {
                // By the middle of its mass, and never skipping a group.
                let middle = (sum + share / 2.0) / total;
                let wanted = nulls + ((middle * room as f64) as usize).min(room - 1);
                if last.is_some_and(|last| wanted > last) {
                    group += 1;
                }
                last = Some(wanted);
                of[token] = group as u16;
                sum += share;
            }
            return Self { groups: group + 1, of };
        }
        let mut order: Vec<usize> = (nulls..size).collect();
        order.sort_by(|a, b| shares[*b].total_cmp(&shares[*a]).then(a.cmp(b)));
        for (rank, token) in order.into_iter().enumerate() {
            of[token] = (nulls + rank.min(room - 1)) as u16;
        }
        Self { groups: nulls + room, of }
    }
}

/// The nearest shares to noisy counts: none below zero, and all of them together one.
/// Source: Duchi et al., "Efficient projections onto the ℓ1-ball", ICML 2008.
pub(super) fn project(noisy: &[f64]) -> Vec<f64> {
    let total: f64 = noisy.iter().sum::<f64>().max(1.0);
    let mut sorted = noisy.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let mut sum = 0.0;
    let mut cut = 0.0;
    for (index, value) in sorted.iter().enumerate() {
        sum += value;
        let candidate = (sum - total) / (index + 1) as f64;
        if *value > candidate {
            cut = candidate;
        }
    }
    let kept: Vec<f64> = noisy.iter().map(|value| (value - cut).max(0.0)).collect();
    let sum: f64 = kept.iter().sum();
    if sum > 0.0 {
        return kept.iter().map(|value| value / sum).collect();
    }
    vec![1.0 / noisy.len().max(1) as f64; noisy.len()]
}
