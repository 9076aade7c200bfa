//! Reading: one read-only snapshot, the catalog, streamed scans.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use super::{
    blueprint::blueprint,
    catalog,
    copy_out::{Lane, Request},
    decode::{select_expression, sort_expression},
    further::{Further, Helper},
    grants, lanes,
    layout::Layout,
    lift::lift,
    parts::{self, Cuts},
    server::{self, Hold, Server, connect_source, pooled_finding, regclass, run, scalar, settle},
    sql::{literal, own_rows, quote, quote_table},
};
use crate::{
    config::{DbUrl, SourceSettings},
    db::{
        Batch, DbError, DbErrorKind, Introspection, Scan, ServerIdentity, Session, Source, runtime::block_on,
    },
    finding::Finding,
    schema::{DataType, Schema, Table, TableName},
};

/// An empty search path makes the server print every name qualified. A waiting lock must not hold up
/// a production server for long; a scan of a large table may take hours. A scan that joins another one in the middle
/// of the table would give the rows in another order. Workers of the server are not ours to take, and a DISTINCT over
/// the groups that they made can take a hundred times as long as one without them (PostgreSQL 15, six million rows).
pub(super) fn source_settings(settings: &SourceSettings) -> String {
    let lock = settings.lock_timeout.unwrap_or(10);
    let statement = settings.statement_timeout.unwrap_or(6 * 3600);
    format!(
        "SET search_path = ''; SET lock_timeout = '{lock}s'; SET statement_timeout = '{statement}s'; \
         SET synchronize_seqscans = off; SET max_parallel_workers_per_gather = 0;"
    )
}

/// Opens a transaction that can only read.
pub(super) async fn begin(connection: &mut PgConnection, settings: &SourceSettings) -> Result<(), DbError> {
    let doing = "opening the read-only snapshot";
    run(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", doing).await?;
    settle(connection, &source_settings(settings), Hold::Transaction).await?;
    make_sure(connection, doing).await
}

/// Refuses a transaction that could write.
pub(super) async fn make_sure(connection: &mut PgConnection, doing: &str) -> Result<(), DbError> {
    let read_only: String =
        scalar(connection, "SELECT current_setting('transaction_read_only')", doing).await?;
    if read_only == "on" {
        Ok(())
    } else {
        Err(DbError::new(DbErrorKind::Refused, format!("{doing}: the server would allow writes")))
    }
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
    /// Connections that help to read large tables.
    further: Further,
}

impl PostgresSource {
    /// Connects and opens the snapshot.
    pub(super) fn open(url: &DbUrl, settings: &SourceSettings) -> Result<Self, DbError> {
        let mut server = connect_source(url, settings)?;
        let mut further = Further::new(url, settings, server.pooled);
        block_on(async {
            let connection = &mut server.connection;
            begin(connection, settings).await?;
            if further.may_help() {
                let doing = "exporting the snapshot";
                let exported = scalar(connection, "SELECT pg_catalog.pg_export_snapshot()", doing).await;
                if let Err(error) = &exported {
                    // Nothing was read yet: another snapshot is as good.
                    tracing::debug!(%error, "the source is read by one connection");
                    run(connection, "ROLLBACK", doing).await?;
                    begin(connection, settings).await?;
                }
                further.share(exported.ok());
            }
            Ok(())
        })?;
        Ok(Self {
            server,
            further,
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
        self.connection()?;
        self.read(table, scan, on_batch)
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

    /// Reads by one connection, or by several at once where the table is large and they can be had.
    fn read(&mut self, table: &Table, scan: &Scan, on_batch: Batch<'_>) -> Result<u64, DbError> {
        let mut request = self.select(table, scan)?;
        let mut others = Vec::new();
        if self.further.may_help() {
            let cuts = parts::cuts(&mut self.server, table, scan)?;
            if cuts.count() > 1 {
                others = self.further.ready(&request.from, cuts.count() - 1);
                request.cuts = cuts;
            }
        }
        if others.is_empty() {
            request.cuts = Cuts::none();
        }
        let mut lanes = vec![Lane { connection: &mut self.server.connection, lost: &mut self.lost }];
        lanes.extend(others.into_iter().map(Helper::lane));
        let (rows, misfits) = lanes::read(lanes, &request, on_batch)?;
        for (id, count) in scan.columns.iter().zip(misfits).filter(|(_, count)| *count > 0) {
            let key = (table.name.to_string(), table.column(*id).name.clone());
            *self.misfits.entry(key).or_default() += count;
        }
        Ok(rows)
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

    fn select<'a>(&mut self, table: &'a Table, scan: &'a Scan) -> Result<Request<'a>, DbError> {
        let columns: Vec<String> = scan
            .columns
            .iter()
            .map(|id| table.column(*id))
            .map(|column| select_expression(&quote(&column.name), column))
            .collect();
        let order: Vec<String> = scan
            .order_by
            .iter()
            .map(|id| table.column(*id))
            .map(|column| sort_expression(&quote(&column.name), &column.data_type))
            .collect();
        Ok(Request {
            table,
            scan,
            columns: columns.join(", "),
            from: self.from(table)?,
            order: order.join(", "),
            cuts: Cuts::none(),
            show_sql: self.show_sql,
        })
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
