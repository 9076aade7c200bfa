//! `synth.toml` and flags: what the user asks for, resolved and typed; `DbUrl` redacts itself.

mod access;
mod around;
mod audit;
mod bytes;
mod duration;
mod error;
mod file;
mod interpolate;
mod overrides;
mod raw_around;
mod reference;
mod resolve;
mod state;
mod url;

#[cfg(test)]
mod tests;

pub use access::{SourceSettings, TargetSettings, Throttle};
pub use around::{Hook, HookStage, Hooks, Identity, OnDrift, Planted, SchemaMode};
pub use audit::{AuditLevel, AuditSettings};
pub use bytes::{parse_bytes, shown_bytes};
pub use duration::parse_duration;
pub use error::{ConfigError, Malformed};
pub use file::File;
pub use interpolate::Lookup;
pub use overrides::Overrides;
pub use state::StateFolder;
pub use url::{DbUrl, UrlError};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::seed::Seed;

/// Reads a variable of the environment; the only place that does.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What dbsynth does with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TableMode {
    /// Learn it and write new rows.
    Synthesize,
    /// Copy its rows verbatim: the one way real rows get out.
    Copy,
    /// Create it and leave it empty.
    Structure,
    /// Leave it out altogether.
    Skip,
}

impl TableMode {
    /// Its word in `synth.toml`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Synthesize => "synthesize",
            Self::Copy => "copy",
            Self::Structure => "structure",
            Self::Skip => "skip",
        }
    }
}

/// The form of a folder of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// One Apache Parquet file per table.
    Parquet,
    /// One CSV file per table.
    Csv,
    /// One script that makes the schema and its rows, for the engine's own client.
    Sql,
}

impl FileFormat {
    /// Its word, and the ending of its files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Sql => "sql",
        }
    }
}

/// Which generator learns the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GeneratorKind {
    /// The autoregressive generator under message passing.
    #[default]
    Relational,
    /// Baseline: rows without any conditioning.
    Independent,
    /// Baseline: parent and child joined into one flat table.
    Flattened,
}

/// What the relational generator goes without, to measure what that is good for. Experimental: it may change
/// from version to version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ablation {
    /// Each child row sees its parent's row, its number of children among it, and nothing else.
    IidChildren,
    /// The parent's row and the earlier siblings, but no ancestors, cousins or linked parents.
    ParentOnly,
    /// All relations, but no earlier siblings.
    NoSiblings,
    /// Everything, but undisturbed while training.
    NoNoise,
    /// All relations, but parents do not say of what kind their families are.
    NoCohorts,
    /// All relations, but numbers are one token each, and none is learned as a ratio of another.
    CoarseTokens,
}

/// How link foreign keys are drawn; for comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkMethod {
    /// The child chooses a block of parents that are used alike; a parent is drawn inside it.
    #[default]
    Blocks,
    /// Baseline: any parent, in proportion to its stubs.
    Stubs,
}

/// What the user says about one table (`[tables."public.orders"]`).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TableSettings {
    /// Mode, where said.
    pub mode: Option<TableMode>,
    /// Rows to generate, where said.
    pub rows: Option<u64>,
    /// Columns of the foreign key that leads to the context parent, where said.
    pub context: Option<Vec<String>>,
    /// Meaning of a column by its name, for example `email`; see `semantic`.
    pub columns: BTreeMap<String, String>,
}

/// What is protected, and how (`[privacy]`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Privacy {
    /// The root tables: a row of one, with everything below it, is an entity. Empty: they are found.
    pub entities: Vec<NamedTable>,
    /// Distinct entities that must share a value before it is kept.
    pub k: u32,
    /// The ε of differential privacy; `None` for none.
    pub epsilon: Option<f64>,
    /// The chance that its ε does not hold.
    pub delta: f64,
    /// Whether rows are drawn again that equal the row of one real entity alone.
    pub avoid_uniques: bool,
    /// Fixes its noise, for tests: whoever knows the number can take the noise away. `None` asks the system.
    #[serde(skip)]
    pub noise_seed: Option<u64>,
}

impl Privacy {
    /// Fewest entities that may be asked for: with one, every value would be kept.
    pub const LEAST_K: u32 = 2;

    /// Whether real rows are looked at while rows are drawn: never under a promise of differential privacy.
    #[must_use]
    pub fn avoids_uniques(&self) -> bool {
        self.avoid_uniques && self.epsilon.is_none()
    }

    /// Says what makes no sense of an ε.
    pub(crate) fn check_epsilon(epsilon: f64) -> Result<(), String> {
        if epsilon > 0.0 && epsilon.is_finite() {
            return Ok(());
        }
        Err(format!("epsilon must be a number above 0, not {epsilon}"))
    }

