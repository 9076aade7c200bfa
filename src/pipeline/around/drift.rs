//! Has the source's schema changed since the last run into this target? The target's marker knows what it was.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    config::{Config, OnDrift},
    error::Error,
    finding::Finding,
    schema::Schema,
};

/// Tables with their columns and types, as a note that the next run reads.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(in crate::pipeline) struct Outline {
    tables: BTreeMap<String, BTreeMap<String, String>>,
}

/// The outline of a schema.
pub(in crate::pipeline) fn outline(schema: &Schema) -> Outline {
    let tables = schema.tables.iter().map(|table| {
        let columns = table.columns.iter().map(|column| {
            let null = if column.nullable { "" } else { " not null" };
            (column.name.clone(), format!("{}{null}", column.native_type))
        });
        (table.name.to_string(), columns.collect())
    });
    Outline { tables: tables.collect() }
}

impl Outline {
    /// As a note.
    pub(in crate::pipeline) fn note(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Reads a note; `None` if it is of another version or there is none.
pub(in crate::pipeline) fn noted(note: Option<&str>) -> Option<Outline> {
    serde_json::from_str(note?).ok()
}

/// What changed since the last run, as findings.
///
/// # Errors
/// [`Error::Drift`] if something did, and the configuration says that this ends the run.
pub(in crate::pipeline) fn changes(
    last: Option<&Outline>,
    schema: &Schema,
    config: &Config,
) -> Result<Vec<Finding>, Error> {
    let Some(last) = last else { return Ok(Vec::new()) };
    let findings = compare(last, &outline(schema));
    if config.on_drift == OnDrift::Fail && !findings.is_empty() {
        let place = |finding: &Finding| match (&finding.table, &finding.column) {
            (Some(table), Some(column)) => format!("{table}.{column}: {}", finding.what),
            (table, _) => format!("{}: {}", table.as_deref().unwrap_or_default(), finding.what),
        };
        return Err(Error::Drift { changes: findings.iter().map(place).collect() });
    }
    Ok(findings)
}

fn compare(last: &Outline, now: &Outline) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |table: &str, column: Option<&str>, what: String, instead: &str| {
        let finding = Finding::warning("schema-drift", what).table(table).instead(instead);
        findings.push(match column {
            Some(column) => finding.column(column),
            None => finding,
        });
    };
    for (table, columns) in &now.tables {
        let Some(before) = last.tables.get(table) else {
            add(table, None, "the table is new since the last run".to_owned(), "it is made as any other");
            continue;
        };
        for (column, kind) in columns {
            match before.get(column) {
                None => add(
                    table,
                    Some(column),
                    format!("the column is new since the last run ({kind})"),
                    "it is learnt and written as any other",
                ),
                Some(old) if old != kind => add(
                    table,
                    Some(column),
                    format!("the column was {old} at the last run and is {kind} now"),
                    "it is made as it is now",
                ),
                Some(_) => {}
            }
        }
        for column in before.keys().filter(|column| !columns.contains_key(*column)) {
            add(table, Some(column), "the column is gone since the last run".to_owned(), "it is not made");
        }
    }
    for table in last.tables.keys().filter(|table| !now.tables.contains_key(*table)) {
        add(table, None, "the table is gone since the last run".to_owned(), "it is not made");
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{changes, noted, outline};
    use crate::{
        config::{Config, OnDrift},
        error::Error,
    };

    #[test]
    fn what_came_went_and_changed_is_named_and_may_end_the_run() {
        let old = crate::plan::fixture("a: *id, x, y\nb: *id");
        let mut new = crate::plan::fixture("a: *id, x, z\nc: *id");
        new.tables[0].columns[1].native_type = "other".to_owned();
        let last = noted(Some(&outline(&old).note())).unwrap();
        let config = Config::default();

        let findings = changes(Some(&last), &new, &config).unwrap();
        let told: Vec<String> = (findings.iter())
            .map(|finding| {
                let column = finding.column.as_deref().unwrap_or("-");
                let word = ["new", "gone", "was"].into_iter().find(|word| finding.what.contains(word));
                format!("{} {column} {}", finding.table.as_deref().unwrap(), word.unwrap())
            })
            .collect();
        assert_eq!(told, ["a x was", "a z new", "a y gone", "c - new", "b - gone"]);
        assert_eq!(changes(Some(&last), &old, &config).unwrap(), []);
        assert_eq!(changes(None, &new, &config).unwrap(), []);

        let fails = Config { on_drift: OnDrift::Fail, ..config };
        assert!(
            matches!(changes(Some(&last), &new, &fails), Err(Error::Drift { changes }) if changes.len() == 5)
        );
        assert!(changes(Some(&last), &old, &fails).is_ok());
        assert_eq!(noted(Some("of another version")), None);
    }
}
