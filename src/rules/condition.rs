//! `customers.country = 'IT'`: a condition that rows are generated under, read from SQL.
//!
//! Understood are =, <>, <, <=, >, >=, [NOT] IN, [NOT] BETWEEN, IS [NOT] NULL between a column and literals, and AND
//! between conditions on one table. Anything else is an error that shows the text: nothing is guessed.

use std::collections::BTreeMap;

use sqlparser::{
    ast::{BinaryOperator, Expr, Ident, UnaryOperator},
    dialect::GenericDialect,
    parser::Parser,
    tokenizer::Token,
};

use crate::{
    plan::{ColumnRole, Plan},
    schema::{Column, ColumnId, DataType, Schema, Storage, TableId},
};

use super::{calendar, limit::Limit, parse::literal, value::Value};

/// A condition on the rows of one table: what it leaves of each column it speaks of.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The table.
    pub table: TableId,
    /// What is left of the columns, each named once.
    pub limits: BTreeMap<ColumnId, Limit>,
    /// As the user wrote it.
    pub text: String,
}

/// Why a condition cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--where {text}: {reason}")]
pub struct ConditionError {
    /// The condition, as the user wrote it.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Condition {
    /// Reads the conditions of a run; those on one table become one.
    ///
    /// # Errors
    /// [`ConditionError`] if one is not understood, names what does not exist, speaks of a key, or if they leave
    /// nothing.
    pub fn read_all(texts: &[String], schema: &Schema, plan: &Plan) -> Result<Vec<Self>, ConditionError> {
        let mut all: BTreeMap<TableId, Self> = BTreeMap::new();
        for text in texts {
            let read = Self::read(text, schema, plan)?;
            let Some(known) = all.get_mut(&read.table) else {
                all.insert(read.table, read);
                continue;
            };
            known.text = format!("{} AND {}", known.text, read.text);
            for (column, limit) in read.limits {
                known.add(column, limit).map_err(|reason| error(&known.text, reason))?;
            }
        }
        Ok(all.into_values().collect())
    }

    fn read(text: &str, schema: &Schema, plan: &Plan) -> Result<Self, ConditionError> {
        let fail = |reason: String| error(text, reason);
        let mut parser =
            Parser::new(&GenericDialect {}).try_with_sql(text).map_err(|error| fail(error.to_string()))?;
        let expr = parser.parse_expr().map_err(|error| fail(error.to_string()))?;
        if parser.peek_token().token != Token::EOF {
            return Err(fail(format!("`{}` was not expected here", parser.peek_token().token)));
        }
        let mut tests = Vec::new();
        collect(&expr, &mut tests).map_err(fail)?;
        let mut condition: Option<Self> = None;
        for (left, test) in tests {
            let (table, column) = find(left, schema).map_err(fail)?;
            refuse_keys(schema, plan, table, column).map_err(fail)?;
            let limit = limit(schema.table(table).column(column), &test).map_err(fail)?;
            let known = condition.get_or_insert_with(|| Self {
                table,
                limits: BTreeMap::new(),
                text: text.to_owned(),
            });
            if known.table != table {
                return Err(fail("it speaks of two tables; give each its own --where".to_owned()));
            }
            known.add(column, limit).map_err(fail)?;
        }
        condition.ok_or_else(|| fail("it says nothing".to_owned()))
    }

    fn add(&mut self, column: ColumnId, limit: Limit) -> Result<(), String> {
        let nothing = || "no value can meet it".to_owned();
        let both = match self.limits.remove(&column) {
            Some(known) => known.and(limit).ok_or_else(nothing)?,
            None if limit.is_nothing() => return Err(nothing()),
            None => limit,
        };
        self.limits.insert(column, both);
        Ok(())
    }
}

fn error(text: &str, reason: String) -> ConditionError {
    ConditionError { text: text.to_owned(), reason }
}

/// One comparison of a column with literals.
enum Test {
    Null(bool),
    Compare(BinaryOperator, Value),
    Among(bool, Vec<Value>),
    Between(bool, Value, Value),
}

fn not_understood(expr: &Expr) -> String {
    format!(
        "`{expr}` is not understood; write table.column and =, <>, <, <=, >, >=, IN (…), BETWEEN, IS NULL or \
         IS NOT NULL, joined by AND"
    )
}

