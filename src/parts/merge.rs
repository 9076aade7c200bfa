//! All parts together: the rows of every table in the order in which one process would have made them.

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use super::{
    PartManifest, PartsError, piece,
    writer::{MANIFEST, table_file},
};
use crate::{
    config::TableMode,
    data::TableData,
    finding::Finding,
    plan::Plan,
    progress::{Event, Progress, interrupted},
    sample::{Outlet, Piece, SampleError, SampleSummary, Suspect, TableSample},
    schema::TableId,
};

/// The stage as listeners hear of it; what is written of each table is told by whoever writes.
const STAGE: &str = "parts";

/// The parts of all shards.
#[derive(Debug)]
pub struct Parts<'a> {
    folders: Vec<PathBuf>,
    manifests: Vec<PartManifest>,
    plan: &'a Plan,
}

impl<'a> Parts<'a> {
    pub(super) fn open(folders: Vec<PathBuf>, plan: &'a Plan) -> Result<Self, PartsError> {
        let manifests = folders.iter().map(|folder| {
            let path = folder.join(MANIFEST);
            let bytes = fs::read(&path).map_err(PartsError::system("read", &path))?;
            serde_json::from_slice(&bytes).map_err(|error| PartsError::damaged(&path, error))
        });
        let manifests: Result<Vec<PartManifest>, PartsError> = manifests.collect();
        Ok(Self { manifests: manifests?, folders, plan })
    }

    /// What all shards generated, and what they say of it.
    #[must_use]
    pub fn summary(&self) -> SampleSummary {
        let mut summary = SampleSummary::default();
        let mut findings = Vec::new();
        for manifest in &self.manifests {
            summary.tables.resize(manifest.rows.len().max(summary.tables.len()), TableSample::default());
            for (sum, table) in summary.tables.iter_mut().zip(manifest.tables()) {
                sum.rows += table.rows;
                sum.seconds += table.seconds;
            }
            findings.extend(manifest.findings.iter().cloned());
        }
        summary.findings = Finding::summed(findings);
        summary
    }

    /// Constraints that nobody was there to judge, with the most rows that one asked about.
    pub fn unjudged(&self) -> impl Iterator<Item = (TableId, Suspect, usize)> {
        self.manifests.iter().flat_map(|manifest| manifest.unjudged.iter().copied())
    }

    /// Hands out the rows of every table, parents first.
    ///
    /// # Errors
    /// [`PartsError`] if a part cannot be read or is damaged, the outlet closes or the run is interrupted.
    pub fn hand_out(&self, outlet: &mut dyn Outlet, progress: &dyn Progress) -> Result<(), PartsError> {
        progress.event(&Event::StageStarted { stage: STAGE });
        for id in self.plan.order().filter(|id| self.plan.table(*id).mode != TableMode::Skip) {
            let mut files = Vec::with_capacity(self.folders.len());
            for (folder, manifest) in self.folders.iter().zip(&self.manifests) {
                let rows = manifest.rows.get(id.0).copied().unwrap_or(0);
                if rows > 0 {
                    files.extend(PieceFile::open(&table_file(folder, id), rows)?);
                }
            }
            while let Some(next) = (0..files.len()).min_by_key(|file| files[*file].head.0) {
                if interrupted() {
                    return Err(SampleError::Interrupted.into());
                }
                let (number, rows) = match files[next].advance()? {
                    Some(head) => head,
                    None => files.swap_remove(next).head,
                };
                outlet.rows(Piece { table: id, number }, rows)?;
            }
            outlet.done(id)?;
        }
        progress.event(&Event::StageFinished { stage: STAGE });
        Ok(())
    }
}

/// One table's pieces in one part, the next one at hand.
struct PieceFile {
    path: PathBuf,
    file: BufReader<File>,
    left: u64,
    /// Rows that are to come yet, the next piece's with them.
    rows: u64,
    head: (u64, TableData),
}

impl PieceFile {
    /// Opens a file that is to hold some rows.
    fn open(path: &Path, rows: u64) -> Result<Option<Self>, PartsError> {
        let file = File::open(path).map_err(PartsError::system("read", path))?;
        let mut left = file.metadata().map_err(PartsError::system("read", path))?.len();
        let mut file = BufReader::new(file);
        let first = piece::take(&mut file, &mut left).map_err(|what| PartsError::damaged(path, what))?;
        Ok(first.map(|head| Self { path: path.to_owned(), file, left, rows, head }))
    }

    /// Reads on and returns what was at hand; `None` if nothing follows it, and it stays at hand.
    fn advance(&mut self) -> Result<Option<(u64, TableData)>, PartsError> {
        let next = piece::take(&mut self.file, &mut self.left);
        let next = next.map_err(|what| PartsError::damaged(&self.path, what))?;
        let here = self.head.1.row_count as u64;
        if next.is_none() && self.rows != here {
            return Err(PartsError::damaged(&self.path, "rows are missing"));
        }
        self.rows = self.rows.saturating_sub(here);
        Ok(next.map(|next| std::mem::replace(&mut self.head, next)))
    }
}
