//! One CSV file per table: RFC 4180 but for the line ends (a line feed alone), a header, null told from empty text.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::PathBuf,
};

use super::FilesError;
use crate::{
    db::Printer,
    schema::{ColumnId, Table},
};

/// Bytes gathered before they are written.
const BUFFER: usize = 256 << 10;

/// A CSV file being written.
pub(super) struct CsvFile {
    path: PathBuf,
    out: BufWriter<File>,
    null: &'static str,
    /// Empty texts in columns that may be null.
    pub(super) empty_texts: u64,
}

impl CsvFile {
    /// Creates the file and writes its header.
    pub(super) fn create(
        path: PathBuf,
        table: &Table,
        columns: &[ColumnId],
        null: &'static str,
    ) -> Result<Self, FilesError> {
        let file = File::create(&path).map_err(|error| FilesError::system("create", &path, error))?;
        let mut made = Self { path, out: BufWriter::with_capacity(BUFFER, file), null, empty_texts: 0 };
        let mut header = Vec::new();
        for (place, id) in columns.iter().enumerate() {
            if place > 0 {
                header.push(b',');
            }
            put_field(table.column(*id).name.as_bytes(), null, &mut header);
        }
        header.push(b'\n');
        made.put(&header)?;
        Ok(made)
    }

    /// Writes rows.
    pub(super) fn rows(
        &mut self,
        table: &Table,
        printer: &dyn Printer,
        count: usize,
    ) -> Result<(), FilesError> {
        let nullable: Vec<bool> = printer.columns().iter().map(|id| table.column(*id).nullable).collect();
        let (mut value, mut line) = (Vec::new(), Vec::new());
        for row in 0..count {
            line.clear();
            for (place, nullable) in nullable.iter().enumerate() {
                if place > 0 {
                    line.push(b',');
                }
                value.clear();
                if printer.print(place, row, &mut value) {
                    self.empty_texts += u64::from(value.is_empty() && *nullable);
                    put_field(&value, self.null, &mut line);
                } else {
                    line.extend_from_slice(self.null.as_bytes());
                }
            }
            line.push(b'\n');
            self.put(&line)?;
        }
        Ok(())
    }

    /// Ends the file; it is on the disk afterwards. Returns its length.
    pub(super) fn finish(mut self) -> Result<u64, FilesError> {
        let ended = self.out.flush().and_then(|()| {
            let file = self.out.get_ref();
            file.sync_all()?;
            Ok(file.metadata()?.len())
        });
        ended.map_err(|error| FilesError::system("write", &self.path, error))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), FilesError> {
        self.out.write_all(bytes).map_err(|error| FilesError::system("write", &self.path, error))
    }
}

/// Appends a field, in quotes where anything could take it for something else: separators, nothing at all, null, and
/// the end of data of `psql`.
fn put_field(value: &[u8], null: &str, out: &mut Vec<u8>) {
    let special = |byte: &u8| matches!(byte, b'"' | b',' | b'\n' | b'\r');
    let edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
    let quoted = edge(value.first())
        || edge(value.last())
        || value.eq_ignore_ascii_case(null.as_bytes())
        || value == b"\\."
        || value.iter().any(special);
    if !quoted {
        out.extend_from_slice(value);
        return;
    }
    out.push(b'"');
    for byte in value {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::put_field;

    fn field(value: &str, null: &str) -> String {
        let mut out = Vec::new();
        put_field(value.as_bytes(), null, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_text_is_never_taken_for_null_or_for_two_fields() {
        assert_eq!(field("", ""), "\"\"");
        assert_eq!(field("plain", ""), "plain");
        assert_eq!(field("NULL", ""), "NULL");
        assert_eq!(field("null", "NULL"), "\"null\"");
        assert_eq!(field("a,\"b\"\r\n", ""), "\"a,\"\"b\"\"\r\n\"");
        assert_eq!(field(" a", ""), "\" a\"");
        assert_eq!(field("\\.", ""), "\"\\.\"");
    }
}
