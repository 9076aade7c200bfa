//! What stands around a load: how the target is taken, what runs before and after, which rows are planted.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a run may do with a target that holds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SchemaMode {
    /// Replace what dbsynth made, in one step at the end; refuse anything else.
    #[default]
    Swap,
    /// Refuse a target that holds anything at all.
    Create,
    /// Replace whatever is there.
    Replace,
}

impl SchemaMode {
    /// True if what dbsynth did not make may go.
    #[must_use]
    pub fn replaces(self) -> bool {
        self == Self::Replace
    }
}

/// What a run does when the source's schema is no longer what it was at the last run into the same target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDrift {
    /// Go on, and report it.
    #[default]
    Report,
    /// Stop before anything is learnt or written.
    Fail,
}

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookStage {
    /// The bare tables stand; no row is written.
    BeforeLoad,
    /// Rows, keys and constraints are there; nothing is proven or visible to others.
    AfterLoad,
    /// The new copy is in its place.
    AfterSwap,
}

impl HookStage {
    /// Its word in `synth.toml`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::BeforeLoad => "before_load",
            Self::AfterLoad => "after_load",
            Self::AfterSwap => "after_swap",
        }
    }
}

/// Something the user wants run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hook {
    /// A file of SQL statements, run on the target.
    Sql(PathBuf),
    /// A program and its arguments.
    Command(Vec<String>),
}

impl std::fmt::Display for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sql(path) => path.display().fmt(f),
            // Arguments may hold secrets.
            Self::Command(words) => write!(f, "command {}", words.first().map_or("", String::as_str)),
        }
    }
}

/// `[hooks]`, in the order they run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hooks {
    /// Before the rows.
    pub before_load: Vec<Hook>,
    /// After the rows, before the proof.
    pub after_load: Vec<Hook>,
    /// After the new copy took its place.
    pub after_swap: Vec<Hook>,
}

impl Hooks {
    /// The hooks of a stage.
    #[must_use]
    pub fn of(&self, stage: HookStage) -> &[Hook] {
        match stage {
            HookStage::BeforeLoad => &self.before_load,
            HookStage::AfterLoad => &self.after_load,
            HookStage::AfterSwap => &self.after_swap,
        }
    }

    /// Every hook with its stage.
    pub fn iter(&self) -> impl Iterator<Item = (HookStage, &Hook)> {
        [HookStage::BeforeLoad, HookStage::AfterLoad, HookStage::AfterSwap]
            .into_iter()
            .flat_map(|stage| self.of(stage).iter().map(move |hook| (stage, hook)))
    }
}

/// A value that is planted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Planted {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// A text; `{n}` stands for the number of the row, from 1. The database reads dates, UUIDs and the like from it.
    Text(String),
}

/// `[[identities]]`: synthetic rows that get known values, so that people and tests can log in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// The table.
    pub table: String,
    /// Which rows may be chosen, as SQL on the target; any, if not said.
    pub condition: Option<String>,
    /// How many rows.
    pub count: u32,
    /// Columns and their values.
    pub set: Vec<(String, Planted)>,
    /// Where it stands, for messages: `synth.toml:12`.
    pub place: Option<String>,
}
