//! The folder itself: what is there, the new one beside it, and the exchange of both.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{FilesError, MANIFEST, Manifest};
use crate::config::SchemaMode;

/// Ending of the folder that is being written.
const PART: &str = ".dbsynth-part";
/// Ending of the old folder, where two folders cannot be exchanged in one step.
const OLD: &str = ".dbsynth-old";

/// A folder to write. Dropped before [`Folder::commit`], whatever was there is as it was.
#[derive(Debug)]
pub struct Folder {
    target: PathBuf,
    part: PathBuf,
    /// True while the folder beside is ours.
    begun: bool,
    /// Held while it is written, so that a second run keeps away.
    lock: Option<File>,
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Held {
    /// Names of files and folders, sorted.
    pub names: Vec<String>,
    /// True if dbsynth made it all: the manifest is there and names them.
    pub made_by_dbsynth: bool,
    /// True if there are folders inside.
    pub nested: bool,
}

impl Folder {
    /// Names the folder; nothing is written yet. Brings back an old folder that an exchange left half way.
    ///
    /// # Errors
    /// [`FilesError`] if the path is a file, or nothing can be written beside it.
    pub fn open(path: &Path) -> Result<Self, FilesError> {
        let target = resolved(path)?;
        let refused = |reason: &str| FilesError::Refused {
            path: path.display().to_string(),
            reason: reason.to_owned(),
        };
        if target.is_file() {
            return Err(refused("it is a file"));
        }
        if target.parent().is_none() {
            return Err(refused("it is the root of a file system"));
        }
        if std::env::current_dir().is_ok_and(|here| here.starts_with(&target)) {
            return Err(refused("the current folder is inside"));
        }
        if is_mount(&target) {
            return Err(refused("something is mounted there; name a folder inside it"));
        }
        let part = beside(&target, PART);
        let old = beside(&target, OLD);
        if !target.exists() && old.is_dir() {
            fs::rename(&old, &target).map_err(|error| FilesError::system("bring back", &target, error))?;
        }
        Ok(Self { target, part, begun: false, lock: None })
    }

    /// Where it will be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.target
    }

    /// True if `path` is inside, links followed.
    #[must_use]
    pub fn holds(&self, path: &Path) -> bool {
        path.canonicalize().is_ok_and(|path| path.starts_with(&self.target))
    }

