//! Three-valued evaluation of an expression over one row.

use std::cmp::Ordering;

use arrow_array::ArrayRef;

use crate::schema::ColumnId;

use super::{
    calendar::{self, DAY_MICROS},
    expression::{CastTo, Comparison, Expression, Operator},
    functions,
    value::Value,
};

/// Relative distance below which two decimals held as floats are the same number.
const SAME: f64 = 1e-9;

/// One row, as the columns see it.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// Array of each column, by column id; `None` if not held.
    pub(super) columns: &'a [Option<&'a ArrayRef>],
    pub(super) index: usize,
    /// True if text compares without case (the collation of a column concerned).
    pub(super) fold_case: bool,
}

impl Row<'_> {
    fn column(self, id: ColumnId) -> Value {
        self.columns
            .get(id.0)
            .copied()
            .flatten()
            .map_or(Value::Null, |values| Value::read(values, self.index))
    }

    /// Evaluates; what cannot be evaluated is null, as unknown as SQL's own.
    pub(super) fn evaluate(self, expression: &Expression) -> Value {
        self.try_evaluate(expression).unwrap_or(Value::Null)
    }

    fn truth(self, expression: &Expression) -> Option<bool> {
        self.evaluate(expression).truth()
    }

    fn try_evaluate(self, expression: &Expression) -> Option<Value> {
        let boolean = |truth: Option<bool>| truth.map(Value::Boolean);
        match expression {
            Expression::Column(id) => Some(self.column(*id)),
            Expression::Literal(value) => Some(value.clone()),
            Expression::And(all) => {
                boolean(exists(all.iter().map(|one| self.truth(one).map(|t| !t))).map(|t| !t))
            }
            Expression::Or(all) => boolean(exists(all.iter().map(|one| self.truth(one)))),
            Expression::Not(inner) => boolean(self.truth(inner).map(|truth| !truth)),
            Expression::Compare(how, left, right) => {
                boolean(self.compare(*how, &self.evaluate(left), &self.evaluate(right)))
            }
            Expression::Same(left, right) => {
                let (left, right) = (self.evaluate(left), self.evaluate(right));
                Some(Value::Boolean(match (left.is_null(), right.is_null()) {
                    (true, true) => true,
                    (false, false) => self.compare(Comparison::Equal, &left, &right)?,
                    _ => false,
                }))
            }
            Expression::Any(how, left, list) => {
                let left = self.evaluate(left);
                boolean(exists(list.iter().map(|one| self.compare(*how, &left, &self.evaluate(one)))))
            }
            Expression::All(how, left, list) => {
                let left = self.evaluate(left);
                let fails = list.iter().map(|one| self.compare(*how, &left, &self.evaluate(one)).map(|t| !t));
                boolean(exists(fails).map(|t| !t))
            }
            Expression::IsNull(inner) => Some(Value::Boolean(self.evaluate(inner).is_null())),
            Expression::Is(wanted, inner) => Some(Value::Boolean(self.truth(inner) == Some(*wanted))),
            Expression::Matches(inner, pattern) => boolean(pattern.matches(&self.evaluate(inner).text()?)),
            Expression::Arithmetic(operator, left, right) => {
                arithmetic(*operator, &self.evaluate(left), &self.evaluate(right))
            }
            Expression::Cast(to, inner) => cast(*to, self.evaluate(inner)),
            Expression::Field(field, inner) => calendar::field(*field, &self.evaluate(inner)),
            Expression::Case(branches, otherwise) => {
                let hit = branches.iter().find(|(when, _)| self.truth(when) == Some(true));
                Some(self.evaluate(hit.map_or(otherwise, |(_, then)| then)))
            }
            Expression::Call(function, arguments) => {
                let values: Vec<Value> = arguments.iter().map(|argument| self.evaluate(argument)).collect();
                functions::call(*function, &values)
            }
        }
    }

    fn compare(self, how: Comparison, left: &Value, right: &Value) -> Option<bool> {
        let order = order(left, right, self.fold_case)?;
        Some(match how {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        })
    }
}

/// SQL's OR over many: true if one is, unknown if none is true but one unknown.
fn exists(truths: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = true;
    for truth in truths {
        match truth {
            Some(true) => return Some(true),
            Some(false) => {}
            None => known = false,
        }
    }
    known.then_some(false)
}

/// Orders two values of any kinds that can be compared; text beside a number or date is read as one.
pub(super) fn order(left: &Value, right: &Value, fold_case: bool) -> Option<Ordering> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Integer(a), Value::Integer(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) if fold_case => Some(a.to_lowercase().cmp(&b.to_lowercase())),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
        (Value::Bytes(a), Value::Text(b)) => Some(a.cmp(&bytes(b)?)),
        (Value::Text(a), Value::Bytes(b)) => Some(bytes(a)?.cmp(b)),
        (Value::Boolean(a), Value::Text(b)) => Some(a.cmp(&spelled(b)?)),
        (Value::Text(a), Value::Boolean(b)) => Some(spelled(a)?.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Text(b)) => Some(a.cmp(&calendar::parse_time(b)?)),
        (Value::Text(a), Value::Time(b)) => Some(calendar::parse_time(a)?.cmp(b)),
        (Value::Date(_) | Value::Timestamp(_), _) | (_, Value::Date(_) | Value::Timestamp(_)) => {
            Some(moment(left)?.cmp(&moment(right)?))
        }
        _ => {
            let (a, b) = (left.number()?, right.number()?);
            let close = (a - b).abs() <= SAME * a.abs().max(b.abs()).min(f64::MAX);
            if close { Some(Ordering::Equal) } else { a.partial_cmp(&b) }
        }
    }
}

