//! Places: a pair of coordinates as one walk down a tree of boxes.
//!
//! The plane is halved again and again where half the rows lie, down to boxes that enough rows share; a place that
//! enough rows share stays exact. Leaves are numbered along the tree, so that neighbours have near numbers, and a
//! number is one token or two (block, leaf in block). A decoded point lies anywhere in its leaf, on the decimals of the
//! source: both coordinates come from the same leaf, so no point mixes two places.

mod notation;
mod pairs;
#[cfg(test)]
mod tests;
mod tree;

pub use pairs::coordinate_pairs;

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Float64Array, StringArray};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::{
    privacy::{Guard, Kept, Owned},
    schema::{Column, ColumnId, DataType},
    seed::Stream,
};

use super::{ColumnCodec, SubColumn, axis::Scale, null::Nulls, reading};
use notation::{binary_prefix, read_point};
use tree::{Leaf, Point, grow};

/// Most leaves told by one token.
const TOKENS_MAX: usize = 256;
/// Fewest rows for which a tree says more than two columns would.
const ROWS_MIN: usize = 50;
/// Share of the values that must be points.
const SHARE: f64 = 0.99;

/// Where the coordinates stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    /// In two columns; the other one is named here.
    Pair { partner: ColumnId },
    /// `(x,y)`.
    Plain,
    /// `POINT(x y)`, with what stands before (`SRID=4326;`).
    WellKnown { prefix: String },
}

/// A column, or a pair of columns, of points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    sub_columns: Vec<SubColumn>,
    nulls: Nulls,
    form: Form,
    scales: (Scale, Scale),
    leaves: Vec<Leaf>,
    /// Leaves per block; 0 if one sub-column numbers all.
    block: u16,
}

impl Place {
    /// Fits to a text column of points (`(1,2)`, `POINT(1 2)`, a point in hexadecimal well-known binary). `None` for
    /// anything else.
    #[must_use]
    pub fn fit(column: &Column, values: &ArrayRef, guard: Guard<'_>) -> Option<Self> {
        let all = reading::texts(values)?;
        let texts: Vec<&str> = all.iter().flatten().collect();
        let read = all.iter().enumerate().filter_map(|(row, text)| Some((row, read_point(text?)?)));
        let points: Vec<Owned<(f64, f64)>> = guard.own(read);
        if (points.len() as f64) < SHARE * texts.len() as f64 {
            return None;
        }
        let first = texts.first()?;
        let form = if first.starts_with('(') {
            Form::Plain
        } else {
            let prefix = match first.split_once(';') {
                Some((prefix, _)) => format!("{prefix};"),
                None => binary_prefix(first).unwrap_or_default(),
            };
            Form::WellKnown { prefix }
        };
        Self::new(column, &points, Nulls::fit(values), form, guard.least())
    }

    /// Fits to the coordinates of two columns of floats, null in the same rows. `None` if they are not such a pair.
    #[must_use]
    pub fn fit_pair(
        column: &Column,
        (values, others): (&ArrayRef, &ArrayRef),
        partner: ColumnId,
        guard: Guard<'_>,
    ) -> Option<Self> {
        let (xs, ys) = (reading::floats(values)?, reading::floats(others)?);
        let both = xs.iter().zip(ys).enumerate();
        let points: Vec<Owned<(f64, f64)>> =
            guard.own(both.filter_map(|(row, (x, y))| Some((row, (x?, y?)))));
        // One coordinate without the other is no place.
        let whole = xs.len() == ys.len() && xs.null_count() == ys.null_count();
        if !whole || points.len() != xs.len() - xs.null_count() {
            return None;
        }
        Self::new(column, &points, Nulls::fit(values), Form::Pair { partner }, guard.least())
    }

    fn new(
        column: &Column,
        points: &[Owned<(f64, f64)>],
        nulls: Nulls,
        form: Form,
        least: usize,
    ) -> Option<Self> {
        let finite = points.iter().all(|((x, y), _)| x.is_finite() && y.is_finite());
        if points.len() < ROWS_MIN || !finite {
            return None;
        }
        let declared = if let DataType::Decimal { scale, .. } = column.data_type {
            scale.map(|scale| scale.max(0) as u32)
        } else {
            None
        };
        let axis = |pick: fn(&(f64, f64)) -> f64| {
            let scale =
                Scale::fit(&points.iter().map(|(point, _)| pick(point)).collect::<Vec<_>>(), declared, false);
            // Without a decimal grid nine digits are: a tenth of a millimetre on the ground.
            if let Scale::Decimal { .. } = scale {
                scale
            } else {
                Scale::Decimal { decimals: 9, single: false }
            }
        };
        let scales = (axis(|point| point.0), axis(|point| point.1));
        let key = |(x, y): (f64, f64)| (scales.0.key(x), scales.1.key(y));
        let keys: Vec<Owned<Point>> = points.iter().map(|(point, owner)| (key(*point), *owner)).collect();
        let leaves = grow(keys, least);
        if leaves.len() < 2 {
            return None;
        }
        let (block, sub_columns) = if leaves.len() <= TOKENS_MAX {
            (0, vec![nulls.sub_column(&column.name, leaves.len(), Vec::new())])
        } else {
            let block = (leaves.len() as f64).sqrt().ceil() as usize;
            let blocks = leaves.len().div_ceil(block);
            let mut block_column = nulls.sub_column(&format!("{}.area", column.name), blocks, Vec::new());
            block_column.one_hot = true;
            let name = format!("{}.place", column.name);
            let place = SubColumn {
                name,
                size: block as u16,
                scalars: Vec::new(),
                counts_children: false,
                one_hot: false,
            };
            (block as u16, vec![block_column, place])
        };
        Some(Self { sub_columns, nulls, form, scales, leaves, block })
    }

