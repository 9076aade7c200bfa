//! Walks every constraint of the tables and counts its violations.

use super::{ConstraintKind, Proof, ProofLine, queries};
use crate::{
    db::{DbError, DbErrorKind, Dialect, Session},
    finding::Finding,
    progress::interrupted,
    schema::{ColumnId, Schema, Table, TableId},
};

/// Counts the violations of every constraint of `tables`.
///
/// A foreign key to a table outside of `tables` does not exist on the target and is left out with a note.
/// What the server cannot evaluate has no count and a finding.
///
/// # Errors
/// [`DbError`] if the connection breaks or the run is interrupted; a refused query is a finding.
pub fn prove(
    session: &mut dyn Session,
    dialect: &dyn Dialect,
    schema: &Schema,
    tables: &[TableId],
) -> Result<(Proof, Vec<Finding>), DbError> {
    let mut prover = Prover { session, dialect, proof: Proof::default(), findings: Vec::new() };
    for id in tables {
        let table = schema.table(*id);
        prover.keys(table)?;
        for key in &table.foreign_keys {
            if tables.contains(&key.parent) {
                let sql = queries::orphans(dialect, table, key, schema.table(key.parent));
                prover.line(table, ConstraintKind::ForeignKey, &key.name, &[sql])?;
            } else {
                let parent = &schema.table(key.parent).name;
                prover.findings.push(
                    Finding::note("foreign-key-unproven", format!("{}: {parent} is not loaded", key.name))
                        .table(&table.name),
                );
            }
        }
        prover.not_null(table)?;
        for exclusion in &table.exclusions {
            let sql = queries::excluded(dialect, table, exclusion);
            prover.line(table, ConstraintKind::Exclusion, &exclusion.name, &[sql])?;
        }
        for check in &table.checks {
            match queries::failed_check(dialect, table, check) {
                Some(sql) => prover.line(table, ConstraintKind::Check, &check.name, &[sql])?,
                None => prover.unproven(table, ConstraintKind::Check, &check.name, "its text cannot be read"),
            }
        }
    }
    Ok((prover.proof, prover.findings))
}

struct Prover<'a> {
    session: &'a mut dyn Session,
    dialect: &'a dyn Dialect,
    proof: Proof,
    findings: Vec<Finding>,
}

impl Prover<'_> {
    fn keys(&mut self, table: &Table) -> Result<(), DbError> {
        if let Some(key) = &table.primary_key {
            let sql =
                [queries::null_keys(self.dialect, table, key), queries::duplicates(self.dialect, table, key)];
            self.line(table, ConstraintKind::PrimaryKey, &key.name, &sql)?;
        }
        for key in &table.unique_keys {
            if key.columns.is_empty() && key.expressions.is_empty() {
                self.unproven(table, ConstraintKind::Unique, &key.name, "its columns are unknown");
            } else {
                let sql = queries::duplicates(self.dialect, table, key);
                self.line(table, ConstraintKind::Unique, &key.name, &[sql])?;
            }
        }
        Ok(())
    }

    fn not_null(&mut self, table: &Table) -> Result<(), DbError> {
        let required: Vec<ColumnId> =
            table.iter().filter(|(_, column)| !column.nullable).map(|(id, _)| id).collect();
        if required.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = required.iter().map(|id| table.column(*id).name.as_str()).collect();
        let sql = queries::nulls(self.dialect, table, &required);
        self.line(table, ConstraintKind::NotNull, &names.join(", "), &[sql])
    }

    fn line(
        &mut self,
        table: &Table,
        kind: ConstraintKind,
        name: &str,
        queries: &[String],
    ) -> Result<(), DbError> {
        let mut violations = 0;
        for sql in queries {
            if interrupted() {
                return Err(DbError::new(DbErrorKind::Interrupted, "interrupted"));
            }
            match self.session.count(sql) {
                Ok(count) => violations += count,
                Err(error) if matches!(error.kind, DbErrorKind::Disconnected | DbErrorKind::Unreachable) => {
                    return Err(error);
                }
                Err(error) => {
                    self.unproven(table, kind, name, &error.message);
                    return Ok(());
                }
            }
        }
        self.push(table, kind, name, Some(violations));
        Ok(())
    }

    fn unproven(&mut self, table: &Table, kind: ConstraintKind, name: &str, reason: &str) {
        self.findings.push(
            Finding::warning("constraint-unproven", format!("{name}: {reason}"))
                .table(&table.name)
                .instead("its violations are not counted"),
        );
        self.push(table, kind, name, None);
    }

    fn push(&mut self, table: &Table, kind: ConstraintKind, name: &str, violations: Option<u64>) {
        let (table, name) = (table.name.to_string(), name.to_owned());
        self.proof.lines.push(ProofLine { table, kind, name, violations });
    }
}
