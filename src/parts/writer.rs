//! One shard's part while it is made: a file per table, and at the end what there is to say.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs::{self, File, OpenOptions},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use super::{PartManifest, PartsError, piece};
use crate::{
    data::TableData,
    sample::{Answer, Outlet, Piece, SampleError, SampleSummary, Suspect, Unjudged},
    schema::TableId,
};

/// What a part says of itself, written last.
pub(super) const MANIFEST: &str = "part.json";

/// The file of a table's rows.
pub(super) fn table_file(folder: &Path, table: TableId) -> PathBuf {
    folder.join(format!("table-{}.rows", table.0))
}

/// A part that is being made. Dropped before [`PartWriter::finish`], nothing stays of it.
#[derive(Debug)]
pub struct PartWriter {
    /// Where it is made.
    partial: PathBuf,
    /// Where it will be.
    path: PathBuf,
    files: BTreeMap<TableId, BufWriter<File>>,
    unjudged: Unjudged,
    /// What stopped it.
    failed: Option<PartsError>,
    finished: bool,
    /// Says that this process is alive.
    _lock: File,
}

impl PartWriter {
    pub(super) fn new(partial: PathBuf, path: PathBuf, lock: File) -> Self {
        Self {
            partial,
            path,
            files: BTreeMap::new(),
            unjudged: Unjudged::default(),
            failed: None,
            finished: false,
            _lock: lock,
        }
    }

    /// What stopped the writing, if anything did: it says more than the sampler, who only heard that nobody listens.
    pub fn failure(&mut self) -> Option<PartsError> {
        self.failed.take()
    }

    /// Says what was generated and puts the part in its place. If another process left the same part meanwhile, that
    /// one stays: it is equal.
    ///
    /// # Errors
    /// [`PartsError`] if a file cannot be written.
    pub fn finish(mut self, summary: &SampleSummary) -> Result<(), PartsError> {
        for (table, file) in std::mem::take(&mut self.files) {
            let path = table_file(&self.partial, table);
            let file = file.into_inner().map_err(std::io::IntoInnerError::into_error);
            file.and_then(|file| file.sync_all()).map_err(PartsError::system("write", &path))?;
        }
        let manifest = PartManifest::new(summary, self.unjudged.iter().collect());
        let path = self.partial.join(MANIFEST);
        let text = serde_json::to_vec_pretty(&manifest).map_err(std::io::Error::other);
        let written = text.and_then(|text| {
            let mut file = private().create(true).truncate(true).write(true).open(&path)?;
            file.write_all(&text)?;
            file.sync_all()
        });
        written.map_err(PartsError::system("write", &path))?;
        match fs::rename(&self.partial, &self.path) {
            Ok(()) => self.finished = true,
            Err(_) if self.path.join(MANIFEST).is_file() => {}
            Err(error) => return Err(PartsError::system("create", &self.path)(error)),
        }
        Ok(())
    }

    fn put(&mut self, piece: Piece, rows: &TableData) -> Result<(), PartsError> {
        let path = table_file(&self.partial, piece.table);
        let file = match self.files.entry(piece.table) {
            Entry::Occupied(file) => file.into_mut(),
            Entry::Vacant(place) => {
                let file = private().create_new(true).write(true).open(&path);
                place.insert(BufWriter::new(file.map_err(PartsError::system("write", &path))?))
            }
        };
        piece::put(file, piece.number, rows).map_err(PartsError::system("write", &path))
    }
}

impl Outlet for PartWriter {
    fn rows(&mut self, piece: Piece, rows: TableData) -> Result<(), SampleError> {
        self.put(piece, &rows).map_err(|error| {
            self.failed = Some(error);
            SampleError::Closed
        })
    }

    fn done(&mut self, _: TableId) -> Result<(), SampleError> {
        Ok(())
    }

    fn judge(
        &mut self,
        table: TableId,
        rows: &TableData,
        suspects: &[Suspect],
    ) -> Result<Option<Answer>, SampleError> {
        self.unjudged.note(table, suspects, rows.row_count);
        Ok(None)
    }
}

impl Drop for PartWriter {
    fn drop(&mut self) {
        if !self.finished {
            // What stays of it is removed by the next process that makes this part.
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

/// Files that only their owner can read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
