//! SQL text of a condition → [`Expression`]. What is not understood is `None`; nothing is guessed.

mod call;

use sqlparser::{
    ast::{
        BinaryOperator, CastKind, DataType as SqlType, Expr, Ident, TrimWhereField, UnaryOperator,
        Value as SqlValue,
    },
    dialect::{Dialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect},
    parser::Parser,
    tokenizer::Token,
};

use crate::schema::{Check, ColumnId, DataType, DialectName, Table};

use super::{
    calendar,
    expression::{CastTo, Comparison, DateField, Expression, Function, Operator},
    pattern::Pattern,
    tuple,
    value::Value,
};

/// Deepest nesting translated: beyond it a condition is nobody's handwriting, and the stack is finite.
const MAX_DEPTH: usize = 100;

/// Reads a check of `table`, as its server printed it.
pub(super) fn parse(check: &Check, table: &Table, dialect: DialectName) -> Option<Expression> {
    let reader = Reader { table, domain_column: check.domain_column, dialect };
    let direct = expression(&check.expression, dialect);
    let retry = || expression(&respelled(&check.expression, dialect), dialect);
    reader.translate(&direct.or_else(retry)?, 0)
}

/// The condition as `sqlparser` can read it, tried only where it cannot read the server's own text.
fn respelled(text: &str, dialect: DialectName) -> String {
    match dialect {
        // MySQL's catalog escapes the clause once too often: _utf8mb4\'a\'.
        DialectName::MySql => text.replace("\\'", "'"),
        _ => text
            .replace("TRIM(BOTH FROM ", "btrim(")
            .replace("TRIM(LEADING FROM ", "ltrim(")
            .replace("TRIM(TRAILING FROM ", "rtrim("),
    }
}

fn expression(text: &str, dialect: DialectName) -> Option<Expr> {
    let dialect: &dyn Dialect = match dialect {
        DialectName::Postgres => &PostgreSqlDialect {},
        DialectName::MySql => &MySqlDialect {},
        DialectName::Sqlite => &SQLiteDialect {},
    };
    let mut parser = Parser::new(dialect).try_with_sql(text).ok()?;
    let expression = parser.parse_expr().ok()?;
    (parser.peek_token().token == Token::EOF).then_some(expression)
}

struct Reader<'a> {
    table: &'a Table,
    domain_column: Option<ColumnId>,
    dialect: DialectName,
}

