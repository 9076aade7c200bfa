//! Columns that are one of a few multiples of another one, learned as the number of their factor.
//!
//! A cost of 0.31 or 0.45 of the price is drawn as "the second factor" and multiplied out once the price is there. Drawn as an
//! amount and moved to the nearest multiple, the factors at either end would come too often wherever the price turns out
//! another than the one the amount was drawn beside.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array};
use arrow_schema::DataType as ArrowType;

use crate::{data::TableData, schema::ColumnId};

use super::{TableRules, relation::Rule, value::Value};

/// The name that enforcing knows the numbers of a column's factors by; beyond every column of a table.
pub(super) fn numbers_of(to: ColumnId) -> ColumnId {
    ColumnId(usize::MAX - to.0)
}

/// The number of the factor that makes `y` of `x`; any, where `x` is zero.
fn number(factors: &[Value], x: f64, y: f64, row: usize) -> usize {
    if x == 0.0 {
        return row % factors.len();
    }
    let distance = |factor: &Value| (factor.number().unwrap_or(f64::INFINITY) * x - y).abs();
    let nearest = (0..factors.len()).min_by(|a, b| distance(&factors[*a]).total_cmp(&distance(&factors[*b])));
    nearest.unwrap_or(0)
}

/// Per row the number of the factor between two columns, in the kind of the second; `None` if either is not there.
fn numbers(rows: &TableData, (from, to): (ColumnId, ColumnId), factors: &[Value]) -> Option<ArrayRef> {
    let (xs, ys) = (rows.column(from)?, rows.column(to)?);
    let of_row = |row: usize| {
        let (x, y) = (Value::read(xs, row).number()?, Value::read(ys, row).number()?);
        Some(number(factors, x, y, row))
    };
    let all = (0..rows.row_count).map(of_row);
    match ys.data_type() {
        ArrowType::Int64 => Some(Arc::new(all.map(|n| n.map(|n| n as i64)).collect::<Int64Array>())),
        ArrowType::Float64 => Some(Arc::new(all.map(|n| n.map(|n| n as f64)).collect::<Float64Array>())),
        _ => None,
    }
}

/// What a row's factor makes of `from`; null where either is.
pub(super) fn multiple(factors: &[Value], from: &Value, number: &Value) -> Option<f64> {
    let at = number.number()?.round().clamp(0.0, factors.len().saturating_sub(1) as f64) as usize;
    Some(factors.get(at)?.number()? * from.number()?)
}

/// Gives rows one factor after the other of every multiple that is `wanted`, the next one in every round.
pub fn try_factors(rules: &[Rule], rows: &mut TableData, wanted: impl Fn(ColumnId) -> bool, round: usize) {
    for rule in rules {
        let Rule::Ratio { to, factors, .. } = rule else { continue };
        if wanted(*to) && !factors.is_empty() {
            let numbers = (0..rows.row_count).map(|row| ((row + round) % factors.len()) as f64);
            rows.set(numbers_of(*to), Arc::new(Float64Array::from_iter_values(numbers)));
        }
    }
}

/// Writes down the factors of rows that have both columns, so that they stay if the first one changes.
pub(super) fn remember(rules: &[Rule], rows: &mut TableData) {
    for rule in rules {
        let Rule::Ratio { from, to, factors, .. } = rule else { continue };
        if rows.column(numbers_of(*to)).is_none()
            && let Some(numbers) = numbers(rows, (*from, *to), factors)
        {
            rows.set(numbers_of(*to), numbers);
        }
    }
}

impl TableRules {
    /// Lets columns that nothing but a factor decides be learned as its number: `rows` with those numbers in their
    /// place.
    #[must_use]
    pub fn with_factors(mut self, rows: &TableData) -> (Self, TableData) {
        let mut coded = rows.clone();
        let deciding =
            |column: ColumnId| self.discovered.iter().filter(|rule| rule.decides() == Some(column)).count();
        let mut factored = Vec::new();
        for rule in &self.discovered {
            let Rule::Ratio { from, to, factors, .. } = rule else { continue };
            if self.is_settled(*to) || deciding(*to) > 1 || factors.is_empty() {
                continue;
            }
            if let Some(numbers) = numbers(rows, (*from, *to), factors) {
                coded.set(*to, numbers);
                factored.push(*to);
            }
        }
        self.factored = factored;
        (self, coded)
    }

