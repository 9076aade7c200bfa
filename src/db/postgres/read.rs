//! Reading: one read-only snapshot, the catalog, streamed scans.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt;
use sqlx::PgConnection;

use super::{
    blueprint::blueprint,
    catalog,
    decode::{ColumnReader, select_expression, sort_expression},
    error::db_error,
    grants,
    layout::Layout,
    lift::lift,
    server::{self, Hold, Server, connect_source, pooled_finding, regclass, run, scalar, settle},
    sql::{literal, own_rows, quote, quote_table},
    unpack::Unpacker,
};
use crate::{
    config::{DbUrl, SourceSettings},
    data::TableData,
    db::{
        Batch, DbError, DbErrorKind, Introspection, Scan, ServerIdentity, Session, Source, runtime::block_on,
    },
    finding::Finding,
    schema::{DataType, Schema, Table, TableName},
};

/// An empty search path makes the server print every name qualified. A waiting lock must not hold up
/// a production server for long; a scan of a large table may take hours.
fn source_settings(settings: &SourceSettings) -> String {
    let lock = settings.lock_timeout.unwrap_or(10);
    let statement = settings.statement_timeout.unwrap_or(6 * 3600);
    format!("SET search_path = ''; SET lock_timeout = '{lock}s'; SET statement_timeout = '{statement}s';")
}

/// A Postgres database opened for reading.
pub(super) struct PostgresSource {
    server: Server,
    /// Values that became null, per table and column.
    misfits: BTreeMap<(String, String), u64>,
    /// Tables that others inherit from, once asked for.
    with_heirs: Option<Vec<TableName>>,
    /// A COPY did not start, or did not end: the connection is out of step and must not be used.
    lost: bool,
    /// Somebody listens to the statements.
    show_sql: bool,
    /// On a standby: unlogged tables, which hold no rows there and cannot even be asked.
    unlogged: BTreeSet<TableName>,
}

impl PostgresSource {
    /// Connects and opens the snapshot.
    pub(super) fn open(url: &DbUrl, settings: &SourceSettings) -> Result<Self, DbError> {
        let mut server = connect_source(url, settings)?;
        let source_settings = source_settings(settings);
        block_on(async {
            let connection = &mut server.connection;
            let doing = "opening the read-only snapshot";
            run(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", doing).await?;
            settle(connection, &source_settings, Hold::Transaction).await?;
            let read_only: String =
                scalar(connection, "SELECT current_setting('transaction_read_only')", doing).await?;
            if read_only == "on" {
                Ok(())
            } else {
                Err(DbError::new(DbErrorKind::Refused, format!("{doing}: the server would allow writes")))
            }
        })?;
        Ok(Self {
            server,
            misfits: BTreeMap::new(),
            with_heirs: None,
            lost: false,
            show_sql: settings.show_sql,
            unlogged: BTreeSet::new(),
        })
    }
}

impl Session for PostgresSource {
    fn identity(&mut self) -> Result<ServerIdentity, DbError> {
        block_on(server::identity(self.connection()?))
    }

    fn count(&mut self, sql: &str) -> Result<u64, DbError> {
        let heirs = match self.with_heirs.take() {
            Some(heirs) => heirs,
            None => block_on(server::with_heirs(self.connection()?))?,
        };
        let counted = block_on(server::count(self.connection()?, &own_rows(sql, &heirs), true));
        self.with_heirs = Some(heirs);
        match counted {
            Err(error) if !self.unlogged.is_empty() && error.kind == DbErrorKind::Unsupported => Ok(0),
            counted => counted,
        }
    }
}

impl Source for PostgresSource {
    fn introspect(&mut self) -> Result<Introspection, DbError> {
        let (version, search_path) = (self.server.version, self.server.search_path.clone());
        let catalog = block_on(catalog::read(self.connection()?, version, search_path))?;
        let layout = Layout::new(&catalog);
        let mut findings = Vec::new();
        let mut schema = lift(&catalog, &layout, &mut findings);
        self.find_stand_ins(&mut schema);
        let blueprint = blueprint(&catalog, &layout, &mut findings);
        if self.server.pooled {
            findings.push(pooled_finding("source"));
        }
        if self.server.standby {
            let unlogged = catalog.relations.iter().filter(|row| row.kind == 'r' && row.unlogged);
            self.unlogged = unlogged.map(|row| TableName::qualified(&row.namespace, &row.name)).collect();
            findings.extend(self.unlogged.iter().map(|table| {
                Finding::warning("unlogged-on-standby", "an unlogged table has no rows on a standby")
                    .table(table)
                    .instead("it stays empty")
                    .remedy("read it from the primary")
            }));
        }
        Ok(Introspection { schema, blueprint, findings })
    }

