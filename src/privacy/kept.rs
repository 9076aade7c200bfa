//! What a model keeps of its source, for whoever wants to look.

use serde::{Deserialize, Serialize};

/// What a kept literal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptKind {
    /// A value as it stands in the source.
    Value,
    /// The ends of a range, drawn in to where enough entities lie.
    Range,
    /// A key of documents.
    Key,
    /// A word of texts.
    Word,
    /// The shape of codes.
    Shape,
    /// A value that a rule between columns names.
    Rule,
}

impl KeptKind {
    /// Says it in a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Range => "range",
            Self::Key => "key",
            Self::Word => "word",
            Self::Shape => "shape",
            Self::Rule => "rule",
        }
    }
}

/// A literal of the source that a model keeps, and how many entities share it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Kept {
    /// What it is.
    pub kind: KeptKind,
    /// As a person would read it.
    pub text: String,
    /// Distinct entities that have it (that lie at or beyond either end, for a range).
    pub entities: u32,
}

impl Kept {
    /// A value.
    #[must_use]
    pub fn value(text: String, entities: u32) -> Self {
        Self { kind: KeptKind::Value, text, entities }
    }

    /// The ends of a range.
    #[must_use]
    pub fn range(low: &str, high: &str, entities: u32) -> Self {
        Self { kind: KeptKind::Range, text: format!("{low} … {high}"), entities }
    }

    /// The same literal as another kind.
    #[must_use]
    pub fn as_kind(self, kind: KeptKind) -> Self {
        Self { kind, ..self }
    }
}
