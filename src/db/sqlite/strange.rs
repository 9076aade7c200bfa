//! What of a table only its application can evaluate: CHECKs and generated columns that call functions it brings along.

use std::collections::BTreeMap;

use super::{
    catalog::{RawTable, UNREADABLE},
    ddl::{self, Stand},
    server::Connection,
    sql::identifier,
};
use crate::finding::Finding;

/// Leaves out the CHECKs that cannot be evaluated: with them the table could not be built.
pub(super) fn leave_out_checks(connection: &mut Connection, raw: &mut RawTable, findings: &mut Vec<Finding>) {
    let Some(text) = ddl::read_table(&raw.sql) else { return };
    let mut strange = Vec::new();
    for (number, (name, expression)) in text.checks.iter().enumerate() {
        let sql = format!("EXPLAIN SELECT 1 FROM {} WHERE NOT ({expression}\n)", identifier(&raw.name));
        let Err(error) = connection.run("it cannot be evaluated", &sql) else { continue };
        strange.push(number);
        let name = name.clone().unwrap_or_else(|| format!("number {}", number + 1));
        findings.push(
            Finding::warning("check-left-out", format!("CHECK {name}: {error}"))
                .table(&raw.name)
                .instead("left out of the target"),
        );
    }
    if !strange.is_empty()
        && let Some(sql) = ddl::without_checks(&raw.sql, &strange)
    {
        raw.sql = sql;
    }
}

/// Makes generated columns that cannot be computed plain ones, where their values are stored; one that is computed when
/// it is read has no value to learn from and stays null.
pub(super) fn make_plain(connection: &mut Connection, raw: &mut RawTable, findings: &mut Vec<Finding>) {
    let Some(text) = ddl::read_table(&raw.sql) else { return };
    let table = identifier(&raw.name);
    let mut stands = BTreeMap::new();
    for column in raw.columns.iter_mut().filter(|column| column.hidden >= 2) {
        let Some(expression) = text.generated.get(&column.name.to_lowercase()) else { continue };
        let computed = format!("EXPLAIN SELECT ({expression}\n) FROM {table}");
        let Err(error) = connection.run("it cannot be computed", &computed) else { continue };
        let stored = format!("EXPLAIN SELECT {} FROM {table}", identifier(&column.name));
        let there = connection.run("it cannot be read", &stored).is_ok();
        stands.insert(column.name.to_lowercase(), if there { Stand::Plain } else { Stand::Null });
        let finding = Finding::warning("generated-column-plain", format!("generated column: {error}"))
            .table(&raw.name)
            .column(&column.name);
        findings.push(if there {
            column.hidden = 0;
            finding.instead("made as a plain column, with values learned from those that are stored")
        } else {
            column.hidden = UNREADABLE;
            column.not_null = false;
            finding.instead("its values cannot be read; it is null in the target")
        });
    }
    if !stands.is_empty()
        && let Some(sql) = ddl::with_plain_columns(&raw.sql, &stands)
    {
        raw.sql = sql;
    }
}
