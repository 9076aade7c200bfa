//! Are synthetic entities closer to training entities than to entities the model never saw, and can one tell from
//! them who was in the training rows?

use rayon::prelude::*;

use super::{
    Raw, Terms,
    measure::MeasureKind,
    statistics::{Estimate, Tally, auc, true_positives_at},
    unit::{Members, Unit},
};
use crate::{
    data::NO_ROW,
    evaluate::{
        boosting::Boosted,
        entity::{Encoded, EntityColumn, encode, features},
        frame::{Frames, Kind, Values},
    },
    schema::{Schema, TableId},
};

/// Share of the holdout's entities that count as near to a training entity.
const NEAR_SHARE: f64 = 0.05;
/// False alarms at which the membership attack is judged.
const ALARMS: f64 = 0.01;
/// Most columns of an entity; more make distances slow and alike.
const MOST_COLUMNS: usize = 60;

/// The columns of a root's rows, and per table below it: how many rows, and per column what they are like.
pub(super) fn columns(
    frames: &Frames,
    real: &Schema,
    root: TableId,
    (units, roots): (&[Unit], &[Option<TableId>]),
    members: &[Members<'_>; 3],
) -> Vec<EntityColumn> {
    let Some(frame) = frames.table(root) else { return Vec::new() };
    let counts = &frame.row_counts;
    let mut columns: Vec<EntityColumn> = Vec::new();
    for column in &frame.columns {
        let kind = if column.kind == Kind::Time { Kind::Number } else { column.kind };
        columns.push(EntityColumn { name: column.name.clone(), kind, sides: column.sides.clone() });
    }
    let below = (0..roots.len()).filter(|t| roots[*t] == Some(root) && units[*t] != Unit::Root);
    for id in below.map(TableId) {
        let Some(child) = frames.table(id) else { continue };
        let name = &real.table(id).name;
        let owners = |side: usize| members[side].entity[id.0].as_slice();
        let mut add = |name: String, of_side: &dyn Fn(usize) -> Vec<f64>| {
            let sides = (0..3).map(|side| Values::Number(of_side(side))).collect();
            columns.push(EntityColumn { name, kind: Kind::Number, sides });
        };
        add(format!("count of {name}"), &|side| fold(owners(side), counts[side], |_| 1.0, 0.0, |a, b| a + b));
        for column in &child.columns {
            let label = format!("{} in {name}", column.name);
            match &column.sides[0] {
                Values::Number(_) => {
                    let numbers = |side: usize| match &column.sides[side] {
                        Values::Number(values) => values.clone(),
                        Values::Category(_) => Vec::new(),
                    };
                    add(format!("mean {label}"), &|side| mean(owners(side), &numbers(side), counts[side]));
                    for (word, pick) in [("least", f64::min as fn(f64, f64) -> f64), ("most", f64::max)] {
                        add(format!("{word} {label}"), &|side| {
                            let values = numbers(side);
                            fold(owners(side), counts[side], |row| values[row], f64::NAN, pick)
                        });
                    }
                }
                Values::Category(_) => {
                    add(format!("distinct {label}"), &|side| match &column.sides[side] {
                        Values::Category(codes) => distinct(owners(side), codes, counts[side]),
                        Values::Number(_) => vec![0.0; counts[side]],
                    });
                }
            }
        }
    }
    columns.truncate(MOST_COLUMNS);
    columns
}

fn fold(
    owners: &[u32],
    count: usize,
    value: impl Fn(usize) -> f64,
    start: f64,
    join: impl Fn(f64, f64) -> f64,
) -> Vec<f64> {
    let mut found = vec![start; count];
    for (row, owner) in owners.iter().enumerate().filter(|(_, owner)| **owner != NO_ROW) {
        let known = &mut found[*owner as usize];
        *known = join(*known, value(row));
    }
    found
}

fn mean(owners: &[u32], values: &[f64], count: usize) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); count];
    for (owner, value) in owners.iter().zip(values) {
        if *owner != NO_ROW && !value.is_nan() {
            let sum = &mut sums[*owner as usize];
            *sum = (sum.0 + value, sum.1 + 1.0);
        }
    }
    sums.into_iter().map(|(sum, count)| sum / count).collect()
}

fn distinct(owners: &[u32], codes: &[u32], count: usize) -> Vec<f64> {
    let mut pairs: Vec<(u32, u32)> =
        owners.iter().copied().zip(codes.iter().copied()).filter(|(owner, _)| *owner != NO_ROW).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut found = vec![0.0; count];
    for (owner, _) in pairs {
        found[owner as usize] += 1.0;
    }
    found
}

/// Entities of all sides as points: training, synthetic, holdout, one after the other.
pub(super) struct Points {
    /// `n × d`, row-major, in units of the training side's spread.
    numbers: Vec<f32>,
    width: usize,
    /// Codes per category column, with what it costs to differ by either code.
    categories: Vec<(Vec<u32>, Vec<f32>)>,
    counts: [usize; 3],
}

