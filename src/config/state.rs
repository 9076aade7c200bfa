//! Where runs keep what they have learned, so that one that fails can be taken up again.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::environment;

/// The folder below which every run keeps its state (`state = "…"`, `--state DIR`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StateFolder {
    /// Nothing was said. The library keeps nothing then; the command line takes the user's own folder.
    #[default]
    Unset,
    /// Nothing is kept.
    Off,
    /// This folder.
    At(PathBuf),
}

impl StateFolder {
    /// Reads the word of a file or a flag: `off`, or a folder (`./off` is one).
    ///
    /// # Errors
    /// A sentence, if nothing stands there.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("write a folder, or off to keep nothing".to_owned()),
            "off" => Ok(Self::Off),
            folder => Ok(Self::At(PathBuf::from(folder))),
        }
    }

    /// The folder, where one is said.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::At(folder) => Some(folder),
            Self::Unset | Self::Off => None,
        }
    }

    /// The user's own folder where nothing was said: `dbsynth` below `XDG_STATE_HOME`, else below `~/.local/state`
    /// (on Windows below `LOCALAPPDATA`). Nothing if the environment names none.
    /// Source: XDG Base Directory Specification 0.8, which has relative paths ignored.
    #[must_use]
    pub fn or_of_user(self) -> Self {
        if self != Self::Unset {
            return self;
        }
        let folder = |name: &str| environment(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
        let home = || folder("HOME").map(|home| home.join(".local").join("state"));
        let found = folder("XDG_STATE_HOME").or_else(home).or_else(|| folder("LOCALAPPDATA"));
        found.map_or(Self::Off, |folder| Self::At(folder.join("dbsynth")))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::StateFolder;

    #[test]
    fn a_word_is_a_folder_unless_it_is_off() {
        let path = |text| StateFolder::parse(text).unwrap();

        assert_eq!(path("off"), StateFolder::Off);
        assert_eq!(path("./off").path(), Some(Path::new("./off")));
        assert_eq!(path("off").or_of_user(), StateFolder::Off);
        assert!(StateFolder::parse("").is_err());
    }
}
