//! Running totals while rows are drawn: the tokens of a balance follow from the amounts, row after row.
//!
//! A network that drew each balance by itself would drift away from the amounts, a little with every sibling. So once
//! a row is drawn its total is computed, and it is that total the next sibling hears of.

use std::{ops::Range, sync::Arc};

use arrow_array::{Array, ArrayRef, Float64Array, Int64Array};
use arrow_schema::DataType as ArrowType;
use arrow_select::concat::concat;
use rayon::prelude::*;

use crate::{
    data::{Families, TableData},
    rules::{Carried, Carry},
    schema::ColumnId,
    seed::Seed,
};

use super::{Codec, ColumnCodec};

/// The running totals of a table.
#[derive(Debug, Clone)]
pub struct RunningTotals {
    totals: Vec<RunningTotal>,
    /// Every row has a stream of its own that places its values, so that it has the same ones while rows are drawn and
    /// when the table is decoded.
    seed: Seed,
    name: String,
    /// Within what totals run on, where that is not a family: the first row of each series begins anew.
    begins: Option<Vec<bool>>,
}

/// A column, how it is decoded, and its sub-columns.
type Part = (ColumnId, Codec, Range<usize>);

#[derive(Debug, Clone)]
struct RunningTotal {
    rule: Carried,
    /// The total, then what it is made of, each with its sub-columns.
    parts: Vec<Part>,
}

/// Per running total: that of the last row, and what the row added.
pub type Balances = Vec<Option<(f64, f64)>>;

impl RunningTotals {
    /// The totals among what siblings hand on, of rows that begin with the sub-columns of these codecs and are placed by
    /// the streams of a name; `None` if there are none whose columns are all drawn.
    #[must_use]
    pub fn new(
        carried: &[Carried],
        codecs: &[(ColumnId, Codec)],
        (seed, name): (Seed, &str),
    ) -> Option<Self> {
        let mut first = 0;
        let mut parts = Vec::with_capacity(codecs.len());
        for (column, codec) in codecs {
            let end = first + codec.sub_columns().len();
            parts.push((*column, codec, first..end));
            first = end;
        }
        let part = |wanted: &ColumnId| {
            let (column, codec, range) = parts.iter().find(|(column, ..)| column == wanted)?;
            let alone = matches!(codec, Codec::Constant(_) | Codec::Categorical(_) | Codec::Numeric(_));
            alone.then(|| (*column, (*codec).clone(), range.clone()))
        };
        let totals = carried.iter().filter(|rule| matches!(rule.how, Carry::Running { .. }));
        let drawn = totals.filter_map(|rule| {
            let wanted: Vec<ColumnId> = std::iter::once(rule.to).chain(rule.sources()).collect();
            let parts = wanted.iter().map(part).collect::<Option<Vec<_>>>()?;
            Some(RunningTotal { rule: rule.clone(), parts })
        });
        let all: Vec<RunningTotal> = drawn.collect();
        (!all.is_empty()).then(|| Self { totals: all, seed, name: name.to_owned(), begins: None })
    }

    /// Lets totals run on within the series of a panel.
    #[must_use]
    pub fn within(mut self, series: Option<&Families>) -> Self {
        self.begins = series.map(|series| {
            let mut begins = vec![true; series.row_count()];
            series.for_each_later(|_, row| begins[row] = false);
            begins
        });
        self
    }

    /// Before the first row of a family.
    #[must_use]
    pub fn begin(&self) -> Balances {
        vec![None; self.totals.len()]
    }

    /// Sets the totals of rows just drawn (one vector of tokens per sub-column; `rows` are their places in the table),
    /// each the next of a family that stands at these balances, and brings the balances forward. Returns how far
    /// each row's totals lie beyond those of the source.
    ///
    /// # Panics
    /// If there are fewer sub-columns than the codecs had, or not one balance per row.
    pub fn settle(&self, tokens: &mut [Vec<u16>], balances: &mut [Balances], rows: &[usize]) -> Vec<f64> {
        let mut excess = vec![0.0; balances.len()];
        for (balances, row) in balances.iter_mut().zip(rows) {
            if self.begins.as_ref().is_some_and(|begins| begins.get(*row) == Some(&true)) {
                *balances = self.begin();
            }
        }
        for (place, total) in self.totals.iter().enumerate() {
            let (columns, arrays) = self.placed(&total.parts, tokens, rows).into_iter().unzip();
            let places = rows;
            let rows = TableData::new(columns, arrays, balances.len());
            let own = rows.arrays[0].clone();
            let (Some(added), Some(drawn)) = (total.rule.added(&rows), total.rule.drawn(&rows)) else {
                continue;
            };
            let totals: Vec<Option<f64>> = (0..balances.len())
                .map(|row| {
                    let value = total.rule.running(places[row], balances[row][place], added[row], drawn[row]);
                    (!value.is_nan()).then_some(value)
                })
                .collect();
            for (excess, value) in excess.iter_mut().zip(&totals) {
                *excess += value.map_or(0.0, |value| total.rule.excess(value));
            }
            for ((balances, total), added) in balances.iter_mut().zip(&totals).zip(added) {
                balances[place] = total.map(|total| (total, added)).or(balances[place]);
            }
            let told: Vec<Option<f64>> =
                totals.iter().map(|value| value.map(|value| total.rule.told(value))).collect();
            let (_, codec, range) = &total.parts[0];
            for (column, settled) in
                tokens[range.clone()].iter_mut().zip(codec.encode(&as_before(&own, &told)))
            {
                *column = settled;
            }
        }
        excess
    }
}

