//! Why no plan can be made: the configuration does not fit the schema.

/// Why no plan can be made. Every variant is a mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A name in the configuration matches no table.
    #[error("{place} names the table `{name}`, which the source does not have")]
    UnknownTable {
        /// Where it stands: `[tables]`, `exclude`, …
        place: String,
        /// What stands there.
        name: String,
        /// Tables with the most similar names, nearest first.
        nearest: Vec<String>,
    },
    /// A name in the configuration matches several tables.
    #[error("{place} names the table `{name}`, and there are several: {}", .candidates.join(", "))]
    AmbiguousTable {
        /// Where it stands.
        place: String,
        /// What stands there.
        name: String,
        /// The tables it may mean, qualified.
        candidates: Vec<String>,
    },
    /// A name in the configuration matches no column of its table.
    #[error("{place} names the column `{column}`, which table {table} does not have")]
    UnknownColumn {
        /// Where it stands.
        place: String,
        /// The table.
        table: String,
        /// What stands there.
        column: String,
        /// Columns with the most similar names, nearest first.
        nearest: Vec<String>,
    },
    /// Two entries say different things about one table.
    #[error("two entries of [tables] mean {table} and disagree about `{setting}`")]
    Contradiction {
        /// The table.
        table: String,
        /// The setting.
        setting: &'static str,
    },
    /// `[[references]]` pairs columns that cannot pair.
    #[error("{place}: {child} → {parent}: {reason}")]
    BadReference {
        /// Where it stands: `[[references]] of synth.toml:12`.
        place: String,
        /// Child table.
        child: String,
        /// Parent table.
        parent: String,
        /// What is wrong.
        reason: String,
    },
    /// `context` names no foreign key that rows can be generated along.
    #[error("the context ({}) of table {table} cannot be used: {reason}", .columns.join(", "))]
    BadContext {
        /// The table.
        table: String,
        /// The columns named.
        columns: Vec<String>,
        /// Why not.
        reason: String,
        /// Foreign keys that could be, as their columns.
        usable: Vec<String>,
    },
    /// A table copied verbatim would point at parent rows that will not exist.
    #[error(
        "table {table} cannot be copied: its foreign key ({}) points at {parent}, which is not copied \
         ({parent_mode}), so the values would point nowhere",
        .columns.join(", ")
    )]
    CopyWithoutParent {
        /// The table to be copied.
        table: String,
        /// The columns of the foreign key.
        columns: Vec<String>,
        /// The parent.
        parent: String,
        /// What is done with the parent.
        parent_mode: &'static str,
    },
}
