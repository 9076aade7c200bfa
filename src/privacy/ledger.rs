//! What a differentially private run promises, what it spent, and what its promise does not cover.

use serde::{Deserialize, Serialize};

use super::Guarantee;

/// How the budget is split over what is looked at, in shares of the whole (of ρ, in which looks simply add up).
pub const SPLIT: [(Purpose, f64); 5] = [
    (Purpose::Counts, 0.05),
    (Purpose::Domains, 0.2),
    (Purpose::Columns, 0.2),
    (Purpose::Choices, 0.15),
    (Purpose::Relations, 0.4),
];

/// What a noisy look at the rows is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Entities, and rows of each.
    Counts,
    /// Ranges of numbers and times, decimals, labels.
    Domains,
    /// How often each value of a column is.
    Columns,
    /// Which columns depend on which.
    Choices,
    /// How they depend on each other.
    Relations,
}

impl Purpose {
    /// Says it in a few words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Counts => "numbers of entities and rows",
            Self::Domains => "ranges and labels of columns",
            Self::Columns => "distributions of columns",
            Self::Choices => "which columns depend on which",
            Self::Relations => "how columns depend on each other",
        }
    }

    /// Its share of the budget.
    #[must_use]
    pub fn share(self) -> f64 {
        SPLIT.iter().find(|(purpose, _)| *purpose == self).map_or(0.0, |(_, share)| *share)
    }
}

/// The looks of one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Looks {
    /// What for.
    pub purpose: Purpose,
    /// How many.
    pub count: u32,
    /// Their share of the budget.
    pub share: f64,
    /// Standard deviation of the noise of each, over how much one entity can change it.
    pub noise: f64,
}

/// Rows that count of one entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// The table.
    pub table: String,
    /// Most rows of one entity that were looked at.
    pub rows: u32,
}

/// What was spent on the entities of one root table. Groups share no row: each has the whole budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupLedger {
    /// The root table.
    pub root: String,
    /// Its entities, counted with noise.
    pub entities: u64,
    /// What its looks add up to.
    pub spent: Guarantee,
    /// The looks.
    pub looks: Vec<Looks>,
    /// Its tables.
    pub tables: Vec<Contribution>,
}

/// The guarantee of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// What was asked for.
    pub asked: Guarantee,
    /// What holds for the addition or removal of any one entity: the most that was spent on a group.
    pub achieved: Guarantee,
    /// Per root table.
    pub groups: Vec<GroupLedger>,
    /// Columns of which nothing but their nulls was looked at.
    pub unread: Vec<String>,
    /// Tables whose real rows are copied: outside of the guarantee.
    pub copied: Vec<String>,
}

/// What no noise covers, whatever the source.
pub const OUTSIDE: [&str; 4] = [
    "the schema: names, types, constraints, defaults, and how SQLite values are written, which is found by looking at them",
    "rows of tables in mode copy",
    "what the run shows its owner of the source: row counts of the plan, findings, the audit, figures of a report",
    "entities with rows below several root tables: what was spent on each adds up for them",
];
