//! Turns Arrow rows into the text that `LOAD DATA` or `INSERT` wants.

use std::fmt::Write as _;

use arrow_array::{
    Array, BinaryArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, cast::AsArray,
};

use crate::{
    data::TableData,
    db::{DbError, DbErrorKind},
    schema::{Storage, Table},
};

use super::{
    calendar::{write_date, write_time, write_timestamp},
    server::Server,
    sql::identifier,
    types::Form,
};

enum Values<'a> {
    Boolean(&'a BooleanArray),
    Integer(&'a Int64Array),
    Float(&'a Float64Array),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Date(&'a Date32Array),
    Time(&'a Time64MicrosecondArray),
    Timestamp(&'a TimestampMicrosecondArray),
}

/// A value on its way to the server.
#[derive(Debug, PartialEq, Eq)]
enum Cell<'a> {
    Null,
    /// A number, date or time: nothing in it needs escaping.
    Simple,
    Text(&'a str),
    Bytes(&'a [u8]),
    Hex(&'a str),
    Bits(&'a str),
    Spatial(u32, &'a str),
    Vector(&'a str),
}

struct Writer<'a> {
    name: &'a str,
    form: Form,
    values: Values<'a>,
    /// Texts that go before the values.
    exact: Option<&'a StringArray>,
}

/// The rows of a batch, ready to be written column by column.
pub(super) struct Rows<'a> {
    writers: Vec<Writer<'a>>,
    /// How many rows there are.
    pub(super) row_count: usize,
}

impl<'a> Rows<'a> {
    /// Prepares a batch; generated columns are left out, the server computes them.
    pub(super) fn new(table: &'a Table, rows: &'a TableData) -> Result<Self, DbError> {
        let mut writers = Vec::new();
        for (id, array) in rows.columns.iter().zip(&rows.arrays) {
            let column = table.column(*id);
            if column.generated.is_some() {
                continue;
            }
            let values = match column.data_type.storage() {
                Storage::Boolean => array.as_boolean_opt().map(Values::Boolean),
                Storage::Integer => array.as_primitive_opt().map(Values::Integer),
                Storage::Float => array.as_primitive_opt().map(Values::Float),
                Storage::Text => array.as_string_opt().map(Values::Text),
                Storage::Bytes => array.as_binary_opt().map(Values::Bytes),
                Storage::Date => array.as_primitive_opt().map(Values::Date),
                Storage::Time => array.as_primitive_opt().map(Values::Time),
                Storage::Timestamp => array.as_primitive_opt().map(Values::Timestamp),
            };
            let values = values.ok_or_else(|| {
                let place = format!("{}.{}", table.name, column.name);
                DbError::new(
                    DbErrorKind::Other,
                    format!("the values of {place} are not stored as its type asks"),
                )
            })?;
            let exact = rows.exact(*id);
            // The exact form of these is the hexadecimal form of the server's own bytes.
            let form = match Form::of(column) {
                Form::Spatial(_) | Form::Vector if exact.is_some() => Form::Bytes,
                form => form,
            };
            writers.push(Writer { name: &column.name, form, values, exact });
        }
        Ok(Self { writers, row_count: rows.row_count })
    }

    /// The column names, for `INSERT`.
    pub(super) fn column_list(&self) -> String {
        let names: Vec<String> = self.writers.iter().map(|writer| identifier(writer.name)).collect();
        names.join(", ")
    }

    /// The field list and the SET clause of `LOAD DATA`.
    #[cfg_attr(not(feature = "mysql-infile"), allow(dead_code, reason = "only LOAD DATA asks"))]
    pub(super) fn field_list(&self, server: &Server) -> String {
        let mut fields = Vec::new();
        let mut sets = Vec::new();
        for (index, writer) in self.writers.iter().enumerate() {
            let name = identifier(writer.name);
            match writer.form {
                Form::Bytes => sets.push(format!("{name} = UNHEX(@v{index})")),
                // Nothing at all is null: CONV(NULL) is.
                Form::Bits(_) => sets.push(format!("{name} = CAST(CONV(@v{index}, 2, 10) AS UNSIGNED)")),
                Form::Spatial(_) => {
                    let axes = Spelling::of(server).axes;
                    sets.push(format!("{name} = ST_GeomFromText(@v{index}, @s{index}{axes})"));
                    fields.push(format!("@s{index}"));
                }
                Form::Vector => sets.push(format!("{name} = {}(@v{index})", Spelling::of(server).vector)),
                _ => {
                    fields.push(name);
                    continue;
                }
            }
            fields.push(format!("@v{index}"));
        }
        let set = if sets.is_empty() { String::new() } else { format!(" SET {}", sets.join(", ")) };
        format!("({}){set}", fields.join(", "))
    }

    /// Appends one line of `LOAD DATA` text.
    #[cfg_attr(not(feature = "mysql-infile"), allow(dead_code, reason = "only LOAD DATA asks"))]
    pub(super) fn write_line(&self, row: usize, scratch: &mut String, out: &mut Vec<u8>) {
        for (index, writer) in self.writers.iter().enumerate() {
            if index > 0 {
                out.push(b'\t');
            }
            match writer.cell(row, scratch) {
                Cell::Null if matches!(writer.form, Form::Spatial(_)) => out.extend_from_slice(b"\\N\t\\N"),
                Cell::Null => out.extend_from_slice(b"\\N"),
                Cell::Simple => out.extend_from_slice(scratch.as_bytes()),
                Cell::Text(text) | Cell::Vector(text) => escape_field(text.as_bytes(), out),
                Cell::Bits(text) | Cell::Hex(text) => out.extend_from_slice(text.as_bytes()),
                Cell::Bytes(bytes) => hex(bytes, out),
                Cell::Spatial(srid, text) => {
                    out.extend_from_slice(srid.to_string().as_bytes());
                    out.push(b'\t');
                    escape_field(text.as_bytes(), out);
                }
            }
        }
        out.push(b'\n');
    }

    /// Appends a value with no quotes and escapes, bytes in hexadecimal digits; false if it is null.
    pub(super) fn print(&self, place: usize, row: usize, out: &mut Vec<u8>) -> bool {
        let mut scratch = String::new();
        match self.writers[place].cell(row, &mut scratch) {
            Cell::Null => return false,
            Cell::Simple => out.extend_from_slice(scratch.as_bytes()),
            Cell::Text(text) | Cell::Vector(text) | Cell::Bits(text) | Cell::Hex(text) => {
                out.extend_from_slice(text.as_bytes());
            }
            Cell::Bytes(bytes) => hex(bytes, out),
            Cell::Spatial(0, text) => out.extend_from_slice(text.as_bytes()),
            Cell::Spatial(srid, text) => out.extend_from_slice(format!("SRID={srid};{text}").as_bytes()),
        }
        true
    }

    /// Appends one parenthesised row of `INSERT … VALUES`.
    pub(super) fn write_tuple(
        &self,
        spelling: &Spelling,
        row: usize,
        scratch: &mut String,
        out: &mut Vec<u8>,
    ) {
        out.push(b'(');
        for (index, writer) in self.writers.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            match writer.cell(row, scratch) {
                Cell::Null => out.extend_from_slice(b"NULL"),
                Cell::Simple if spelling.bare_numbers && writer.is_number() => {
                    out.extend_from_slice(scratch.as_bytes());
                }
                Cell::Simple => quote(scratch.as_bytes(), out),
                Cell::Text(text) => quote(text.as_bytes(), out),
                Cell::Hex(digits) => {
                    out.extend_from_slice(b"x'");
                    out.extend(digits.bytes().filter(u8::is_ascii_hexdigit));
                    out.push(b'\'');
                }
                Cell::Bytes(bytes) => {
                    out.extend_from_slice(b"x'");
                    hex(bytes, out);
                    out.push(b'\'');
                }
                Cell::Bits(text) => {
                    let only_bits = text.bytes().filter(|byte| matches!(byte, b'0' | b'1'));
                    out.extend_from_slice(b"b'");
                    out.extend(only_bits);
                    out.push(b'\'');
                }
                Cell::Spatial(srid, text) => {
                    out.extend_from_slice(b"ST_GeomFromText(");
                    quote(text.as_bytes(), out);
                    out.extend_from_slice(format!(",{srid}{})", spelling.axes).as_bytes());
                }
                Cell::Vector(text) => {
                    out.extend_from_slice(spelling.vector.as_bytes());
                    out.push(b'(');
                    quote(text.as_bytes(), out);
                    out.push(b')');
                }
            }
        }
        out.push(b')');
    }
}

/// How a server spells what the flavours call differently.
pub(super) struct Spelling {
    /// What `ST_GeomFromText` hears of the order of coordinates.
    axes: &'static str,
    /// The function that reads a vector.
    vector: &'static str,
    /// True if numbers stand without quotes.
    bare_numbers: bool,
}

impl Spelling {
    /// Of a server.
    pub(super) fn of(server: &Server) -> Self {
        if server.mariadb {
            Self { axes: "", vector: "VEC_FromText", bare_numbers: false }
        } else {
            Self { axes: ", 'axis-order=long-lat'", vector: "STRING_TO_VECTOR", bare_numbers: false }
        }
    }

    /// Of a script that either flavour can run: each skips the comments of the other.
    pub(super) const SCRIPT: Self = Self {
        axes: "/*!80000 , 'axis-order=long-lat' */",
        vector: "/*!80000 STRING_TO_VECTOR *//*M! VEC_FromText */",
        bare_numbers: true,
    };
}

impl Writer<'_> {
    fn is_number(&self) -> bool {
        matches!(self.values, Values::Boolean(_) | Values::Integer(_) | Values::Float(_))
    }

    fn cell(&self, row: usize, scratch: &mut String) -> Cell<'_> {
        if let Some(exact) = self.exact.filter(|exact| exact.is_valid(row)) {
            let text = exact.value(row);
            return if self.form == Form::Bytes { Cell::Hex(text) } else { Cell::Text(text) };
        }
        let is_null = match &self.values {
            Values::Boolean(values) => values.is_null(row),
            Values::Integer(values) => values.is_null(row),
            // There is no text for infinities and NaN in MySQL.
            Values::Float(values) => values.is_null(row) || !values.value(row).is_finite(),
            Values::Text(values) => values.is_null(row),
            Values::Bytes(values) => values.is_null(row),
            Values::Date(values) => values.is_null(row),
            Values::Time(values) => values.is_null(row),
            Values::Timestamp(values) => values.is_null(row),
        };
        if is_null {
            return Cell::Null;
        }
        scratch.clear();
        let digits = if let Form::Temporal(digits) = self.form { digits } else { 0 };
        match &self.values {
            Values::Text(values) => return text_cell(values.value(row), self.form),
            Values::Bytes(values) => return Cell::Bytes(values.value(row)),
            Values::Boolean(values) => scratch.push(if values.value(row) { '1' } else { '0' }),
            Values::Integer(values) if self.form == Form::Year => {
                // Before 1901 there is the year 0000 only.
                let year = values.value(row);
                let year = if year <= 0 { 0 } else { year.clamp(1901, 2155) };
                scratch.push_str(&format!("{year:04}"));
            }
            Values::Integer(values) => {
                let _ = write!(scratch, "{}", values.value(row));
            }
            Values::Float(values) => write_float(values.value(row), self.form, scratch),
            Values::Date(values) => write_date(i64::from(values.value(row)), scratch),
            Values::Time(values) => write_time(values.value(row), digits, scratch),
            Values::Timestamp(values) => write_timestamp(values.value(row), digits, scratch),
        }
        Cell::Simple
    }
}

fn text_cell(text: &str, form: Form) -> Cell<'_> {
    match form {
        Form::Bits(_) => Cell::Bits(text),
        Form::Vector => Cell::Vector(text),
        Form::Spatial(declared) => {
            let own = text.strip_prefix("SRID=").and_then(|rest| rest.split_once(';'));
            match own.and_then(|(srid, shape)| Some((srid.parse().ok()?, shape))) {
                Some((srid, shape)) => Cell::Spatial(srid, shape),
                None => Cell::Spatial(declared, text),
            }
        }
        _ => Cell::Text(text),
    }
}

fn write_float(value: f64, form: Form, out: &mut String) {
    let _ = match form {
        Form::Decimal(precision, scale) => write!(out, "{}", decimal_text(value, precision, scale)),
        #[expect(clippy::cast_possible_truncation, reason = "the column holds 32 bits")]
        Form::Single if value != 0.0 && !(1e-4..1e6).contains(&value.abs()) => {
            write!(out, "{:e}", value as f32)
        }
        #[expect(clippy::cast_possible_truncation, reason = "the column holds 32 bits")]
        Form::Single => write!(out, "{}", value as f32),
        // The exponent keeps 1e300 from becoming 301 digits.
        _ if value != 0.0 && !(1e-4..1e15).contains(&value.abs()) => write!(out, "{value:e}"),
        _ => write!(out, "{value}"),
    };
}

/// A decimal with so many digits in all and after the point; what a float rounds beyond the largest one is it.
pub(super) fn decimal_text(value: f64, precision: usize, scale: usize) -> String {
    let text = format!("{value:.scale$}");
    let sign = usize::from(text.starts_with('-'));
    let whole = text[sign..].split('.').next().unwrap_or_default().trim_start_matches('0').len();
    if whole + scale <= precision {
        return text;
    }
    let (whole, fraction) = ("9".repeat(precision.saturating_sub(scale)), "9".repeat(scale));
    let whole = if whole.is_empty() { "0".to_owned() } else { whole };
    let point = if scale > 0 { "." } else { "" };
    format!("{}{whole}{point}{fraction}", &text[..sign])
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Escapes a field of `LOAD DATA … FIELDS TERMINATED BY '\t' ESCAPED BY '\\'`.
fn escape_field(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0 => out.extend_from_slice(b"\\0"),
            byte => out.push(*byte),
        }
    }
}

/// Writes a string literal.
fn quote(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'\'');
    for byte in bytes {
        match byte {
            b'\'' => out.extend_from_slice(b"''"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0 => out.extend_from_slice(b"\\0"),
            byte => out.push(*byte),
        }
    }
    out.push(b'\'');
}

#[cfg(test)]
#[path = "bulk_tests.rs"]
mod tests;