/// Bytes spelled as text: `\\x` and hexadecimal digits, or as they are.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let Some(digits) = text.strip_prefix("\\x") else { return Some(text.as_bytes().to_vec()) };
    let digit = |place: usize| digits.get(place..place + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    if digits.len() % 2 != 0 {
        return None;
    }
    (0..digits.len()).step_by(2).map(digit).collect()
}

/// A truth value spelled as text.
fn spelled(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Microseconds since 1970, wide enough for the infinite dates.
fn moment(value: &Value) -> Option<i128> {
    match value {
        Value::Date(days) => Some(i128::from(*days) * i128::from(DAY_MICROS)),
        Value::Timestamp(micros) => Some(i128::from(*micros)),
        Value::Text(text) if text == "infinity" => Some(i128::MAX),
        Value::Text(text) if text == "-infinity" => Some(i128::MIN),
        Value::Text(text) => calendar::parse_timestamp(text).map(i128::from),
        _ => None,
    }
}

fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Option<Value> {
    if operator == Operator::Concat {
        return Some(Value::Text(left.text()? + &right.text()?));
    }
    match (operator, left, right) {
        (Operator::Subtract, Value::Date(a), Value::Date(b)) => {
            return Some(Value::Integer(i64::from(*a) - i64::from(*b)));
        }
        (Operator::Add, Value::Date(a), Value::Integer(b)) => {
            return i32::try_from(i64::from(*a).checked_add(*b)?).ok().map(Value::Date);
        }
        (Operator::Subtract, Value::Date(a), Value::Integer(b)) => {
            return i32::try_from(i64::from(*a).checked_sub(*b)?).ok().map(Value::Date);
        }
        // A span of time, as an interval literal is read.
        (Operator::Add, Value::Timestamp(a), Value::Time(b))
        | (Operator::Add, Value::Time(b), Value::Timestamp(a)) => {
            return a.checked_add(*b).map(Value::Timestamp);
        }
        (Operator::Subtract, Value::Timestamp(a), Value::Time(b)) => {
            return a.checked_sub(*b).map(Value::Timestamp);
        }
        (Operator::Subtract, Value::Timestamp(a), Value::Timestamp(b)) => {
            return a.checked_sub(*b).map(Value::Time);
        }
        (Operator::Add | Operator::Subtract, Value::Date(a), Value::Time(b)) => {
            let start = i64::from(*a).checked_mul(DAY_MICROS)?;
            let moved = if operator == Operator::Add { start.checked_add(*b) } else { start.checked_sub(*b) };
            return moved.map(Value::Timestamp);
        }
        (_, Value::Integer(a), Value::Integer(b)) => {
            let exact = match operator {
                Operator::Add => a.checked_add(*b),
                Operator::Subtract => a.checked_sub(*b),
                Operator::Multiply => a.checked_mul(*b),
                Operator::DivideWhole => a.checked_div(*b),
                Operator::Remainder => a.checked_rem(*b),
                Operator::Divide | Operator::Concat => None,
            };
            if let Some(exact) = exact {
                return Some(Value::Integer(exact));
            }
        }
        _ => {}
    }
    let (a, b) = (left.number()?, right.number()?);
    let result = match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide | Operator::DivideWhole if b != 0.0 => a / b,
        Operator::Remainder if b != 0.0 => a % b,
        _ => return None,
    };
    Some(Value::Float(result))
}

fn cast(to: CastTo, value: Value) -> Option<Value> {
    match (to, &value) {
        (_, Value::Null) => None,
        (CastTo::Text, _) => value.text().map(Value::Text),
        (CastTo::Integer, Value::Integer(_)) => Some(value),
        (CastTo::Integer, _) => Some(Value::Integer(value.number()?.round() as i64)),
        (CastTo::Date, Value::Timestamp(micros)) => {
            i32::try_from(micros.div_euclid(DAY_MICROS)).ok().map(Value::Date)
        }
        (CastTo::Date, Value::Text(text)) => calendar::parse_date(text).map(Value::Date),
        (CastTo::Timestamp, Value::Date(days)) => {
            Some(Value::Timestamp(i64::from(*days).checked_mul(DAY_MICROS)?))
        }
        (CastTo::Timestamp, Value::Text(text)) => calendar::parse_timestamp(text).map(Value::Timestamp),
        (CastTo::Date | CastTo::Timestamp, _) => Some(value),
    }
}
