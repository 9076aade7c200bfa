//! What a report draws: per column, per table and per foreign key, real beside synthetic.
//!
//! Figures leave the machine, so they hold no value of few: a label is named only if at least [`Guard::least`] real
//! units (rows, or the entities they belong to) have it, a bin, bucket or bar of fewer is merged into its neighbour or
//! left blank, the edges of bins are round numbers inside the range that so many units reach, and of free text and
//! personal columns only lengths are told.

mod association;
mod bars;
mod crowd;
mod fan_out;
mod histogram;
mod series;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use self::crowd::Crowd;
use super::{
    ColumnScore, Side,
    cells::Cells,
    frame::{Frame, Frames, Kind, cells_of},
    mean,
};
use crate::{
    schema::{ColumnId, DataType, TableId},
    seed::Seed,
};

pub use self::{
    association::Associations,
    bars::{Bar, Bars, Others},
    fan_out::FanOutFigure,
    histogram::Histogram,
    series::{Profile, Series, SeriesUnit},
};

/// Units that must share what a figure names, unless the user says otherwise.
pub const LEAST_UNITS: usize = 5;

/// What must not be shown.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Distinct real units that must share whatever is named or counted.
    pub least: usize,
    /// Real columns whose values point at a person or open a door.
    pub personal: BTreeSet<(TableId, ColumnId)>,
    /// Per real table, the unit each row belongs to; a table without an entry counts each row as a unit of its own.
    pub units: BTreeMap<TableId, Vec<u32>>,
}

impl Default for Guard {
    fn default() -> Self {
        Self { least: LEAST_UNITS, personal: BTreeSet::new(), units: BTreeMap::new() }
    }
}

/// All figures of two sides.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Figures {
    /// Real units that share whatever is named or counted in here.
    pub least_units: usize,
    /// One per table that both sides have.
    pub tables: Vec<TableFigures>,
    /// One per foreign key.
    pub fan_outs: Vec<FanOutFigure>,
}

/// The figures of one table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableFigures {
    /// The table.
    pub table: String,
    /// Rows of the real side that were looked at.
    pub real_rows: usize,
    /// Rows of the synthetic side that were looked at.
    pub synthetic_rows: usize,
    /// Mean of how alike its columns are, where any is compared.
    pub shape: Option<f64>,
    /// Its columns in the order of the table, keys left out.
    pub columns: Vec<ColumnFigure>,
    /// How its columns go together, where there are two to compare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub associations: Option<Associations>,
}

/// The figure of one column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnFigure {
    /// The column.
    pub column: String,
    /// The type as the server prints it.
    pub native_type: String,
    /// How alike both sides are, 0 to 1, where values are compared: labels that are not named count as one.
    pub shape: Option<f64>,
    /// Share of nulls, real and synthetic; `None` if so few real rows are null that it is not told.
    pub nulls: Option<[f64; 2]>,
    /// What is drawn.
    pub picture: Picture,
}

/// What is drawn of a column.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Picture {
    /// Numbers, in bins.
    Histogram(Histogram),
    /// Lengths of texts in characters, in bins: all that is told of free text and of personal columns.
    Lengths {
        /// Why only lengths are told.
        why: Discretion,
        /// The lengths.
        histogram: Histogram,
    },
    /// Labels and how often each occurs.
    Bars(Bars),
    /// Points in time, counted per day, week, month or year.
    Series(Series),
    /// Nothing.
    Hidden {
        /// Why nothing is drawn.
        why: Discretion,
    },
}

/// Why something is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Discretion {
    /// The column points at persons or opens doors.
    Personal,
    /// The column holds texts that are hardly shared between rows.
    FreeText,
    /// There are too few real rows to show anything of them.
    FewRows,
    /// All rows hold the same value, or none.
    Constant,
    /// Its type is not one that can be drawn.
    NoPicture,
}

impl Picture {
    /// True if it shows values, not only their lengths.
    #[must_use]
    pub fn tells_values(&self) -> bool {
        matches!(self, Self::Histogram(_) | Self::Bars(_) | Self::Series(_))
    }
}

impl Figures {
    /// Measures everything that is drawn.
    pub(super) fn measure(
        (real, synthetic): (&Side<'_>, &Side<'_>),
        frames: &Frames,
        scores: &[ColumnScore],
        (guard, seed): (&Guard, Seed),
    ) -> Self {
        let mut figures = Self { least_units: guard.least, ..Self::default() };
        for (id, _) in real.schema.iter() {
            let Some(frame) = frames.table(id) else { continue };
            let columns = column_figures((real, synthetic), frame, scores, guard);
            let drawn = |name: &str| columns.iter().any(|c| c.column == name && c.picture.tells_values());
            let associations = Associations::measure(frame, &drawn, (guard.least, seed));
            figures.tables.push(TableFigures {
                table: frame.name.clone(),
                real_rows: frame.row_counts[0],
                synthetic_rows: frame.row_counts[1],
                shape: mean(columns.iter().filter_map(|column| column.shape)).map(round),
                columns,
                associations,
            });
        }
        for link in &frames.links {
            let (Some(child), Some(parent)) = (frames.table(link.child), frames.table(link.parent)) else {
                continue;
            };
            let counts = |side: usize| link.sides[side].fan_out(parent.row_counts[side]);
            let units = guard.units.get(&link.parent);
            let crowd = Crowd::new(units, parent.row_counts[0], guard.least);
            let ends = (child.name.clone(), link.columns.clone(), parent.name.clone());
            figures.fan_outs.extend(FanOutFigure::measure(ends, &counts(0), &counts(1), &crowd));
        }
        figures
    }
}

