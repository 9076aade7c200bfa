//! The functions conditions call.

use crate::schema::DialectName;

use super::{document, eval::order, expression::Function, value::Value};

/// Calls a function. `None` is unknown: a null argument, or one of a kind the function does not take.
pub(super) fn call(function: Function, arguments: &[Value]) -> Option<Value> {
    let text = |index: usize| arguments.get(index).and_then(Value::text);
    let count = |index: usize| arguments.get(index).and_then(Value::number).map(|number| number as i64);
    let numeric = |change: fn(f64) -> f64| match arguments.first()? {
        Value::Integer(value) => {
            let changed = change(*value as f64);
            Some(if changed.abs() < 9e15 { Value::Integer(changed as i64) } else { Value::Integer(*value) })
        }
        other => other.number().map(|number| Value::Float(change(number))),
    };
    let nulls = arguments.iter().filter(|argument| argument.is_null()).count() as i64;
    match function {
        Function::Length | Function::ByteLength if matches!(arguments.first(), Some(Value::Bytes(_))) => {
            let Some(Value::Bytes(bytes)) = arguments.first() else { return None };
            Some(Value::Integer(bytes.len() as i64))
        }
        Function::Length => text(0).map(|text| Value::Integer(text.chars().count() as i64)),
        Function::ByteLength => text(0).map(|text| Value::Integer(text.len() as i64)),
        Function::RangeEmpty => text(0).map(|text| Value::Boolean(text == "empty")),
        Function::RangeLow | Function::RangeHigh => {
            let text = text(0)?;
            let (low, high) = text.get(1..text.len().checked_sub(1)?)?.split_once(',')?;
            let end = if function == Function::RangeLow { low } else { high }.trim_matches('"');
            let number = || end.parse().ok().map(Value::Integer).or(end.parse().ok().map(Value::Float));
            (!end.is_empty()).then(|| number().unwrap_or_else(|| Value::Text(end.to_owned())))
        }
        Function::Lower => text(0).map(|text| Value::Text(text.to_lowercase())),
        Function::Upper => text(0).map(|text| Value::Text(text.to_uppercase())),
        Function::Trim | Function::TrimStart | Function::TrimEnd => {
            let set = if arguments.len() > 1 { text(1)? } else { " ".to_owned() };
            let (whole, set) = (text(0)?, |character: char| set.contains(character));
            Some(Value::Text(
                match function {
                    Function::TrimStart => whole.trim_start_matches(set),
                    Function::TrimEnd => whole.trim_end_matches(set),
                    _ => whole.trim_matches(set),
                }
                .to_owned(),
            ))
        }
        Function::Coalesce => arguments.iter().find(|argument| !argument.is_null()).cloned(),
        Function::NullIf => {
            let equal =
                order(arguments.first()?, arguments.get(1)?, false).is_some_and(std::cmp::Ordering::is_eq);
            if equal { None } else { arguments.first().cloned() }
        }
        Function::Absolute => numeric(f64::abs),
        Function::Floor => numeric(f64::floor),
        Function::Ceiling => numeric(f64::ceil),
        Function::Sign => numeric(|number| if number == 0.0 { 0.0 } else { number.signum() }),
        Function::Power => Some(Value::Float(arguments.first()?.number()?.powf(arguments.get(1)?.number()?))),
        Function::SquareRoot => Some(Value::Float(arguments.first()?.number()?.sqrt())),
        Function::Round => {
            let unit = 10_f64.powi(if arguments.len() > 1 { count(1)?.clamp(-18, 18) as i32 } else { 0 });
            Some(Value::Float((arguments.first()?.number()? * unit).round() / unit))
        }
        Function::Greatest | Function::Least => {
            let known = arguments.iter().filter(|argument| !argument.is_null());
            known
                .reduce(|best, next| match order(next, best, false) {
                    Some(order) if order.is_gt() == (function == Function::Greatest) && order.is_ne() => next,
                    _ => best,
                })
                .cloned()
        }
        Function::JsonValid => {
            text(0).map(|text| Value::Boolean(serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok()))
        }
        Function::Position => {
            let (whole, part) = (text(0)?, text(1)?);
            let at = whole.find(&part).map_or(0, |byte| whole[..byte].chars().count() as i64 + 1);
            Some(Value::Integer(at))
        }
        Function::Left => piece(&text(0)?, 1, Some(count(1)?)),
        Function::Right => {
            let whole = text(0)?;
            let length = whole.chars().count() as i64;
            piece(&whole, length - count(1)?.clamp(0, length) + 1, None)
        }
        Function::Substring => {
            let length = if arguments.len() > 2 { Some(count(2)?) } else { None };
            piece(&text(0)?, count(1)?, length)
        }
        Function::StartsWith => Some(Value::Boolean(text(0)?.starts_with(&text(1)?))),
        Function::TypeOf => {
            let name = match arguments.first()? {
                Value::Null => "null",
                Value::Integer(_) | Value::Boolean(_) => "integer",
                Value::Float(_) => "real",
                Value::Text(_) => "text",
                Value::Bytes(_) => "blob",
                // How the file holds moments is not known here.
                Value::Date(_) | Value::Time(_) | Value::Timestamp(_) => return None,
            };
            Some(Value::Text(name.to_owned()))
        }
        Function::JsonType => {
            let dialect = match arguments.get(1)?.text()?.as_str() {
                "mysql" => DialectName::MySql,
                "sqlite" => DialectName::Sqlite,
                _ => DialectName::Postgres,
            };
            document::json_type(&text(0)?, dialect)
        }
        Function::JsonLength => document::json_length(&text(0)?),
        Function::JsonPart => document::json_part(&text(0)?, arguments.get(1)?, false),
        Function::JsonText => document::json_part(&text(0)?, arguments.get(1)?, true),
        Function::ArrayLength => {
            document::array_length(&text(0)?).filter(|length| *length > 0).map(Value::Integer)
        }
        Function::Cardinality => document::array_length(&text(0)?).map(Value::Integer),
        Function::Join => Some(Value::Text(arguments.iter().filter_map(Value::text).collect())),
        Function::Replace => Some(Value::Text(text(0)?.replace(&text(1)?, &text(2)?))),
        Function::BitAnd | Function::BitOr => match (arguments.first()?, arguments.get(1)?) {
            (Value::Integer(a), Value::Integer(b)) if function == Function::BitAnd => {
                Some(Value::Integer(a & b))
            }
            (Value::Integer(a), Value::Integer(b)) => Some(Value::Integer(a | b)),
            _ => None,
        },
        Function::Truncate if arguments.len() > 1 => {
            let unit = 10_f64.powi(count(1)?.clamp(-18, 18) as i32);
            Some(Value::Float((arguments.first()?.number()? * unit).trunc() / unit))
        }
        Function::Truncate => numeric(f64::trunc),
        Function::FindInSet => {
            let (part, list) = (text(0)?, text(1)?);
            let place = list.split(',').position(|one| one == part).filter(|_| !list.is_empty());
            Some(Value::Integer(place.map_or(0, |place| place as i64 + 1)))
        }
        Function::CountNulls => Some(Value::Integer(nulls)),
        Function::CountNonNulls => Some(Value::Integer(arguments.len() as i64 - nulls)),
    }
}

/// Characters from place `from` (1 is the first), at most `length`.
fn piece(text: &str, from: i64, length: Option<i64>) -> Option<Value> {
    let skip = usize::try_from(from - 1).ok()?;
    let length = length.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(0));
    Some(Value::Text(text.chars().skip(skip).take(length).collect()))
}
