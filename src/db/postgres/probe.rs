//! Which rows of the staging table Postgres cannot compute something for.

use super::sql::{STAGING, quote};
use crate::{
    db::{Computation, Probe, Question, STAGING_ROW},
    schema::Column,
};

/// A function computes it row by row and catches what the row makes it raise. It goes with the trial.
pub(super) fn probe(what: Computation<'_>) -> Probe {
    let computed = match what {
        // An assignment allows what a cast does, and less.
        Computation::Column(column, expression) => format!("({expression}\n)::{}", column.native_type),
        Computation::Index(expressions, predicate) => {
            let all: Vec<String> = expressions.iter().map(|expression| format!("({expression}\n)")).collect();
            let all = if all.is_empty() { "NULL".to_owned() } else { format!("ROW({})", all.join(", ")) };
            match predicate {
                Some(predicate) => format!("CASE WHEN ({predicate}\n) THEN {all} END"),
                None => all,
            }
        }
        Computation::Condition(condition) => format!("({condition}\n)"),
    };
    let body = format!(
        "#variable_conflict use_column\nBEGIN PERFORM {computed} FROM (SELECT (dbsynth_given).*) AS dbsynth_row_given; \
         RETURN false; EXCEPTION WHEN OTHERS THEN RETURN true; END"
    );
    let function = format!("pg_temp.dbsynth_fails({STAGING})");
    let make = format!(
        "CREATE FUNCTION pg_temp.dbsynth_fails(dbsynth_given {STAGING}) RETURNS pg_catalog.bool LANGUAGE plpgsql \
         AS $dbsynth$ {body} $dbsynth$"
    );
    Probe {
        make: vec![make],
        question: Question::Rows(format!(
            "SELECT j.{STAGING_ROW} FROM {STAGING} AS j WHERE pg_temp.dbsynth_fails(j)"
        )),
        remove: vec![format!("DROP FUNCTION {function}")],
    }
}

/// What takes a generated column from the staging table, and what brings it back.
pub(super) fn set_aside(column: &Column) -> (String, String) {
    let name = quote(&column.name);
    let expression = column.generated.as_deref().unwrap_or("NULL");
    (
        format!("ALTER TABLE {STAGING} DROP COLUMN {name} CASCADE"),
        format!(
            "ALTER TABLE {STAGING} ADD COLUMN {name} {} GENERATED ALWAYS AS ({expression}\n) STORED",
            column.native_type
        ),
    )
}
