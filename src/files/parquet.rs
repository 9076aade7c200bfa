//! One Parquet file per table: typed columns, row groups of bounded size, compressed by Snappy.

use std::{fs::File, path::PathBuf, sync::Arc};

use ::parquet::{
    arrow::ArrowWriter,
    basic::Compression,
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
    },
};
use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::Schema as ArrowSchema;

use super::{FilesError, types::Shape};
use crate::{
    data::TableData,
    db::Printer,
    schema::{ColumnId, DialectName, Table},
};

/// Most rows of a row group.
const GROUP_ROWS: usize = 1 << 17;
/// Most bytes of a row group, which is in memory until it is whole.
const GROUP_BYTES: usize = 32 << 20;

/// A Parquet file being written.
pub(super) struct ParquetFile {
    path: PathBuf,
    schema: Arc<ArrowSchema>,
    columns: Vec<(ColumnId, Shape)>,
    writer: ArrowWriter<File>,
    /// Per column, values that have no place in its type and are null.
    pub(super) lost: Vec<u64>,
}

/// The columns that a file has of a table.
pub(super) fn shapes(table: &Table, columns: &[ColumnId], engine: DialectName) -> Vec<(ColumnId, Shape)> {
    columns.iter().map(|id| (*id, Shape::of(table.column(*id), engine))).collect()
}

impl ParquetFile {
    /// Creates the file.
    pub(super) fn create(path: PathBuf, columns: Vec<(ColumnId, Shape)>) -> Result<Self, FilesError> {
        let fields: Vec<_> = columns.iter().map(|(_, shape)| shape.field.clone()).collect();
        let schema = Arc::new(ArrowSchema::new(fields));
        let made_by = KeyValue::new("dbsynth".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        let properties = WriterProperties::builder()
            .set_created_by(format!("dbsynth {}", env!("CARGO_PKG_VERSION")))
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_max_row_group_bytes(Some(GROUP_BYTES))
            .set_key_value_metadata(Some(vec![made_by]))
            .build();
        let file = File::create(&path).map_err(|error| FilesError::system("create", &path, error))?;
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties))
            .map_err(|error| FilesError::parquet(&path, error))?;
        let lost = vec![0; columns.len()];
        Ok(Self { path, schema, columns, writer, lost })
    }

    /// Writes rows.
    pub(super) fn rows(&mut self, rows: &TableData, printer: &dyn Printer) -> Result<(), FilesError> {
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (place, (id, shape)) in self.columns.iter().enumerate() {
            let Some(array) = rows.column(*id) else { continue };
            let texts = || {
                let printed = printer.columns().iter().position(|printed| printed == id);
                let mut text = Vec::new();
                let print = |row: usize| {
                    text.clear();
                    let there = printer.print(printed?, row, &mut text);
                    there.then(|| String::from_utf8_lossy(&text).into_owned())
                };
                (0..rows.row_count).map(print).collect()
            };
            let shaped = shape.shape(array, rows.exact(*id), texts);
            self.lost[place] += shaped.lost;
            arrays.push(shaped.array);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.row_count));
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(Into::into)
            .and_then(|batch| self.writer.write(&batch))
            .map_err(|error| FilesError::parquet(&self.path, error))
    }

    /// Ends the file; it is on the disk afterwards. Returns its length.
    pub(super) fn finish(self) -> Result<u64, FilesError> {
        let Self { path, writer, .. } = self;
        let file = writer.into_inner().map_err(|error| FilesError::parquet(&path, error))?;
        let synced = file.sync_all().and_then(|()| Ok(file.metadata()?.len()));
        synced.map_err(|error| FilesError::system("write", &path, error))
    }
}
