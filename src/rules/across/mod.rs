//! Relations across tables: what a row takes over from its parents, and what it sums up of its children.
//!
//! [`discover_all`] finds them with the relations inside the rows. [`Given`] hands a table's rows what their parents
//! decide; [`Aggregate::values`] computes what their children decide.

mod aggregate;
mod carried;
mod differing;
mod find;
mod given;
mod inherit;
mod joint;
mod kin;
mod lines;
mod ranked;
mod totals;

#[cfg(test)]
mod tests;

pub use find::{Observed, ObservedTable, ancestor_along, discover_all};
pub use given::{Given, Heirloom, repeated_as};

use serde::{Deserialize, Serialize};

use crate::schema::{ColumnId, ForeignKeyId, TableId};

use super::{relation::Product, value::Value};

/// What the rows of a table owe to an ancestor row, found along context parents and links.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inherited {
    /// Foreign keys to follow: one of the table itself, then one of its parent, and so on.
    pub path: Vec<ForeignKeyId>,
    /// The column that obeys.
    pub to: ColumnId,
    /// How.
    pub how: Inheritance,
    /// Ancestor rows that showed it; combinations of them, if not one alone decides.
    pub ancestors: usize,
    /// What decides together with the ancestor, for a value that is shared.
    #[serde(default)]
    pub beside: Vec<Determinant>,
}

/// What has a part in deciding a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Determinant {
    /// An ancestor row, found along these foreign keys.
    Ancestor(Vec<ForeignKeyId>),
    /// The value of a column of the row.
    Column(ColumnId),
}

/// A number of an ancestor row that rules of a table read as if it were one of its own columns: the price of the
/// product that a line is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Borrowed {
    /// Foreign keys to follow: one of the table itself, then one of its parent, and so on.
    pub path: Vec<ForeignKeyId>,
    /// The ancestor's column.
    pub from: ColumnId,
    /// What rules call it: an id behind those of the table's own columns.
    pub known_as: ColumnId,
}

/// How a column obeys an ancestor row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inheritance {
    /// It repeats a column of the ancestor; null without one.
    Copy(ColumnId),
    /// All rows below one ancestor row (or with one combination of determinants) have one value.
    Shared,
    /// It is never before a date or time of the ancestor.
    NotBefore(ColumnId),
    /// It is never after a date or time of the ancestor.
    NotAfter(ColumnId),
}

impl Inheritance {
    /// The ancestor's column it reads.
    #[must_use]
    pub fn from(&self) -> Option<ColumnId> {
        match self {
            Self::Copy(from) | Self::NotBefore(from) | Self::NotAfter(from) => Some(*from),
            Self::Shared => None,
        }
    }
}

/// A column computed from the rows of a child table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// Computed. It is sampled as well, because it tells the children what to be, and overwritten once they are there.
    pub to: ColumnId,
    /// The child table.
    pub child: TableId,
    /// Its foreign key to this table.
    pub foreign_key: ForeignKeyId,
    /// What is computed of the children.
    pub function: AggregateFunction,
    /// Added to a count or a sum ([`Value::Float`]).
    pub offset: Value,
    /// Decimals of `to`; `None` if it has no grid.
    pub decimals: Option<i32>,
    /// What a row without children has.
    pub childless: Childless,
    /// Rows with children that showed it.
    pub parents: usize,
}

/// What is computed of a row's children.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AggregateFunction {
    /// How many there are.
    Count,
    /// A sum over them, each part rounded where `part_decimals` says so.
    Sum {
        /// What is summed: one column, or a product.
        of: Product,
        /// Decimals of each part.
        part_decimals: Option<i32>,
    },
    /// The mean of what is known.
    Mean(ColumnId),
    /// The greatest.
    Max(ColumnId),
    /// The least.
    Min(ColumnId),
    /// The value of the first child.
    First {
        /// The value.
        of: ColumnId,
        /// The date or time they are ordered by; without one, their own order.
        by: Option<ColumnId>,
    },
    /// The value of the last child.
    Last {
        /// The value.
        of: ColumnId,
        /// The date or time they are ordered by; without one, their own order.
        by: Option<ColumnId>,
    },
}

impl AggregateFunction {
    /// The columns of the child it reads, borrowed ones among them.
    #[must_use]
    pub fn reads(&self) -> Vec<ColumnId> {
        match self {
            Self::Count => Vec::new(),
            Self::Sum { of, .. } => of.reads(),
            Self::Mean(of) | Self::Max(of) | Self::Min(of) => vec![*of],
            Self::First { of, by } | Self::Last { of, by } => {
                [Some(*of), *by].into_iter().flatten().collect()
            }
        }
    }
}

/// What a row has whose children are none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Childless {
    /// Anything: its sampled value stays.
    Sampled,
    /// A sum or count of nothing, which is the offset.
    Computed,
    /// Always this.
    Always(Value),
}
