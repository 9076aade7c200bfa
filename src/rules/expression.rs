//! Conditions as trees: what we understand of SQL expressions.

use serde::{Deserialize, Serialize};

use crate::schema::ColumnId;

use super::{pattern::Pattern, value::Value};

/// An expression over the columns of one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expression {
    /// The value of a column.
    Column(ColumnId),
    /// A literal.
    Literal(Value),
    /// All must hold.
    And(Vec<Expression>),
    /// One must hold.
    Or(Vec<Expression>),
    /// Negation.
    Not(Box<Expression>),
    /// A comparison.
    Compare(Comparison, Box<Expression>, Box<Expression>),
    /// `IS NOT DISTINCT FROM`: null equals null.
    Same(Box<Expression>, Box<Expression>),
    /// A comparison with any of a list (`IN`, `= ANY`).
    Any(Comparison, Box<Expression>, Vec<Expression>),
    /// A comparison with all of a list (`NOT IN`, `<> ALL`).
    All(Comparison, Box<Expression>, Vec<Expression>),
    /// `IS NULL`.
    IsNull(Box<Expression>),
    /// `IS TRUE` or `IS FALSE`.
    Is(bool, Box<Expression>),
    /// Text against a constant pattern.
    Matches(Box<Expression>, Pattern),
    /// Arithmetic.
    Arithmetic(Operator, Box<Expression>, Box<Expression>),
    /// A cast that changes a value.
    Cast(CastTo, Box<Expression>),
    /// A field of a date or time.
    Field(DateField, Box<Expression>),
    /// First condition that holds, its result; else the last.
    Case(Vec<(Expression, Expression)>, Box<Expression>),
    /// A function.
    Call(Function, Vec<Expression>),
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// The comparison with its sides exchanged.
    #[must_use]
    pub fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            other => other,
        }
    }

    /// True for the four that need an order.
    #[must_use]
    pub fn is_ordered(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// Arithmetic and text joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// Division of two whole numbers that drops the fraction.
    DivideWhole,
    Remainder,
    Concat,
}

/// Casts that are not folded away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum CastTo {
    Text,
    Integer,
    Date,
    Timestamp,
}

/// Fields of dates and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum DateField {
    Year,
    Quarter,
    Month,
    Day,
    DayOfYear,
    /// Sunday is 0.
    Weekday,
    /// Monday is 1.
    IsoWeekday,
    Hour,
    Minute,
    Second,
    Epoch,
}

impl DateField {
    /// Reads a field's SQL name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_lowercase().trim_end_matches('s') {
            "year" => Self::Year,
            "quarter" => Self::Quarter,
            "month" => Self::Month,
            "day" | "dayofmonth" => Self::Day,
            "doy" | "dayofyear" => Self::DayOfYear,
            "dow" => Self::Weekday,
            "isodow" => Self::IsoWeekday,
            "hour" => Self::Hour,
            "minute" => Self::Minute,
            "second" => Self::Second,
            "epoch" => Self::Epoch,
            _ => return None,
        })
    }
}

/// Functions we evaluate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Function {
    /// Characters.
    Length,
    /// Bytes.
    ByteLength,
    Lower,
    Upper,
    Trim,
    TrimStart,
    TrimEnd,
    Coalesce,
    NullIf,
    Absolute,
    Round,
    Floor,
    Ceiling,
    Sign,
    Power,
    SquareRoot,
    Greatest,
    Least,
    JsonValid,
    /// Position of the second text in the first, from 1; 0 if absent.
    Position,
    Left,
    Right,
    Substring,
    StartsWith,
    CountNulls,
    CountNonNulls,
    /// SQLite's name for the kind of a value.
    TypeOf,
    /// The type of a JSON document; the second argument names the engine.
    JsonType,
    JsonLength,
    /// A part of a JSON document, as JSON.
    JsonPart,
    /// A part of a JSON document, as text.
    JsonText,
    /// Elements of an array; null for none.
    ArrayLength,
    /// Elements of an array; 0 for none.
    Cardinality,
    /// Texts joined; null counts as empty.
    Join,
    Replace,
    BitAnd,
    BitOr,
    /// Toward zero.
    Truncate,
    /// Where a range begins; null if it is empty or does not.
    RangeLow,
    /// Where a range ends.
    RangeHigh,
    /// True for a range without values.
    RangeEmpty,
    /// The place of a text in a list with commas; 0 if it is not there.
    FindInSet,
}

impl Function {
    /// Reads a function's SQL name. `length_is_bytes` for MySQL, where `LENGTH` counts bytes.
    #[must_use]
    pub fn named(name: &str, length_is_bytes: bool) -> Option<Self> {
        Some(match name.to_lowercase().as_str() {
            "length" | "len" if length_is_bytes => Self::ByteLength,
            "length" | "len" | "char_length" | "character_length" => Self::Length,
            "octet_length" => Self::ByteLength,
            "lower" | "lcase" => Self::Lower,
            "upper" | "ucase" => Self::Upper,
            "trim" | "btrim" => Self::Trim,
            "ltrim" => Self::TrimStart,
            "rtrim" => Self::TrimEnd,
            "coalesce" | "ifnull" => Self::Coalesce,
            "nullif" => Self::NullIf,
            "abs" => Self::Absolute,
            "round" => Self::Round,
            "floor" => Self::Floor,
            "ceil" | "ceiling" => Self::Ceiling,
            "sign" => Self::Sign,
            "power" | "pow" => Self::Power,
            "sqrt" => Self::SquareRoot,
            "greatest" => Self::Greatest,
            "least" => Self::Least,
            "json_valid" => Self::JsonValid,
            "strpos" | "instr" => Self::Position,
            "left" => Self::Left,
            "right" => Self::Right,
            "substr" | "substring" => Self::Substring,
            "starts_with" => Self::StartsWith,
            "num_nulls" => Self::CountNulls,
            "num_nonnulls" => Self::CountNonNulls,
            "jsonb_array_length" | "json_array_length" | "json_length" => Self::JsonLength,
            "jsonb_extract_path" | "json_extract_path" => Self::JsonPart,
            "jsonb_extract_path_text" | "json_extract_path_text" | "json_value" => Self::JsonText,
            "cardinality" => Self::Cardinality,
            "replace" => Self::Replace,
            "trunc" | "truncate" => Self::Truncate,
            "find_in_set" => Self::FindInSet,
            _ => return None,
        })
    }
}

