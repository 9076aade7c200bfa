//! Draws rows from what was learned: tokens first, then values.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use rand::RngExt;

use super::{
    axis::Item,
    grid::Numbers,
    relations::PLACES,
    shape::{Made, Shape},
    table::{Given, LearnedTable, Subject},
};
use crate::{
    data::NO_ROW,
    schema::{DataType, Storage, Table, TableId},
    seed::Stream,
};

/// Rows as tokens, in the order of their parents.
#[derive(Debug, Clone, Default)]
pub(super) struct Drawn {
    /// Per column, the token of every row.
    pub(super) tokens: Vec<Vec<u16>>,
    /// The row above; [`NO_ROW`] for rows of a root.
    pub(super) above: Vec<u32>,
    /// Siblings before each row.
    pub(super) place: Vec<u32>,
}

impl Drawn {
    pub(super) fn rows(&self) -> usize {
        self.above.len()
    }

    /// The same rows in another order.
    pub(super) fn sorted(&self, order: &[u32]) -> Self {
        let of = |values: &[u32]| order.iter().map(|row| values[*row as usize]).collect();
        let tokens = |tokens: &Vec<u16>| order.iter().map(|row| tokens[*row as usize]).collect();
        Self {
            tokens: self.tokens.iter().map(tokens).collect(),
            above: of(&self.above),
            place: of(&self.place),
        }
    }

    /// How many rows of a table every row has below it.
    pub(super) fn children(&self, table: &LearnedTable, child: TableId, random: &mut Stream) -> Vec<u32> {
        let subject = |subject: &Subject| matches!(subject, Subject::Children(id) if *id == child);
        let Some(column) = table.subjects.iter().position(subject) else { return vec![0; self.rows()] };
        let count = |token: &u16| match table.axes[column].item(*token) {
            Some(Item::Number(number)) => *number as u32,
            Some(Item::Span(low, high)) => random.random_range(*low as u32..*high as u32),
            _ => 0,
        };
        self.tokens[column].iter().map(count).collect()
    }
}

/// Where tokens of one group are drawn from: tokens and their cumulated shares.
type Pools = Vec<(Vec<u16>, Vec<f64>)>;

/// Draws the rows below some rows, each with the row above it. Siblings stand together.
pub(super) fn draw(
    table: &LearnedTable,
    above: Option<(&LearnedTable, &Drawn)>,
    parents: &[u32],
    random: &mut Stream,
) -> Drawn {
    let columns = table.subjects.len();
    let pools: Vec<Pools> = (0..columns).map(|column| pools(table, column)).collect();
    let mut drawn = Drawn { tokens: vec![Vec::with_capacity(parents.len()); columns], ..Drawn::default() };
    for (row, parent) in parents.iter().enumerate() {
        let first = above.is_none() || row == 0 || parents[row - 1] != *parent;
        let place = if first { 0 } else { drawn.place[row - 1] + 1 };
        drawn.above.push(*parent);
        drawn.place.push(place);
        for (column, pools) in pools.iter().enumerate() {
            let relation = &table.relations[column];
            let own = &table.levels[column][relation.level];
            let mut index = 0;
            for (given, level) in &relation.given {
                let (groups, group) = match *given {
                    Given::Own(other) => {
                        let level = &table.levels[other][*level];
                        (level.groups, usize::from(level.of[usize::from(drawn.tokens[other][row])]))
                    }
                    Given::Before(other) => {
                        let level = &table.levels[other][*level];
                        let before = (!first).then(|| level.of[usize::from(drawn.tokens[other][row - 1])]);
                        (level.groups + 1, before.map_or(level.groups, usize::from))
                    }
                    Given::Above(other) => match above {
                        Some((table, rows)) => {
                            let level = &table.levels[other][*level];
                            let token = rows.tokens[other][*parent as usize];
                            (level.groups, usize::from(level.of[usize::from(token)]))
                        }
                        None => (1, 0),
                    },
                    Given::Place => (PLACES, (place as usize).min(PLACES - 1)),
                };
                index = index * groups + group;
            }
            let shares = &relation.shares[index * own.groups..(index + 1) * own.groups];
            let group = pick(shares, random);
            let (tokens, sums) = &pools[group];
            drawn.tokens[column].push(within(tokens, sums, random));
        }
    }
    drawn
}

fn pools(table: &LearnedTable, column: usize) -> Pools {
    let level = &table.levels[column][table.relations[column].level];
    let mut pools: Pools = vec![(Vec::new(), Vec::new()); level.groups];
    for (token, share) in table.shares[column].iter().enumerate() {
        let (tokens, sums) = &mut pools[usize::from(level.of[token])];
        tokens.push(token as u16);
        sums.push(sums.last().copied().unwrap_or(0.0) + share.max(1e-9));
    }
    pools
}

fn within(tokens: &[u16], sums: &[f64], random: &mut Stream) -> u16 {
    let Some(total) = sums.last() else { return 0 };
    let at = random.random::<f64>() * total;
    tokens[sums.partition_point(|sum| *sum <= at).min(tokens.len() - 1)]
}

