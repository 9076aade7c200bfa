//! How the target is asked about constraints of rows.

use std::sync::mpsc::Sender;

use crate::{
    data::TableData,
    db::{Computation, Dialect},
    load::{Aside, Test, Trial, Verdict},
    rules::may_fail,
    sample::{Suspect, computes_in_vain, uncertain_columns},
    schema::{Schema, TableId, TableName},
    verify,
};

/// A trial of rows, and for each suspect where its answer stands in the verdict; `None` if it cannot be asked about.
pub(super) fn trial(
    schema: &Schema,
    dialect: &dyn Dialect,
    (id, suspects): (TableId, &[Suspect]),
    (rows, answer): (TableData, Sender<Verdict>),
) -> (Trial, Vec<Option<usize>>) {
    let table = schema.table(id);
    let staging = dialect.staging(table);
    let mut apart = uncertain_columns(table);
    apart.extend(suspects.iter().filter_map(|suspect| match suspect {
        Suspect::Generated(column) => Some(*column),
        _ => None,
    }));
    apart.sort_unstable();
    apart.dedup();
    let aside: Vec<Aside> = apart
        .iter()
        .map(|column| {
            let column = &table.columns[*column];
            let expression = column.generated.as_deref().unwrap_or_default();
            let (remove, add) = dialect.set_aside(&staging.0, column);
            let probe = dialect.probe(table, &staging.0, Computation::Column(column, expression));
            Aside { remove, probe, add }
        })
        .collect();
    let mut tests = Vec::new();
    let mut order = Vec::with_capacity(suspects.len());
    for suspect in suspects {
        if let Suspect::Generated(column) = suspect {
            order.push(apart.iter().position(|other| other == column));
            continue;
        }
        let test = test(schema, dialect, &staging.0, (id, *suspect));
        order.push(test.as_ref().map(|_| aside.len() + tests.len()));
        tests.extend(test);
    }
    (Trial { table: id, rows, staging, aside, tests, answer }, order)
}

fn test(
    schema: &Schema,
    dialect: &dyn Dialect,
    staging: &TableName,
    (id, suspect): (TableId, Suspect),
) -> Option<Test> {
    let table = schema.table(id);
    let mut probe_first = false;
    let (asked, probe) = match suspect {
        Suspect::Check(place) => {
            let check = table.checks.get(place)?;
            let own = check.domain_column.is_none();
            probe_first = own && may_fail(table, &check.expression);
            (
                verify::Suspect::Check(check),
                own.then(|| dialect.probe(table, staging, Computation::Condition(&check.expression))),
            )
        }
        Suspect::Key(place) => {
            let key = table.keys().nth(place)?;
            probe_first = computes_in_vain(table, &key.expressions, key.predicate.as_deref());
            let computes = !key.expressions.is_empty() || key.predicate.is_some();
            let what = Computation::Index(&key.expressions, key.predicate.as_deref());
            (verify::Suspect::Key(key), computes.then(|| dialect.probe(table, staging, what)))
        }
        Suspect::Exclusion(place) => (verify::Suspect::Exclusion(table.exclusions.get(place)?), None),
        Suspect::ForeignKey(place) => {
            let fk = table.foreign_keys.get(place)?;
            let parent = (fk.parent != id).then(|| schema.table(fk.parent));
            (verify::Suspect::ForeignKey(fk, parent), None)
        }
        Suspect::Index(place) => {
            let index = table.computed_indexes.get(place)?;
            let what = Computation::Index(&index.expressions, index.predicate.as_deref());
            return Some(Test { probe: Some(dialect.probe(table, staging, what)), ..Test::default() });
        }
        Suspect::Generated(_) => return None,
    };
    let query = verify::violators(dialect, table, staging, asked)?;
    Some(Test { query: Some(query), probe, probe_first })
}
