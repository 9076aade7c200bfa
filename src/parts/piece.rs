//! Pieces of a table in a file, one after the other: number, length and an Arrow IPC stream with one batch.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_ipc::{reader::StreamReader, writer::StreamWriter};
use arrow_schema::{ArrowError, Field, Schema};

use crate::{data::TableData, schema::ColumnId};

/// Before the name of a column's values, and of the exact texts of values that its array does not hold exactly.
const VALUES: char = 'v';
const EXACT: char = 'x';
/// Bytes of a number and of a length.
const WORD: usize = 8;

/// Appends a piece.
pub(super) fn put(out: &mut impl Write, number: u64, rows: &TableData) -> io::Result<()> {
    let body = body(rows).map_err(io::Error::other)?;
    out.write_all(&number.to_le_bytes())?;
    out.write_all(&(body.len() as u64).to_le_bytes())?;
    out.write_all(&body)
}

fn body(rows: &TableData) -> Result<Vec<u8>, ArrowError> {
    let values = rows.columns.iter().zip(&rows.arrays).map(|(id, array)| (VALUES, *id, array));
    let exact = rows.exact.iter().map(|(id, array)| (EXACT, *id, array));
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = values
        .chain(exact)
        .map(|(kind, id, array)| {
            (Field::new(format!("{kind}{}", id.0), array.data_type().clone(), true), array.clone())
        })
        .unzip();
    let schema = Arc::new(Schema::new(fields));
    let options = RecordBatchOptions::new().with_row_count(Some(rows.row_count));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)?;
    let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
    writer.write(&batch)?;
    writer.into_inner()
}

/// Reads the next piece; `None` at the end of the file. `left` are the bytes that may still come.
///
/// # Errors
/// A sentence, if what follows is no piece.
pub(super) fn take(file: &mut impl Read, left: &mut u64) -> Result<Option<(u64, TableData)>, String> {
    if *left == 0 {
        return Ok(None);
    }
    let cut = |_| "it is cut short".to_owned();
    let mut word = [0; WORD];
    file.read_exact(&mut word).map_err(cut)?;
    let number = u64::from_le_bytes(word);
    file.read_exact(&mut word).map_err(cut)?;
    let length = u64::from_le_bytes(word);
    *left = left
        .checked_sub(2 * WORD as u64)
        .and_then(|left| left.checked_sub(length))
        .ok_or_else(|| "it is cut short".to_owned())?;
    let mut body = vec![0; length as usize];
    file.read_exact(&mut body).map_err(cut)?;
    rows(&body).map(|rows| Some((number, rows))).map_err(|error| error.to_string())
}

fn rows(body: &[u8]) -> Result<TableData, ArrowError> {
    let missing = || ArrowError::IpcError("there is no batch".to_owned());
    let batch = StreamReader::try_new(body, None)?.next().ok_or_else(missing)??;
    let mut rows = TableData::bare(batch.num_rows());
    let mut exact = Vec::new();
    for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let strange = || ArrowError::IpcError(format!("there is a column {}", field.name()));
        let (kind, id) = field.name().split_at_checked(1).ok_or_else(strange)?;
        let id = ColumnId(id.parse().map_err(|_| strange())?);
        match kind.chars().next() {
            Some(VALUES) => rows.set(id, array.clone()),
            Some(EXACT) => exact.push((id, array.clone())),
            _ => return Err(strange()),
        }
    }
    for (id, texts) in exact {
        rows.set_exact(id, texts);
    }
    Ok(rows)
}
