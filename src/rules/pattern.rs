//! Constant text patterns: LIKE and regular expressions, compiled once.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};
use regex_syntax::{ParserBuilder, hir::Hir};
use serde::{Deserialize, Serialize};

/// A pattern with its regular expression, compiled when first used.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pattern {
    /// The regular expression.
    source: String,
    ignore_case: bool,
    #[serde(skip)]
    compiled: OnceLock<Option<Regex>>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.ignore_case == other.ignore_case
    }
}

impl Pattern {
    /// A regular expression; `None` if ours cannot read it (look-around, back-references).
    #[must_use]
    pub fn regex(source: &str, ignore_case: bool) -> Option<Self> {
        let pattern = Self { source: source.to_owned(), ignore_case, compiled: OnceLock::new() };
        pattern.compiled().is_some().then_some(pattern)
    }

    /// A LIKE pattern: `%` any text, `_` one character.
    #[must_use]
    pub fn like(pattern: &str, escape: Option<char>, ignore_case: bool) -> Option<Self> {
        let mut source = String::from("(?s)^");
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            match character {
                _ if Some(character) == escape => {
                    source.push_str(&regex::escape(&characters.next()?.to_string()));
                }
                '%' => source.push_str(".*"),
                '_' => source.push('.'),
                _ => source.push_str(&regex::escape(&character.to_string())),
            }
        }
        source.push('$');
        Self::regex(&source, ignore_case)
    }

    /// A SQLite GLOB pattern: `*` any text, `?` one character, `[…]` one of some.
    #[must_use]
    pub fn glob(pattern: &str) -> Option<Self> {
        let mut source = String::from("(?s)^");
        let mut characters = pattern.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '*' => source.push_str(".*"),
                '?' => source.push('.'),
                '[' => {
                    source.push('[');
                    if characters.next_if_eq(&'^').is_some() {
                        source.push('^');
                    }
                    // A bracket that comes first is one of the set.
                    let mut first = true;
                    loop {
                        match characters.next()? {
                            ']' if !first => break,
                            '-' => source.push('-'),
                            other => source.push_str(&regex::escape(&other.to_string())),
                        }
                        first = false;
                    }
                    source.push(']');
                }
                _ => source.push_str(&regex::escape(&character.to_string())),
            }
        }
        source.push('$');
        Self::regex(&source, false)
    }

    /// A SQL `SIMILAR TO` pattern: LIKE's wildcards inside regular-expression alternatives and repetitions.
    #[must_use]
    pub fn similar(pattern: &str) -> Option<Self> {
        let mut source = String::from("(?s)^(?:");
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => source.push_str(&regex::escape(&characters.next()?.to_string())),
                '%' => source.push_str(".*"),
                '_' => source.push('.'),
                '.' | '^' | '$' => source.extend(['\\', character]),
                _ => source.push(character),
            }
        }
        source.push_str(")$");
        Self::regex(&source, false)
    }

    fn compiled(&self) -> Option<&Regex> {
        self.compiled
            .get_or_init(|| RegexBuilder::new(&self.source).case_insensitive(self.ignore_case).build().ok())
            .as_ref()
    }

    /// The pattern as a tree, to draw texts from; `None` if it does not compile.
    pub(super) fn shape(&self) -> Option<Hir> {
        ParserBuilder::new().case_insensitive(self.ignore_case).build().parse(&self.source).ok()
    }

    /// Whether `text` matches; unknown if the pattern does not compile.
    #[must_use]
    pub fn matches(&self, text: &str) -> Option<bool> {
        self.compiled().map(|regex| regex.is_match(text))
    }
}