    /// The other column of a pair.
    #[must_use]
    pub fn partner(&self) -> Option<ColumnId> {
        if let Form::Pair { partner } = self.form { Some(partner) } else { None }
    }

    pub(super) fn kept(&self) -> Vec<Kept> {
        let text =
            |point: Point| format!("{}, {}", self.scales.0.value(point.0), self.scales.1.value(point.1));
        let kept = self.leaves.iter().map(|leaf| match leaf.exact() {
            true => Kept::value(text(leaf.low), leaf.entities),
            false => Kept::range(&text(leaf.low), &text(leaf.high), leaf.entities),
        });
        kept.collect()
    }

    /// Tokens of every point.
    fn encode_points(&self, points: impl Iterator<Item = Option<(f64, f64)>>) -> Vec<Vec<u16>> {
        let null = self.nulls.token(self.sub_columns[0].size);
        let (first, second): (Vec<u16>, Vec<u16>) = points
            .map(|point| {
                let Some((x, y)) = point else { return (null, 0) };
                let leaf = self.nearest((self.scales.0.key(x), self.scales.1.key(y)));
                match self.block {
                    0 => (leaf as u16, 0),
                    block => ((leaf / usize::from(block)) as u16, (leaf % usize::from(block)) as u16),
                }
            })
            .unzip();
        if self.block == 0 { vec![first] } else { vec![first, second] }
    }

    /// The leaf a point lies in, the smallest first; else the nearest one.
    fn nearest(&self, point: Point) -> usize {
        let outside = |leaf: &Leaf| {
            let beyond = |low: i64, high: i64, at: i64| {
                (i128::from(low) - i128::from(at)).max(i128::from(at) - i128::from(high)).max(0) as f64
            };
            let gap = beyond(leaf.low.0, leaf.high.0, point.0) / self.unit(0)
                + beyond(leaf.low.1, leaf.high.1, point.1) / self.unit(1);
            let size = (leaf.high.0 as f64 - leaf.low.0 as f64) / self.unit(0)
                + (leaf.high.1 as f64 - leaf.low.1 as f64) / self.unit(1);
            (gap, size)
        };
        let mut best = (0, (f64::INFINITY, f64::INFINITY));
        for (index, leaf) in self.leaves.iter().enumerate() {
            let here = outside(leaf);
            if here < best.1 {
                best = (index, here);
            }
        }
        best.0
    }

    /// Keys of one unit of an axis.
    fn unit(&self, axis: usize) -> f64 {
        let scale = if axis == 0 { self.scales.0 } else { self.scales.1 };
        if let Scale::Decimal { decimals, .. } = scale { 10_f64.powi(decimals as i32) } else { 1.0 }
    }

    /// A point anywhere in the leaf that tokens name.
    fn point(&self, tokens: &[&[u16]], row: usize, random: &mut Stream) -> Option<(f64, f64)> {
        let first = *tokens.first()?.get(row)?;
        if self.nulls.is_null(first, self.sub_columns[0].size) {
            return None;
        }
        let index = match self.block {
            0 => usize::from(first),
            block => usize::from(first) * usize::from(block) + usize::from(*tokens.get(1)?.get(row)?),
        };
        // The last block may have fewer leaves than tokens.
        let leaf = self.leaves.get(index).or(self.leaves.last())?;
        let x = random.random_range(leaf.low.0..=leaf.high.0);
        let y = random.random_range(leaf.low.1..=leaf.high.1);
        Some((self.scales.0.value(x), self.scales.1.value(y)))
    }

    /// Encodes a pair of columns.
    pub(super) fn encode_pair(&self, values: &ArrayRef, others: &ArrayRef) -> Vec<Vec<u16>> {
        match (reading::floats(values), reading::floats(others)) {
            (Some(xs), Some(ys)) => self.encode_points(xs.iter().zip(ys).map(|(x, y)| Some((x?, y?)))),
            _ => self.encode_points(std::iter::repeat_n(None, values.len())),
        }
    }

    /// Decodes a pair of columns.
    pub(super) fn decode_pair(&self, tokens: &[&[u16]], random: &mut Stream) -> (ArrayRef, ArrayRef) {
        let rows = tokens.first().map_or(0, |tokens| tokens.len());
        let points: Vec<Option<(f64, f64)>> = (0..rows).map(|row| self.point(tokens, row, random)).collect();
        let xs: Float64Array = points.iter().map(|point| point.map(|point| point.0)).collect();
        let ys: Float64Array = points.iter().map(|point| point.map(|point| point.1)).collect();
        (Arc::new(xs), Arc::new(ys))
    }
}

impl ColumnCodec for Place {
    fn sub_columns(&self) -> &[SubColumn] {
        &self.sub_columns
    }

    fn encode(&self, column: &ArrayRef) -> Vec<Vec<u16>> {
        match reading::texts(column) {
            Some(texts) => self.encode_points(texts.iter().map(|text| read_point(text?))),
            None => self.encode_points(std::iter::repeat_n(None, column.len())),
        }
    }

    fn decode(&self, tokens: &[&[u16]], random: &mut Stream) -> ArrayRef {
        if self.partner().is_some() {
            return self.decode_pair(tokens, random).0;
        }
        let rows = tokens.first().map_or(0, |tokens| tokens.len());
        let text = |(x, y): (f64, f64)| match &self.form {
            Form::WellKnown { prefix } => format!("{prefix}POINT({x} {y})"),
            Form::Plain | Form::Pair { .. } => format!("({x},{y})"),
        };
        Arc::new((0..rows).map(|row| self.point(tokens, row, random).map(text)).collect::<StringArray>())
    }
}
