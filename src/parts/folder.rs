//! The folder of one generation: a part per shard, and a lock for the one who writes the target.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use super::{
    Parts, PartsError,
    writer::{MANIFEST, PartWriter, private},
};
use crate::{plan::Plan, sample::Shard};

const LOCK: &str = "lock";

/// The folder in which the shards of one generation leave their parts.
#[derive(Debug)]
pub struct PartsFolder {
    path: PathBuf,
    count: u32,
}

impl PartsFolder {
    /// Names the folder of the generation called `run` below `base`, and makes it. `run` stands for all that decides
    /// the rows and where they go: parts of different generations never meet.
    ///
    /// # Errors
    /// [`PartsError::System`] if it cannot be made.
    pub fn open(base: &Path, run: &str, count: u32) -> Result<Self, PartsError> {
        let path = base.join(run);
        private_folder().recursive(true).create(&path).map_err(PartsError::system("create", &path))?;
        Ok(Self { path, count })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True if a shard's part is there.
    #[must_use]
    pub fn holds(&self, shard: Shard) -> bool {
        self.part(shard).join(MANIFEST).is_file()
    }

    /// The shards whose parts are not there yet.
    #[must_use]
    pub fn missing(&self) -> Vec<Shard> {
        self.shards().filter(|shard| !self.holds(*shard)).collect()
    }

    /// Begins a shard's part; removes what a process that was killed has left of it.
    ///
    /// # Errors
    /// [`PartsError::System`] if nothing can be written there.
    pub fn begin(&self, shard: Shard) -> Result<PartWriter, PartsError> {
        let stem = format!("{}.partial-", name(shard));
        let left = fs::read_dir(&self.path).map_err(PartsError::system("read", &self.path))?;
        for entry in left.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(&stem)) {
            let running = |lock: File| matches!(lock.try_lock(), Err(TryLockError::WouldBlock));
            if !File::open(entry.path().join(LOCK)).is_ok_and(running) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let partial = self.fresh(&stem)?;
        let lock = partial.join(LOCK);
        let file = private().create(true).truncate(false).write(true).open(&lock);
        let file = file.map_err(PartsError::system("write", &lock))?;
        // A file system without locks protects nobody, and stops nobody.
        let _ = file.try_lock();
        Ok(PartWriter::new(partial, self.part(shard), file))
    }

    /// Makes a folder of this process alone: on another machine a process may have the same number.
    fn fresh(&self, stem: &str) -> Result<PathBuf, PartsError> {
        let mut attempt = 0;
        loop {
            let path = self.path.join(format!("{stem}{}-{attempt}", std::process::id()));
            match private_folder().create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
                made => return made.map(|()| path.clone()).map_err(PartsError::system("create", &path)),
            }
        }
    }

    /// Takes the right to write the target: `None` if another process has it. It is free again when that process has
    /// ended, however it did.
    ///
    /// # Errors
    /// [`PartsError::System`] if the file system has no locks, or the folder is gone.
    pub fn take(&self) -> Result<Option<File>, PartsError> {
        let path = self.path.join(LOCK);
        let file = match private().create(true).truncate(false).write(true).open(&path) {
            Ok(file) => file,
            // Whoever wrote the target has removed the folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(PartsError::system("write", &path)(error)),
        };
        match file.try_lock() {
            // It may be gone since.
            Ok(()) => Ok(self.missing().is_empty().then_some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(PartsError::system("lock", &path)(error)),
        }
    }

    /// Opens all parts.
    ///
    /// # Errors
    /// [`PartsError`] if one cannot be read.
    pub fn read<'a>(&self, plan: &'a Plan) -> Result<Parts<'a>, PartsError> {
        Parts::open(self.shards().map(|shard| self.part(shard)).collect(), plan)
    }

    /// Removes everything.
    ///
    /// # Errors
    /// [`PartsError::System`] if something stays.
    pub fn remove(self) -> Result<(), PartsError> {
        // A folder that is removed half way must not be taken for one with parts in it.
        let old = self.path.with_extension("written");
        let _ = fs::remove_dir_all(&old);
        fs::rename(&self.path, &old).map_err(PartsError::system("remove", &self.path))?;
        fs::remove_dir_all(&old).map_err(PartsError::system("remove", &old))?;
        if let Some(base) = self.path.parent() {
            // Other generations may be in it.
            let _ = fs::remove_dir(base);
        }
        Ok(())
    }

    fn shards(&self) -> impl Iterator<Item = Shard> {
        let count = self.count;
        (0..count).filter_map(move |index| Shard::new(index, count))
    }

    fn part(&self, shard: Shard) -> PathBuf {
        self.path.join(name(shard))
    }
}

fn name(shard: Shard) -> String {
    format!("{:04}-of-{:04}", shard.index() + 1, shard.count())
}

/// Folders that only their owner can enter.
fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}
