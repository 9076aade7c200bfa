//! Reads a database inside one read-only consistent snapshot.

use crate::{
    config::{DbUrl, SourceSettings},
    db::{Batch, DbError, DbErrorKind, Introspection, Scan, ServerIdentity, Session, Source},
    finding::Finding,
    schema::{DataType, Schema, Table},
};

use super::{catalog, ddl, lift, read, server::Connection, sql::identifier, types::NativeType};

/// A database opened for reading.
pub(super) struct MySqlSource {
    connection: Connection,
    findings: Vec<Finding>,
}

/// Session settings both flavours know. Quoting and literals mean one thing, whatever the server's default.
pub(super) const COMMON_SETTINGS: [&str; 6] = [
    "time_zone = '+00:00'",
    "sql_quote_show_create = 1",
    "lock_wait_timeout = 60",
    "net_write_timeout = 3600",
    "net_read_timeout = 3600",
    "wait_timeout = 86400",
];

impl MySqlSource {
    /// Connects and starts the snapshot.
    pub(super) fn open(url: &DbUrl, settings: &SourceSettings) -> Result<Self, DbError> {
        let mut connection = Connection::open_source(url, settings.show_sql)?;
        connection.run_as("set up the session", "SET NAMES utf8mb4")?;
        connection.run_as("set up the session", "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'")?;
        connection.run_as("set up the session", "SET SESSION time_zone = '+00:00'")?;
        connection.try_settings(&COMMON_SETTINGS);
        // Six hours: long enough for any table, short enough not to run for ever.
        let statement = settings.statement_timeout.unwrap_or(6 * 3600);
        if connection.server.mariadb {
            connection.try_settings(&[&format!("max_statement_time = {statement}")]);
        } else {
            connection.try_settings(&[
                &format!("max_execution_time = {}", statement.saturating_mul(1000)),
                "information_schema_stats_expiry = 0",
            ]);
        }
        if let Some(lock) = settings.lock_timeout {
            connection.try_settings(&[
                &format!("lock_wait_timeout = {lock}"),
                &format!("innodb_lock_wait_timeout = {lock}"),
            ]);
        }
        connection.run_as("start a snapshot", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
        connection.run_as("start a snapshot", "SET SESSION TRANSACTION READ ONLY")?;
        // MariaDB learned MySQL's name of the variable in 11.1.
        let read_only = connection
            .count("SELECT @@SESSION.transaction_read_only")
            .or_else(|_| connection.count("SELECT @@SESSION.tx_read_only"))?;
        if read_only != 1 {
            return Err(DbError::new(
                DbErrorKind::Unsupported,
                "the server did not accept a read-only session; dbsynth never reads a source in any other way",
            ));
        }
        connection.run_as("start a snapshot", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")?;
        Ok(Self { connection, findings: Vec::new() })
    }

    /// Makes `tinyint(1)` columns booleans where all values are 0, 1 or null.
    fn find_booleans(&mut self, schema: &mut Schema) -> Result<(), DbError> {
        for table in &mut schema.tables {
            let candidates: Vec<usize> = (0..table.columns.len())
                .filter(|at| NativeType::parse(&table.columns[*at].native_type).is_boolean_by_convention())
                .collect();
            if candidates.is_empty() {
                continue;
            }
            let ranges: Vec<String> = candidates
                .iter()
                .map(|at| identifier(&table.columns[*at].name))
                .enumerate()
                .map(|(at, name)| format!("MIN({name}) AS low{at}, MAX({name}) AS high{at}"))
                .collect();
            let from = identifier(&table.name.name);
            let answer = self.connection.one(&format!("SELECT {} FROM {from}", ranges.join(", ")))?;
            for (index, at) in candidates.into_iter().enumerate() {
                let within = |label: &str| {
                    answer
                        .optional(&format!("{label}{index}"))
                        .is_none_or(|value| value == "0" || value == "1")
                };
                if within("low") && within("high") {
                    table.columns[at].data_type = DataType::Boolean;
                }
            }
        }
        Ok(())
    }
}

impl Session for MySqlSource {
    fn identity(&mut self) -> Result<ServerIdentity, DbError> {
        Ok(self.connection.server.identity())
    }

    fn count(&mut self, sql: &str) -> Result<u64, DbError> {
        self.connection.count(sql)
    }
}

impl Source for MySqlSource {
    fn introspect(&mut self) -> Result<Introspection, DbError> {
        let catalog = catalog::read(&mut self.connection)?;
        let (mut schema, lifted) = lift::lift(&catalog);
        self.find_booleans(&mut schema)?;
        let (blueprint, planned) = ddl::blueprint(&catalog, &schema);
        let mut findings = catalog.findings;
        findings.extend(lifted);
        findings.extend(planned);
        Ok(Introspection { schema, blueprint, findings })
    }

    fn row_count(&mut self, table: &Table) -> Result<u64, DbError> {
        self.connection.count(&format!("SELECT COUNT(*) FROM {}", identifier(&table.name.name)))
    }

    fn scan(&mut self, table: &Table, scan: &Scan, on_batch: Batch<'_>) -> Result<u64, DbError> {
        read::scan(&mut self.connection, table, scan, on_batch, &mut self.findings)
    }

    fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }
}
