//! A file opened for reading: one read transaction from opening to closing.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{
    ArrayRef,
    builder::{
        BinaryBuilder, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, StringBuilder,
        Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
    },
};
use futures_util::StreamExt as _;
use sqlx::{
    AssertSqlSafe, Decode, Row as _, Sqlite, TypeInfo as _, ValueRef as _,
    sqlite::{SqliteRow, SqliteValueRef},
};

use super::{
    blueprint, catalog,
    format::{Layout, Moment},
    lift::{self, Measured},
    probe,
    server::{Connection, canonical, identity, lift_error},
    sql::{identifier, identifiers, literal},
    swap,
};
use crate::{
    data::TableData,
    db::{
        Batch, DbError, DbErrorKind, Introspection, Scan, ServerIdentity, Session, Source, runtime::block_on,
    },
    finding::Finding,
    schema::{Column, Storage, Table},
};

/// Whole numbers below this are exact in a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A file opened for reading.
pub(super) struct SqliteSource {
    connection: Connection,
    path: PathBuf,
    /// Values per table and column that did not fit.
    misfits: BTreeMap<(String, String), u64>,
}

impl SqliteSource {
    /// Opens the file and takes the snapshot.
    pub(super) fn open(path: &Path) -> Result<Self, DbError> {
        // A deferred transaction sees the file as of its first read.
        let begin = |mut connection: Connection| {
            connection.run("cannot begin to read", "BEGIN DEFERRED; SELECT count(*) FROM sqlite_schema")?;
            Ok(connection)
        };
        let connection = match Connection::read(path).and_then(begin) {
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
        for raw in catalog::tables(&mut self.connection)? {
            match raw.kind.as_str() {
                "table" => {}
                "shadow" => continue,
                kind => {
                    let finding = Finding::warning("virtual-table", format!("is a {kind} table"));
                    findings.push(finding.table(&raw.name).instead("left out, with its shadow tables"));
                    continue;
                }
            }
            let (row_count, verdicts) = probe::table(&mut self.connection, &raw, &mut findings)?;
            measured.push(Measured { raw, row_count, verdicts });
        }
        let (schema, measured) = lift::schema(measured, &mut findings);
        let objects = catalog::objects(&mut self.connection)?;
        let settings = blueprint::settings(&mut self.connection)?;
        let blueprint = blueprint::blueprint(&schema, &measured, objects, settings);
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
                scan.columns.iter().map(|id| ColumnBuilder::new(table.column(*id))).collect();
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
                *misfits.entry(key).or_default() += builder.misfits;
            }
            total += rows as u64;
            if rows > 0 {
                let arrays = builders.into_iter().map(ColumnBuilder::finish).collect();
                on_batch(TableData::new(scan.columns.clone(), arrays, rows))?;
            }
            if rows < scan.batch_rows.max(1) {
                return Ok(total);
            }
        }
    }

    fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.misfits)
            .into_iter()
            .map(|((table, column), count)| {
                Finding::warning(
                    "unreadable-value",
                    format!("{count} values do not fit the type of the column"),
                )
                .table(table)
                .column(column)
                .instead("read as null")
            })
            .collect()
    }
}

