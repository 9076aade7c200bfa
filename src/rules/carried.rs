//! What a row takes over from the sibling beside it: the end of a period that is the next one's beginning, the status
//! before a change, a balance that goes on from the last one.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Date32Array, TimestampMicrosecondArray, UInt32Array};
use arrow_schema::DataType as ArrowType;
use arrow_select::take::take;
use serde::{Deserialize, Serialize};

use crate::{
    data::{Families, TableData, ordered},
    schema::{ColumnId, Table},
    seed::spread,
};

use super::{
    TableRules,
    enforce::build,
    evidence::{key, numbers},
    relation::rounded,
    value::Value,
};

/// Parts of one that the shares of slips are told in.
const SLIP_PARTS: usize = 1_000_003;

/// A column whose value a sibling decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// The column that obeys.
    pub to: ColumnId,
    /// A date or time that siblings stand in the order of; without one, their own order.
    pub by: Option<ColumnId>,
    /// How.
    pub how: Carry,
    /// Pairs of siblings that showed it.
    pub pairs: usize,
}

/// How a column follows a sibling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carry {
    /// It is what the next sibling has in `from`, and the last row's own otherwise.
    FromNext {
        /// The next sibling's column.
        from: ColumnId,
        /// Added to it, in units of the storage: days or microseconds.
        offset: i64,
    },
    /// It is what the previous sibling has in `from`, and the first row's own otherwise.
    FromPrevious {
        /// The previous sibling's column.
        from: ColumnId,
    },
    /// It goes on from the previous sibling's by what some columns say.
    Running {
        /// What is added.
        terms: Vec<Term>,
        /// True if the previous sibling's terms are added, not the row's own.
        lagged: bool,
        /// What the first row's terms are added to, if all families begin so ([`Value::Float`]).
        start: Option<Value>,
        /// Decimals of `to`; `None` if it has no grid.
        decimals: Option<i32>,
        /// What enough entities stay above and below ([`Value::Float`]); `None` if too few are known.
        range: Option<(Value, Value)>,
        /// What is added besides in some of the rows, with the share of the rows (both [`Value::Float`]): the way to
        /// the garage that no trip tells of.
        slips: Vec<(Value, Value)>,
    },
}

/// A number that is added to a running total, null as 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// The column.
    pub of: ColumnId,
    /// Its sign.
    pub sign: Sign,
}

/// The sign of a [`Term`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Added.
    Plus,
    /// Subtracted.
    Minus,
    /// Subtracted where a column of the row has one of some values, else added.
    MinusWhen {
        /// The column.
        column: ColumnId,
        /// The values.
        values: Vec<Value>,
    },
}

impl Carried {
    /// The columns it reads, other than its own.
    #[must_use]
    pub fn reads(&self) -> Vec<ColumnId> {
        let mut all: Vec<ColumnId> = match &self.how {
            Carry::FromNext { from, .. } | Carry::FromPrevious { from } => vec![*from],
            Carry::Running { terms, .. } => {
                let signs = terms.iter().filter_map(|term| match &term.sign {
                    Sign::MinusWhen { column, .. } => Some(*column),
                    Sign::Plus | Sign::Minus => None,
                });
                terms.iter().map(|term| term.of).chain(signs).collect()
            }
        };
        all.extend(self.by);
        all
    }

    /// The columns that must not follow from `to` inside their own row.
    #[must_use]
    pub fn sources(&self) -> Vec<ColumnId> {
        self.reads().into_iter().filter(|column| Some(*column) != self.by).collect()
    }

    /// Values of the source that it keeps.
    pub(super) fn literals(&self) -> Vec<String> {
        let Carry::Running { terms, start, range, slips, .. } = &self.how else { return Vec::new() };
        let signs = terms.iter().filter_map(|term| match &term.sign {
            Sign::MinusWhen { values, .. } => Some(values),
            Sign::Plus | Sign::Minus => None,
        });
        let ends = range.iter().flat_map(|(low, high)| [low, high]);
        let slips = slips.iter().map(|(slip, _)| slip);
        signs.flatten().chain(start).chain(ends).chain(slips).filter_map(Value::text).collect()
    }

    /// The column as it was drawn, NaN for null; `None` if it is not there or holds no numbers.
    #[must_use]
    pub fn drawn(&self, rows: &TableData) -> Option<Vec<f64>> {
        numbers(rows.column(self.to)?)
    }