    /// Says what is there; nothing, if there is no such folder.
    ///
    /// # Errors
    /// [`FilesError::System`] if it cannot be read.
    pub fn held(&self) -> Result<Held, FilesError> {
        let unreadable = |error| FilesError::system("read", &self.target, error);
        let entries = match fs::read_dir(&self.target) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Held::default()),
            Err(error) => return Err(unreadable(error)),
        };
        let mut held = Held::default();
        for entry in entries {
            let entry = entry.map_err(unreadable)?;
            held.nested |= entry.file_type().is_ok_and(|kind| kind.is_dir());
            held.names.push(entry.file_name().to_string_lossy().into_owned());
        }
        held.names.sort();
        let manifest = fs::read_to_string(self.target.join(MANIFEST)).ok();
        if let Some(manifest) = manifest.as_deref().and_then(Manifest::read) {
            let mut known: BTreeSet<&str> = manifest.files.iter().map(|file| file.name.as_str()).collect();
            known.insert(MANIFEST);
            held.made_by_dbsynth =
                !held.nested && held.names.iter().all(|name| known.contains(name.as_str()));
        }
        Ok(held)
    }

    /// Refuses a folder that holds what dbsynth did not make, unless the user said to replace it; one with folders
    /// inside is never replaced, and nothing is where the user wants a new one. Returns what would go.
    ///
    /// # Errors
    /// [`FilesError::Strangers`] or [`FilesError::Refused`].
    pub fn admit(&self, mode: SchemaMode) -> Result<Vec<String>, FilesError> {
        let held = self.held()?;
        if held.names.is_empty() || held.made_by_dbsynth && mode != SchemaMode::Create {
            return Ok(held.names);
        }
        let path = self.target.display().to_string();
        if mode == SchemaMode::Create {
            let reason = "it holds files, and --schema-mode create wants an empty one".to_owned();
            return Err(FilesError::Refused { path, reason });
        }
        if held.nested {
            let reason = "it holds folders, and dbsynth makes none inside its own".to_owned();
            return Err(FilesError::Refused { path, reason });
        }
        if mode.replaces() { Ok(held.names) } else { Err(FilesError::Strangers { path, names: held.names }) }
    }

    /// Tries whether a folder can be made beside the old one, under a name of this process alone: shards that run at once
    /// do so at once.
    ///
    /// # Errors
    /// [`FilesError::System`] if the system refuses it.
    pub fn can_begin(&self) -> Result<(), FilesError> {
        let trial = beside(&self.part, &format!("-{}", std::process::id()));
        fs::create_dir(&trial).map_err(|error| FilesError::system("create", &trial, error))?;
        remove(&trial)
    }

    /// Makes the new folder beside the old one.
    ///
    /// # Errors
    /// [`FilesError::Refused`] if another run is writing it; [`FilesError::System`] if the system refuses it.
    pub fn begin(&mut self) -> Result<(), FilesError> {
        if self.part.exists() {
            // A run that was killed left it behind, or one is at work.
            let held = File::open(&self.part);
            if let Ok(held) = held
                && matches!(held.try_lock(), Err(fs::TryLockError::WouldBlock))
            {
                return Err(FilesError::Refused {
                    path: self.target.display().to_string(),
                    reason: "another run is writing it".to_owned(),
                });
            }
            remove(&self.part)?;
        }
        fs::create_dir(&self.part).map_err(|error| FilesError::system("create", &self.part, error))?;
        self.begun = true;
        // Not every system can open and lock a folder; then nothing tells two runs apart.
        self.lock = File::open(&self.part).ok().filter(|folder| folder.try_lock().is_ok());
        Ok(())
    }

    /// The path of a file in the new folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.part.join(name)
    }

    /// Writes a small file of the new folder.
    ///
    /// # Errors
    /// [`FilesError::System`] if the system refuses it.
    pub fn write(&self, name: &str, text: &str) -> Result<(), FilesError> {
        let path = self.file(name);
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| FilesError::system("write", &path, error))
    }

    /// Puts the new folder in the old one's place: for a reader there is the old one or the new one, never a mix.
    ///
    /// # Errors
    /// [`FilesError::System`] if the system refuses it; the old one is then where it was.
    pub fn commit(mut self) -> Result<(), FilesError> {
        if let Ok(folder) = File::open(&self.part) {
            // Not every system can flush a folder.
            let _ = folder.sync_all();
        }
        let refused = |error| FilesError::system("replace", &self.target, error);
        let old = beside(&self.target, OLD);
        if !self.target.exists() {
            fs::rename(&self.part, &self.target).map_err(refused)?;
        } else if exchange(&self.part, &self.target).is_err() {
            remove(&old)?;
            fs::rename(&self.target, &old).map_err(refused)?;
            if let Err(error) = fs::rename(&self.part, &self.target) {
                let _ = fs::rename(&old, &self.target);
                return Err(refused(error));
            }
        }
        if let Some(folder) = self.target.parent().and_then(|parent| File::open(parent).ok()) {
            let _ = folder.sync_all();
        }
        self.begun = false;
        // The new one is in place; whatever of the old one stays is removed by the next run.
        let _ = remove(&old);
        let _ = remove(&self.part);
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.lock.take());
        if self.begun {
            let _ = remove(&self.part);
        }
    }
}

/// The path without links, also for a folder that is not there yet.
fn resolved(path: &Path) -> Result<PathBuf, FilesError> {
    if let Ok(resolved) = path.canonicalize() {
        return Ok(resolved);
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = path.file_name().ok_or_else(|| FilesError::Refused {
        path: path.display().to_string(),
        reason: "it names no folder".to_owned(),
    })?;
    let parent = parent.canonicalize().map_err(|error| FilesError::system("find", parent, error))?;
    Ok(parent.join(name))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Removes a folder of files; one that is not there is gone already. A folder inside is not ours.
fn remove(folder: &Path) -> Result<(), FilesError> {
    let failed = |error| FilesError::system("remove", folder, error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        fs::remove_file(entry.map_err(failed)?.path()).map_err(failed)?;
    }
    fs::remove_dir(folder).map_err(failed)
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_one: &Path, _other: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
fn is_mount(target: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
    let parent = target.parent().and_then(device);
    device(target).is_some_and(|own| parent.is_some_and(|parent| parent != own))
}

#[cfg(not(unix))]
fn is_mount(_target: &Path) -> bool {
    false
}