impl Reader<'_> {
    fn translate(&self, expr: &Expr, depth: usize) -> Option<Expression> {
        if depth > MAX_DEPTH {
            return None;
        }
        let child = |expr: &Expr| self.translate(expr, depth + 1);
        let boxed = |expr: &Expr| child(expr).map(Box::new);
        let not = |yes: bool, expression: Expression| {
            if yes { Expression::Not(Box::new(expression)) } else { expression }
        };
        if let Some(row) = self.of_rows(expr, depth) {
            return row;
        }
        Some(match expr {
            Expr::Identifier(name) => self.identifier(name)?,
            Expr::CompoundIdentifier(names) => self.identifier(names.last()?)?,
            Expr::Nested(inner) | Expr::Collate { expr: inner, .. } | Expr::Prefixed { value: inner, .. } => {
                child(inner)?
            }
            Expr::Value(value) => Expression::Literal(literal(&value.value)?),
            Expr::TypedString(typed) => {
                let text = Expression::Literal(literal(&typed.value.value)?);
                cast(&typed.data_type, text)
            }
            Expr::Cast { kind, expr, data_type, .. } => {
                let _: &CastKind = kind;
                cast(data_type, child(expr)?)
            }
            Expr::IsNull(inner) => Expression::IsNull(boxed(inner)?),
            Expr::IsNotNull(inner) => not(true, Expression::IsNull(boxed(inner)?)),
            Expr::IsTrue(inner) => Expression::Is(true, boxed(inner)?),
            Expr::IsNotTrue(inner) => not(true, Expression::Is(true, boxed(inner)?)),
            Expr::IsFalse(inner) => Expression::Is(false, boxed(inner)?),
            Expr::IsNotFalse(inner) => not(true, Expression::Is(false, boxed(inner)?)),
            Expr::IsUnknown(inner) => Expression::IsNull(boxed(inner)?),
            Expr::IsNotUnknown(inner) => not(true, Expression::IsNull(boxed(inner)?)),
            Expr::IsDistinctFrom(left, right) => not(true, Expression::Same(boxed(left)?, boxed(right)?)),
            Expr::IsNotDistinctFrom(left, right) => Expression::Same(boxed(left)?, boxed(right)?),
            Expr::InList { expr, list, negated } => {
                let list = list.iter().map(child).collect::<Option<Vec<_>>>()?;
                self.among(Comparison::Equal, boxed(expr)?, list, *negated)?
            }
            Expr::AnyOp { left, compare_op, right, .. } => {
                let how = comparison(compare_op)?;
                Expression::Any(how, boxed(left)?, self.list(right, depth)?)
            }
            Expr::AllOp { left, compare_op, right } => {
                let how = comparison(compare_op)?;
                Expression::All(how, boxed(left)?, self.list(right, depth)?)
            }
            Expr::Between { expr, negated, low, high } => {
                let value = child(expr)?;
                let inside = vec![
                    self.compare(Comparison::GreaterOrEqual, value.clone(), child(low)?)?,
                    self.compare(Comparison::LessOrEqual, value, child(high)?)?,
                ];
                not(*negated, Expression::And(inside))
            }
            Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                // LIKE ignores case in MySQL's usual collations and always in SQLite (for ASCII).
                let left = boxed(expr)?;
                let ignore_case = match self.dialect {
                    DialectName::Postgres => self.is_case_insensitive(&left),
                    DialectName::MySql => self.folds(&left),
                    DialectName::Sqlite => true,
                };
                not(*negated, self.like(left, &child(pattern)?, escape_char.as_deref(), ignore_case)?)
            }
            Expr::ILike { negated, any: false, expr, pattern, escape_char } => {
                not(*negated, self.like(boxed(expr)?, &child(pattern)?, escape_char.as_deref(), true)?)
            }
            Expr::RLike { negated, expr, pattern, .. } => {
                let left = boxed(expr)?;
                let ignore_case = self.dialect == DialectName::MySql && self.folds(&left);
                not(*negated, regex(left, &child(pattern)?, ignore_case)?)
            }
            Expr::UnaryOp { op, expr } => match op {
                UnaryOperator::Not | UnaryOperator::BangNot => not(true, child(expr)?),
                UnaryOperator::Plus => child(expr)?,
                UnaryOperator::Minus => match child(expr)? {
                    Expression::Literal(Value::Integer(value)) => {
                        Expression::Literal(Value::Integer(value.checked_neg()?))
                    }
                    Expression::Literal(Value::Float(value)) => Expression::Literal(Value::Float(-value)),
                    other => Expression::Arithmetic(
                        Operator::Subtract,
                        Box::new(Expression::Literal(Value::Integer(0))),
                        Box::new(other),
                    ),
                },
                _ => return None,
            },
            Expr::BinaryOp { left, op, right } => self.binary(op, child(left)?, child(right)?)?,
            Expr::Extract { field, expr, .. } => {
                Expression::Field(DateField::named(&field.to_string())?, boxed(expr)?)
            }
            Expr::Ceil { expr, .. } => Expression::Call(Function::Ceiling, vec![child(expr)?]),
            Expr::Floor { expr, .. } => Expression::Call(Function::Floor, vec![child(expr)?]),
            Expr::Position { expr, r#in } => {
                Expression::Call(Function::Position, vec![child(r#in)?, child(expr)?])
            }
            Expr::Substring { expr, substring_from, substring_for, .. } => {
                let mut arguments = vec![child(expr)?, child(substring_from.as_deref()?)?];
                if let Some(length) = substring_for {
                    arguments.push(child(length)?);
                }
                Expression::Call(Function::Substring, arguments)
            }
            Expr::Trim { trim_where, trim_what, expr, trim_characters } => {
                let function = match trim_where {
                    Some(TrimWhereField::Leading) => Function::TrimStart,
                    Some(TrimWhereField::Trailing) => Function::TrimEnd,
                    _ => Function::Trim,
                };
                let mut arguments = vec![child(expr)?];
                let set =
                    trim_what.as_deref().or_else(|| trim_characters.as_ref().and_then(|set| set.first()));
                if let Some(set) = set {
                    arguments.push(child(set)?);
                }
                Expression::Call(function, arguments)
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                let operand = operand.as_deref().map(child);
                let mut branches = Vec::with_capacity(conditions.len());
                for branch in conditions {
                    let when = child(&branch.condition)?;
                    let when = match &operand {
                        Some(operand) => self.compare(Comparison::Equal, operand.clone()?, when)?,
                        None => when,
                    };
                    branches.push((when, child(&branch.result)?));
                }
                let otherwise = match else_result {
                    Some(otherwise) => child(otherwise)?,
                    None => Expression::Literal(Value::Null),
                };
                Expression::Case(branches, Box::new(otherwise))
            }
            Expr::Function(function) => {
                let name = function.name.0.last()?.as_ident()?.value.clone();
                self.call(&name, &function.args, depth)?
            }
            _ => return None,
        })
    }

    /// Comparisons of whole rows; `None` if the expression is none, `Some(None)` if it is not understood.
    fn of_rows(&self, expr: &Expr, depth: usize) -> Option<Option<Expression>> {
        let row = |expr: &Expr| self.row(expr, depth);
        Some(match expr {
            Expr::IsNull(inner) => row(inner)?.map(|all| tuple::nulls(all, true)),
            Expr::IsNotNull(inner) => row(inner)?.map(|all| tuple::nulls(all, false)),
            Expr::BinaryOp { left, op, right } => {
                let (left, right) = (row(left)?, row(right)?);
                comparison(op).and_then(|how| tuple::compare(how, &left?, &right?))
            }
            Expr::IsDistinctFrom(left, right) => {
                let (left, right) = (row(left)?, row(right)?);
                (|| Some(Expression::Not(Box::new(tuple::same(&left?, &right?)?))))()
            }
            Expr::IsNotDistinctFrom(left, right) => {
                let (left, right) = (row(left)?, row(right)?);
                (|| tuple::same(&left?, &right?))()
            }
            _ => return None,
        })
    }

    /// The values of `(a, b)` or `ROW(a, b)`; `None` if the expression is no row.
    fn row(&self, expr: &Expr, depth: usize) -> Option<Option<Vec<Expression>>> {
        match expr {
            Expr::Nested(inner) => self.row(inner, depth),
            Expr::Tuple(all) => Some(all.iter().map(|one| self.translate(one, depth + 1)).collect()),
            Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("row") => {
                Some(self.arguments(&function.args, depth))
            }
            _ => None,
        }
    }

    fn identifier(&self, name: &Ident) -> Option<Expression> {
        if let Some(column) = self.domain_column {
            return name.value.eq_ignore_ascii_case("value").then_some(Expression::Column(column));
        }
        self.table.find(&name.value).map(Expression::Column)
    }

    fn binary(&self, op: &BinaryOperator, left: Expression, right: Expression) -> Option<Expression> {
        if let Some(how) = comparison(op) {
            return self.compare(how, left, right);
        }
        let pair = |left, right| (Box::new(left), Box::new(right));
        let not = |expression| Expression::Not(Box::new(expression));
        let arithmetic = |operator, left, right| {
            let (left, right) = pair(left, right);
            Expression::Arithmetic(operator, left, right)
        };
        Some(match op {
            BinaryOperator::And => Expression::And(flatten(left, right, |e| match e {
                Expression::And(all) => Ok(all),
                other => Err(other),
            })),
            BinaryOperator::Or => Expression::Or(flatten(left, right, |e| match e {
                Expression::Or(all) => Ok(all),
                other => Err(other),
            })),
            BinaryOperator::Spaceship => {
                let (left, right) = pair(left, right);
                Expression::Same(left, right)
            }
            BinaryOperator::Plus => arithmetic(Operator::Add, left, right),
            BinaryOperator::Minus => arithmetic(Operator::Subtract, left, right),
            BinaryOperator::Multiply => arithmetic(Operator::Multiply, left, right),
            // MySQL's `/` keeps the fraction of whole numbers; `DIV` does not.
            BinaryOperator::Divide if self.dialect == DialectName::MySql => {
                arithmetic(Operator::Divide, left, right)
            }
            BinaryOperator::Divide | BinaryOperator::MyIntegerDivide => {
                arithmetic(Operator::DivideWhole, left, right)
            }
            BinaryOperator::Modulo => arithmetic(Operator::Remainder, left, right),
            BinaryOperator::StringConcat if self.dialect != DialectName::MySql => {
                arithmetic(Operator::Concat, left, right)
            }
            BinaryOperator::PGLikeMatch => self.like_folded(left, &right)?,
            BinaryOperator::PGILikeMatch => self.like(Box::new(left), &right, None, true)?,
            BinaryOperator::PGNotLikeMatch => not(self.like_folded(left, &right)?),
            BinaryOperator::PGNotILikeMatch => not(self.like(Box::new(left), &right, None, true)?),
            BinaryOperator::PGRegexMatch => match right {
                Expression::Matches(pattern_of, similar) if is_marker(&pattern_of) => {
                    Expression::Matches(Box::new(left), similar)
                }
                right => {
                    let ignore_case = self.is_case_insensitive(&left);
                    regex(Box::new(left), &right, ignore_case)?
                }
            },
            BinaryOperator::PGExp => Expression::Call(Function::Power, vec![left, right]),
            BinaryOperator::PGRegexIMatch => regex(Box::new(left), &right, true)?,
            BinaryOperator::PGRegexNotMatch => {
                let ignore_case = self.is_case_insensitive(&left);
                not(regex(Box::new(left), &right, ignore_case)?)
            }
            BinaryOperator::PGRegexNotIMatch => not(regex(Box::new(left), &right, true)?),
            BinaryOperator::Regexp => {
                let ignore_case = self.dialect == DialectName::MySql && self.folds(&left);
                regex(Box::new(left), &right, ignore_case)?
            }
            BinaryOperator::Glob => {
                let Expression::Literal(Value::Text(pattern)) = &right else { return None };
                Expression::Matches(Box::new(left), Pattern::glob(pattern)?)
            }
            BinaryOperator::Xor => Expression::Or(vec![
                Expression::And(vec![left.clone(), not(right.clone())]),
                Expression::And(vec![not(left), right]),
            ]),
            BinaryOperator::Arrow => Expression::Call(Function::JsonPart, vec![left, right]),
            BinaryOperator::LongArrow => Expression::Call(Function::JsonText, vec![left, right]),
            BinaryOperator::BitwiseAnd => Expression::Call(Function::BitAnd, vec![left, right]),
            BinaryOperator::BitwiseOr => Expression::Call(Function::BitOr, vec![left, right]),
            BinaryOperator::PGStartsWith => Expression::Call(Function::StartsWith, vec![left, right]),
            _ => return None,
        })
    }

    fn compare(&self, how: Comparison, left: Expression, right: Expression) -> Option<Expression> {
        // Labels of an enum are ordered by their place in the type, not by their text.
        if how.is_ordered() && (self.is_enum(&left) || self.is_enum(&right)) {
            return None;
        }
        // Which text comes first is the collation's affair; byte by byte only in SQLite.
        if how.is_ordered()
            && self.dialect != DialectName::Sqlite
            && (self.is_plain_text(&left) || self.is_plain_text(&right))
        {
            return None;
        }
        Some(Expression::Compare(how, Box::new(left), Box::new(right)))
    }

    /// True if what a column's collation says of case holds for the expression.
    fn folds(&self, expression: &Expression) -> bool {
        let columns = expression.columns();
        columns.is_empty() || columns.iter().any(|column| self.table.column(*column).collation.ignores_case())
    }

    /// True if a column of the expression ignores case: `citext` matches patterns so.
    fn is_case_insensitive(&self, expression: &Expression) -> bool {
        expression.columns().iter().any(|column| self.table.column(*column).collation.ignores_case())
    }

    fn like_folded(&self, left: Expression, pattern: &Expression) -> Option<Expression> {
        let ignore_case = self.is_case_insensitive(&left);
        self.like(Box::new(left), pattern, None, ignore_case)
    }

    /// True for a text column, through functions that keep it text.
    fn is_plain_text(&self, expression: &Expression) -> bool {
        match expression {
            Expression::Column(id) => matches!(self.table.column(*id).data_type, DataType::Text { .. }),
            Expression::Cast(CastTo::Text, _) => true,
            Expression::Call(
                Function::Lower
                | Function::Upper
                | Function::Trim
                | Function::Left
                | Function::Right
                | Function::Substring,
                _,
            ) => true,
            _ => false,
        }
    }

    fn is_enum(&self, expression: &Expression) -> bool {
        matches!(expression, Expression::Column(id)
            if matches!(self.table.column(*id).data_type, DataType::Enum { .. } | DataType::Set { .. }))
    }

    #[expect(clippy::unnecessary_wraps, reason = "reads as the other builders do")]
    fn among(
        &self,
        how: Comparison,
        left: Box<Expression>,
        list: Vec<Expression>,
        negated: bool,
    ) -> Option<Expression> {
        Some(if negated {
            Expression::All(Comparison::NotEqual, left, list)
        } else {
            Expression::Any(how, left, list)
        })
    }

    /// The elements of `ARRAY[...]`, whatever casts surround it, or of a parenthesised list.
    fn list(&self, expr: &Expr, depth: usize) -> Option<Vec<Expression>> {
        match expr {
            Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => self.list(inner, depth),
            Expr::Array(array) => array.elem.iter().map(|one| self.translate(one, depth + 1)).collect(),
            Expr::Value(value) => match literal(&value.value)? {
                Value::Text(text) => elements(&text),
                _ => None,
            },
            Expr::Tuple(all) => all.iter().map(|one| self.translate(one, depth + 1)).collect(),
            _ => None,
        }
    }

    fn like(
        &self,
        left: Box<Expression>,
        pattern: &Expression,
        escape: Option<&Expr>,
        ignore_case: bool,
    ) -> Option<Expression> {
        let escape = match escape {
            Some(expr) => match self.translate(expr, 0)? {
                Expression::Literal(Value::Text(text)) => text.chars().next(),
                _ => return None,
            },
            // SQLite's LIKE has no escape character unless one is named.
            None => (self.dialect != DialectName::Sqlite).then_some('\\'),
        };
        let Expression::Literal(Value::Text(pattern)) = pattern else { return None };
        Some(Expression::Matches(left, Pattern::like(pattern, escape, ignore_case)?))
    }
}

/// `left op right` with nested uses of the same operator made one list.
fn flatten(
    left: Expression,
    right: Expression,
    open: impl Fn(Expression) -> Result<Vec<Expression>, Expression>,
) -> Vec<Expression> {
    let mut all = open(left).unwrap_or_else(|one| vec![one]);
    all.extend(open(right).unwrap_or_else(|one| vec![one]));
    all
}

/// True for what stands in for the text a SIMILAR TO pattern is matched with.
fn is_marker(expression: &Expression) -> bool {
    matches!(expression, Expression::Literal(Value::Null))
}

/// The elements of an array literal, `{1,2}`; quoted elements are left to the target.
fn elements(text: &str) -> Option<Vec<Expression>> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    if inner.contains(['"', '{', '\\']) {
        return None;
    }
    let element = |text: &str| match text.trim() {
        "NULL" => Value::Null,
        text => text.parse().map_or_else(|_| Value::Text(text.to_owned()), Value::Integer),
    };
    Some(
        inner
            .split(',')
            .filter(|text| !text.is_empty())
            .map(|text| Expression::Literal(element(text)))
            .collect(),
    )
}

