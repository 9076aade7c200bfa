//! One script: the schema before its rows, the rows, and what comes after them.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::PathBuf,
};

use super::FilesError;
use crate::{
    db::{Blueprint, Phase, Printer, Scribe, Statement},
    schema::{ColumnId, Schema, Table, TableId},
};

/// The script's file name.
pub(super) const SCRIPT: &str = "dump.sql";
/// Bytes gathered before they are written.
const BUFFER: usize = 256 << 10;

/// A script being written.
pub(super) struct SqlFile {
    path: PathBuf,
    out: BufWriter<File>,
    scribe: &'static dyn Scribe,
    /// The table whose rows come, and its columns.
    open: Option<(TableId, Vec<ColumnId>)>,
}

impl SqlFile {
    /// Creates the file and writes what must be there before the rows.
    pub(super) fn create(
        path: PathBuf,
        scribe: &'static dyn Scribe,
        blueprint: &Blueprint,
        title: &str,
    ) -> Result<Self, FilesError> {
        let file = File::create(&path).map_err(|error| FilesError::system("create", &path, error))?;
        let mut made = Self { path, out: BufWriter::with_capacity(BUFFER, file), scribe, open: None };
        made.put(&format!("-- {title}\n\n{}", scribe.opening()))?;
        let before = |statement: &&Statement| matches!(statement.phase, Phase::Prepare | Phase::Table);
        let (outside, inside): (Vec<_>, Vec<_>) = blueprint
            .statements
            .iter()
            .filter(before)
            .partition(|statement| scribe.stands_outside(statement));
        made.statements(outside.into_iter())?;
        made.put(scribe.begin())?;
        made.put("\n-- Before the rows\n\n")?;
        made.statements(inside.into_iter().filter(|statement| !scribe.waits(statement)))?;
        made.put("\n-- Rows\n")?;
        Ok(made)
    }

    /// Writes rows.
    pub(super) fn rows(
        &mut self,
        (id, table): (TableId, &Table),
        printer: &dyn Printer,
    ) -> Result<(), FilesError> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != id) {
            self.end_rows()?;
            let columns = printer.columns().to_vec();
            self.put(&format!("\n{}", self.scribe.before_rows(table, &columns)))?;
            self.open = Some((id, columns));
        }
        let mut text = Vec::new();
        printer.dump(&mut text);
        self.put_bytes(&text)
    }

    /// Ends the rows of a table, if any are open.
    pub(super) fn end_rows(&mut self) -> Result<(), FilesError> {
        let Some((_, columns)) = self.open.take() else { return Ok(()) };
        let end = self.scribe.after_rows(&columns);
        self.put(&end)
    }

    /// Writes what comes after the rows and ends the file; it is on the disk afterwards. Returns its length.
    pub(super) fn finish(mut self, schema: &Schema, blueprint: &Blueprint) -> Result<u64, FilesError> {
        self.end_rows()?;
        let scribe = self.scribe;
        self.put("\n-- After the rows\n\n")?;
        for phase in [Phase::Fill, Phase::Key, Phase::Index, Phase::ForeignKey, Phase::Finish] {
            let due = blueprint.statements.iter().filter(|statement| statement.phase == phase);
            self.statements(due.filter(|statement| !scribe.waits(statement)))?;
        }
        for sequence in scribe.sequences(schema, blueprint) {
            self.put(&sequence)?;
        }
        self.statements(blueprint.statements.iter().filter(|statement| scribe.waits(statement)))?;
        self.put(scribe.closing())?;
        let ended = self.out.flush().and_then(|()| {
            let file = self.out.get_ref();
            file.sync_all()?;
            Ok(file.metadata()?.len())
        });
        ended.map_err(|error| FilesError::system("write", &self.path, error))
    }

    fn statements<'a>(&mut self, statements: impl Iterator<Item = &'a Statement>) -> Result<(), FilesError> {
        for statement in statements {
            let text = self.scribe.statement(statement);
            self.put(&text)?;
        }
        Ok(())
    }

    fn put(&mut self, text: &str) -> Result<(), FilesError> {
        self.put_bytes(text.as_bytes())
    }

    fn put_bytes(&mut self, bytes: &[u8]) -> Result<(), FilesError> {
        self.out.write_all(bytes).map_err(|error| FilesError::system("write", &self.path, error))
    }
}
