//! Proves integrity on the target: every primary, foreign and unique key, NOT NULL, CHECK and EXCLUDE; and that the
//! target's schema is the source's.

mod compare;
mod prove;
mod queries;
mod violators;

#[cfg(test)]
mod tests;

pub use compare::{Difference, Fault, SchemaComparison, Side, compare_schemas};
pub use prove::prove;
pub use violators::{Suspect, violators};

use serde::Serialize;

/// What kind of constraint was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConstraintKind {
    /// PRIMARY KEY: no duplicates, no nulls.
    PrimaryKey,
    /// FOREIGN KEY: no orphans.
    ForeignKey,
    /// UNIQUE: no duplicates.
    Unique,
    /// NOT NULL columns of a table.
    NotNull,
    /// CHECK.
    Check,
    /// EXCLUDE: no two rows that exclude each other.
    Exclusion,
}

/// One constraint checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProofLine {
    /// The table, as the user would write it.
    pub table: String,
    /// The kind.
    pub kind: ConstraintKind,
    /// The constraint's name (or the columns, for NOT NULL).
    pub name: String,
    /// Rows that violate it; `None` if the server could not evaluate it (a finding says why).
    pub violations: Option<u64>,
}

/// Every constraint checked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Proof {
    /// One line per constraint.
    pub lines: Vec<ProofLine>,
}

impl Proof {
    /// Rows that violate any constraint.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.lines.iter().filter_map(|line| line.violations).sum()
    }
}
