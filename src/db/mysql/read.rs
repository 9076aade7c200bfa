//! Streams a table as Arrow batches. The text protocol prints every type, so all parsing is here.

use std::sync::Arc;

use arrow_array::{
    ArrayRef,
    builder::{
        BinaryBuilder, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, StringBuilder,
        Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
    },
};
use futures_util::TryStreamExt;
use sqlx::AssertSqlSafe;

use crate::{
    data::TableData,
    db::{Batch, DbError, Scan, runtime::block_on},
    finding::Finding,
    schema::{Column, ColumnId, DataType, Storage, Table},
};

use super::{
    bulk::decimal_text,
    calendar::{read_date, read_time, read_timestamp},
    error::wrap,
    server::{Connection, Server, raw_value},
    sql::identifier,
    types::Form,
};

/// The query that reads the wanted columns in a form [`Reader`] understands.
pub(super) fn query(server: &Server, table: &Table, scan: &Scan) -> String {
    let mut sql = String::from("SELECT ");
    for (index, id) in scan.columns.iter().enumerate() {
        if index > 0 {
            sql.push_str(", ");
        }
        let column = table.column(*id);
        let name = identifier(&column.name);
        match Form::of(column) {
            // Widened to double, or the server would print six digits only.
            Form::Single => sql.push_str(&format!("({name} + 0e0)")),
            Form::Bits(_) => sql.push_str(&format!("CAST({name} AS UNSIGNED)")),
            Form::Spatial(_) => {
                // MySQL 8 swaps the axes of geographic systems unless told; MariaDB never does.
                let axes = if server.mariadb { "" } else { ", 'axis-order=long-lat'" };
                let prefix = format!("IF(ST_SRID({name}) = 0, '', CONCAT('SRID=', ST_SRID({name}), ';'))");
                sql.push_str(&format!("CONCAT({prefix}, ST_AsText({name}{axes}))"));
            }
            Form::Vector if server.mariadb => sql.push_str(&format!("VEC_ToText({name})")),
            Form::Vector => sql.push_str(&format!("VECTOR_TO_STRING({name})")),
            _ => sql.push_str(&name),
        }
    }
    if scan.columns.is_empty() {
        sql.push('1');
    }
    for id in raw_columns(table, scan) {
        sql.push_str(&format!(", HEX({})", identifier(&table.column(id).name)));
    }
    sql.push_str(&format!(" FROM {}", identifier(&table.name.name)));
    for (index, id) in scan.order_by.iter().enumerate() {
        let separator = if index == 0 { " ORDER BY " } else { ", " };
        sql.push_str(&format!("{separator}{}", identifier(&table.column(*id).name)));
    }
    sql
}

/// Columns whose text form rounds: an exact scan reads their bytes as well, behind all other columns.
fn raw_columns(table: &Table, scan: &Scan) -> Vec<ColumnId> {
    let raw = |id: &ColumnId| matches!(Form::of(table.column(*id)), Form::Spatial(_) | Form::Vector);
    scan.columns.iter().copied().filter(|id| scan.exact && raw(id)).collect()
}

/// Streams a table; returns the number of rows, and notes values that do not fit in `findings`.
pub(super) fn scan(
    connection: &mut Connection,
    table: &Table,
    scan: &Scan,
    on_batch: Batch<'_>,
    findings: &mut Vec<Finding>,
) -> Result<u64, DbError> {
    let sql = query(&connection.server, table, scan);
    let mut readers: Vec<Reader> =
        scan.columns.iter().map(|id| Reader::new(table, *id, scan.exact)).collect();
    let raw = raw_columns(table, scan);
    let mut rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch(&mut connection.driver);
    let doing = format!("read table {}", table.name);
    let batch_rows = scan.batch_rows.max(1);
    let mut total = 0;
    let mut done = false;
    while !done {
        let mut held = 0;
        // The callback runs outside of the runtime: it may itself drive another connection.
        block_on(async {
            while held < batch_rows {
                let Some(row) = rows.try_next().await.map_err(|error| wrap(&doing, error))? else {
                    done = true;
                    break;
                };
                for (index, reader) in readers.iter_mut().enumerate() {
                    reader.push(raw_value(&row, index).map_err(|error| wrap(&doing, error))?);
                }
                for (index, id) in raw.iter().enumerate() {
                    let bytes = raw_value(&row, scan.columns.len() + index);
                    let bytes = bytes.map_err(|error| wrap(&doing, error))?;
                    if let Some(place) = scan.columns.iter().position(|column| column == id) {
                        readers[place].push_raw(bytes);
                    }
                }
                held += 1;
            }
            Ok(())
        })?;
        if held > 0 {
            total += held as u64;
            let arrays = readers.iter_mut().map(Reader::finish).collect();
            let mut batch = TableData::new(scan.columns.clone(), arrays, held);
            for (id, reader) in scan.columns.iter().zip(&mut readers) {
                if let Some(texts) = reader.exact.as_mut() {
                    batch.set_exact(*id, Arc::new(texts.finish()));
                }
            }
            on_batch(batch)?;
        }
    }
    for (id, reader) in scan.columns.iter().zip(&readers) {
        findings.extend(reader.finding(table, table.column(*id)));
    }
    Ok(total)
}