fn collect<'a>(expr: &'a Expr, tests: &mut Vec<(&'a [Ident], Test)>) -> Result<(), String> {
    let column = |expr: &'a Expr| match expr {
        Expr::CompoundIdentifier(names) => Ok(names.as_slice()),
        Expr::Identifier(name) => Err(format!("write `{name}` with its table: table.{name}")),
        other => Err(not_understood(other)),
    };
    let value = |expr: &Expr| constant(expr).ok_or_else(|| not_understood(expr));
    match expr {
        Expr::Nested(inner) => return collect(inner, tests),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            collect(left, tests)?;
            return collect(right, tests);
        }
        Expr::BinaryOp { left, op, right } => {
            let turned = match op {
                BinaryOperator::Lt => BinaryOperator::Gt,
                BinaryOperator::LtEq => BinaryOperator::GtEq,
                BinaryOperator::Gt => BinaryOperator::Lt,
                BinaryOperator::GtEq => BinaryOperator::LtEq,
                BinaryOperator::Eq | BinaryOperator::NotEq => op.clone(),
                _ => return Err(not_understood(expr)),
            };
            // A literal may stand on the left.
            let (column_side, op, value_side) = match constant(left) {
                Some(_) if matches!(**right, Expr::CompoundIdentifier(_)) => (right, turned, left),
                _ => (left, op.clone(), right),
            };
            tests.push((column(column_side)?, Test::Compare(op, value(value_side)?)));
        }
        Expr::InList { expr, list, negated } => {
            let list = list.iter().map(value).collect::<Result<Vec<_>, _>>()?;
            tests.push((column(expr)?, Test::Among(!negated, list)));
        }
        Expr::Between { expr, negated, low, high } => {
            tests.push((column(expr)?, Test::Between(!negated, value(low)?, value(high)?)));
        }
        Expr::IsNull(inner) => tests.push((column(inner)?, Test::Null(true))),
        Expr::IsNotNull(inner) => tests.push((column(inner)?, Test::Null(false))),
        other => return Err(not_understood(other)),
    }
    Ok(())
}

/// A literal. Text in double quotes is meant as text: a column would stand with its table.
fn constant(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Nested(inner) => constant(inner),
        Expr::Value(value) => literal(&value.value).filter(|value| *value != Value::Null),
        Expr::Identifier(name) if name.quote_style == Some('"') => Some(Value::Text(name.value.clone())),
        Expr::TypedString(typed) => literal(&typed.value.value),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match constant(expr)? {
            Value::Integer(number) => Some(Value::Integer(-number)),
            Value::Float(number) => Some(Value::Float(-number)),
            _ => None,
        },
        _ => None,
    }
}

fn find(names: &[Ident], schema: &Schema) -> Result<(TableId, ColumnId), String> {
    let [path @ .., column] = names else { return Err("it names no column".to_owned()) };
    let path: Vec<&str> = path.iter().map(|name| name.value.as_str()).collect();
    let path = path.join(".");
    let table = schema.find(&path).ok_or_else(|| format!("there is no table `{path}`"))?;
    let known = schema.table(table).find(&column.value);
    Ok((table, known.ok_or_else(|| format!("table {path} has no column `{}`", column.value))?))
}

fn refuse_keys(schema: &Schema, plan: &Plan, table: TableId, column: ColumnId) -> Result<(), String> {
    let name = &schema.table(table).column(column).name;
    match plan.table(table).columns[column.0] {
        ColumnRole::SurrogateKey => Err(format!("`{name}` is a key that is allotted anew, not learnt")),
        ColumnRole::ForeignKey => {
            Err(format!("`{name}` is a foreign key; put the condition on a column of its parent"))
        }
        ColumnRole::Generated => Err(format!("`{name}` is computed by the database")),
        _ => Ok(()),
    }
}

fn limit(column: &Column, test: &Test) -> Result<Limit, String> {
    match test {
        Test::Null(true) if !column.nullable => Err(format!("`{}` is NOT NULL", column.name)),
        Test::Null(true) => Ok(Limit::Null),
        Test::Null(false) => Ok(Limit::Present),
        Test::Compare(op, value) => compare(column, op, value),
        Test::Among(wanted, values) => {
            let op = if *wanted { BinaryOperator::Eq } else { BinaryOperator::NotEq };
            let mut parts = values.iter().map(|value| compare(column, &op, value));
            let first = parts.next().ok_or("an empty list")??;
            parts.try_fold(first, |all, one| {
                let one = one?;
                Ok(if *wanted {
                    either(all, one)
                } else {
                    all.and(one).ok_or_else(|| "no value can meet it".to_owned())?
                })
            })
        }
        Test::Between(wanted, low, high) => {
            let (from, to) = if *wanted {
                (BinaryOperator::GtEq, BinaryOperator::LtEq)
            } else {
                (BinaryOperator::Lt, BinaryOperator::Gt)
            };
            let (low, high) = (compare(column, &from, low)?, compare(column, &to, high)?);
            if *wanted {
                low.and(high).ok_or_else(|| "no value lies between".to_owned())
            } else {
                Ok(either(low, high))
            }
        }
    }
}

/// What one of two limits of one kind leaves.
fn either(a: Limit, b: Limit) -> Limit {
    match (a, b) {
        (Limit::Whole(mut a), Limit::Whole(b)) => {
            a.extend(b);
            a.sort_unstable();
            a.dedup();
            Limit::Whole(a)
        }
        (Limit::Floats(mut a), Limit::Floats(b)) => {
            a.extend(b);
            a.sort_by(|a, b| a.0.total_cmp(&b.0));
            a.dedup();
            Limit::Floats(a)
        }
        (Limit::Booleans { yes, no }, Limit::Booleans { yes: also_yes, no: also_no }) => {
            Limit::Booleans { yes: yes || also_yes, no: no || also_no }
        }
        (Limit::Texts { only: Some(mut a), except, fold_case }, Limit::Texts { only: Some(b), .. }) => {
            a.extend(b);
            Limit::Texts { only: Some(a), except, fold_case }
        }
        (a, _) => a,
    }
}

