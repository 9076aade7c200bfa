//! What must hold: declared by CHECK constraints, or found in the data to hold always.
//!
//! [`Rules::declare`] reads the checks; [`discover_all`] finds relations across tables, columns that merely number the
//! rows of a family, and relations between columns of one row; [`family_sums`] finds columns with one total in all
//! families. [`TableRules::repair`] and [`enforce`] make generated
//! rows obey, and count every change.

mod across;
mod calendar;
mod calendar_run;
mod carried;
mod clock;
mod computed;
mod condition;
mod date_part;
mod declare;
mod describe;
mod discover;
mod document;
mod enforce;
mod eval;
mod evidence;
mod expression;
mod factors;
mod fallible;
mod family_sum;
mod functions;
mod grid;
mod keys;
mod limit;
mod mend;
mod numbering;
mod parse;
mod pattern;
mod position;
mod ranges;
mod ranked;
mod relation;
mod repair;
mod spelling;
mod tuple;
mod value;

#[cfg(test)]
mod tests;

pub use across::{
    Aggregate, AggregateFunction, Borrowed, Childless, Determinant, Given, Heirloom, Inheritance, Inherited,
    Observed, ObservedTable, ancestor_along, discover_all, repeated_as,
};
pub use calendar_run::CalendarRun;
pub use carried::{Carried, Carry, Sign, Term};
pub use clock::KeyClock;
pub use condition::{Condition, ConditionError};
pub use date_part::DatePart;
pub use discover::{discover, discover_beside, discover_dates, discover_nulls};
pub use enforce::{Recomputed, enforce, recompute};
pub use expression::{CastTo, Comparison, DateField, Expression, Function, Operator};
pub use factors::try_factors;
pub use fallible::may_fail;
pub use family_sum::{FamilySum, family_sums};
pub use limit::Limit;
pub use numbering::Numbering;
pub use pattern::Pattern;
pub use position::{Position, family_positions};
pub use ranked::{Among, RankOrder, Ranked, groups_of};
pub use relation::{Product, Rule};
pub use repair::RepairTally;
pub use spelling::Spelling;
pub use value::Value;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    data::TableData,
    finding::Finding,
    schema::{ColumnId, ForeignKeyId, Schema, TableId, UniqueKey},
};

/// The rules of a whole schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// One entry per table of the schema, indexed by [`TableId`].
    pub tables: Vec<TableRules>,
}

/// The rules of one table.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TableRules {
    /// CHECK constraints, in the order of the schema.
    pub checks: Vec<CheckRule>,
    /// Relations found in the data.
    pub discovered: Vec<Rule>,
    /// Columns that are learned as the number of their factor, see [`Rule::Ratio`].
    #[serde(default)]
    factored: Vec<ColumnId>,
    /// Columns found to number the rows of their family.
    pub positions: Vec<Position>,
    /// Columns that hold places among other rows.
    #[serde(default)]
    pub ranked: Vec<Ranked>,
    /// What fresh numbers run with; those of the table's own key first.
    #[serde(default)]
    pub clocks: Vec<KeyClock>,
    /// Where fresh numbers begin that do not count from 1.
    #[serde(default)]
    pub numberings: Vec<Numbering>,
    /// Keys that nobody declared: columns that no two rows share, and what no two siblings share, with the context
    /// foreign key.
    #[serde(default)]
    pub differing: Vec<UniqueKey>,
    /// The column that makes a calendar of the table.
    #[serde(default)]
    pub calendar: Option<CalendarRun>,
    /// The link whose parents split siblings into series.
    #[serde(default)]
    pub panel: Option<ForeignKeyId>,
    /// Columns that a sibling decides.
    #[serde(default)]
    pub carried: Vec<Carried>,
    /// Columns found to sum to one total in every family.
    #[serde(default)]
    pub sums: Vec<FamilySum>,
    /// What rows owe to their ancestors.
    #[serde(default)]
    pub inherited: Vec<Inherited>,
    /// Numbers of ancestors that `discovered` or the aggregates of a parent read.
    #[serde(default)]
    pub borrowed: Vec<Borrowed>,
    /// Columns that sum up the rows of a child table.
    #[serde(default)]
    pub aggregates: Vec<Aggregate>,
    /// Predicates of partial unique keys, by key name.
    predicates: Vec<CheckRule>,
    /// Expressions of unique keys, by key name, in the order of the key.
    #[serde(default)]
    key_expressions: Vec<CheckRule>,
    /// What generated columns are computed from, where understood.
    #[serde(default)]
    generated: Vec<(ColumnId, CheckRule)>,
    /// Ends as [`Value::Float`]: JSON has no infinity.
    ranges: Vec<(ColumnId, Value, Value)>,
    lists: Vec<(ColumnId, Vec<String>)>,
}

