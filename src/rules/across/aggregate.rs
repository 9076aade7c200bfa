//! Computing a row's column from its children.

use crate::{data::TableData, schema::ColumnId};

use super::{
    super::{enforce::place, evidence::numbers, relation::rounded, value::Value},
    Aggregate, AggregateFunction, Childless,
    kin::Kin,
};

/// A function with the columns it reads, ready to be applied to one parent row after another.
pub(super) enum Computation {
    Count,
    /// Numbers of each part (NaN for null); the parts' values are summed.
    Sum {
        parts: Vec<f64>,
    },
    Mean {
        values: Vec<f64>,
    },
    Extreme {
        values: Vec<Value>,
        greatest: bool,
    },
    End {
        values: Vec<Value>,
        times: Option<Vec<Option<f64>>>,
        last: bool,
    },
}

impl Computation {
    /// Reads what a function needs of the children; `None` if a column is missing or no number where one is needed.
    pub(super) fn new(function: &AggregateFunction, children: &TableData) -> Option<Self> {
        let all = |column: ColumnId| -> Option<Vec<Value>> {
            let array = children.column(column)?;
            Some((0..children.row_count).map(|row| Value::read(array, row)).collect())
        };
        Some(match function {
            AggregateFunction::Count => Self::Count,
            AggregateFunction::Sum { of, part_decimals } => {
                let columns: Vec<Vec<f64>> =
                    of.reads().iter().map(|id| numbers(children.column(*id)?)).collect::<Option<_>>()?;
                let part = |row: usize| {
                    let part = of.of(&columns.iter().map(|column| column[row]).collect::<Vec<_>>());
                    part_decimals.map_or(part, |places| rounded(part, places))
                };
                Self::Sum { parts: (0..children.row_count).map(part).collect() }
            }
            AggregateFunction::Mean(of) => Self::Mean { values: numbers(children.column(*of)?)? },
            AggregateFunction::Max(of) => Self::Extreme { values: all(*of)?, greatest: true },
            AggregateFunction::Min(of) => Self::Extreme { values: all(*of)?, greatest: false },
            AggregateFunction::First { of, by } | AggregateFunction::Last { of, by } => {
                let times = by.map(all).map_or(Some(None), |times| times.map(Some))?;
                let times = times.map(|times| times.iter().map(place).collect());
                let last = matches!(function, AggregateFunction::Last { .. });
                Self::End { values: all(*of)?, times, last }
            }
        })
    }

    /// What it is for a row with these children (at least one): null if nothing of them is known.
    pub(super) fn of(&self, rows: &[u32]) -> Value {
        let known = |values: &[f64]| -> Vec<f64> {
            rows.iter().map(|row| values[*row as usize]).filter(|value| !value.is_nan()).collect()
        };
        match self {
            Self::Count => Value::Float(rows.len() as f64),
            Self::Sum { parts } => {
                let parts = known(parts);
                if parts.is_empty() { Value::Null } else { Value::Float(parts.iter().sum()) }
            }
            Self::Mean { values } => {
                let values = known(values);
                if values.is_empty() {
                    return Value::Null;
                }
                Value::Float(values.iter().sum::<f64>() / values.len() as f64)
            }
            Self::Extreme { values, greatest } => {
                let known =
                    rows.iter().map(|row| &values[*row as usize]).filter_map(|v| Some((place(v)?, v)));
                let by_place = |a: &(f64, &Value), b: &(f64, &Value)| a.0.total_cmp(&b.0);
                let found = if *greatest { known.max_by(by_place) } else { known.min_by(by_place) };
                found.map_or(Value::Null, |(_, value)| value.clone())
            }
            Self::End { values, times, last } => {
                let ordered: Vec<(f64, u32)> = rows
                    .iter()
                    .enumerate()
                    .filter_map(|(index, row)| {
                        let time = times.as_ref().map_or(Some(index as f64), |times| times[*row as usize]);
                        Some((time?, *row))
                    })
                    .collect();
                // Of equal times the later row is the last one, and the earlier the first.
                let by_time = |a: &&(f64, u32), b: &&(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
                let found =
                    if *last { ordered.iter().max_by(by_time) } else { ordered.iter().min_by(by_time) };
                found.map_or(Value::Null, |(_, row)| values[*row as usize].clone())
            }
        }
    }
}

impl Aggregate {
    /// The value of every parent row. `parent_of_row` holds the parent row of each child row; `None` says that the
    /// sampled value stays.
    #[must_use]
    pub fn values(
        &self,
        children: &TableData,
        parent_of_row: &[u32],
        parent_count: usize,
    ) -> Vec<Option<Value>> {
        let kin = Kin::new(parent_of_row, parent_count);
        let Some(computation) = Computation::new(&self.function, children) else {
            return vec![None; parent_count];
        };
        (0..parent_count)
            .map(|parent| match kin.of(parent) {
                [] => match &self.childless {
                    Childless::Sampled => None,
                    Childless::Computed => Some(self.offset.clone()),
                    Childless::Always(value) => Some(value.clone()),
                },
                rows => Some(self.finish(computation.of(rows))),
            })
            .collect()
    }

    /// Adds the offset and rounds, where the value is a number that was computed.
    pub(super) fn finish(&self, value: Value) -> Value {
        let computed = matches!(
            self.function,
            AggregateFunction::Count | AggregateFunction::Sum { .. } | AggregateFunction::Mean(_)
        );
        match (value.number(), self.offset.number()) {
            (Some(number), Some(offset)) if computed => {
                let number = number + offset;
                Value::Float(self.decimals.map_or(number, |places| rounded(number, places)))
            }
            _ => value,
        }
    }
}