    /// What each row adds to a running total; `None` if a column is not there, or this is none.
    #[must_use]
    pub fn added(&self, rows: &TableData) -> Option<Vec<f64>> {
        let Carry::Running { terms, .. } = &self.how else { return None };
        let mut sums = vec![0.0; rows.row_count];
        for term in terms {
            let amounts = numbers(rows.column(term.of)?)?;
            let minus = term.sign.minus(rows)?;
            for ((sum, amount), minus) in sums.iter_mut().zip(amounts).zip(minus) {
                let amount = if amount.is_nan() { 0.0 } else { amount };
                *sum += if minus { -amount } else { amount };
            }
        }
        Some(sums)
    }

    /// What a row adds besides: the same whenever it is asked.
    fn slip(&self, row: usize) -> f64 {
        let Carry::Running { slips, .. } = &self.how else { return 0.0 };
        let mut rest = spread(row, self.to.0, SLIP_PARTS) as f64 / SLIP_PARTS as f64;
        let known = slips.iter().filter_map(|(slip, share)| slip.number().zip(share.number()));
        for (slip, share) in known {
            rest -= share;
            if rest < 0.0 {
                return slip;
            }
        }
        0.0
    }

    /// The total of a row (its place among all) that adds `added`, after a sibling with this total that added so much;
    /// `own` is what the row would have by itself.
    #[must_use]
    pub fn running(&self, row: usize, previous: Option<(f64, f64)>, added: f64, own: f64) -> f64 {
        let Carry::Running { lagged, start, .. } = &self.how else { return own };
        match (previous, start.as_ref().and_then(Value::number)) {
            (Some((total, before)), _) => total + if *lagged { before } else { added } + self.slip(row),
            (None, Some(start)) if !*lagged => start + added,
            (None, _) => own,
        }
    }

    /// A running total as its column says it. Sums go on from what it was before it was rounded.
    #[must_use]
    pub fn told(&self, total: f64) -> f64 {
        let Carry::Running { decimals: Some(decimals), .. } = &self.how else { return total };
        rounded(total, *decimals)
    }

    /// How far a total lies beyond those of the source.
    #[must_use]
    pub fn excess(&self, total: f64) -> f64 {
        let Carry::Running { range: Some((low, high)), .. } = &self.how else { return 0.0 };
        let below = low.number().map_or(0.0, |low| low - total);
        let above = high.number().map_or(0.0, |high| total - high);
        below.max(above).max(0.0)
    }

    /// The column as the siblings decide it. Rows that are `kept` stay as they are, and a total goes on from there;
    /// `None` if a column is missing or is of another kind.
    #[must_use]
    pub fn values(
        &self,
        table: &Table,
        rows: &TableData,
        families: &Families,
        kept: &[bool],
    ) -> Option<ArrayRef> {
        let own = rows.column(self.to)?;
        let nullable = table.column(self.to).nullable;
        let order = in_order(self.by.map(|by| rows.column(by)), families)?;
        match &self.how {
            Carry::FromNext { from, offset } => {
                let from = shifted(rows.column(*from)?, *offset)?;
                from_neighbours((own, nullable), &from, self.decided(&order, families), kept)
            }
            Carry::FromPrevious { from } => {
                let from = rows.column(*from)?;
                from_neighbours((own, nullable), from, self.decided(&order, families), kept)
            }
            Carry::Running { .. } => {
                let (added, drawn) = (self.added(rows)?, self.drawn(rows)?);
                let mut totals = vec![Value::Null; rows.row_count];
                let mut previous: Option<(u32, f64, f64)> = None;
                let family_of = families.parent_of_rows();
                for &row in &order {
                    let at = row as usize;
                    let before = previous.filter(|(family, ..)| *family == family_of[at]);
                    let total = if kept[at] && !drawn[at].is_nan() {
                        drawn[at]
                    } else {
                        self.running(at, before.map(|(_, total, added)| (total, added)), added[at], drawn[at])
                    };
                    if !total.is_nan() {
                        totals[at] = Value::Float(self.told(total));
                        previous = Some((family_of[at], total, added[at]));
                    }
                }
                build(&table.column(self.to).data_type, &totals)
            }
        }
    }

    /// Rows that a neighbour decides, with it; none for a total.
    fn decided(&self, order: &[u32], families: &Families) -> Vec<(usize, usize)> {
        let pairs = pairs(order, families);
        match &self.how {
            Carry::FromNext { .. } => pairs.collect(),
            Carry::FromPrevious { .. } => pairs.map(|(previous, row)| (row, previous)).collect(),
            Carry::Running { .. } => Vec::new(),
        }
    }
}

