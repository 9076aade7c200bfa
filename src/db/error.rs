//! What can go wrong with a database, in kinds that hold across engines.

use std::fmt;

/// The class of a database error, across engines; decides the hint and the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DbErrorKind {
    /// The server (or file) cannot be reached or opened.
    Unreachable,
    /// User or password refused.
    Login,
    /// The database or file does not exist.
    NoDatabase,
    /// A grant is missing.
    Permission,
    /// A constraint was violated: the text says which.
    Constraint,
    /// The disk (or tablespace, or quota) is full.
    DiskFull,
    /// A statement or lock timed out.
    Timeout,
    /// The connection broke while in use.
    Disconnected,
    /// The user interrupted the run.
    Interrupted,
    /// The target holds what dbsynth did not make, or is the source.
    Refused,
    /// The engine or the feature is not supported.
    Unsupported,
    /// Anything else the server said.
    Other,
}

/// An error of a database, without cell values and passwords.
#[derive(Debug)]
pub struct DbError {
    /// Its class.
    pub kind: DbErrorKind,
    /// What dbsynth was doing and what the server said.
    pub message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl DbError {
    /// Creates an error without a cause.
    pub fn new(kind: DbErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Attaches the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DbError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