    fn check_readable(&mut self, tables: &[&Table]) -> Result<(), DbError> {
        block_on(grants::check_reading(self.connection()?, tables))
    }

    fn row_count(&mut self, table: &Table) -> Result<u64, DbError> {
        let from = self.from(table)?;
        self.count(&format!("SELECT count(*) FROM {from}"))
    }

    fn scan(&mut self, table: &Table, scan: &Scan, on_batch: Batch<'_>) -> Result<u64, DbError> {
        if self.unlogged.contains(&table.name) {
            return Ok(0);
        }
        let sql = self.select(table, scan)?;
        let doing = format!("reading {}", table.name);
        block_on(run(self.connection()?, "SAVEPOINT dbsynth_scan", &doing))?;
        let scanned = self.stream(table, scan, sql, on_batch);
        // A table that cannot be read must not cost the snapshot of the others.
        let end = if scanned.is_ok() {
            "RELEASE SAVEPOINT dbsynth_scan"
        } else {
            "ROLLBACK TO SAVEPOINT dbsynth_scan; RELEASE SAVEPOINT dbsynth_scan"
        };
        if self.lost {
            return scanned;
        }
        let ended = block_on(run(&mut self.server.connection, end, &doing));
        scanned.and_then(|total| ended.map(|()| total))
    }

    fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.misfits)
            .into_iter()
            .map(|((table, column), count)| {
                Finding::warning("value-not-read", format!("{count} values do not fit their type"))
                    .table(table)
                    .column(column)
                    .instead(
                        "they are read as null, times after the year 294246 as the last that can be held",
                    )
            })
            .collect()
    }
}

/// Parts of a stand-in at most.
const MOST_PARTS: usize = 20_000;
/// Literals that types of extensions take, most harmless first: nothing, numbers, lists, times, books.
const STAND_INS: [&str; 16] = [
    "",
    "0",
    "1",
    "a",
    "{}",
    "()",
    "[]",
    "(0)",
    "[0]",
    "{0}",
    "(0,0)",
    "[0,0]",
    "2000-01-01",
    "00:00",
    "00000000-0000-0000-0000-000000000000",
    "9780000000002",
];

/// What is tried in the place of a value; a type with a number behind its name (`vector(3)`) may ask for so many parts.
fn stand_ins(native_type: &str) -> Vec<String> {
    let mut all: Vec<String> = STAND_INS.iter().map(|text| (*text).to_owned()).collect();
    let number =
        native_type.rsplit_once('(').and_then(|(_, rest)| rest.strip_suffix(')')?.parse::<usize>().ok());
    if let Some(parts) = number.filter(|parts| (1..=MOST_PARTS).contains(parts)) {
        let ones = vec!["1"; parts].join(",");
        all.extend([format!("[{ones}]"), format!("({ones})"), format!("{{1:1}}/{parts}"), "1".repeat(parts)]);
    }
    all
}

impl PostgresSource {
    fn connection(&mut self) -> Result<&mut PgConnection, DbError> {
        if self.lost {
            return Err(DbError::new(
                DbErrorKind::Disconnected,
                "the connection to the source is out of step with the server",
            ));
        }
        Ok(&mut self.server.connection)
    }

    /// Asks the server which literal it takes for a column of a type it alone knows, where null is none.
    fn find_stand_ins(&mut self, schema: &mut Schema) {
        for table in &mut schema.tables {
            for column in table.columns.iter_mut().filter(|column| !column.nullable) {
                let DataType::Native { stand_in, .. } = &mut column.data_type else { continue };
                let takes = |text: &String| {
                    // A constant is read when the query is planned; the count keeps it from being thrown away.
                    let sql = format!(
                        "SELECT count({}::{}) FROM pg_catalog.pg_class",
                        literal(text),
                        column.native_type
                    );
                    block_on(server::count(&mut self.server.connection, &sql, true)).is_ok()
                };
                *stand_in = stand_ins(&column.native_type).into_iter().find(takes);
            }
        }
    }

