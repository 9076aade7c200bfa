//! Comparisons of whole rows, `(a, b) < (c, d)`, taken apart into comparisons of values.

use super::expression::{Comparison, Expression};

/// What two rows of one width compare to, place by place; `None` if their widths differ.
pub(super) fn compare(how: Comparison, left: &[Expression], right: &[Expression]) -> Option<Expression> {
    if left.len() != right.len() || left.is_empty() {
        return None;
    }
    let one = |how, place: usize| {
        Expression::Compare(how, Box::new(left[place].clone()), Box::new(right[place].clone()))
    };
    let all = |how| Expression::And((0..left.len()).map(|place| one(how, place)).collect());
    Some(match how {
        Comparison::Equal => all(Comparison::Equal),
        Comparison::NotEqual => Expression::Not(Box::new(all(Comparison::Equal))),
        _ => {
            let strict = match how {
                Comparison::LessOrEqual => Comparison::Less,
                Comparison::GreaterOrEqual => Comparison::Greater,
                other => other,
            };
            let last = left.len() - 1;
            // The first place that differs decides.
            let cases = (0..left.len()).map(|place| {
                let mut parts: Vec<Expression> =
                    (0..place).map(|before| one(Comparison::Equal, before)).collect();
                parts.push(one(if place == last { how } else { strict }, place));
                Expression::And(parts)
            });
            Expression::Or(cases.collect())
        }
    })
}

/// `IS NOT DISTINCT FROM` of two rows.
pub(super) fn same(left: &[Expression], right: &[Expression]) -> Option<Expression> {
    let pairs = left.iter().zip(right);
    let parts = pairs.map(|(left, right)| Expression::Same(Box::new(left.clone()), Box::new(right.clone())));
    (left.len() == right.len()).then(|| Expression::And(parts.collect()))
}

/// `IS NULL` (every value is) or `IS NOT NULL` (none is) of a row.
pub(super) fn nulls(all: Vec<Expression>, wanted: bool) -> Expression {
    let parts = all.into_iter().map(|one| {
        let null = Expression::IsNull(Box::new(one));
        if wanted { null } else { Expression::Not(Box::new(null)) }
    });
    Expression::And(parts.collect())
}
