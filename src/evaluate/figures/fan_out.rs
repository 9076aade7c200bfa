//! How many children parents have.

use serde::Serialize;

use super::{crowd::Crowd, round, share};

/// Numbers of children that get a bin each; above, bins double.
const UNIT_BINS: u32 = 10;

/// Children per parent along one foreign key, childless parents included.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FanOutFigure {
    /// The child table.
    pub child: String,
    /// The foreign key's columns.
    pub columns: String,
    /// The parent table.
    pub parent: String,
    /// The smallest number of children of each bin; the last bin is open.
    pub from: Vec<u32>,
    /// Share of the real parents in each bin.
    pub real: Vec<f64>,
    /// Share of the synthetic parents in each bin.
    pub synthetic: Vec<f64>,
    /// Children of a parent on average, real and synthetic.
    pub means: [f64; 2],
}

impl FanOutFigure {
    /// Bins the numbers of children of each parent; `None` if there are too few real parents.
    pub(super) fn measure(
        (child, columns, parent): (String, String, String),
        real: &[u32],
        synthetic: &[u32],
        crowd: &Crowd<'_>,
    ) -> Option<Self> {
        if synthetic.is_empty() || !crowd.suffices_for_two(0..real.len()) {
            return None;
        }
        let values: Vec<f64> = real.iter().map(|count| f64::from(*count)).collect();
        let (_, high) = crowd.range(&values)?;
        let starts = starts(high as u32);
        let bin = |count: u32| starts.iter().filter(|start| **start <= count).count() - 1;
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); starts.len()];
        for (row, count) in real.iter().enumerate() {
            rows[bin(*count)].push(row);
        }
        let mut made = vec![0_usize; starts.len()];
        for count in synthetic {
            made[bin(*count)] += 1;
        }
        let joined = crowd.join(&rows)?;
        let mean = |counts: &[u32]| {
            round(counts.iter().map(|count| f64::from(*count)).sum::<f64>() / counts.len() as f64)
        };
        Some(Self {
            child,
            columns,
            parent,
            from: joined.iter().map(|bins| starts[bins.start]).collect(),
            real: (joined.iter())
                .map(|b| share(rows[b.clone()].iter().map(Vec::len).sum(), real.len()))
                .collect(),
            synthetic: joined.iter().map(|b| share(made[b.clone()].iter().sum(), synthetic.len())).collect(),
            means: [mean(real), mean(synthetic)],
        })
    }
}

/// 0, 1, 2 … and then 10, 20, 40 …, up to what enough parents have.
fn starts(high: u32) -> Vec<u32> {
    let single = 0..=high.min(UNIT_BINS);
    let doubled = std::iter::successors(Some(UNIT_BINS * 2), |start| start.checked_mul(2));
    single.chain(doubled.take_while(|start| *start <= high)).collect()
}