fn column_figures(
    (real, synthetic): (&Side<'_>, &Side<'_>),
    frame: &Frame,
    scores: &[ColumnScore],
    guard: &Guard,
) -> Vec<ColumnFigure> {
    let table = real.schema.table(frame.table);
    let crowd = Crowd::new(guard.units.get(&frame.table), frame.row_counts[0], guard.least);
    let attributes = table.iter().zip(&frame.kinds).filter(|(_, kind)| **kind != Kind::Key);
    attributes
        .map(|((id, column), kind)| {
            let one = |side| cells_of(real.schema, side, frame.table, &[id]).remove(0);
            let sides = Sides {
                real: one(real),
                synthetic: one(synthetic),
                rows: [frame.row_counts[0], frame.row_counts[1]],
            };
            let score = scores.iter().find(|s| s.table == frame.name && s.column == column.name);
            let personal = guard.personal.contains(&(frame.table, id));
            let picture = picture(&sides, (*kind, &column.data_type), personal, &crowd);
            let shape = match &picture {
                Picture::Bars(bars) => Some(bars.likeness()),
                Picture::Histogram(_) | Picture::Series(_) => score.map(|score| score.shape),
                Picture::Lengths { .. } | Picture::Hidden { .. } => None,
            };
            ColumnFigure {
                column: column.name.clone(),
                native_type: column.native_type.clone(),
                shape: shape.map(|shape| round(shape.clamp(0.0, 1.0))),
                nulls: sides.nulls(&crowd),
                picture,
            }
        })
        .collect()
}

fn picture(
    sides: &Sides<'_>,
    (kind, data_type): (Kind, &DataType),
    personal: bool,
    crowd: &Crowd<'_>,
) -> Picture {
    let hidden = |why| Picture::Hidden { why };
    let present = (0..sides.rows[0]).filter(|row| !sides.real.is_null(*row));
    if !crowd.suffices_for_two(present) {
        return hidden(Discretion::FewRows);
    }
    let drawn = match kind {
        _ if personal => lengths(sides, Discretion::Personal, crowd),
        Kind::Key | Kind::Constant => return hidden(Discretion::Constant),
        Kind::Number => {
            let whole = matches!(data_type, DataType::Integer { .. });
            Histogram::measure(&sides.numbers(), whole, crowd).map(Picture::Histogram)
        }
        Kind::Time => Series::measure(&sides.numbers(), crowd).map(Picture::Series),
        Kind::Category => {
            Bars::measure(sides, matches!(data_type, DataType::Boolean), crowd).map(Picture::Bars)
        }
        Kind::Text => lengths(sides, Discretion::FreeText, crowd),
    };
    drawn.unwrap_or_else(|| hidden(if personal { Discretion::Personal } else { Discretion::FewRows }))
}

fn lengths(sides: &Sides<'_>, why: Discretion, crowd: &Crowd<'_>) -> Option<Picture> {
    if !matches!(sides.real, Cells::Text(_)) {
        return Some(Picture::Hidden {
            why: if why == Discretion::Personal { why } else { Discretion::NoPicture },
        });
    }
    let of = |cells: &Cells<'_>, rows: usize| -> Vec<f64> {
        let length = |row| cells.text(row).map_or(f64::NAN, |text| text.chars().count() as f64);
        (0..rows).map(length).collect()
    };
    let values = [of(&sides.real, sides.rows[0]), of(&sides.synthetic, sides.rows[1])];
    Histogram::measure(&values, true, crowd).map(|histogram| Picture::Lengths { why, histogram })
}

/// The cells of one column on both sides.
struct Sides<'a> {
    real: Cells<'a>,
    synthetic: Cells<'a>,
    rows: [usize; 2],
}

impl Sides<'_> {
    /// NaN where null.
    fn numbers(&self) -> [Vec<f64>; 2] {
        let of = |cells: &Cells<'_>, rows: usize| (0..rows).map(|row| cells.number(row)).collect();
        [of(&self.real, self.rows[0]), of(&self.synthetic, self.rows[1])]
    }

    /// Shares of nulls; none if some, but too few, real units are on either side of the line.
    fn nulls(&self, crowd: &Crowd<'_>) -> Option<[f64; 2]> {
        let [real, synthetic] = self.rows;
        let nulls: Vec<usize> = (0..real).filter(|row| self.real.is_null(*row)).collect();
        let held = (0..real).filter(|row| !self.real.is_null(*row));
        if !crowd.tells(nulls.iter().copied()) || !crowd.tells(held) {
            return None;
        }
        let made = (0..synthetic).filter(|row| self.synthetic.is_null(*row)).count();
        Some([share(nulls.len(), real), share(made, synthetic)])
    }
}

/// A share in ten thousandths: enough to draw.
fn share(part: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { round(part as f64 / all as f64) }
}

fn round(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
