//! Asks the target which rows it would refuse, before they are final.

use std::sync::{Arc, mpsc::Sender};

use arrow_array::{Int64Array, new_null_array};

use super::Loader;
use crate::{
    data::{TableData, arrow_type},
    db::{DbError, DbErrorKind, Probe, STAGING_ROW},
    schema::{Column, ColumnId, DataType, TableId, TableName},
};

/// Rows per write into the staging table.
const STAGING_ROWS: usize = 20_000;

/// A request to judge rows.
#[derive(Debug)]
pub struct Trial {
    /// The table the rows are meant for.
    pub table: TableId,
    /// The rows.
    pub rows: TableData,
    /// The staging table and what makes it, as [`crate::db::Dialect::staging`] says.
    pub staging: (TableName, Vec<String>),
    /// Generated columns that cannot be computed for every row, in the order of the table.
    pub aside: Vec<Aside>,
    /// What is asked, against the staging table.
    pub tests: Vec<Test>,
    /// Where the answer goes.
    pub answer: Sender<Verdict>,
}

/// A generated column that the staging table goes without until the rows that it cannot be computed for are out of it.
#[derive(Debug)]
pub struct Aside {
    /// Removes the column.
    pub remove: String,
    /// Finds the rows.
    pub probe: Probe,
    /// Adds the column.
    pub add: String,
}

/// A question about the rows of a staging table.
#[derive(Debug, Default)]
pub struct Test {
    /// A query for the numbers of violating rows; none where only the probe is asked.
    pub query: Option<String>,
    /// Finds the rows that the query, or whatever is asked about, fails on.
    pub probe: Option<Probe>,
    /// True if the probe is asked whatever the query says: some servers only warn where a write would fail.
    pub probe_first: bool,
}

impl From<String> for Test {
    fn from(query: String) -> Self {
        Self { query: Some(query), ..Self::default() }
    }
}

/// Per column set aside, then per test: the violating rows, ascending, or why the server could not say.
pub type Verdict = Vec<Result<Vec<u32>, String>>;

impl Loader<'_> {
    /// Judges rows. What the server refuses to do is part of the verdict.
    ///
    /// # Errors
    /// [`DbError`] only if the connection is gone or the run is interrupted.
    pub fn judge(&mut self, trial: &Trial) -> Result<Verdict, DbError> {
        let Trial { table, rows, staging: (name, make), aside, tests, .. } = trial;
        let mut staging = self.schema.table(*table).clone();
        staging.name = name.clone();
        let number = ColumnId(staging.columns.len());
        staging.columns.push(Column {
            native_type: "bigint".to_owned(),
            ..Column::new(STAGING_ROW, DataType::Integer { min: i64::MIN, max: i64::MAX })
        });
        let mut numbered = rows.clone();
        // What is decided later is null, said aloud: MySQL gives a required column no default, though the staging table's
        // may be null.
        for (id, column) in self.schema.table(*table).iter() {
            if !column.nullable && column.generated.is_none() && numbered.column(id).is_none() {
                let storage = column.data_type.storage();
                numbered.set(id, new_null_array(&arrow_type(storage), rows.row_count));
            }
        }
        numbered.set(number, Arc::new(Int64Array::from_iter_values(0..rows.row_count as i64)));
        // Rows of the table itself may be on their way already, in a bulk write that bars the connection.
        self.sink.finish_table(self.schema.table(*table))?;
        self.sink.begin_trial()?;
        // Those that read others come later in the table.
        let removals = aside.iter().rev().map(|aside| aside.remove.clone());
        let make: Vec<String> = make.iter().cloned().chain(removals).collect();
        let verdict = match kept(self.fill(&staging, &make, &numbered))? {
            Err(why) => {
                let reason = format!("the rows could not be tried on the target: {why}");
                vec![Err(reason); aside.len() + tests.len()]
            }
            Ok(()) => self.answers(name, rows.row_count, aside, tests)?,
        };
        self.sink.end_trial(name)?;
        Ok(verdict)
    }

    fn answers(
        &mut self,
        staging: &TableName,
        rows: usize,
        aside: &[Aside],
        tests: &[Test],
    ) -> Result<Verdict, DbError> {
        let mut verdict = Vec::with_capacity(aside.len() + tests.len());
        for Aside { probe, add, .. } in aside {
            let failing = match kept(self.failing(probe, rows))? {
                Ok(failing) => kept(self.without(staging, &failing))?.map(|()| failing),
                Err(reason) => Err(reason),
            };
            let added = kept(self.sink.execute(add))?;
            verdict.push(failing.and_then(|failing| added.map(|()| failing)));
        }
        for Test { query, probe, probe_first } in tests {
            let asked = match query {
                Some(query) if !probe_first => kept(self.sink.numbers(query))?.map(small),
                _ => Err(String::new()),
            };
            verdict.push(match (asked, probe) {
                (Err(_), Some(probe)) => self.probed(staging, rows, query.as_deref(), probe)?,
                (asked, _) => asked,
            });
        }
        Ok(verdict)
    }

    /// The rows that fail, and those that the query names among the others.
    fn probed(
        &mut self,
        staging: &TableName,
        rows: usize,
        query: Option<&str>,
        probe: &Probe,
    ) -> Result<Result<Vec<u32>, String>, DbError> {
        let mut found = match kept(self.failing(probe, rows))? {
            Ok(found) => found,
            Err(reason) => return Ok(Err(reason)),
        };
        let Some(query) = query else { return Ok(Ok(found)) };
        if let Err(reason) = kept(self.without(staging, &found))? {
            return Ok(Err(reason));
        }
        Ok(kept(self.sink.numbers(query))?.map(|others| {
            found.extend(small(others));
            found.sort_unstable();
            found.dedup();
            found
        }))
    }

    /// Takes rows out of a staging table.
    fn without(&mut self, staging: &TableName, rows: &[u32]) -> Result<(), DbError> {
        for some in rows.chunks(STAGING_ROWS) {
            let numbers: Vec<String> = some.iter().map(ToString::to_string).collect();
            let place = match &staging.namespace {
                Some(namespace) => format!("{namespace}.{}", staging.name),
                None => staging.name.clone(),
            };
            self.sink
                .execute(&format!("DELETE FROM {place} WHERE {STAGING_ROW} IN ({})", numbers.join(", ")))?;
        }
        Ok(())
    }

    fn fill(
        &mut self,
        staging: &crate::schema::Table,
        make: &[String],
        rows: &TableData,
    ) -> Result<(), DbError> {
        for statement in make {
            self.sink.execute(statement)?;
        }
        for from in (0..rows.row_count).step_by(STAGING_ROWS) {
            let count = STAGING_ROWS.min(rows.row_count - from);
            self.sink.append(staging, &rows.slice(from, count))?;
        }
        self.sink.finish_table(staging)
    }
}

/// What the server refused, as a part of the verdict.
///
/// # Errors
/// The error, if nothing can go on after it.
pub(super) fn kept<T>(asked: Result<T, DbError>) -> Result<Result<T, String>, DbError> {
    let Err(error) = asked else { return Ok(asked.map_err(|error| error.message)) };
    let fatal = matches!(
        error.kind,
        DbErrorKind::DiskFull
            | DbErrorKind::Disconnected
            | DbErrorKind::Unreachable
            | DbErrorKind::Interrupted
    );
    if fatal { Err(error) } else { Ok(Err(error.message)) }
}

fn small(numbers: Vec<u64>) -> Vec<u32> {
    numbers.into_iter().filter_map(|number| u32::try_from(number).ok()).collect()
}