impl Points {
    pub(super) fn new(columns: &[EntityColumn], counts: [usize; 3]) -> Self {
        let merged: Vec<EntityColumn> = columns.iter().map(join_sides).collect();
        let all: Vec<u32> = (0..counts.iter().sum::<usize>() as u32).collect();
        let total = all.len();
        let mut scaled: Vec<Vec<f32>> = Vec::new();
        let mut categories = Vec::new();
        for (_, column) in encode(&merged, (0, &all), (0, &[])) {
            match column {
                Encoded::Number(values) => scaled.extend(standardised(&values, counts[0])),
                Encoded::Category(codes) => {
                    let weights = differing(&codes, counts[0]);
                    categories.push((codes, weights));
                }
            }
        }
        let width = scaled.len();
        let mut numbers = Vec::with_capacity(total * width);
        for row in 0..total {
            numbers.extend(scaled.iter().map(|column| column[row]));
        }
        Self { numbers, width, categories, counts }
    }

    fn place(&self, side: usize, index: usize) -> usize {
        self.counts[..side].iter().sum::<usize>() + index
    }

    fn distance(&self, first: usize, second: usize) -> f32 {
        let row = |row: usize| &self.numbers[row * self.width..(row + 1) * self.width];
        let numbers: f32 = row(first).iter().zip(row(second)).map(|(a, b)| (a - b) * (a - b)).sum();
        let differ = |(codes, weights): &(Vec<u32>, Vec<f32>)| {
            let (a, b) = (codes[first], codes[second]);
            if a == b { 0.0 } else { weights[a as usize] + weights[b as usize] }
        };
        numbers + self.categories.iter().map(differ).sum::<f32>()
    }

    /// The distance of every point of one side to the nearest of another, over `rows` of the latter.
    fn nearest(&self, from: usize, to: usize, rows: &[usize]) -> Vec<f32> {
        (0..self.counts[from])
            .into_par_iter()
            .map(|index| {
                let query = self.place(from, index);
                let distances = rows.iter().map(|row| self.distance(query, self.place(to, *row)));
                distances.fold(f32::INFINITY, f32::min)
            })
            .collect()
    }
}

fn join_sides(column: &EntityColumn) -> EntityColumn {
    let mut joined = column.sides[0].clone();
    for side in &column.sides[1..] {
        match (&mut joined, side) {
            (Values::Number(all), Values::Number(more)) => all.extend(more),
            (Values::Category(all), Values::Category(more)) => all.extend(more),
            _ => {}
        }
    }
    EntityColumn { name: column.name.clone(), kind: column.kind, sides: vec![joined] }
}

/// Numbers in units of their standard deviation among the first `references`; `None` if they do not vary there.
fn standardised(values: &[f64], references: usize) -> Option<Vec<f32>> {
    let count = references as f64;
    let mean = values[..references].iter().sum::<f64>() / count;
    let squares: f64 = values[..references].iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = (squares / count).sqrt();
    (deviation > 0.0 && deviation.is_finite())
        .then(|| values.iter().map(|value| ((value - mean) / deviation) as f32).collect())
}

/// Half of what it costs to differ by a code: the inverse variance of its one-hot column among the first
/// `references`, at most that of one in a hundred.
fn differing(codes: &[u32], references: usize) -> Vec<f32> {
    let most = codes.iter().max().map_or(0, |code| *code as usize);
    let mut weights = vec![0.0_f64; most + 1];
    for code in &codes[..references] {
        weights[*code as usize] += 1.0;
    }
    let cost = |count: f64| {
        let share = (count / references as f64).clamp(0.01, 0.99);
        (1.0 / (share * (1.0 - share)) / 10.0) as f32
    };
    weights.into_iter().map(cost).collect()
}

/// What distances tell of the entities of one root.
pub(super) fn measure(
    columns: &[EntityColumn],
    counts: [usize; 3],
    table: TableId,
    terms: &Terms<'_>,
) -> Vec<Raw> {
    if columns.is_empty() || counts.iter().any(|count| *count < super::FEWEST_ENTITIES) {
        return Vec::new();
    }
    let points = Points::new(columns, counts);
    let mut found = Vec::new();
    let raw =
        |kind, estimate: Estimate, rates| Raw { kind, table, column: None, estimate, rates, by_lot: None };
    found.extend(closer(&points).map(|estimate| raw(MeasureKind::CloserToTraining, estimate, None)));
    if let Some([synthetic, holdout]) = near(&points) {
        let rates = Some((synthetic.value, holdout.value));
        found.push(raw(MeasureKind::NearEntities, synthetic.minus(holdout), rates));
    }
    // Who is close to a synthetic entity is held to have been in the training rows.
    let synthetic: Vec<usize> = (0..counts[1]).collect();
    let scores = |side: usize| -> Vec<f64> {
        points.nearest(side, 1, &synthetic).into_iter().map(|distance| -f64::from(distance)).collect()
    };
    let (members, others) = (scores(0), scores(2));
    found.extend(auc(&members, &others).map(|estimate| raw(MeasureKind::MembershipAuc, estimate, None)));
    found.extend(
        true_positives_at(&members, &others, ALARMS)
            .map(|estimate| raw(MeasureKind::MembershipTruePositives, estimate, None)),
    );
    if terms.full {
        let estimate = density_attack(columns, counts);
        found.extend(estimate.map(|estimate| raw(MeasureKind::DensityAuc, estimate, None)));
    }
    found
}