/// One CHECK constraint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckRule {
    /// Its name.
    pub name: String,
    /// Its condition; `None` if it is not understood here, so that only the target can check it.
    pub expression: Option<Expression>,
    /// The columns it reads; empty if not understood.
    pub columns: Vec<ColumnId>,
    /// True if its texts compare without case.
    pub fold_case: bool,
}

impl Rules {
    /// Reads every CHECK of a schema. One that is not understood is kept without its condition and told of.
    #[must_use]
    pub fn declare(schema: &Schema) -> (Self, Vec<Finding>) {
        let mut findings = Vec::new();
        let tables =
            schema.tables.iter().map(|table| declare::declare(schema, table, &mut findings)).collect();
        (Self { tables }, findings)
    }

    /// The rules of a table.
    ///
    /// # Panics
    /// If the id is of another schema.
    #[must_use]
    pub fn table(&self, id: TableId) -> &TableRules {
        &self.tables[id.0]
    }
}

impl TableRules {
    /// What the schema demands, without what was found in the data: all that holds for rows that are not generated.
    #[must_use]
    pub fn declared(&self) -> Self {
        Self {
            checks: self.checks.clone(),
            predicates: self.predicates.clone(),
            key_expressions: self.key_expressions.clone(),
            generated: self.generated.clone(),
            ranges: self.ranges.clone(),
            lists: self.lists.clone(),
            ..Self::default()
        }
    }

    /// The values the schema allows a column, if a CHECK lists them.
    #[must_use]
    pub fn allowed_values(&self, column: ColumnId) -> Option<Vec<String>> {
        self.lists.iter().find(|(id, _)| *id == column).map(|(_, list)| list.clone())
    }

    /// What CHECKs demand of the spelling of a text column; `None` if nothing.
    #[must_use]
    pub fn spelling(&self, column: ColumnId) -> Option<Spelling> {
        Spelling::read(self.checks.iter().filter_map(|check| check.expression.as_ref()), column)
    }

    /// The whole numbers that CHECKs over this key and other columns compare it with, ascending.
    #[must_use]
    pub fn key_constants(&self, key: ColumnId) -> Vec<i64> {
        let both = |check: &&CheckRule| check.columns.contains(&key) && check.columns.len() > 1;
        let found = self.checks.iter().filter(both).filter_map(|check| check.expression.as_ref());
        let numbers: BTreeSet<i64> = found.flat_map(|check| check.constants_of(key)).collect();
        numbers.into_iter().collect()
    }

    /// The range CHECKs leave to a column alone, both ends included; an open end is infinite.
    #[must_use]
    pub fn bounds(&self, column: ColumnId) -> Option<(f64, f64)> {
        let (_, low, high) = self.ranges.iter().find(|(id, ..)| *id == column)?;
        low.number().zip(high.number())
    }

