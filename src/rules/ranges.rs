//! What conditions say about one column alone: a range of numbers, a list of values.

use crate::schema::{ColumnId, DataType, Table};

use super::{
    expression::{CastTo, Comparison, Expression},
    value::Value,
};

/// The conditions that must all hold.
pub(super) fn conjuncts(expression: &Expression) -> Vec<&Expression> {
    match expression {
        Expression::And(all) => all.iter().flat_map(conjuncts).collect(),
        other => vec![other],
    }
}

/// True for `column`, through casts that keep its order.
pub(super) fn is_column(expression: &Expression, column: ColumnId) -> bool {
    match expression {
        Expression::Column(id) => *id == column,
        Expression::Cast(CastTo::Text | CastTo::Timestamp, inner) => is_column(inner, column),
        _ => false,
    }
}

/// `expression` without `OR column IS NULL`, which no value can make use of.
pub(super) fn without_null_case(expression: &Expression, column: ColumnId) -> Vec<&Expression> {
    match expression {
        Expression::Or(all) => all
            .iter()
            .filter(|one| !matches!(one, Expression::IsNull(inner) if is_column(inner, column)))
            .collect(),
        other => vec![other],
    }
}

/// The range `expression` leaves to `column`, both ends included.
pub(super) fn bounds(expression: &Expression, table: &Table, column: ColumnId) -> Option<(f64, f64)> {
    let mut range = (f64::NEG_INFINITY, f64::INFINITY);
    for conjunct in conjuncts(expression) {
        let alternatives = without_null_case(conjunct, column);
        let [one] = alternatives.as_slice() else { continue };
        for part in conjuncts(one) {
            let Expression::Compare(how, left, right) = part else { continue };
            let (how, limit) = match (left.as_ref(), right.as_ref()) {
                (side, Expression::Literal(value)) if is_column(side, column) => (*how, value.number()),
                (Expression::Literal(value), side) if is_column(side, column) => {
                    (how.flipped(), value.number())
                }
                _ => continue,
            };
            let Some(limit) = limit else { continue };
            let data_type = &table.column(column).data_type;
            match how {
                Comparison::GreaterOrEqual => range.0 = range.0.max(limit),
                Comparison::Greater => range.0 = range.0.max(beside(limit, data_type, 1.0)),
                Comparison::LessOrEqual => range.1 = range.1.min(limit),
                Comparison::Less => range.1 = range.1.min(beside(limit, data_type, -1.0)),
                Comparison::Equal => range = (range.0.max(limit), range.1.min(limit)),
                Comparison::NotEqual => {}
            }
        }
    }
    (range.0.is_finite() || range.1.is_finite()).then_some(range)
}

/// The next value of the type above (`side` 1) or below (−1) `limit`.
fn beside(limit: f64, data_type: &DataType, side: f64) -> f64 {
    let unit = match data_type {
        DataType::Integer { .. } => 1.0,
        DataType::Decimal { scale: Some(scale), .. } => 10_f64.powi(-*scale),
        _ => return if side > 0.0 { limit.next_up() } else { limit.next_down() },
    };
    let place = limit / unit;
    let next = if side > 0.0 { (place + 1e-9).floor() + 1.0 } else { (place - 1e-9).ceil() - 1.0 };
    // Divide by the whole inverse: 3 · 0.01 is not 0.03, but 3 / 100 is.
    if unit < 1.0 { next / (1.0 / unit).round() } else { next * unit }
}

/// The values `expression` leaves to `column`, if it lists them.
pub(super) fn allowed(expression: &Expression, column: ColumnId) -> Option<Vec<String>> {
    conjuncts(expression).into_iter().find_map(|conjunct| {
        let mut values = Vec::new();
        for alternative in without_null_case(conjunct, column) {
            values.extend(listed(alternative, column)?);
        }
        (!values.is_empty()).then_some(values)
    })
}

fn listed(expression: &Expression, column: ColumnId) -> Option<Vec<String>> {
    let text = |expression: &Expression| match expression {
        Expression::Literal(value) => value.text(),
        _ => None,
    };
    match expression {
        Expression::Any(Comparison::Equal, left, list) if is_column(left, column) => {
            // NULL in a list matches nothing.
            let known = list.iter().filter(|one| !matches!(one, Expression::Literal(Value::Null)));
            known.map(text).collect()
        }
        Expression::Compare(Comparison::Equal, left, right) if is_column(left, column) => {
            Some(vec![text(right)?])
        }
        Expression::Compare(Comparison::Equal, left, right) if is_column(right, column) => {
            Some(vec![text(left)?])
        }
        Expression::Or(all) => {
            let lists = all.iter().map(|one| listed(one, column)).collect::<Option<Vec<_>>>()?;
            Some(lists.into_iter().flatten().collect())
        }
        _ => None,
    }
}