    /// Says what makes no sense of a δ.
    pub(crate) fn check_delta(delta: f64) -> Result<(), String> {
        if delta > 0.0 && delta <= 0.1 {
            return Ok(());
        }
        Err(format!("delta must be above 0 and at most 0.1, not {delta}"))
    }
}

impl Default for Privacy {
    fn default() -> Self {
        Self { entities: Vec::new(), k: 5, epsilon: None, delta: 1e-6, avoid_uniques: true, noise_seed: None }
    }
}

/// A table (or a pattern) that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedTable {
    /// What stands there.
    pub name: String,
    /// Where, for messages: `synth.toml:12`.
    pub place: Option<String>,
}

/// A foreign key the catalog does not declare (`[[references]]`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reference {
    /// Child table.
    pub child: String,
    /// Child columns.
    pub columns: Vec<String>,
    /// Parent table.
    pub parent: String,
    /// Parent columns.
    pub parent_columns: Vec<String>,
    /// The rows it binds, where not all: a column of the child and the values that say so.
    #[serde(default)]
    pub when: Option<ReferenceCondition>,
    /// Where it stands, for messages: `synth.toml:12`.
    #[serde(default)]
    pub place: Option<String>,
}

/// Which rows a [`Reference`] binds: `commentable_type = 'Post'`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceCondition {
    /// A column of the child.
    pub column: String,
    /// Its values, in their text form.
    pub values: Vec<String>,
}

/// Everything the user asks for, with defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// The one seed.
    pub seed: Seed,
    /// Synthetic rows per real row.
    pub scale: f64,
    /// Only these tables, if not empty (others are skipped).
    pub only_tables: Vec<String>,
    /// Not these tables.
    pub exclude_tables: Vec<String>,
    /// Settings per table, by the name the user wrote.
    pub tables: BTreeMap<String, TableSettings>,
    /// Undeclared foreign keys to honour.
    pub references: Vec<Reference>,
    /// What is protected, and how.
    pub privacy: Privacy,
    /// Most rows of a table a model learns from; larger tables are sampled by whole families.
    pub training_rows: u64,
    /// Which generator learns the rows.
    pub generator: GeneratorKind,
    /// What the relational generator goes without; `None` in earnest.
    pub ablation: Option<Ablation>,
    /// Seconds that training may take; `None` lets the amount of work decide.
    pub time_budget: Option<u64>,
    /// Conditions the generated rows meet, as SQL: `customers.country = 'IT'`.
    pub conditions: Vec<String>,
    /// How link foreign keys are drawn.
    pub links: LinkMethod,
    /// How closely runs look for traces of real rows.
    pub audit: AuditSettings,
    /// Worker threads; `None` means one per core.
    pub threads: Option<usize>,
    /// Bytes of memory that a run may use; `None` sets no limit.
    #[serde(default)]
    pub memory: Option<u64>,
    /// The form of the files, where the target is a folder.
    #[serde(default)]
    pub format: Option<FileFormat>,
    /// What may be done with a target that holds something.
    pub schema_mode: SchemaMode,
    /// Keep what was built beside the target when a run fails, where the engine can.
    pub keep_failed: bool,
    /// What to do when the source's schema has changed since the last run into the target.
    pub on_drift: OnDrift,
    /// How gently the source is read.
    pub source: SourceSettings,
    /// How the target is written.
    #[serde(default)]
    pub target: TargetSettings,
    /// What runs around the load.
    pub hooks: Hooks,
    /// Rows that get known values.
    pub identities: Vec<Identity>,
    /// Treat warnings as failures.
    pub strict: bool,
    /// Measure what a report shows of the rows; it takes some time and memory.
    pub evidence: bool,
    /// Where what is learned is kept until the run is done.
    pub state: StateFolder,
    /// Take up what an unfinished run has learned.
    pub resume: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: Seed::default(),
            scale: 1.0,
            only_tables: Vec::new(),
            exclude_tables: Vec::new(),
            tables: BTreeMap::new(),
            references: Vec::new(),
            privacy: Privacy::default(),
            training_rows: 200_000,
            generator: GeneratorKind::default(),
            ablation: None,
            time_budget: None,
            conditions: Vec::new(),
            links: LinkMethod::default(),
            audit: AuditSettings::default(),
            threads: None,
            memory: None,
            format: None,
            schema_mode: SchemaMode::default(),
            keep_failed: false,
            on_drift: OnDrift::default(),
            source: SourceSettings::default(),
            target: TargetSettings::default(),
            hooks: Hooks::default(),
            identities: Vec::new(),
            strict: false,
            evidence: false,
            state: StateFolder::default(),
            resume: false,
        }
    }
}
