//! The folder of one run: files only its owner can read, each whole or not there.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::state::manifest::Manifest;

const MANIFEST: &str = "run.json";
const LOCK: &str = "lock";
const MODEL: &str = "model.dbsynth";

/// A folder in which a run keeps what it has learned.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What stands there; `None` if nothing does, an error if it cannot be read.
    pub(super) fn manifest(&self) -> Result<Option<Manifest>, String> {
        match fs::read(self.path.join(MANIFEST)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| error.to_string()),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Makes the folder and takes it: `None` if another run holds it. It is free again when that run has ended,
    /// however it did.
    pub(super) fn take(&self) -> io::Result<Option<File>> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.path)?;
        let file = private().create(true).truncate(false).write(true).open(self.path.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    pub(super) fn write_manifest(&self, manifest: &Manifest) -> io::Result<()> {
        self.write(MANIFEST, &serde_json::to_vec_pretty(manifest)?)
    }

    pub(super) fn write_networks(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.write(&networks_file(name), bytes)
    }

    pub(super) fn networks(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(networks_file(name)))
    }

    pub(super) fn drop_networks(&self, name: &str) {
        let _ = fs::remove_file(self.path.join(networks_file(name)));
    }

    pub(super) fn write_model(&self, bytes: &[u8]) -> io::Result<()> {
        self.write(MODEL, bytes)
    }

    pub(super) fn model(&self) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(MODEL))
    }

    /// Removes everything; the folder above stays.
    pub(super) fn remove(&self) -> io::Result<()> {
        fs::remove_dir_all(&self.path)
    }

    /// Through a file beside it, so that a reader finds the old content or the new.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let partial = self.path.join(format!("{name}.partial"));
        let mut file = private().create(true).truncate(true).write(true).open(&partial)?;
        file.write_all(bytes)?;
        fs::rename(partial, self.path.join(name))
    }
}

fn networks_file(name: &str) -> String {
    // Names are digits and letters of ours; a manifest that was tampered with must not lead elsewhere.
    let safe: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{safe}.table")
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