    /// True if any column is learned as the number of its factor.
    #[must_use]
    pub fn has_factors(&self) -> bool {
        !self.factored.is_empty()
    }

    /// True for a column that is learned as the number of its factor.
    #[must_use]
    pub fn is_factored(&self, column: ColumnId) -> bool {
        self.factored.contains(&column)
    }

    /// Puts the numbers of factors that were drawn where enforcing looks for them; it computes the columns.
    #[must_use]
    pub fn with_numbers_apart(&self, drawn: TableData) -> TableData {
        let mut rows = drawn.select(|column| !self.is_factored(column));
        for column in &self.factored {
            if let Some(numbers) = drawn.column(*column) {
                rows.set(numbers_of(*column), numbers.clone());
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, cast::AsArray, types::Float64Type};

    use super::*;
    use crate::{
        rules::{Given, enforce},
        schema::{Column, DataType, Table, TableName},
    };

    const PRICE: ColumnId = ColumnId(0);
    const COST: ColumnId = ColumnId(1);

    fn rule() -> Rule {
        let factors = [0.3, 0.4, 0.5].map(Value::Float).to_vec();
        Rule::Ratio { from: PRICE, to: COST, factors, decimals: Some(2), rows: 4 }
    }

    fn table() -> Table {
        let decimal = DataType::Decimal { precision: Some(9), scale: Some(2) };
        let mut columns = vec![Column::new("price", decimal.clone()), Column::new("cost", decimal)];
        columns.iter_mut().for_each(|column| column.nullable = true);
        Table::new(TableName::bare("sale"), columns)
    }

    fn floats(values: &[Option<f64>]) -> ArrayRef {
        Arc::new(Float64Array::from(values.to_vec()))
    }

    fn read(rows: &TableData, column: ColumnId) -> Vec<Option<f64>> {
        rows.column(column).unwrap().as_primitive::<Float64Type>().iter().collect()
    }

    #[test]
    fn a_cost_is_learned_as_its_factor_and_multiplied_out_beside_any_price() {
        let prices = [Some(10.0), Some(3.33), Some(80.0), None];
        let costs = [Some(3.0), Some(1.67), Some(32.0), None];
        let rows = TableData::new(vec![PRICE, COST], vec![floats(&prices), floats(&costs)], 4);
        let rules = TableRules { discovered: vec![rule()], ..TableRules::default() };

        let (rules, coded) = rules.with_factors(&rows);

        assert!(rules.is_factored(COST) && !rules.is_factored(PRICE));
        assert_eq!(read(&coded, COST), [Some(0.0), Some(2.0), Some(1.0), None]);
        // The price comes from elsewhere, far from any that was seen.
        let drawn = rules.with_numbers_apart(coded.select(|column| column == COST));
        let new = floats(&[Some(1000.0), Some(0.5), Some(7.0), Some(9.0)]);
        let given = Given::default().with_borrowed(vec![(PRICE, new)]);
        let (rows, changed) = enforce(&rules.discovered, &table(), drawn, &given);
        assert_eq!(read(&rows, COST), [Some(300.0), Some(0.25), Some(2.8), None]);
        assert_eq!((changed, rows.columns.len()), (0, 2));
        // Once there, a factor survives another change of the price.
        let given = Given::default().with_borrowed(vec![(PRICE, floats(&[Some(2.0); 4]))]);
        let (rows, _) = enforce(&rules.discovered, &table(), rows, &given);
        assert_eq!(read(&rows, COST), [Some(0.6), Some(1.0), Some(0.8), None]);
    }
}
