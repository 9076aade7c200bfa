//! Generated columns inside of expressions: each is read as what it is computed from, so that whatever mentions one
//! speaks of columns that are really there. The other way round, an input is found that computes a wanted value.

use crate::schema::{Check, ColumnId, DataType, DialectName, Table};

use super::{
    eval::Row,
    expression::{CastTo, Expression, Function, Operator},
    parse,
    value::Value,
};

/// Longest chain of generated columns over generated columns that is followed.
const MAX_CHAIN: usize = 8;

/// The expression with every generated column replaced by its own expression; `None` if one of them is not understood.
pub(super) fn inlined(expression: &Expression, table: &Table, dialect: DialectName) -> Option<Expression> {
    replaced(expression, table, dialect, MAX_CHAIN)
}

fn replaced(expression: &Expression, table: &Table, dialect: DialectName, left: usize) -> Option<Expression> {
    if expression.columns().iter().all(|column| table.column(*column).generated.is_none()) {
        return Some(expression.clone());
    }
    expression.with_columns(&|id| {
        let column = table.column(id);
        let Some(text) = &column.generated else { return Some(Expression::Column(id)) };
        let part = Check { name: column.name.clone(), expression: text.clone(), domain_column: None };
        let inner = replaced(&parse::parse(&part, table, dialect)?, table, dialect, left.checked_sub(1)?)?;
        // A server brings the value into the column's type; SQLite only if that loses nothing.
        Some(match column.data_type {
            _ if dialect == DialectName::Sqlite => inner,
            DataType::Integer { .. } => Expression::Cast(CastTo::Integer, Box::new(inner)),
            DataType::Decimal { scale: Some(scale), .. } => {
                let scale = Expression::Literal(Value::Integer(i64::from(scale)));
                Expression::Call(Function::Round, vec![inner, scale])
            }
            _ => inner,
        })
    })
}

/// The column to change, and its value, for `expression` to be `wanted` on a row; `None` if the expression loses too
/// much to be turned round.
pub(super) fn solved(expression: &Expression, wanted: Value, row: Row<'_>) -> Option<(ColumnId, Value)> {
    let whole = |expression: &Expression| match expression {
        Expression::Literal(Value::Integer(value)) => usize::try_from(*value).ok(),
        _ => None,
    };
    match expression {
        Expression::Column(column) => Some((*column, wanted)),
        Expression::Cast(_, inner) => solved(inner, wanted, row),
        Expression::Call(Function::Coalesce, arguments) => solved(arguments.first()?, wanted, row),
        Expression::Call(
            Function::Lower | Function::Upper | Function::Trim | Function::TrimStart | Function::TrimEnd,
            arguments,
        ) => match arguments.as_slice() {
            [inner] => solved(inner, wanted, row),
            _ => None,
        },
        Expression::Call(function @ (Function::Left | Function::Right | Function::Substring), arguments) => {
            let inner = arguments.first()?;
            let text: Vec<char> = row.evaluate(inner).text().unwrap_or_default().chars().collect();
            let second = whole(arguments.get(1)?)?;
            let (from, length) = match (function, arguments.get(2)) {
                (Function::Left, _) => (0, second),
                (Function::Right, _) => (text.len().saturating_sub(second), second),
                (_, Some(length)) => (second.checked_sub(1)?, whole(length)?),
                (_, None) => (second.checked_sub(1)?, usize::MAX),
            };
            let piece: Vec<char> = wanted.text()?.chars().collect();
            if from > text.len() || piece.len() > length {
                return None;
            }
            // A piece shorter than the place for it must be the end of the text.
            let after = if piece.len() < length { text.len() } else { (from + length).min(text.len()) };
            let changed = text[..from].iter().chain(&piece).chain(&text[after..]).collect();
            solved(inner, Value::Text(changed), row)
        }
        Expression::Arithmetic(Operator::Concat, left, right) => match (left.as_ref(), right.as_ref()) {
            (Expression::Literal(fixed), inner) => {
                let rest = wanted.text()?.strip_prefix(&fixed.text()?)?.to_owned();
                solved(inner, Value::Text(rest), row)
            }
            (inner, Expression::Literal(fixed)) => {
                let rest = wanted.text()?.strip_suffix(&fixed.text()?)?.to_owned();
                solved(inner, Value::Text(rest), row)
            }
            _ => None,
        },
        Expression::Arithmetic(operator @ (Operator::Add | Operator::Subtract), left, right) => {
            let Value::Integer(wanted) = wanted else { return None };
            let (inner, value) = match (operator, left.as_ref(), right.as_ref()) {
                (Operator::Add, inner, Expression::Literal(Value::Integer(fixed)))
                | (Operator::Add, Expression::Literal(Value::Integer(fixed)), inner) => {
                    (inner, wanted.checked_sub(*fixed)?)
                }
                (_, inner, Expression::Literal(Value::Integer(fixed))) => {
                    (inner, wanted.checked_add(*fixed)?)
                }
                _ => return None,
            };
            solved(inner, Value::Integer(value), row)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
