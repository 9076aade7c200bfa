//! A file opened for reading: one read transaction from opening to closing.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use futures_util::StreamExt as _;
use sqlx::AssertSqlSafe;

use super::{
    blueprint,
    catalog::{self, RawTable},
    ddl,
    decode::ColumnBuilder,
    lift::{self, Measured},
    probe,
    server::{Connection, canonical, identity, lift_error, unknown_collations},
    sql::{identifier, identifiers, literal},
    strange, swap,
    virtual_tables::{self, Kind},
};
use crate::{
    config::SourceSettings,
    data::TableData,
    db::{
        Batch, DbError, DbErrorKind, Introspection, Scan, ServerIdentity, Session, Source, runtime::block_on,
    },
    finding::Finding,
    schema::{ColumnId, Table},
};

/// A file opened for reading.
pub(super) struct SqliteSource {
    connection: Connection,
    path: PathBuf,
    /// Values per table and column that did not fit, and whether the column may be null.
    misfits: BTreeMap<(String, String), (u64, bool)>,
}

impl SqliteSource {
    /// Opens the file and takes the snapshot.
    pub(super) fn open(path: &Path, settings: &SourceSettings) -> Result<Self, DbError> {
        // A deferred transaction sees the file as of its first read.
        let begin = |mut connection: Connection| {
            let what = "cannot begin to read";
            connection.run(what, "BEGIN DEFERRED; SELECT count(*) FROM sqlite_schema")?;
            let texts = connection.texts(what, "SELECT sql FROM sqlite_schema WHERE sql LIKE '%collate%'")?;
            connection.stand_in(texts.iter().flat_map(|sql| ddl::collations(sql)).collect())?;
            Ok(connection)
        };
        let connection = match Connection::read_source(path, settings).and_then(begin) {
            // A file in WAL mode on a read-only disk cannot have its log made; without a log nobody writes it.
            Err(error)
                if matches!(error.kind, DbErrorKind::Unreachable | DbErrorKind::Permission)
                    && swap::has_no_log(path) =>
            {
                Connection::read_immutable(path).and_then(begin).map_err(|_| error)?
            }
            opened => opened?,
        };
        Ok(Self { connection, path: canonical(path), misfits: BTreeMap::new() })
    }
}

impl SqliteSource {
    /// Reads the columns of a virtual table; false if its module, or one it asks for, is not here.
    fn open_virtual(&mut self, raw: &mut RawTable) -> bool {
        let Ok(columns) = catalog::columns(&mut self.connection, &raw.name) else { return false };
        raw.columns = columns;
        virtual_tables::complete(raw);
        !raw.columns.is_empty()
    }
}

impl Session for SqliteSource {
    fn identity(&mut self) -> Result<ServerIdentity, DbError> {
        let version = self.connection.texts("cannot ask for the version", "SELECT sqlite_version()")?;
        Ok(identity(&self.path, format!("SQLite {}", version.concat())))
    }

    fn count(&mut self, sql: &str) -> Result<u64, DbError> {
        Ok(u64::try_from(self.connection.integer("cannot count", sql)?).unwrap_or(0))
    }
}

impl Source for SqliteSource {
    fn introspect(&mut self) -> Result<Introspection, DbError> {
        let mut findings = Vec::new();
        let mut measured = Vec::new();
        let mut derived = Vec::new();
        for mut raw in catalog::tables(&mut self.connection)? {
            match raw.kind.as_str() {
                "table" => {}
                "shadow" => continue,
                _ => match virtual_tables::kind(&raw.sql) {
                    Kind::Over(content) => {
                        derived.push((raw, Some(content)));
                        continue;
                    }
                    Kind::IndexOnly => {
                        let what = "is an index without rows to build it from";
                        findings.push(
                            Finding::warning("virtual-table", what).table(&raw.name).instead("made empty"),
                        );
                        derived.push((raw, None));
                        continue;
                    }
                    Kind::Rows if self.open_virtual(&mut raw) => {}
                    _ => {
                        let what = format!("is a {} table of a module that is not here", raw.kind);
                        let finding = Finding::warning("virtual-table", what).table(&raw.name);
                        findings.push(finding.instead("left out, with its shadow tables"));
                        continue;
                    }
                },
            }
            note_collations(&raw, &mut findings);
            strange::leave_out_checks(&mut self.connection, &mut raw, &mut findings);
            strange::make_plain(&mut self.connection, &mut raw, &mut findings);
            let (row_count, verdicts) = probe::table(&mut self.connection, &raw, &mut findings)?;
            measured.push(Measured { raw, row_count, verdicts });
        }
        let (schema, measured) = lift::schema(measured, &mut findings);
        let objects = catalog::objects(&mut self.connection)?;
        let settings = blueprint::settings(&mut self.connection)?;
        let blueprint = blueprint::blueprint(&schema, &measured, derived, objects, settings);
        Ok(Introspection { schema, blueprint, findings })
    }

