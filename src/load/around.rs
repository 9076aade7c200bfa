//! What else happens inside a load: scripts of the user, rows that get known values, a note for the next run.

use super::Loader;
use crate::db::{DbError, ScriptError};

impl Loader<'_> {
    /// Runs a script of the user on what the load has made so far; it is undone with the load.
    ///
    /// # Errors
    /// [`ScriptError`] with the line of the statement that failed.
    pub fn script(&mut self, sql: &str) -> Result<(), ScriptError> {
        self.sink.script(sql)
    }

    /// Where the load builds, if not in the target itself.
    #[must_use]
    pub fn side(&self) -> Option<String> {
        self.sink.side()
    }

    /// Keeps a note with the marker, for the next run.
    pub fn remember(&mut self, note: String) {
        self.sink.remember(note);
    }

    /// Counts rows of what the load has made so far.
    ///
    /// # Errors
    /// What the engine says.
    pub fn count(&mut self, sql: &str) -> Result<u64, DbError> {
        self.sink.count(sql)
    }
}
