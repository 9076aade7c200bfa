//! What flags say over the file.

use crate::{
    config::{
        AuditLevel, Config, ConfigError, FileFormat, GeneratorKind, LinkMethod, OnDrift, Privacy, SchemaMode,
        SourceSettings, StateFolder, file::check_scale,
    },
    seed::Seed,
};

/// Settings from the command line; whatever is set wins over the file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overrides {
    /// `--seed`.
    pub seed: Option<u64>,
    /// `--scale`.
    pub scale: Option<f64>,
    /// `--rows table=n`, in the order given.
    pub rows: Vec<(String, u64)>,
    /// `--tables`: replaces the file's list if not empty.
    pub only_tables: Vec<String>,
    /// `--exclude`: added to the file's list.
    pub exclude_tables: Vec<String>,
    /// `--training-rows`.
    pub training_rows: Option<u64>,
    /// `--generator`.
    pub generator: Option<GeneratorKind>,
    /// `--time-budget`, in seconds.
    pub time_budget: Option<u64>,
    /// `--where`, in the order given: added to the file's.
    pub conditions: Vec<String>,
    /// `--links`, which the help does not show.
    pub links: Option<LinkMethod>,
    /// `--epsilon`.
    pub epsilon: Option<f64>,
    /// `--delta`.
    pub delta: Option<f64>,
    /// `--noise-seed`, which the help does not show.
    pub noise_seed: Option<u64>,
    /// `--audit`.
    pub audit: Option<AuditLevel>,
    /// `--threads`.
    pub threads: Option<usize>,
    /// `--format`.
    pub format: Option<FileFormat>,
    /// `--schema-mode`, or `--replace` for short.
    pub schema_mode: Option<SchemaMode>,
    /// `--keep-failed`.
    pub keep_failed: bool,
    /// `--on-drift`.
    pub on_drift: Option<OnDrift>,
    /// `--throttle`, `--max-connections`.
    pub source: SourceSettings,
    /// `--strict`.
    pub strict: bool,
    /// `--report` was given.
    pub evidence: bool,
    /// `--state`.
    pub state: Option<StateFolder>,
    /// `--memory`, in bytes.
    pub memory: Option<u64>,
    /// `--resume`.
    pub resume: bool,
}

impl Overrides {
    /// Applies the flags to what the file says.
    ///
    /// # Errors
    /// [`ConfigError::Flag`] if a value makes no sense.
    pub fn apply(&self, mut config: Config) -> Result<Config, ConfigError> {
        let flag = |flag, reason: String| ConfigError::Flag { flag, reason };
        if let Some(scale) = self.scale {
            check_scale(scale).map_err(|reason| flag("--scale", reason))?;
            config.scale = scale;
        }
        if self.training_rows == Some(0) {
            return Err(flag("--training-rows", "must be at least 1".to_owned()));
        }
        if self.threads == Some(0) {
            return Err(flag("--threads", "must be at least 1".to_owned()));
        }
        if let Some(epsilon) = self.epsilon {
            Privacy::check_epsilon(epsilon).map_err(|reason| flag("--epsilon", reason))?;
        }
        if let Some(delta) = self.delta {
            Privacy::check_delta(delta).map_err(|reason| flag("--delta", reason))?;
        }
        let privacy = &mut config.privacy;
        privacy.epsilon = self.epsilon.or(privacy.epsilon);
        privacy.delta = self.delta.unwrap_or(privacy.delta);
        privacy.noise_seed = self.noise_seed.or(privacy.noise_seed);
        if self.source.max_connections == Some(0) {
            return Err(flag("--max-connections", "must be at least 1".to_owned()));
        }
        config.seed = self.seed.map_or(config.seed, Seed);
        config.training_rows = self.training_rows.unwrap_or(config.training_rows);
        config.generator = self.generator.unwrap_or(config.generator);
        config.time_budget = self.time_budget.or(config.time_budget);
        config.conditions.extend(self.conditions.iter().cloned());
        config.links = self.links.unwrap_or(config.links);
        config.audit.level = self.audit.unwrap_or(config.audit.level);
        config.threads = self.threads.or(config.threads);
        config.memory = self.memory.or(config.memory);
        config.format = self.format.or(config.format);
        config.schema_mode = self.schema_mode.unwrap_or(config.schema_mode);
        config.keep_failed |= self.keep_failed;
        config.on_drift = self.on_drift.unwrap_or(config.on_drift);
        config.source = config.source.under(self.source);
        config.strict |= self.strict;
        config.evidence |= self.evidence;
        config.state = self.state.clone().unwrap_or(config.state);
        config.resume |= self.resume;
        if !self.only_tables.is_empty() {
            config.only_tables.clone_from(&self.only_tables);
        }
        config.exclude_tables.extend(self.exclude_tables.iter().cloned());
        for (table, rows) in &self.rows {
            override_rows(&mut config, table, *rows);
        }
        Ok(config)
    }
}

/// Sets the rows of every entry that means the same table (`orders` and `public.orders` do).
fn override_rows(config: &mut Config, table: &str, rows: u64) {
    let bare = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    let same = |known: &str| {
        known == table || (bare(known) == bare(table) && known.contains('.') != table.contains('.'))
    };
    let mut found = false;
    for settings in config.tables.iter_mut().filter(|(known, _)| same(known)).map(|(_, settings)| settings) {
        settings.rows = Some(rows);
        found = true;
    }
    if !found {
        config.tables.entry(table.to_owned()).or_default().rows = Some(rows);
    }
}
