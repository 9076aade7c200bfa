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

impl Finding {
    /// Makes one finding of those that say the same with other numbers, such as one of each part of a table: the
    /// numbers are added up.
    #[must_use]
    pub fn summed(findings: Vec<Self>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for finding in findings {
            let same = |other: &&mut Self| {
                let parts =
                    |it: &Self| (it.code.clone(), it.table.clone(), it.column.clone(), it.instead.is_some());
                parts(other) == parts(&finding) && added(&other.what, &finding.what).is_some()
            };
            let Some(known) = all.iter_mut().find(same) else {
                all.push(finding);
                continue;
            };
            known.severity = known.severity.max(finding.severity);
            known.what = added(&known.what, &finding.what).unwrap_or_default();
            if let (Some(one), Some(other)) = (&known.instead, &finding.instead) {
                known.instead = Some(added(one, other).unwrap_or_else(|| other.clone()));
            }
        }
        all
    }
}

/// One sentence with the sums of the numbers of two, if they differ in nothing else.
fn added(one: &str, other: &str) -> Option<String> {
    let (one, other): (Vec<&str>, Vec<&str>) = (one.split(' ').collect(), other.split(' ').collect());
    let word = |(one, other): (&&str, &&str)| match (one.parse::<u64>(), other.parse::<u64>()) {
        (Ok(one), Ok(other)) => Some((one + other).to_string()),
        _ => (one == other).then(|| (*one).to_owned()),
    };
    let words: Option<Vec<String>> = one.iter().zip(&other).map(word).collect();
    words.filter(|_| one.len() == other.len()).map(|words| words.join(" "))
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

#[cfg(test)]
mod tests {
    use super::{Finding, Severity};

    #[test]
    fn findings_of_parts_add_up_and_others_stay() {
        let all = Finding::summed(vec![
            Finding::note("check-repaired", "12 rows broke CHECK c_1").table("t").instead("3 were left out"),
            Finding::note("check-repaired", "5 rows broke CHECK c_2").table("t"),
            Finding::warning("check-repaired", "30 rows broke CHECK c_1")
                .table("t")
                .instead("0 were left out"),
        ]);

        assert_eq!(all.len(), 2);
        assert_eq!(all[0].what, "42 rows broke CHECK c_1");
        assert_eq!(all[0].instead.as_deref(), Some("3 were left out"));
        assert_eq!(all[0].severity, Severity::Warning);
    }
}