fn compare(column: &Column, op: &BinaryOperator, value: &Value) -> Result<Limit, String> {
    let misfit =
        || format!("the value does not fit `{}`, a column of type {}", column.name, column.native_type);
    match column.data_type.storage() {
        Storage::Integer => match value {
            Value::Integer(number) => Ok(Limit::Whole(whole(op, *number))),
            Value::Float(number) => Ok(Limit::Whole(between_wholes(op, *number))),
            _ => Err(misfit()),
        },
        Storage::Float => Ok(Limit::Floats(floats(op, value.number().ok_or_else(misfit)?))),
        Storage::Date => {
            let days = match value {
                Value::Text(text) => calendar::parse_date(text).filter(|_| text.len() == 10),
                _ => None,
            };
            Ok(Limit::Whole(whole(op, i64::from(days.ok_or_else(misfit)?))))
        }
        Storage::Time | Storage::Timestamp => {
            let Value::Text(text) = value else { return Err(misfit()) };
            let micros = if column.data_type.storage() == Storage::Time {
                calendar::parse_time(text)
            } else {
                calendar::parse_timestamp(text)
            };
            Ok(Limit::Whole(whole(op, micros.ok_or_else(misfit)?)))
        }
        Storage::Boolean => {
            let value = match value {
                Value::Boolean(value) => *value,
                Value::Integer(number @ (0 | 1)) => *number == 1,
                Value::Text(text) if text == "true" || text == "t" => true,
                Value::Text(text) if text == "false" || text == "f" => false,
                _ => return Err(misfit()),
            };
            match op {
                BinaryOperator::Eq => Ok(Limit::Booleans { yes: value, no: !value }),
                BinaryOperator::NotEq => Ok(Limit::Booleans { yes: !value, no: value }),
                _ => Err(format!("`{}` has no order", column.name)),
            }
        }
        Storage::Text => {
            let text = value.text().ok_or_else(misfit)?;
            if let DataType::Enum { labels } = &column.data_type
                && !labels.contains(&text)
            {
                return Err(misfit());
            }
            let fold_case = column.collation.ignores_case();
            match op {
                BinaryOperator::Eq => {
                    Ok(Limit::Texts { only: Some(vec![text]), except: Vec::new(), fold_case })
                }
                BinaryOperator::NotEq => Ok(Limit::Texts { only: None, except: vec![text], fold_case }),
                _ => {
                    Err(format!("`{}` is text, whose order is the database's own: use = or IN", column.name))
                }
            }
        }
        Storage::Bytes => Err(format!("`{}` holds bytes: only IS NULL and IS NOT NULL", column.name)),
    }
}

fn whole(op: &BinaryOperator, number: i64) -> Vec<(i64, i64)> {
    let below = number.checked_sub(1).map(|end| (i64::MIN, end));
    let above = number.checked_add(1).map(|start| (start, i64::MAX));
    match op {
        BinaryOperator::Eq => vec![(number, number)],
        BinaryOperator::NotEq => below.into_iter().chain(above).collect(),
        BinaryOperator::Lt => below.into_iter().collect(),
        BinaryOperator::LtEq => vec![(i64::MIN, number)],
        BinaryOperator::Gt => above.into_iter().collect(),
        _ => vec![(number, i64::MAX)],
    }
}

/// Whole numbers compared with a number that may lie between two of them. The casts saturate.
fn between_wholes(op: &BinaryOperator, number: f64) -> Vec<(i64, i64)> {
    if number.fract() == 0.0 {
        return whole(op, number as i64);
    }
    match op {
        BinaryOperator::Eq => Vec::new(),
        BinaryOperator::NotEq => vec![(i64::MIN, i64::MAX)],
        BinaryOperator::Lt | BinaryOperator::LtEq => vec![(i64::MIN, number.floor() as i64)],
        _ => vec![(number.ceil() as i64, i64::MAX)],
    }
}

fn floats(op: &BinaryOperator, number: f64) -> Vec<(f64, f64)> {
    let below = (f64::NEG_INFINITY, number.next_down());
    let above = (number.next_up(), f64::INFINITY);
    match op {
        BinaryOperator::Eq => vec![(number, number)],
        BinaryOperator::NotEq => vec![below, above],
        BinaryOperator::Lt => vec![below],
        BinaryOperator::LtEq => vec![(f64::NEG_INFINITY, number)],
        BinaryOperator::Gt => vec![above],
        _ => vec![(number, f64::INFINITY)],
    }
}

#[cfg(test)]
mod tests;