enum Builder {
    Boolean(BooleanBuilder),
    Integer(Int64Builder),
    Float(Float64Builder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
}

/// What becomes of a value that cannot be read, where null is not allowed and where it is.
const READ_AS: [&str; 2] = ["the value of another row is learned in its place", "read as null"];

/// Builds the array of one column from the values' text.
struct Reader {
    form: Form,
    builder: Builder,
    /// Texts of values that the builder does not hold, where they are wanted; as long as the builder.
    exact: Option<StringBuilder>,
    /// True for an ENUM without an empty label: `''` is then the server's mark of an invalid value.
    empty_is_invalid: bool,
    misfits: u64,
    /// True if a value that the array does not hold is a misfit also where its text is kept: the text serves to find
    /// parents only.
    strict: bool,
}

impl Reader {
    fn new(table: &Table, id: ColumnId, exact: bool) -> Self {
        let column = table.column(id);
        let builder = match column.data_type.storage() {
            Storage::Boolean => Builder::Boolean(BooleanBuilder::new()),
            Storage::Integer => Builder::Integer(Int64Builder::new()),
            Storage::Float => Builder::Float(Float64Builder::new()),
            Storage::Text => Builder::Text(StringBuilder::new()),
            Storage::Bytes => Builder::Bytes(BinaryBuilder::new()),
            Storage::Date => Builder::Date(Date32Builder::new()),
            Storage::Time => Builder::Time(Time64MicrosecondBuilder::new()),
            Storage::Timestamp => Builder::Timestamp(TimestampMicrosecondBuilder::new()),
        };
        let empty_is_invalid =
            matches!(&column.data_type, DataType::Enum { labels } if !labels.iter().any(String::is_empty));
        // Rows find their parents by every digit of a key.
        let unsigned = matches!(column.data_type, DataType::Integer { min: 0, max: i64::MAX });
        let linking = unsigned && table.is_in_key(id);
        // The numbers of a foreign key or a primary key are not learned.
        let fresh = table.refers(id) || table.primary_key.as_ref().is_some_and(|key| key.columns == [id]);
        let strict = !exact && !fresh;
        let exact = (exact || linking).then(StringBuilder::new);
        Self { form: Form::of(column), builder, exact, empty_is_invalid, misfits: 0, strict }
    }

    fn push(&mut self, value: Option<&[u8]>) {
        let fits = self.push_value(value) || value.is_none();
        let Some(texts) = &mut self.exact else {
            self.misfits += u64::from(!fits);
            return;
        };
        // The bytes of these come behind.
        if matches!(self.form, Form::Spatial(_) | Form::Vector) {
            return;
        }
        let text = value.and_then(|bytes| std::str::from_utf8(bytes).ok());
        // The server would refuse its own mark of an invalid value.
        let text = text.filter(|text| !(self.empty_is_invalid && text.is_empty()));
        let needed = text.filter(|text| match (&self.builder, self.form) {
            (Builder::Float(_), Form::Decimal(precision, scale)) => {
                text.parse().ok().is_none_or(|held| decimal_text(held, precision, scale) != *text)
            }
            // Any other number is a true of its own.
            (Builder::Boolean(_), _) => !matches!(*text, "0" | "1"),
            _ => !fits,
        });
        self.misfits += u64::from(!fits && (needed.is_none() || self.strict));
        texts.append_option(needed);
    }