impl Sign {
    /// Per row: true if it is subtracted.
    fn minus(&self, rows: &TableData) -> Option<Vec<bool>> {
        Some(match self {
            Self::Plus => vec![false; rows.row_count],
            Self::Minus => vec![true; rows.row_count],
            Self::MinusWhen { column, values } => {
                let listed: Vec<String> = values.iter().map(key).collect();
                let array = rows.column(*column)?;
                (0..rows.row_count).map(|row| listed.contains(&key(&Value::read(array, row)))).collect()
            }
        })
    }
}

/// The rows family by family, each in the order of its times, rows of one time and rows without one in their own order;
/// `None` if the column that orders them is missing.
pub(super) fn in_order(by: Option<Option<&ArrayRef>>, families: &Families) -> Option<Vec<u32>> {
    let mut order: Vec<u32> = (0..families.row_count() as u32).collect();
    if let Some(by) = by {
        let times = ordered(by?).filter(|times| times.len() == order.len())?;
        for family in 0..families.len() {
            order[families.rows(family)].sort_by_key(|row| times[*row as usize]);
        }
    }
    Some(order)
}

/// Neighbouring rows of one family in an order of the rows: the earlier one, the later one.
pub(super) fn pairs<'a>(
    order: &'a [u32],
    families: &'a Families,
) -> impl Iterator<Item = (usize, usize)> + 'a {
    (0..families.len()).flat_map(move |family| {
        order[families.rows(family)].windows(2).map(|pair| (pair[0] as usize, pair[1] as usize))
    })
}

/// Dates or times, moved by so many units; as they are without any.
pub(super) fn shifted(array: &ArrayRef, by: i64) -> Option<ArrayRef> {
    if by == 0 {
        return Some(array.clone());
    }
    let moved = ordered(array)?.into_iter().map(|value| value.map(|value| value.saturating_add(by)));
    Some(match array.data_type() {
        ArrowType::Date32 => {
            let days = moved.map(|day| day.and_then(|day| i32::try_from(day).ok()));
            Arc::new(days.collect::<Date32Array>())
        }
        ArrowType::Timestamp(..) => Arc::new(moved.collect::<TimestampMicrosecondArray>()),
        _ => return None,
    })
}

/// `own`, where (row, neighbour) says so with the neighbour's value of `from`, unless that is unknown. What is null
/// and may not be takes the value of another row that no neighbour decides.
fn from_neighbours(
    (own, nullable): (&ArrayRef, bool),
    from: &ArrayRef,
    decided: Vec<(usize, usize)>,
    kept: &[bool],
) -> Option<ArrayRef> {
    let count = own.len();
    let mut index: Vec<u32> = (0..count as u32).collect();
    for (row, neighbour) in decided.into_iter().filter(|(row, _)| !kept[*row]) {
        if from.is_valid(neighbour) {
            index[row] = (count + neighbour) as u32;
        }
    }
    let is_own = |row: usize| index[row] as usize == row;
    let lost: Vec<usize> = (0..count).filter(|row| !nullable && is_own(*row) && own.is_null(*row)).collect();
    if !lost.is_empty() {
        let donors: Vec<u32> =
            (0..count).filter(|row| is_own(*row) && own.is_valid(*row)).map(|row| row as u32).collect();
        for row in lost {
            let donor = donors.get(spread(row, 0, donors.len().max(1)));
            // A period nobody closes ends with its own beginning.
            index[row] = donor.copied().unwrap_or((count + row) as u32);
        }
    }
    let both = arrow_select::concat::concat(&[own.as_ref(), from.as_ref()]).ok()?;
    take(both.as_ref(), &UInt32Array::from(index), None).ok()
}

impl TableRules {
    /// Rows as they are learned: null where a sibling decides a value that is no total, so that the others are
    /// learned for what they are, an open end or a first state.
    #[must_use]
    pub fn without_carried(&self, rows: &TableData, families: &Families) -> TableData {
        let mut learned = rows.clone();
        for rule in &self.carried {
            let (Carry::FromNext { from, .. } | Carry::FromPrevious { from }) = &rule.how else { continue };
            let order = in_order(rule.by.map(|by| rows.column(by)), families);
            let (Some(own), Some(from), Some(order)) = (rows.column(rule.to), rows.column(*from), order)
            else {
                continue;
            };
            let mut index: Vec<Option<u32>> = (0..own.len() as u32).map(Some).collect();
            for (row, neighbour) in rule.decided(&order, families) {
                if from.is_valid(neighbour) {
                    index[row] = None;
                }
            }
            if let Ok(hidden) = take(own.as_ref(), &UInt32Array::from(index), None) {
                learned.set(rule.to, hidden);
            }
        }
        learned
    }
}