    fn stream(
        &mut self,
        table: &Table,
        scan: &Scan,
        sql: String,
        on_batch: Batch<'_>,
    ) -> Result<u64, DbError> {
        let doing = format!("reading {}", table.name);
        let mut readers: Vec<ColumnReader> = scan
            .columns
            .iter()
            .map(|id| {
                let column = table.column(*id);
                // Rows find their parents by every digit of a key.
                let decimal = matches!(column.data_type, DataType::Decimal { .. });
                ColumnReader::new(column, scan.exact || decimal && table.is_in_key(*id))
            })
            .collect();
        let batch_rows = scan.batch_rows.max(1);
        let malformed =
            || DbError::new(DbErrorKind::Other, format!("{doing}: what arrives is no binary COPY"));
        // What the server refuses it refuses here: sqlx loses step with a server that refuses a COPY to start.
        block_on(run(&mut self.server.connection, &format!("{sql} LIMIT 0"), &doing))?;
        let copy = format!("COPY ({sql}) TO STDOUT WITH (FORMAT binary)");
        self.lost = true;
        let mut total = 0;
        {
            // Each batch is gathered on the runtime, but handed over outside it, so that the reader of
            // the batch may use another connection.
            let mut messages = block_on(async {
                if self.show_sql {
                    // The driver tells of every statement but of a COPY.
                    tracing::debug!(target: "sqlx::query", summary = copy);
                }
                let started = self.server.connection.copy_out_raw(&copy).await;
                started.map_err(|error| db_error(&doing, error))
            })?;
            let mut unpacker = Unpacker::default();
            let mut ended = false;
            while !ended {
                let mut held = 0;
                let gathered = block_on(async {
                    while held < batch_rows {
                        let Some(message) = messages.next().await else {
                            ended = true;
                            break;
                        };
                        let message = message.map_err(|error| db_error(&doing, error))?;
                        held += unpacker
                            .take(&message, |index, field| {
                                if let Some(reader) = readers.get_mut(index) {
                                    reader.push(field);
                                }
                            })
                            .map_err(|_| malformed())?;
                    }
                    Ok(())
                });
                let handed = gathered.and_then(|()| {
                    if ended && !unpacker.is_whole() {
                        return Err(malformed());
                    }
                    if held == 0 {
                        return Ok(());
                    }
                    let arrays = readers.iter_mut().map(ColumnReader::finish).collect();
                    total += held as u64;
                    let mut batch = TableData::new(scan.columns.clone(), arrays, held);
                    for (id, reader) in scan.columns.iter().zip(&mut readers) {
                        if let Some(texts) = reader.finish_exact() {
                            batch.set_exact(*id, texts);
                        }
                    }
                    on_batch(batch)
                });
                if let Err(error) = handed {
                    // The connection answers again once all has arrived.
                    block_on(async {
                        while messages.next().await.is_some() {}
                        Ok(())
                    })?;
                    drop(messages);
                    self.lost = false;
                    return Err(error);
                }
            }
        }
        self.lost = false;
        for (id, reader) in scan.columns.iter().zip(&readers).filter(|(_, reader)| reader.misfits() > 0) {
            let key = (table.name.to_string(), table.column(*id).name.clone());
            *self.misfits.entry(key).or_default() += reader.misfits();
        }
        Ok(total)
    }

    /// A table is read alone, without its inheritance children (they are tables themselves); a
    /// partitioned one with its partitions.
    fn from(&mut self, table: &Table) -> Result<String, DbError> {
        let quoted = quote_table(&table.name);
        let question =
            format!("SELECT relkind = 'p' FROM pg_catalog.pg_class WHERE oid = {}", regclass(&quoted));
        let doing = format!("looking up {}", table.name);
        let partitioned: bool = block_on(scalar(self.connection()?, &question, &doing))?;
        Ok(if partitioned { quoted } else { format!("ONLY {quoted}") })
    }

    fn select(&mut self, table: &Table, scan: &Scan) -> Result<String, DbError> {
        let columns: Vec<String> = scan
            .columns
            .iter()
            .map(|id| table.column(*id))
            .map(|column| select_expression(&quote(&column.name), column))
            .collect();
        let mut sql = format!("SELECT {} FROM {}", columns.join(", "), self.from(table)?);
        if !scan.order_by.is_empty() {
            let order: Vec<String> = scan
                .order_by
                .iter()
                .map(|id| table.column(*id))
                .map(|column| sort_expression(&quote(&column.name), &column.data_type))
                .collect();
            sql.push_str(&format!(" ORDER BY {}", order.join(", ")));
        }
        Ok(sql)
    }
}

#[cfg(test)]
mod tests {
    use super::stand_ins;

    #[test]
    fn a_type_with_a_number_of_parts_is_offered_so_many() {
        assert!(stand_ins("public.vector(3)").contains(&"[1,1,1]".to_owned()));
        assert!(stand_ins("sparsevec(5)").contains(&"{1:1}/5".to_owned()));
        assert_eq!(stand_ins("box3d"), stand_ins("numeric(10,2)"));
    }
}