impl Expression {
    /// The expressions directly below.
    fn children(&self) -> Vec<&Self> {
        match self {
            Self::Column(_) | Self::Literal(_) => Vec::new(),
            Self::And(all) | Self::Or(all) | Self::Call(_, all) => all.iter().collect(),
            Self::Not(inner)
            | Self::IsNull(inner)
            | Self::Is(_, inner)
            | Self::Matches(inner, _)
            | Self::Cast(_, inner)
            | Self::Field(_, inner) => vec![inner],
            Self::Compare(_, left, right) | Self::Same(left, right) | Self::Arithmetic(_, left, right) => {
                vec![left, right]
            }
            Self::Any(_, left, list) | Self::All(_, left, list) => {
                std::iter::once(left.as_ref()).chain(list).collect()
            }
            Self::Case(branches, otherwise) => {
                let mut all: Vec<&Self> = branches.iter().flat_map(|(when, then)| [when, then]).collect();
                all.push(otherwise);
                all
            }
        }
    }

    /// The expression with every column replaced; `None` if `replace` refuses one.
    pub(super) fn with_columns(&self, replace: &impl Fn(ColumnId) -> Option<Self>) -> Option<Self> {
        let one = |inner: &Self| inner.with_columns(replace);
        let boxed = |inner: &Self| one(inner).map(Box::new);
        let all = |inner: &[Self]| inner.iter().map(one).collect::<Option<Vec<_>>>();
        Some(match self {
            Self::Column(column) => replace(*column)?,
            Self::Literal(_) => self.clone(),
            Self::And(inner) => Self::And(all(inner)?),
            Self::Or(inner) => Self::Or(all(inner)?),
            Self::Call(function, arguments) => Self::Call(*function, all(arguments)?),
            Self::Not(inner) => Self::Not(boxed(inner)?),
            Self::IsNull(inner) => Self::IsNull(boxed(inner)?),
            Self::Is(wanted, inner) => Self::Is(*wanted, boxed(inner)?),
            Self::Matches(inner, pattern) => Self::Matches(boxed(inner)?, pattern.clone()),
            Self::Cast(to, inner) => Self::Cast(*to, boxed(inner)?),
            Self::Field(field, inner) => Self::Field(*field, boxed(inner)?),
            Self::Compare(how, left, right) => Self::Compare(*how, boxed(left)?, boxed(right)?),
            Self::Same(left, right) => Self::Same(boxed(left)?, boxed(right)?),
            Self::Arithmetic(operator, left, right) => {
                Self::Arithmetic(*operator, boxed(left)?, boxed(right)?)
            }
            Self::Any(how, left, list) => Self::Any(*how, boxed(left)?, all(list)?),
            Self::All(how, left, list) => Self::All(*how, boxed(left)?, all(list)?),
            Self::Case(branches, otherwise) => {
                let branches = branches.iter().map(|(when, then)| Some((one(when)?, one(then)?)));
                Self::Case(branches.collect::<Option<Vec<_>>>()?, boxed(otherwise)?)
            }
        })
    }

    /// The whole numbers that it asks a column to equal, or not to equal.
    pub(super) fn constants_of(&self, column: ColumnId) -> Vec<i64> {
        let is_column = |side: &Self| matches!(side, Self::Column(id) if *id == column);
        let number = |side: &Self| match side {
            Self::Literal(Value::Integer(number)) => Some(*number),
            _ => None,
        };
        let equality = |how: &Comparison| matches!(how, Comparison::Equal | Comparison::NotEqual);
        let mut found: Vec<i64> = match self {
            Self::Compare(how, left, right) if equality(how) => {
                let sides = [(left, right), (right, left)];
                sides
                    .iter()
                    .filter(|(one, _)| is_column(one))
                    .filter_map(|(_, other)| number(other))
                    .collect()
            }
            Self::Any(how, left, list) | Self::All(how, left, list) if equality(how) && is_column(left) => {
                list.iter().filter_map(number).collect()
            }
            _ => Vec::new(),
        };
        found.extend(self.children().iter().flat_map(|child| child.constants_of(column)));
        found
    }

    /// The columns it reads, each once, ascending.
    #[must_use]
    pub fn columns(&self) -> Vec<ColumnId> {
        fn visit(expression: &Expression, found: &mut Vec<ColumnId>) {
            if let Expression::Column(column) = expression {
                found.push(*column);
            }
            for child in expression.children() {
                visit(child, found);
            }
        }
        let mut found = Vec::new();
        visit(self, &mut found);
        found.sort_unstable();
        found.dedup();
        found
    }
}
