//! Function calls of conditions.

use sqlparser::ast::{FunctionArg, FunctionArgExpr, FunctionArguments};

use super::{
    super::{
        expression::{CastTo, DateField, Expression, Function, Operator},
        pattern::Pattern,
        value::Value,
    },
    Reader, regex,
};
use crate::schema::{DataType, DialectName};

impl Reader<'_> {
    pub(super) fn arguments(&self, arguments: &FunctionArguments, depth: usize) -> Option<Vec<Expression>> {
        let FunctionArguments::List(list) = arguments else { return None };
        list.args
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => self.translate(expr, depth + 1),
                _ => None,
            })
            .collect()
    }

    pub(super) fn call(&self, name: &str, arguments: &FunctionArguments, depth: usize) -> Option<Expression> {
        let arguments = self.arguments(arguments, depth)?;
        let call = |function, arguments: &[Expression]| Some(Expression::Call(function, arguments.to_vec()));
        let lower = name.to_lowercase();
        // Of ranges, these have another meaning than of texts.
        if let [value @ Expression::Column(id)] = arguments.as_slice()
            && let DataType::Range { multi, .. } = &self.table.column(*id).data_type
        {
            let function = match lower.as_str() {
                _ if *multi => return None,
                "lower" => Function::RangeLow,
                "upper" => Function::RangeHigh,
                "isempty" => Function::RangeEmpty,
                _ => return None,
            };
            return call(function, std::slice::from_ref(value));
        }
        match (lower.as_str(), arguments.as_slice()) {
            ("date_part", [Expression::Literal(Value::Text(field)), value]) => {
                return Some(Expression::Field(DateField::named(field)?, Box::new(value.clone())));
            }
            ("mod", [left, right]) => {
                let (left, right) = (Box::new(left.clone()), Box::new(right.clone()));
                return Some(Expression::Arithmetic(Operator::Remainder, left, right));
            }
            ("date_trunc", [Expression::Literal(Value::Text(field)), value]) => {
                return (field == "day").then(|| Expression::Cast(CastTo::Date, Box::new(value.clone())));
            }
            // `x SIMILAR TO p` is printed as `x ~ similar_to_escape(p)`; the regular expression takes x's place later.
            ("similar_to_escape", [Expression::Literal(Value::Text(pattern))]) => {
                let marker = Box::new(Expression::Literal(Value::Null));
                return Some(Expression::Matches(marker, Pattern::similar(pattern)?));
            }
            ("typeof", [_]) if self.dialect == DialectName::Sqlite => {
                return call(Function::TypeOf, &arguments);
            }
            ("jsonb_typeof" | "json_typeof" | "json_type", [value]) => {
                let dialect = Expression::Literal(Value::Text(self.dialect.to_string()));
                return call(Function::JsonType, &[value.clone(), dialect]);
            }
            ("array_length", [value, Expression::Literal(Value::Integer(1))]) => {
                return call(Function::ArrayLength, std::slice::from_ref(value));
            }
            // SQLite's answer is a plain value, and MySQL compares its JSON as one.
            ("json_extract", [_, _]) => return call(Function::JsonText, &arguments),
            ("json_unquote", [inner @ Expression::Call(Function::JsonText, _)]) => {
                return Some(inner.clone());
            }
            ("concat", [_, ..]) if self.dialect == DialectName::Postgres => {
                return call(Function::Join, &arguments);
            }
            ("concat", [first, rest @ ..]) => {
                // A null makes all of it null.
                return Some(rest.iter().fold(first.clone(), |left, right| {
                    Expression::Arithmetic(Operator::Concat, Box::new(left), Box::new(right.clone()))
                }));
            }
            ("if" | "iif", [when, then, otherwise]) => {
                let branches = vec![(when.clone(), then.clone())];
                return Some(Expression::Case(branches, Box::new(otherwise.clone())));
            }
            // MySQL's order of the two, without the optional place to begin at.
            ("locate", [part, whole]) => return call(Function::Position, &[whole.clone(), part.clone()]),
            // Days since the year 0: the difference of two is what counts, and both sides have it.
            ("to_days", [value]) => {
                let epoch = Expression::Field(
                    DateField::Epoch,
                    Box::new(Expression::Cast(CastTo::Date, Box::new(value.clone()))),
                );
                let of = |operator, left, right| {
                    Expression::Arithmetic(operator, Box::new(left), Box::new(Expression::Literal(right)))
                };
                let days = of(Operator::Divide, epoch, Value::Float(86_400.0));
                return Some(of(Operator::Add, days, Value::Integer(719_528)));
            }
            ("isnull", [value]) => return Some(Expression::IsNull(Box::new(value.clone()))),
            ("date", [value]) => return Some(Expression::Cast(CastTo::Date, Box::new(value.clone()))),
            ("regexp_like", [value, pattern]) => {
                let ignore_case = self.dialect == DialectName::MySql && self.folds(value);
                return regex(Box::new(value.clone()), pattern, ignore_case);
            }
            (_, [value]) => {
                if let Some(field) = DateField::named(name) {
                    return Some(Expression::Field(field, Box::new(value.clone())));
                }
            }
            _ => {}
        }
        let function = Function::named(name, self.dialect == DialectName::MySql)?;
        (!arguments.is_empty()).then_some(Expression::Call(function, arguments))
    }
}