    fn row_count(&mut self, table: &Table) -> Result<u64, DbError> {
        self.count(&format!("SELECT count(*) FROM {}", identifier(&table.name.name)))
    }

    fn scan(&mut self, table: &Table, scan: &Scan, on_batch: Batch<'_>) -> Result<u64, DbError> {
        let what = format!("cannot read {}", table.name);
        let sql = select(&mut self.connection, table, scan)?;
        let misfits = &mut self.misfits;
        let mut stream = sqlx::query(AssertSqlSafe(sql)).persistent(false).fetch(&mut self.connection.inner);
        let mut total = 0;
        loop {
            let mut builders: Vec<ColumnBuilder> =
                scan.columns.iter().map(|id| ColumnBuilder::new(table.column(*id), scan.exact)).collect();
            let mut rows = 0;
            // The reader runs outside of the runtime: it may block on another connection.
            block_on(async {
                while rows < scan.batch_rows.max(1) {
                    let Some(row) = stream.next().await else { break };
                    let row = row.map_err(|error| lift_error(&what, error))?;
                    for (index, builder) in builders.iter_mut().enumerate() {
                        builder.push(&row, index);
                    }
                    rows += 1;
                }
                Ok(())
            })?;
            for (builder, id) in builders.iter().zip(&scan.columns).filter(|(builder, _)| builder.misfits > 0)
            {
                let key = (table.name.to_string(), table.column(*id).name.clone());
                let known = misfits.entry(key).or_insert((0, table.column(*id).nullable));
                known.0 += builder.misfits;
            }
            total += rows as u64;
            if rows > 0 {
                let exact: Vec<_> = builders.iter_mut().map(ColumnBuilder::take_exact).collect();
                let arrays = builders.into_iter().map(ColumnBuilder::finish).collect();
                let mut batch = TableData::new(scan.columns.clone(), arrays, rows);
                for (id, texts) in scan.columns.iter().zip(exact) {
                    if let Some(texts) = texts {
                        batch.set_exact(*id, texts);
                    }
                }
                on_batch(batch)?;
            }
            if rows < scan.batch_rows.max(1) {
                return Ok(total);
            }
        }
    }

    fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.misfits)
            .into_iter()
            .map(|((table, column), (count, nullable))| {
                Finding::warning(
                    "unreadable-value",
                    format!("{count} values do not fit the type of the column"),
                )
                .table(table)
                .column(column)
                .instead(if nullable {
                    "read as null"
                } else {
                    "the value of another row is learned in its place"
                })
            })
            .collect()
    }
}

fn note_collations(raw: &RawTable, findings: &mut Vec<Finding>) {
    let mut names = ddl::collations(&raw.sql);
    names.extend(raw.indexes.iter().filter_map(|index| index.sql.as_deref()).flat_map(ddl::collations));
    for name in unknown_collations(names) {
        findings.push(
            Finding::warning("unknown-collation", format!("uses the collation {name} of an application"))
                .table(&raw.name)
                .instead("compared byte by byte")
                .remedy("run REINDEX on the target in the application before using it"),
        );
    }
}

fn select(connection: &mut Connection, table: &Table, scan: &Scan) -> Result<String, DbError> {
    let names = |ids: &[ColumnId]| identifiers(ids.iter().map(|id| table.column(*id).name.as_str()));
    // What cannot be computed here was lifted as computed from nothing.
    let value = |id: &ColumnId| {
        let column = table.column(*id);
        let nothing = column.generated.as_deref() == Some("NULL");
        if nothing { "NULL".to_owned() } else { identifier(&column.name) }
    };
    let columns: Vec<String> = scan.columns.iter().map(value).collect();
    let columns = if columns.is_empty() { "1".to_owned() } else { columns.join(", ") };
    let from = identifier(&table.name.name);
    let order =
        if scan.order_by.is_empty() { rowid(connection, table)? } else { Some(names(&scan.order_by)) };
    Ok(match order {
        Some(order) => format!("SELECT {columns} FROM {from} ORDER BY {order}"),
        None => format!("SELECT {columns} FROM {from}"),
    })
}

/// The name of the rowid that no column hides; `None` for a table that has none (it is stored in key order).
fn rowid(connection: &mut Connection, table: &Table) -> Result<Option<String>, DbError> {
    let sql =
        format!("SELECT wr FROM pragma_table_list({}) WHERE schema = 'main'", literal(&table.name.name));
    if connection.integer("cannot read the catalog", &sql)? != 0 {
        return Ok(None);
    }
    let free = |name: &&str| !table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    Ok(["rowid", "_rowid_", "oid"].iter().find(|name| free(name)).map(|name| (*name).to_owned()))
}
