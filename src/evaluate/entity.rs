//! The rows a classifier sees: the columns of a table, and for a parent what its children look like.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Timelike};

use super::{
    boosting::Feature,
    frame::{Frame, Frames, Kind, Values},
};
use crate::data::NO_ROW;

/// A column of an entity on every side.
pub(super) struct EntityColumn {
    /// For people: `income`, or `mean of amount in orders (customer_id)`.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) sides: Vec<Values>,
}

/// The columns of a table alone.
pub(super) fn rows(frame: &Frame) -> Vec<EntityColumn> {
    frame
        .columns
        .iter()
        .map(|column| EntityColumn {
            name: column.name.clone(),
            kind: column.kind,
            sides: column.sides.clone(),
        })
        .collect()
}

/// The columns of a parent table, and per foreign key to it: the number of children, how many different
/// categories and which mean their columns have.
pub(super) fn with_children(frames: &Frames, parent: &Frame) -> Vec<EntityColumn> {
    let mut columns = rows(parent);
    for link in frames.links.iter().filter(|link| link.parent == parent.table) {
        let Some(child) = frames.table(link.child) else { continue };
        let child_rows = format!("{} ({})", child.name, link.columns);
        let mut add = |name: String, of_side: &dyn Fn(usize) -> Vec<f64>| {
            let sides = (0..link.sides.len()).map(|side| Values::Number(of_side(side))).collect();
            columns.push(EntityColumn { name, kind: Kind::Number, sides });
        };
        let parents = |side: usize| parent.row_counts[side];
        add(format!("count of {child_rows}"), &|side| {
            link.sides[side].fan_out(parents(side)).into_iter().map(f64::from).collect()
        });
        for column in &child.columns {
            match column.kind {
                Kind::Category => add(format!("distinct {} in {child_rows}", column.name), &|side| {
                    distinct_per_parent(&link.sides[side].parent, &column.sides[side], parents(side))
                }),
                Kind::Number => add(format!("mean {} in {child_rows}", column.name), &|side| {
                    mean_per_parent(&link.sides[side].parent, &column.sides[side], parents(side))
                }),
                _ => {}
            }
        }
    }
    columns
}

fn distinct_per_parent(parent_of: &[u32], values: &Values, parents: usize) -> Vec<f64> {
    let Values::Category(codes) = values else { return vec![0.0; parents] };
    let pairs: BTreeSet<(u32, u32)> = parent_of
        .iter()
        .zip(codes)
        .filter(|(parent, code)| **parent != NO_ROW && **code != 0)
        .map(|(parent, code)| (*parent, *code))
        .collect();
    let mut counts = vec![0.0; parents];
    for (parent, _) in pairs {
        counts[parent as usize] += 1.0;
    }
    counts
}

fn mean_per_parent(parent_of: &[u32], values: &Values, parents: usize) -> Vec<f64> {
    let Values::Number(values) = values else { return vec![f64::NAN; parents] };
    let mut sums = vec![(0.0, 0.0); parents];
    for (parent, value) in parent_of.iter().zip(values) {
        if *parent != NO_ROW && !value.is_nan() {
            let sum = &mut sums[*parent as usize];
            *sum = (sum.0 + value, sum.1 + 1.0);
        }
    }
    sums.into_iter().map(|(sum, count)| sum / count).collect()
}

/// A column as numbers or codes of the rows of two samples, one after the other.
pub(super) enum Encoded {
    Number(Vec<f64>),
    Category(Vec<u32>),
}

/// An encoded column and what it says, for people.
pub(super) type Named = (String, Encoded);

/// Encodes columns for a classifier or a distance: nulls become the mean and an indicator, times their parts.
///
/// `first` and `second` name a side and rows of it.
pub(super) fn encode(
    columns: &[EntityColumn],
    first: (usize, &[u32]),
    second: (usize, &[u32]),
) -> Vec<Named> {
    let mut encoded = Vec::new();
    for column in columns {
        let (real, synthetic) = (column.sides[first.0].take(first.1), column.sides[second.0].take(second.1));
        match (real, synthetic) {
            (Values::Category(mut codes), Values::Category(more)) => {
                codes.extend(more);
                encoded.push((column.name.clone(), Encoded::Category(codes)));
            }
            (Values::Number(mut values), Values::Number(more)) => {
                let real_has_nulls = values.iter().any(|value| value.is_nan());
                values.extend(more);
                if column.kind == Kind::Time {
                    encoded.extend(time_parts(&column.name, &values));
                    continue;
                }
                let present = values.iter().copied().filter(|value| !value.is_nan());
                let mean = present.clone().sum::<f64>() / present.count().max(1) as f64;
                if real_has_nulls {
                    let nulls = values.iter().map(|value| f64::from(u8::from(value.is_nan()))).collect();
                    encoded.push((format!("{} is null", column.name), Encoded::Number(nulls)));
                }
                let filled = values.into_iter().map(|value| if value.is_nan() { mean } else { value });
                encoded.push((column.name.clone(), Encoded::Number(filled.collect())));
            }
            _ => {}
        }
    }
    encoded
}

/// Year, month, day, and the time of day where there is any; −1 where null.
fn time_parts(name: &str, micros: &[f64]) -> Vec<Named> {
    const PARTS: [&str; 6] = ["year", "month", "day", "hour", "minute", "second"];
    let mut parts = vec![Vec::new(); 6];
    for value in micros {
        let time = if value.is_nan() { None } else { DateTime::from_timestamp_micros(*value as i64) };
        let fields = time.map_or([-1.0; 6], |time| {
            [
                f64::from(time.year()),
                f64::from(time.month()),
                f64::from(time.day()),
                f64::from(time.hour()),
                f64::from(time.minute()),
                f64::from(time.second()),
            ]
        });
        for (part, field) in parts.iter_mut().zip(fields) {
            part.push(field);
        }
    }
    let of_day = |part: &Vec<f64>| part.iter().any(|value| *value > 0.0);
    parts
        .into_iter()
        .enumerate()
        .filter(|(index, part)| *index < 3 || of_day(part))
        .map(|(index, part)| (format!("{} of {name}", PARTS[index]), Encoded::Number(part)))
        .collect()
}

/// Bins encoded columns for the classifier; those with one value only are left out.
pub(super) fn features(encoded: Vec<Named>) -> (Vec<String>, Vec<Feature>) {
    encoded
        .into_iter()
        .map(|(name, column)| {
            let feature = match column {
                Encoded::Number(values) => {
                    Feature::ordered(&values.iter().map(|value| *value as f32).collect::<Vec<_>>())
                }
                Encoded::Category(codes) => Feature::categorical(&codes),
            };
            (name, feature)
        })
        .filter(|(_, feature)| feature.varies())
        .unzip()
}