fn pick(shares: &[f64], random: &mut Stream) -> usize {
    let total: f64 = shares.iter().sum();
    let mut at = random.random::<f64>() * total;
    for (index, share) in shares.iter().enumerate() {
        at -= share;
        if at < 0.0 {
            return index;
        }
    }
    shares.iter().rposition(|share| *share > 0.0).unwrap_or(0)
}

/// The values of a column; `None` where they are written.
pub(super) fn values(
    table: &Table,
    (learned, column): (&LearnedTable, usize),
    shape: &Shape,
    drawn: &Drawn,
    bounds: Option<(f64, f64)>,
    random: &mut Stream,
) -> Option<ArrayRef> {
    let described = table.column(shape.column);
    let tokens = &drawn.tokens[column];
    let axis = &learned.axes[column];
    match shape.made {
        Made::Written(_) => None,
        Made::Place | Made::Serial => {
            let value = |(row, token): (usize, &u16)| {
                axis.item(*token)?;
                Some(1 + if shape.made == Made::Place { i64::from(drawn.place[row]) } else { row as i64 })
            };
            Some(Arc::new(tokens.iter().enumerate().map(value).collect::<Int64Array>()))
        }
        Made::Labels => {
            let shares = &learned.shares[column];
            let labels: Vec<(u16, f64)> = (0..axis.size() as u16)
                .filter(|token| matches!(axis.item(*token), Some(Item::Text(_) | Item::Number(_))))
                .map(|token| (token, shares[usize::from(token)]))
                .collect();
            let known: Vec<f64> = labels.iter().map(|(_, share)| share.max(1e-9)).collect();
            let mut item = |token: &u16| match axis.item(*token) {
                Some(Item::Any) if !known.is_empty() => axis.item(labels[pick(&known, random)].0),
                item => item,
            };
            if described.data_type == DataType::Boolean {
                let value = |token: &u16| match item(token) {
                    Some(Item::Number(number)) => Some(*number > 0.5),
                    _ => None,
                };
                return Some(Arc::new(tokens.iter().map(value).collect::<BooleanArray>()));
            }
            let value = |token: &u16| match item(token) {
                Some(Item::Text(text)) => Some(text.as_str()),
                _ => None,
            };
            Some(Arc::new(tokens.iter().map(value).collect::<StringArray>()))
        }
        Made::Numbers(numbers, unit) => {
            let (low, high) = limits(&described.data_type, bounds);
            let mut value = |token: &u16| {
                let number = match axis.item(*token)? {
                    Item::Number(number) => *number,
                    Item::Span(low, high) => step(random.random_range(*low..*high), unit, numbers),
                    _ => 0.0,
                };
                Some(number.max(low).min(high))
            };
            let all: Vec<Option<f64>> = tokens.iter().map(&mut value).collect();
            Some(array(described.data_type.storage(), &all))
        }
    }
}

/// A number of a span, in steps of the unit.
fn step(value: f64, unit: f64, numbers: Numbers) -> f64 {
    if unit <= 0.0 {
        return value;
    }
    if numbers == Numbers::Real && unit < 1.0 {
        // By its inverse, which is whole: a tenth is no float.
        let parts = (1.0 / unit).round();
        return (value * parts).floor() / parts;
    }
    (value / unit).floor() * unit
}

/// The range of a type, inside what CHECKs allow.
fn limits(data_type: &DataType, bounds: Option<(f64, f64)>) -> (f64, f64) {
    let (low, high) = bounds.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    match data_type {
        DataType::Integer { min, max } => (low.max(*min as f64), high.min(*max as f64)),
        DataType::Decimal { precision: Some(precision), scale } => {
            let whole = *precision as i32 - scale.unwrap_or(0);
            let most = 10_f64.powi(whole) - 10_f64.powi(-scale.unwrap_or(0));
            (low.max(-most), high.min(most))
        }
        _ => (low, high),
    }
}

fn array(storage: Storage, all: &[Option<f64>]) -> ArrayRef {
    let whole = all.iter().map(|value| value.map(|value| value as i64));
    match storage {
        Storage::Boolean => {
            Arc::new(all.iter().map(|value| value.map(|value| value > 0.5)).collect::<BooleanArray>())
        }
        Storage::Integer => Arc::new(whole.collect::<Int64Array>()),
        Storage::Date => {
            Arc::new(all.iter().map(|value| value.map(|value| value as i32)).collect::<Date32Array>())
        }
        Storage::Time => Arc::new(whole.collect::<Time64MicrosecondArray>()),
        Storage::Timestamp => Arc::new(whole.collect::<TimestampMicrosecondArray>()),
        _ => Arc::new(all.iter().copied().collect::<Float64Array>()),
    }
}

/// Which rows have a value of a column.
pub(super) fn present(learned: &LearnedTable, column: usize, drawn: &Drawn) -> Vec<bool> {
    drawn.tokens[column].iter().map(|token| learned.axes[column].item(*token).is_some()).collect()
}

/// Rows of a table drawn evenly.
pub(super) fn any_row(rows: usize, random: &mut Stream) -> u32 {
    if rows == 0 { NO_ROW } else { random.random_range(0..rows as u32) }
}