/// Share of synthetic entities that are closer to a training entity than to a holdout entity, ties counted half, as if
/// there were as many of either.
///
/// The nearest of more is nearer: were training and holdout alike, the nearest of all would be a training entity as
/// often as there are such among all. The odds are divided by what that makes of them. (To compare with a part of the
/// training entities instead would miss the copies of all others.) The error is that of labels given at random, each
/// weighted by how many synthetic entities the point is nearest to.
fn closer(points: &Points) -> Option<Estimate> {
    let [training, synthetic, holdout] = points.counts;
    let nearest = |side: usize| -> Vec<(f32, usize)> {
        (0..synthetic)
            .into_par_iter()
            .map(|index| {
                let query = points.place(1, index);
                let best = |best: (f32, usize), row: usize| {
                    let distance = points.distance(query, points.place(side, row));
                    if distance < best.0 { (distance, row) } else { best }
                };
                (0..points.counts[side]).fold((f32::INFINITY, 0), best)
            })
            .collect()
    };
    let mut hubs = vec![0.0_f64; training + holdout];
    let (mut wins, mut ties) = (0.0, 0.0);
    for ((near, row), (other, held)) in nearest(0).into_iter().zip(nearest(2)) {
        if (near - other).abs() <= 1e-6 * (1.0 + near) {
            ties += 1.0;
        } else if near < other {
            wins += 1.0;
            hubs[row] += 1.0;
        } else {
            hubs[training + held] += 1.0;
        }
    }
    let total = synthetic as f64;
    let decided = total - ties;
    if decided < 1.0 {
        return Some(Estimate { value: 0.5, error: (0.25 / total).sqrt() });
    }
    let ratio = holdout as f64 / training as f64;
    let won = wins / decided;
    let even = ratio * won + (1.0 - won);
    let value = (ties * 0.5 + decided * ratio * won / even) / total;
    let chance = training as f64 / (training + holdout) as f64;
    let weights: f64 = hubs.iter().map(|weight| weight * weight).sum();
    let error =
        (weights * chance * (1.0 - chance)).sqrt() / decided * ratio / (even * even) * decided / total;
    Some(Estimate { value, error: error.max((0.25 / total).sqrt()) })
}

/// Shares of synthetic and of holdout entities as near to a training entity as the nearest few of the holdout are.
fn near(points: &Points) -> Option<[Estimate; 2]> {
    let training: Vec<usize> = (0..points.counts[0]).collect();
    let (synthetic, holdout) = (points.nearest(1, 0, &training), points.nearest(2, 0, &training));
    let mut sorted = holdout.clone();
    sorted.sort_by(f32::total_cmp);
    let bound = *sorted.get((NEAR_SHARE * sorted.len() as f64) as usize)?;
    let rate = |distances: Vec<f32>| {
        let hits = distances.into_iter().map(|distance| (f64::from(u8::from(distance <= bound)), 1.0));
        Tally { entities: hits.collect() }.rate()
    };
    Some([rate(synthetic)?, rate(holdout)?])
}

/// The attack by densities: a classifier learns to tell synthetic entities from half of the holdout, and whom it takes
/// for synthetic is held to have been in the training rows.
///
/// Source: van Breugel et al., "Membership inference attacks against synthetic data through overfitting detection",
/// AISTATS 2023: the ratio of the synthetic density to that of the population.
fn density_attack(columns: &[EntityColumn], counts: [usize; 3]) -> Option<Estimate> {
    let half = counts[2] / 2;
    if half < super::FEWEST_ENTITIES {
        return None;
    }
    let merged: Vec<EntityColumn> = columns.iter().map(join_sides).collect();
    let all: Vec<u32> = (0..counts.iter().sum::<usize>() as u32).collect();
    let (_, features) = features(encode(&merged, (0, &all), (0, &[])));
    if features.is_empty() {
        return None;
    }
    let synthetic = counts[0]..counts[0] + counts[1];
    let holdout = counts[0] + counts[1];
    let labels: Vec<bool> = all.iter().map(|row| synthetic.contains(&(*row as usize))).collect();
    let mut learnt: Vec<u32> = synthetic.map(|row| row as u32).collect();
    learnt.extend((holdout..holdout + half).map(|row| row as u32));
    let model = Boosted::fit(&features, &labels, &learnt);
    let scores =
        |rows: std::ops::Range<usize>| -> Vec<f64> { rows.map(|row| model.margin(&features, row)).collect() };
    auc(&scores(0..counts[0]), &scores(holdout + half..holdout + counts[2]))
}