impl RunningTotals {
    /// The values of all columns that have a part in totals, for the rows of a whole table.
    #[must_use]
    pub fn values(&self, tokens: &[Vec<u16>]) -> Vec<(ColumnId, ArrayRef)> {
        let rows: Vec<usize> = (0..tokens.first().map_or(0, Vec::len)).collect();
        self.totals.iter().flat_map(|total| self.placed(&total.parts, tokens, &rows)).collect()
    }

    /// Decodes columns, each row by its own stream.
    fn placed(&self, parts: &[Part], tokens: &[Vec<u16>], rows: &[usize]) -> Vec<(ColumnId, ArrayRef)> {
        let decoded = parts.par_iter().map(|(column, codec, range)| {
            let name = format!("{}/{}", self.name, column.0);
            let one = |(place, row): (usize, &usize)| {
                let slices: Vec<&[u16]> =
                    tokens[range.clone()].iter().map(|tokens| &tokens[place..=place]).collect();
                codec.decode(&slices, &mut self.seed.stream(&name, *row as u64))
            };
            let values: Vec<ArrayRef> = rows.iter().enumerate().map(one).collect();
            let parts: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
            let all = concat(&parts).unwrap_or_else(|_| {
                codec.decode(&vec![&[][..]; range.len()], &mut self.seed.stream(&name, 0))
            });
            (*column, all)
        });
        decoded.collect()
    }
}

/// Numbers as an array of the same kind.
fn as_before(array: &ArrayRef, values: &[Option<f64>]) -> ArrayRef {
    match array.data_type() {
        ArrowType::Int64 => Arc::new(
            values.iter().map(|value| value.map(|value| value.round() as i64)).collect::<Int64Array>(),
        ),
        _ => Arc::new(values.iter().copied().collect::<Float64Array>()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, cast::AsArray, types::Float64Type};

    use super::{Codec, RunningTotals};
    use crate::{
        codec::{Hints, encode_table},
        data::{Families, TableData},
        rules::{Carried, Carry, Sign, Term, Value},
        schema::{Column, ColumnId, DataType},
        seed::Seed,
    };

    const AMOUNT: ColumnId = ColumnId(0);
    const TOTAL: ColumnId = ColumnId(1);

    /// Totals of amounts of 1 to 20, and codecs of both.
    fn totals() -> (RunningTotals, Vec<(ColumnId, Codec)>, TableData) {
        let amounts = (0..400).map(|row| f64::from(1 + row * 7 % 20));
        let totals = (0..400).map(|row| f64::from(row * 13 % 200));
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(Float64Array::from_iter_values(amounts)),
            Arc::new(Float64Array::from_iter_values(totals)),
        ];
        let rows = TableData::new(vec![AMOUNT, TOTAL], arrays, 400);
        let codecs: Vec<(ColumnId, Codec)> = [AMOUNT, TOTAL]
            .map(|column| {
                let definition = Column::new("x", DataType::Float { single: false });
                let hints = Hints { guard: crate::privacy::Guard::rows(5), ..Hints::default() };
                (column, Codec::fit(&definition, rows.column(column).expect("there"), &hints))
            })
            .to_vec();
        let rule = Carried {
            to: TOTAL,
            by: None,
            how: Carry::Running {
                terms: vec![Term { of: AMOUNT, sign: Sign::Plus }],
                lagged: false,
                start: Some(Value::Float(0.0)),
                decimals: Some(0),
                range: Some((Value::Float(0.0), Value::Float(30.0))),
                slips: Vec::new(),
            },
            pairs: 400,
        };
        let running = RunningTotals::new(&[rule], &codecs, (Seed(1), "test")).expect("both are drawn");
        (running, codecs, rows)
    }

    #[test]
    fn totals_go_on_from_row_to_row_and_values_are_the_same_in_the_end() {
        let (running, codecs, rows) = totals();
        let mut tokens = encode_table(&codecs, &rows.slice(0, 3), None).tokens;
        let floats = |array: &ArrayRef| array.as_primitive::<Float64Type>().values().to_vec();
        let amounts = floats(&running.values(&tokens)[1].1);
        let mut balances = vec![running.begin()];
        let mut sum = 0.0;
        for (row, amount) in amounts.iter().enumerate() {
            let mut one: Vec<Vec<u16>> = tokens.iter().map(|column| vec![column[row]]).collect();
            let excess = running.settle(&mut one, &mut balances, &[row]);
            sum += amount;
            assert_eq!(balances[0][0], Some((sum, *amount)));
            assert!((excess[0] - (sum - 30.0).max(0.0)).abs() < 1e-9, "{excess:?} of {sum}");
            tokens.iter_mut().zip(one).for_each(|(column, one)| column[row] = one[0]);
        }
        let told = floats(&running.values(&tokens)[0].1);
        assert!((told[2] - sum).abs() < 5.0, "the tokens say about {sum}: {told:?}");
    }

    #[test]
    fn a_series_begins_anew() {
        let (running, codecs, rows) = totals();
        let running = running.within(Some(&Families::from_counts(&[1, 1])));
        let tokens = encode_table(&codecs, &rows.slice(0, 2), None).tokens;
        let mut balances = vec![running.begin()];
        for row in 0..2 {
            let mut one: Vec<Vec<u16>> = tokens.iter().map(|column| vec![column[row]]).collect();
            running.settle(&mut one, &mut balances, &[row]);
            let (total, added) = balances[0][0].expect("a total");
            assert!((total - added).abs() < 1e-9);
        }
    }
}