fn select(connection: &mut Connection, table: &Table, scan: &Scan) -> Result<String, DbError> {
    let names =
        |ids: &[crate::schema::ColumnId]| identifiers(ids.iter().map(|id| table.column(*id).name.as_str()));
    let columns = if scan.columns.is_empty() { "1".to_owned() } else { names(&scan.columns) };
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

enum Builder {
    Boolean(BooleanBuilder, Option<(String, String)>),
    Integer(Int64Builder),
    Float(Float64Builder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder, i64),
}

struct ColumnBuilder {
    builder: Builder,
    misfits: u64,
}

impl ColumnBuilder {
    fn new(column: &Column) -> Self {
        let representation = column.representation.as_deref();
        let builder = match column.data_type.storage() {
            Storage::Boolean => {
                let words = representation.and_then(|words| words.split_once('|'));
                let words = words.map(|(yes, no)| (yes.to_owned(), no.to_owned()));
                Builder::Boolean(BooleanBuilder::new(), words)
            }
            Storage::Integer => Builder::Integer(Int64Builder::new()),
            Storage::Float => Builder::Float(Float64Builder::new()),
            Storage::Text => Builder::Text(StringBuilder::new()),
            Storage::Bytes => Builder::Bytes(BinaryBuilder::new()),
            Storage::Date => Builder::Date(Date32Builder::new()),
            Storage::Time => Builder::Time(Time64MicrosecondBuilder::new()),
            Storage::Timestamp => {
                let offset =
                    representation.and_then(Layout::parse).map_or(0, |layout| layout.offset_seconds());
                Builder::Timestamp(TimestampMicrosecondBuilder::new(), offset)
            }
        };
        Self { builder, misfits: 0 }
    }

    fn push(&mut self, row: &SqliteRow, index: usize) {
        let value = Value::read(row, index);
        let fitted = match &mut self.builder {
            Builder::Boolean(builder, words) => {
                value.boolean(words.as_ref()).map(|value| builder.append_option(value))
            }
            Builder::Integer(builder) => value.integer().map(|value| builder.append_option(value)),
            Builder::Float(builder) => value.float().map(|value| builder.append_option(value)),
            Builder::Text(builder) => value.text().map(|value| builder.append_option(value)),
            Builder::Bytes(builder) => value.bytes().map(|value| builder.append_option(value)),
            Builder::Date(builder) => value
                .moment(|moment| i32::try_from(moment.days()?).ok())
                .map(|value| builder.append_option(value)),
            Builder::Time(builder) => {
                value.moment(|moment| Some(moment.micros_of_day())).map(|value| builder.append_option(value))
            }
            Builder::Timestamp(builder, offset) => {
                value.moment(|moment| moment.timestamp(*offset)).map(|value| builder.append_option(value))
            }
        };
        if fitted.is_none() {
            self.misfits += 1;
            match &mut self.builder {
                Builder::Boolean(builder, _) => builder.append_null(),
                Builder::Integer(builder) => builder.append_null(),
                Builder::Float(builder) => builder.append_null(),
                Builder::Text(builder) => builder.append_null(),
                Builder::Bytes(builder) => builder.append_null(),
                Builder::Date(builder) => builder.append_null(),
                Builder::Time(builder) => builder.append_null(),
                Builder::Timestamp(builder, _) => builder.append_null(),
            }
        }
    }

    fn finish(self) -> ArrayRef {
        match self.builder {
            Builder::Boolean(mut builder, _) => Arc::new(builder.finish()),
            Builder::Integer(mut builder) => Arc::new(builder.finish()),
            Builder::Float(mut builder) => Arc::new(builder.finish()),
            Builder::Text(mut builder) => Arc::new(builder.finish()),
            Builder::Bytes(mut builder) => Arc::new(builder.finish()),
            Builder::Date(mut builder) => Arc::new(builder.finish()),
            Builder::Time(mut builder) => Arc::new(builder.finish()),
            Builder::Timestamp(mut builder, _) => Arc::new(builder.finish()),
        }
    }
}

/// The storage class of a value that is not null.
enum Class {
    Integer,
    Real,
    Text,
    Blob,
}

impl Class {
    fn of(raw: &SqliteValueRef<'_>) -> Self {
        match raw.type_info().name() {
            "INTEGER" => Self::Integer,
            "REAL" => Self::Real,
            "TEXT" => Self::Text,
            _ => Self::Blob,
        }
    }
}

/// One value as SQLite holds it. The readers return `None` for a value that does not fit, `Some(None)` for null.
enum Value<'r> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'r str),
    Blob(&'r [u8]),
    /// Text that is no UTF-8.
    Broken,
}

impl<'r> Value<'r> {
    fn read(row: &'r SqliteRow, index: usize) -> Self {
        let Ok(raw) = row.try_get_raw(index) else { return Self::Broken };
        if raw.is_null() {
            return Self::Null;
        }
        match Class::of(&raw) {
            Class::Integer => <i64 as Decode<'_, Sqlite>>::decode(raw).map_or(Self::Broken, Self::Integer),
            Class::Real => <f64 as Decode<'_, Sqlite>>::decode(raw).map_or(Self::Broken, Self::Real),
            Class::Text => <&str as Decode<'_, Sqlite>>::decode(raw).map_or(Self::Broken, Self::Text),
            Class::Blob => <&[u8] as Decode<'_, Sqlite>>::decode(raw).map_or(Self::Broken, Self::Blob),
        }
    }

    fn boolean(&self, words: Option<&(String, String)>) -> Option<Option<bool>> {
        match (self, words) {
            (Self::Null, _) => Some(None),
            (Self::Integer(flag @ (0 | 1)), _) => Some(Some(*flag == 1)),
            (Self::Text(text), Some((yes, no))) if text == yes || text == no => Some(Some(text == yes)),
            _ => None,
        }
    }

    fn integer(&self) -> Option<Option<i64>> {
        match self {
            Self::Null => Some(None),
            Self::Integer(value) => Some(Some(*value)),
            // A key may hold its parent's number in another class; SQLite still calls them equal.
            Self::Real(value) if value.fract() == 0.0 && value.abs() < EXACT => Some(Some(*value as i64)),
            Self::Text(text) => text.parse().ok().filter(|value: &i64| value.to_string() == *text).map(Some),
            _ => None,
        }
    }

    fn float(&self) -> Option<Option<f64>> {
        match self {
            Self::Null => Some(None),
            Self::Integer(value) => Some(Some(*value as f64)),
            Self::Real(value) => Some(Some(*value)),
            _ => None,
        }
    }

    fn text(&self) -> Option<Option<String>> {
        match self {
            Self::Null => Some(None),
            Self::Integer(value) => Some(Some(value.to_string())),
            Self::Real(value) => Some(Some(value.to_string())),
            Self::Text(text) => Some(Some((*text).to_owned())),
            Self::Blob(_) | Self::Broken => None,
        }
    }

    fn bytes(&self) -> Option<Option<&'r [u8]>> {
        match self {
            Self::Null => Some(None),
            Self::Blob(bytes) => Some(Some(bytes)),
            _ => None,
        }
    }

    fn moment<T>(&self, read: impl FnOnce(&Moment) -> Option<T>) -> Option<Option<T>> {
        match self {
            Self::Null => Some(None),
            Self::Text(text) => Moment::read(text).and_then(|moment| read(&moment)).map(Some),
            _ => None,
        }
    }
}
