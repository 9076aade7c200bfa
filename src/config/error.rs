//! What can be wrong with the configuration, with the place in the file where there is one.

use std::{fmt, ops::Range};

use crate::config::UrlError;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Something in the file is wrong, at a known place.
    #[error("{0}")]
    Malformed(Box<Malformed>),
    /// SOURCE or TARGET is neither a URL nor a name of the file.
    #[error("`{word}` is neither a database URL nor a [{section}.NAME] of {file}")]
    UnknownName {
        /// What the user wrote.
        word: String,
        /// `source` or `target`.
        section: &'static str,
        /// The file asked, or what stands for it.
        file: String,
        /// The names it has.
        known: Vec<String>,
    },
    /// A variable of a URL is missing or its reference is malformed.
    #[error("[{section}.{name}] url: {reason}")]
    Variable {
        /// `source` or `target`.
        section: &'static str,
        /// Name of the entry.
        name: String,
        /// Why, without the value.
        reason: String,
    },
    /// A URL on the command line does not parse.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The URL of an entry does not parse.
    #[error("[{section}.{name}] url: {source}")]
    EntryUrl {
        /// `source` or `target`.
        section: &'static str,
        /// Name of the entry.
        name: String,
        /// Why.
        source: UrlError,
    },
    /// The target is on another machine and nobody said it may be written.
    #[error("{target} is not on this machine, and writing there is not allowed yet")]
    WriteNotAllowed {
        /// The target, redacted.
        target: String,
        /// The lines to add to the file.
        add: String,
    },
    /// A flag has a value that makes no sense.
    #[error("{flag}: {reason}")]
    Flag {
        /// The flag, as the user writes it.
        flag: &'static str,
        /// What is wrong with its value.
        reason: String,
    },
}

/// A mistake in `synth.toml` with the line it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The file, as the user named it.
    pub path: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The offending line, passwords masked.
    pub source_line: String,
    /// How many characters are wrong, at least 1; 0 if the line was masked and places in it mean nothing.
    pub width: usize,
}

impl Malformed {
    /// Places `message` at `span` (bytes) of `text`; without a span at its start.
    pub(super) fn at(path: &str, text: &str, span: Option<Range<usize>>, message: &str) -> Self {
        let span = span.unwrap_or(0..0);
        let start = floor_char_boundary(text, span.start);
        let end = floor_char_boundary(text, span.end.max(start));
        let line_start = text[..start].rfind('\n').map_or(0, |index| index + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |index| start + index);
        let raw = text[line_start..line_end].trim_end_matches('\r');
        let source_line = mask(raw);
        let width = if source_line == raw {
            text[start..end.min(line_end).max(start)].chars().count().max(1)
        } else {
            0
        };
        Self {
            path: path.to_owned(),
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            message: message.to_owned(),
            source_line,
            width,
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        writeln!(f, "{}:{}:{}: {}", self.path, self.line, self.column, self.message)?;
        writeln!(f, "{gutter} |")?;
        write!(f, "{number} | {}", self.source_line)?;
        if self.width > 0 {
            // Tabs are kept so that the marks stand below what they mark.
            let indent: String = self
                .source_line
                .chars()
                .take(self.column - 1)
                .map(|character| if character == '\t' { '\t' } else { ' ' })
                .collect();
            write!(f, "\n{gutter} | {indent}{}", "^".repeat(self.width))?;
        }
        Ok(())
    }
}

impl From<Malformed> for ConfigError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(Box::new(malformed))
    }
}

fn floor_char_boundary(text: &str, index: usize) -> usize {
    (0..=index.min(text.len())).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0)
}

/// Hides what may be a password: all between `://` and the last `@` of a line, and what follows `password`.
fn mask(line: &str) -> String {
    let lower = line.to_lowercase();
    if let Some(start) = lower.find("password") {
        return format!("{}…", &line[..floor_char_boundary(line, start + "password".len())]);
    }
    match (line.find("://"), line.rfind('@')) {
        (Some(start), Some(end)) if start < end => format!("{}***{}", &line[..start + 3], &line[end..]),
        _ => line.to_owned(),
    }
}