fn comparison(op: &BinaryOperator) -> Option<Comparison> {
    Some(match op {
        BinaryOperator::Eq => Comparison::Equal,
        BinaryOperator::NotEq => Comparison::NotEqual,
        BinaryOperator::Lt => Comparison::Less,
        BinaryOperator::LtEq => Comparison::LessOrEqual,
        BinaryOperator::Gt => Comparison::Greater,
        BinaryOperator::GtEq => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn regex(left: Box<Expression>, pattern: &Expression, ignore_case: bool) -> Option<Expression> {
    let Expression::Literal(Value::Text(pattern)) = pattern else { return None };
    Some(Expression::Matches(left, Pattern::regex(pattern, ignore_case)?))
}

/// A literal of SQL.
pub(super) fn literal(value: &SqlValue) -> Option<Value> {
    Some(match value {
        SqlValue::Number(text, _) => match text.parse::<i64>() {
            Ok(whole) => Value::Integer(whole),
            Err(_) => Value::Float(text.parse().ok()?),
        },
        SqlValue::Boolean(value) => Value::Boolean(*value),
        SqlValue::Null => Value::Null,
        SqlValue::SingleQuotedString(text)
        | SqlValue::DoubleQuotedString(text)
        | SqlValue::EscapedStringLiteral(text)
        | SqlValue::NationalStringLiteral(text) => Value::Text(text.clone()),
        _ => return None,
    })
}

/// A cast, folded away where it changes nothing we compare.
fn cast(data_type: &SqlType, inner: Expression) -> Expression {
    let name = data_type.to_string().to_lowercase();
    let is = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    let is_text = |expression: &Expression| matches!(expression, Expression::Literal(Value::Text(_)));
    if name.starts_with("interval")
        && let Expression::Literal(Value::Text(text)) = &inner
        && let Some(span) = calendar::parse_span(text)
    {
        return Expression::Literal(Value::Time(span));
    }
    let to = if name.contains('[') {
        return inner;
    } else if is(&["timestamp", "datetime"]) {
        CastTo::Timestamp
    } else if is(&["date"]) {
        CastTo::Date
    } else if is(&["text", "varchar", "character", "char", "bpchar", "citext"]) && !is_text(&inner) {
        CastTo::Text
    } else if is(&["int", "bigint", "smallint", "signed", "unsigned"]) && !name.contains("interval") {
        CastTo::Integer
    } else if is(&["numeric", "decimal", "double", "real", "float"]) && is_text(&inner) {
        // '0.5'::numeric is a number, also for arithmetic and bounds.
        return match &inner {
            Expression::Literal(value) => {
                value.number().map_or(inner.clone(), |number| Expression::Literal(Value::Float(number)))
            }
            _ => inner,
        };
    } else {
        return inner;
    };
    match (&inner, to) {
        (Expression::Literal(value), CastTo::Integer) => {
            match value.text().and_then(|text| text.parse().ok()) {
                Some(whole) => Expression::Literal(Value::Integer(whole)),
                None => Expression::Cast(to, Box::new(inner)),
            }
        }
        _ => Expression::Cast(to, Box::new(inner)),
    }
}