    /// The columns a check reads.
    #[must_use]
    pub fn needs<'a>(&self, check: &'a CheckRule) -> &'a [ColumnId] {
        &check.columns
    }

    /// The columns that are computed and need not be sampled: positions, copies of an ancestor's value, and what the
    /// other columns of the row decide.
    #[must_use]
    pub fn computed(&self) -> Vec<ColumnId> {
        let mut all: Vec<ColumnId> = (self.positions.iter().map(|position| position.column))
            .chain(self.copies())
            .chain(self.discovered.iter().filter_map(Rule::computes))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The columns that repeat an ancestor's value.
    #[must_use]
    pub fn copies(&self) -> Vec<ColumnId> {
        let copies = self.inherited.iter().filter(|rule| matches!(rule.how, Inheritance::Copy(_)));
        copies.map(|rule| rule.to).collect()
    }

    /// The columns whose values are decided outside the row: positions, what ancestors give, what children sum up to,
    /// what siblings hand on, places among others.
    #[must_use]
    pub fn settled(&self) -> Vec<ColumnId> {
        let given = self.inherited.iter();
        let given = given.filter(|rule| matches!(rule.how, Inheritance::Copy(_) | Inheritance::Shared));
        (self.positions.iter().map(|position| position.column))
            .chain(given.map(|rule| rule.to))
            .chain(self.aggregates.iter().map(|total| total.to))
            .chain(self.carried.iter().map(|rule| rule.to))
            .chain(self.ranked.iter().map(|rule| rule.to))
            .collect()
    }

    /// 0 for a column that decides another together with an ancestor, 1 for one that is decided so, 2 for others.
    #[must_use]
    pub fn rank(&self, column: ColumnId) -> u8 {
        let joint = || self.inherited.iter().filter(|rule| !rule.beside.is_empty());
        if joint().any(|rule| rule.beside.contains(&Determinant::Column(column))) {
            0
        } else if joint().any(|rule| rule.to == column) {
            1
        } else {
            2
        }
    }

    /// True if a column's values are decided outside the row.
    #[must_use]
    pub fn is_settled(&self, column: ColumnId) -> bool {
        self.settled().contains(&column)
    }

    /// Columns that stand in one relation of a row with one of `columns`, and so on: they can only be taken over from
    /// another row together.
    #[must_use]
    pub fn bound_to(&self, columns: &[ColumnId]) -> Vec<ColumnId> {
        let mut all = columns.to_vec();
        let mut next = 0;
        while let Some(column) = all.get(next).copied() {
            for rule in &self.discovered {
                let members: Vec<ColumnId> = rule.reads().into_iter().chain(rule.decides()).collect();
                if members.contains(&column) {
                    for member in members {
                        if !all.contains(&member) {
                            all.push(member);
                        }
                    }
                }
            }
            next += 1;
        }
        all
    }

    /// Lists the values of the source that the found relations keep, as text; checks are the schema's own.
    #[must_use]
    pub fn literals(&self) -> Vec<String> {
        let childless = self.aggregates.iter().filter_map(|total| match &total.childless {
            Childless::Always(value) => value.text(),
            _ => None,
        });
        let carried = self.carried.iter().flat_map(Carried::literals);
        let calendar = self.calendar.iter().filter_map(CalendarRun::begin);
        let all = self.discovered.iter().flat_map(Rule::literals);
        all.chain(childless).chain(carried).chain(calendar).collect()
    }

    /// Which rows make some understood CHECK false. Unknown passes, as in SQL; a check that needs a column `rows`
    /// does not hold is left out.
    #[must_use]
    pub fn violations(&self, rows: &TableData) -> Vec<bool> {
        let mut violated = vec![false; rows.row_count];
        for (_, failed) in self.failures(rows) {
            for (all, one) in violated.iter_mut().zip(failed) {
                *all |= one;
            }
        }
        violated
    }

    /// Per row that makes an understood CHECK false: the columns that its broken checks read.
    #[must_use]
    pub fn broken(&self, rows: &TableData) -> BTreeMap<u32, Vec<ColumnId>> {
        let mut broken: BTreeMap<u32, Vec<ColumnId>> = BTreeMap::new();
        for (check, failed) in self.failures(rows) {
            for (row, _) in failed.iter().enumerate().filter(|(_, failed)| **failed) {
                broken.entry(row as u32).or_default().extend(&check.columns);
            }
        }
        broken
    }

    /// Per check that can be evaluated on `rows`: which rows make it false.
    #[must_use]
    pub fn failures(&self, rows: &TableData) -> Vec<(&CheckRule, Vec<bool>)> {
        self.checks
            .iter()
            .filter_map(|check| {
                let failed = truths(check, rows)?.iter().map(|truth| *truth == Some(false)).collect();
                Some((check, failed))
            })
            .collect()
    }
}

/// Evaluates an expression on every row; `None` if it is not understood or needs a column `rows` does not hold.
fn evaluated(part: &CheckRule, rows: &TableData) -> Option<Vec<Value>> {
    let expression = part.expression.as_ref()?;
    let width = rows.columns.iter().map(|column| column.0 + 1).max().unwrap_or(0);
    let columns: Vec<_> = (0..width).map(|index| rows.column(ColumnId(index))).collect();
    if !part.columns.iter().all(|column| columns.get(column.0).copied().flatten().is_some()) {
        return None;
    }
    let value =
        |index| eval::Row { columns: &columns, index, fold_case: part.fold_case }.evaluate(expression);
    Some((0..rows.row_count).map(value).collect())
}

/// Evaluates a condition on every row; `None` if it is not understood or needs a column `rows` does not hold.
fn truths(check: &CheckRule, rows: &TableData) -> Option<Vec<Option<bool>>> {
    let expression = check.expression.as_ref()?;
    let width = rows.columns.iter().map(|column| column.0 + 1).max().unwrap_or(0);
    let columns: Vec<_> = (0..width).map(|index| rows.column(ColumnId(index))).collect();
    if !check.columns.iter().all(|column| columns.get(column.0).copied().flatten().is_some()) {
        return None;
    }
    let truth = |index| {
        let row = eval::Row { columns: &columns, index, fold_case: check.fold_case };
        row.evaluate(expression).truth()
    };
    Some((0..rows.row_count).into_par_iter().with_min_len(1024).map(truth).collect())
}

fn positions(flags: &[bool]) -> Vec<usize> {
    flags.iter().enumerate().filter(|(_, flag)| **flag).map(|(index, _)| index).collect()
}
