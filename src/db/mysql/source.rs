//! Reads a database inside one read-only consistent snapshot.

use crate::{
    config::DbUrl,
    db::{Batch, DbError, DbErrorKind, Introspection, Scan, ServerIdentity, Session, Source},
    finding::Finding,
    schema::{ColumnId, DataType, Schema, Table},
};

use super::{
    catalog, ddl, lift, read,
    server::Connection,
    sql::identifier,
    types::{NativeType, ZERO_DATE},
};

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
    pub(super) fn open(url: &DbUrl) -> Result<Self, DbError> {
        let mut connection = Connection::open(url)?;
        connection.run_as("set up the session", "SET NAMES utf8mb4")?;
        connection.run_as("set up the session", "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION'")?;
        connection.run_as("set up the session", "SET SESSION time_zone = '+00:00'")?;
        connection.try_settings(&COMMON_SETTINGS);
        // Six hours: long enough for any table, short enough not to run for ever.
        connection.try_settings(if connection.server.mariadb {
            &["max_statement_time = 21600"]
        } else {
            &["max_execution_time = 21600000", "information_schema_stats_expiry = 0"]
        });
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

    /// Asks each table once what its types alone do not tell: `tinyint(1)` columns whose values are all 0, 1 or null
    /// are booleans; a NOT NULL column that holds zero dates uses them as others use null, and is read and written so.
    fn look_at_values(&mut self, schema: &mut Schema) -> Result<(), DbError> {
        for table in &mut schema.tables {
            let mut questions = Vec::new();
            let mut wanted = Vec::new();
            for (at, column) in table.columns.iter().enumerate() {
                let native = NativeType::parse(&column.native_type);
                let in_key =
                    table.primary_key.as_ref().is_some_and(|key| key.columns.contains(&ColumnId(at)));
                let name = identifier(&column.name);
                if native.is_boolean_by_convention() {
                    wanted.push((at, Answer::Boolean));
                    questions.push(format!("MIN({name} IN (0, 1))"));
                } else if column.nullable || column.generated.is_some() || in_key {
                } else if matches!(column.data_type, DataType::Date | DataType::Timestamp { .. }) {
                    wanted.push((at, Answer::ZeroDate));
                    questions.push(format!(
                        "MAX(YEAR({name}) = 0 OR MONTH({name}) = 0 OR DAYOFMONTH({name}) = 0)"
                    ));
                } else if native.base == "year" {
                    wanted.push((at, Answer::ZeroDate));
                    questions.push(format!("MAX({name} = 0)"));
                }
            }
            if questions.is_empty() {
                continue;
            }
            let asked: Vec<String> =
                questions.iter().enumerate().map(|(at, question)| format!("{question} AS a{at}")).collect();
            let from = identifier(&table.name.name);
            let answers = self.connection.one(&format!("SELECT {} FROM {from}", asked.join(", ")))?;
            for (index, (at, answer)) in wanted.into_iter().enumerate() {
                let said = answers.nth(index);
                let column = &mut table.columns[at];
                match answer {
                    Answer::Boolean if said.as_deref() != Some("0") => column.data_type = DataType::Boolean,
                    Answer::ZeroDate if said.as_deref() == Some("1") => {
                        column.nullable = true;
                        column.representation = Some(ZERO_DATE.to_owned());
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// What the answer of a question about a column's values decides.
enum Answer {
    Boolean,
    ZeroDate,
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
        self.look_at_values(&mut schema)?;
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