    /// Takes the bytes of a value whose text was pushed, in hexadecimal digits.
    fn push_raw(&mut self, value: Option<&[u8]>) {
        if let Some(texts) = &mut self.exact {
            texts.append_option(value.and_then(|bytes| std::str::from_utf8(bytes).ok()));
        }
    }

    /// Appends a value; false if it does not fit.
    fn push_value(&mut self, value: Option<&[u8]>) -> bool {
        let form = self.form;
        let text = value.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let text = text.filter(|text| !(self.empty_is_invalid && text.is_empty()));
        match &mut self.builder {
            Builder::Bytes(builder) => {
                builder.append_option(value);
                true
            }
            Builder::Boolean(builder) => append(text.and_then(read_boolean), |v| builder.append_option(v)),
            Builder::Integer(builder) => {
                // Of what lies beyond 64 bits with sign, the largest of those stands in.
                let beyond = text.is_some_and(|text| text.parse::<u64>().is_ok());
                match text.and_then(|text| text.parse::<i64>().ok()) {
                    None if beyond => {
                        builder.append_value(i64::MAX);
                        false
                    }
                    value => append(value, |v| builder.append_option(v)),
                }
            }
            Builder::Float(builder) => {
                append(text.and_then(|text| read_float(text, form)), |v| builder.append_option(v))
            }
            Builder::Text(builder) => match form {
                Form::Bits(length) => append(text.and_then(|text| read_bits(text, length)), |v| {
                    builder.append_option(v);
                }),
                _ => append(text, |v| builder.append_option(v)),
            },
            Builder::Date(builder) => append(text.and_then(read_date), |v| builder.append_option(v)),
            Builder::Time(builder) => append(text.and_then(read_time), |v| builder.append_option(v)),
            Builder::Timestamp(builder) => {
                append(text.and_then(read_timestamp), |v| builder.append_option(v))
            }
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match &mut self.builder {
            Builder::Boolean(builder) => Arc::new(builder.finish()),
            Builder::Integer(builder) => Arc::new(builder.finish()),
            Builder::Float(builder) => Arc::new(builder.finish()),
            Builder::Text(builder) => Arc::new(builder.finish()),
            Builder::Bytes(builder) => Arc::new(builder.finish()),
            Builder::Date(builder) => Arc::new(builder.finish()),
            Builder::Time(builder) => Arc::new(builder.finish()),
            Builder::Timestamp(builder) => Arc::new(builder.finish()),
        }
    }

    fn finding(&self, table: &Table, column: &Column) -> Option<Finding> {
        if self.misfits == 0 {
            return None;
        }
        let (code, what) = match &self.builder {
            Builder::Date(_) | Builder::Timestamp(_) => ("zero-date", "dates that no calendar has"),
            Builder::Integer(_) => ("integer-overflow", "integers beyond 64 bits with sign"),
            Builder::Text(_) if self.empty_is_invalid => ("invalid-enum", "invalid values of the enum"),
            Builder::Text(_) => ("invalid-text", "texts that are not valid UTF-8"),
            _ => ("unreadable-value", "values that could not be read"),
        };
        let text = format!("{} {what}", self.misfits);
        let instead = match self.builder {
            Builder::Integer(_) => "read as 9223372036854775807",
            _ => READ_AS[usize::from(column.nullable)],
        };
        Some(Finding::warning(code, text).table(&table.name).column(&column.name).instead(instead))
    }
}

fn append<T>(value: Option<T>, push: impl FnOnce(Option<T>)) -> bool {
    let fits = value.is_some();
    push(value);
    fits
}

fn read_boolean(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        // Checked when the schema was read; rows written since may differ.
        other => other.parse::<i64>().ok().map(|number| number != 0),
    }
}

fn read_float(text: &str, form: Form) -> Option<f64> {
    let wide: f64 = text.parse().ok()?;
    if form != Form::Single {
        return Some(wide);
    }
    // 0.1 stored in 32 bits is 0.10000000149 in 64: keep the digits that people wrote.
    #[expect(clippy::cast_possible_truncation, reason = "the value came from 32 bits")]
    let narrow = wide as f32;
    narrow.to_string().parse().ok()
}

fn read_bits(text: &str, length: usize) -> Option<String> {
    let number: u64 = text.parse().ok()?;
    Some(format!("{number:0length$b}"))
}
