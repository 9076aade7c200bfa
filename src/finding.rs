//! A non-fatal thing the user should know: what, where, what was done instead, how to change it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much a [`Finding`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing was lost.
    Note,
    /// Something differs from the source; `--strict` makes it fatal.
    Warning,
}

/// A non-fatal observation made by any stage; shown at the end of a run and in the report.
///
/// Texts never hold a cell value or a password.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// Stable kebab-case identifier, for example `unsupported-type`.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// The table concerned, as the user would write it.
    pub table: Option<String>,
    /// The column (or other object of the table) concerned.
    pub column: Option<String>,
    /// What was found.
    pub what: String,
    /// What dbsynth did instead.
    pub instead: Option<String>,
    /// How the user can change that.
    pub remedy: Option<String>,
}

impl Finding {
    /// Creates a note.
    pub fn note(code: &str, what: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, what.into())
    }

    /// Creates a warning.
    pub fn warning(code: &str, what: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, what.into())
    }

    fn new(severity: Severity, code: &str, what: String) -> Self {
        Self { code: code.to_owned(), severity, table: None, column: None, what, instead: None, remedy: None }
    }

    /// Names the table.
    #[must_use]
    pub fn table(mut self, table: impl fmt::Display) -> Self {
        self.table = Some(table.to_string());
        self
    }

    /// Names the column.
    #[must_use]
    pub fn column(mut self, column: impl fmt::Display) -> Self {
        self.column = Some(column.to_string());
        self
    }

    /// Says what was done instead.
    #[must_use]
    pub fn instead(mut self, instead: impl Into<String>) -> Self {
        self.instead = Some(instead.into());
        self
    }

    /// Says how the user can change it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.table, &self.column) {
            (Some(table), Some(column)) => write!(f, "{table}.{column}: ")?,
            (Some(table), None) => write!(f, "{table}: ")?,
            _ => {}
        }
        f.write_str(&self.what)?;
        if let Some(instead) = &self.instead {
            write!(f, "; {instead}")?;
        }
        if let Some(remedy) = &self.remedy {
            write!(f, " ({remedy})")?;
        }
        write!(f, " [{}]", self.code)
    }
}
