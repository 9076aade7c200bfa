//! `synth.toml` as it is written, checked value by value with the place of every mistake.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;
use toml::Spanned;

use crate::{
    config::{
        Ablation, AuditSettings, Config, ConfigError, FileFormat, GeneratorKind, NamedTable, OnDrift,
        Privacy, Reference, SchemaMode, SourceSettings, StateFolder, TableMode, TableSettings,
        TargetSettings,
        error::Malformed,
        parse_bytes, parse_duration,
        raw_around::{RawHooks, RawIdentity, SourceEntry},
        reference::{condition, table_and_columns},
    },
    seed::Seed,
};

/// What a `synth.toml` says: named databases and the configuration.
#[derive(Debug, Clone, Default)]
pub struct File {
    /// The file, as the user named it; `None` where there is none.
    pub path: Option<String>,
    /// `[source.NAME]`: URLs before their variables are replaced.
    pub(super) sources: BTreeMap<String, String>,
    /// How gently each of them is read.
    pub(super) access: BTreeMap<String, SourceSettings>,
    /// `[target.NAME]`.
    pub(super) targets: BTreeMap<String, TargetEntry>,
    /// How each of them is written.
    pub(super) writing: BTreeMap<String, TargetSettings>,
    /// Everything else, with defaults filled in.
    pub config: Config,
}

/// One `[target.NAME]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetEntry {
    pub(super) url: String,
    #[serde(default)]
    pub(super) allow_write: bool,
    lock_timeout: Option<Spanned<String>>,
}

impl TargetEntry {
    fn settings(&self) -> Result<TargetSettings, Mistake> {
        let read =
            |text: &Spanned<String>| parse_duration(text.get_ref()).map_err(|message| (text.span(), message));
        Ok(TargetSettings { lock_timeout: self.lock_timeout.as_ref().map(read).transpose()? })
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    source: BTreeMap<String, SourceEntry>,
    target: BTreeMap<String, TargetEntry>,
    clone: RawClone,
    audit: Option<Spanned<AuditSettings>>,
    tables: BTreeMap<String, RawTable>,
    references: Vec<RawReference>,
    privacy: RawPrivacy,
    hooks: RawHooks,
    identities: Vec<RawIdentity>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawPrivacy {
    entities: Vec<Spanned<String>>,
    k: Option<Spanned<u32>>,
    epsilon: Option<Spanned<f64>>,
    delta: Option<Spanned<f64>>,
    avoid_uniques: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawClone {
    seed: Option<u64>,
    scale: Option<Spanned<f64>>,
    tables: Vec<String>,
    exclude: Vec<String>,
    training_rows: Option<Spanned<u64>>,
    generator: Option<GeneratorKind>,
    ablation: Option<Ablation>,
    time_budget: Option<Spanned<String>>,
    #[serde(rename = "where")]
    conditions: Vec<String>,
    threads: Option<Spanned<usize>>,
    memory: Option<Spanned<String>>,
    format: Option<FileFormat>,
    replace: Option<Spanned<bool>>,
    schema_mode: Option<SchemaMode>,
    keep_failed: bool,
    on_drift: Option<OnDrift>,
    strict: bool,
    state: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawTable {
    mode: Option<TableMode>,
    rows: Option<u64>,
    context: Option<Vec<String>>,
    columns: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReference {
    from: Spanned<String>,
    to: Spanned<String>,
    when: Option<Spanned<String>>,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`], or [`ConfigError::Malformed`] with line and column.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: shown.clone(), source })?;
        Self::from_toml(&text, &shown)
    }

    /// Reads the text of a file called `path`.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] with line and column.
    pub fn from_toml(text: &str, path: &str) -> Result<Self, ConfigError> {
        let raw: Raw =
            toml::from_str(text).map_err(|error| Malformed::at(path, text, error.span(), error.message()))?;
        raw.check().map_err(|(span, message)| Malformed::at(path, text, Some(span), &message))?;
        let references = raw
            .references
            .iter()
            .map(|raw| {
                let line = Malformed::at(path, text, Some(raw.from.span()), "").line;
                raw.parse().map(|reference| Reference { place: Some(format!("{path}:{line}")), ..reference })
            })
            .collect::<Result<_, _>>()
            .map_err(|(span, message)| Malformed::at(path, text, Some(span), &message))?;
        let malformed = |(span, message): Mistake| Malformed::at(path, text, Some(span), &message);
        let access = (raw.source.iter())
            .map(|(name, entry)| Ok((name.clone(), entry.settings()?)))
            .collect::<Result<_, _>>()
            .map_err(malformed)?;
        let writing = (raw.target.iter())
            .map(|(name, entry)| Ok((name.clone(), entry.settings()?)))
            .collect::<Result<_, _>>()
            .map_err(malformed)?;
        let hooks = raw.hooks.resolved(path).map_err(malformed)?;
        let identities = (raw.identities.into_iter())
            .map(|identity| identity.resolved(path, text))
            .collect::<Result<_, _>>()
            .map_err(malformed)?;
        Ok(Self {
            path: Some(path.to_owned()),
            access,
            writing,
            sources: raw.source.into_iter().map(|(name, entry)| (name, entry.url)).collect(),
            targets: raw.target,
            config: Config {
                privacy: raw.privacy.resolved(path, text),
                audit: raw.audit.map(Spanned::into_inner).unwrap_or_default(),
                hooks,
                identities,
                ..raw.clone.config(raw.tables, references)
            },
        })
    }
}

/// A place in the file and what is wrong there.
type Mistake = (std::ops::Range<usize>, String);

impl Raw {
    fn check(&self) -> Result<(), Mistake> {
        let clone = &self.clone;
        if let Some(scale) = &clone.scale {
            check_scale(*scale.get_ref()).map_err(|message| (scale.span(), message))?;
        }
        if let Some(rows) = clone.training_rows.as_ref().filter(|rows| *rows.get_ref() == 0) {
            return Err((rows.span(), "training_rows must be at least 1".to_owned()));
        }
        if let Some(budget) = &clone.time_budget {
            parse_duration(budget.get_ref()).map_err(|message| (budget.span(), message))?;
        }
        if let Some(memory) = &clone.memory {
            parse_bytes(memory.get_ref()).map_err(|message| (memory.span(), message))?;
        }
        if let Some(audit) = &self.audit {
            audit.get_ref().check().map_err(|message| (audit.span(), message))?;
        }
        if let Some(state) = &clone.state {
            StateFolder::parse(state.get_ref()).map_err(|message| (state.span(), message))?;
        }
        if let Some(replace) = clone.replace.as_ref().filter(|replace| *replace.get_ref())
            && clone.schema_mode.is_some_and(|mode| mode != SchemaMode::Replace)
        {
            let message =
                "replace = true says schema_mode = \"replace\", and schema_mode says something else";
            return Err((replace.span(), message.to_owned()));
        }
        if let Some(threads) = clone.threads.as_ref().filter(|threads| *threads.get_ref() == 0) {
            return Err((threads.span(), "threads must be at least 1".to_owned()));
        }
        if let Some(epsilon) = &self.privacy.epsilon {
            Privacy::check_epsilon(*epsilon.get_ref()).map_err(|message| (epsilon.span(), message))?;
        }
        if let Some(delta) = &self.privacy.delta {
            Privacy::check_delta(*delta.get_ref()).map_err(|message| (delta.span(), message))?;
        }
        let least = Privacy::LEAST_K;
        if let Some(k) = self.privacy.k.as_ref().filter(|k| *k.get_ref() < least) {
            return Err((
                k.span(),
                format!("k must be at least {least}: with one entity every value is kept"),
            ));
        }
        Ok(())
    }
}

impl RawPrivacy {
    fn resolved(self, path: &str, text: &str) -> Privacy {
        let named = |table: Spanned<String>| {
            let line = Malformed::at(path, text, Some(table.span()), "").line;
            NamedTable { name: table.into_inner(), place: Some(format!("{path}:{line}")) }
        };
        Privacy {
            entities: self.entities.into_iter().map(named).collect(),
            k: self.k.map_or(Privacy::default().k, Spanned::into_inner),
            epsilon: self.epsilon.map(Spanned::into_inner),
            delta: self.delta.map_or(Privacy::default().delta, Spanned::into_inner),
            avoid_uniques: self.avoid_uniques.unwrap_or(Privacy::default().avoid_uniques),
            noise_seed: None,
        }
    }
}

/// A scale is a positive finite number.
pub(super) fn check_scale(scale: f64) -> Result<(), String> {
    if scale.is_finite() && scale > 0.0 {
        Ok(())
    } else {
        Err(format!("scale must be a number above 0, not {scale}"))
    }
}

impl RawReference {
    fn parse(&self) -> Result<Reference, Mistake> {
        let split = |text: &Spanned<String>| {
            table_and_columns(text.get_ref()).map_err(|message| (text.span(), message))
        };
        let (child, columns) = split(&self.from)?;
        let (parent, parent_columns) = split(&self.to)?;
        if columns.len() != parent_columns.len() {
            let message = format!(
                "`from` has {} column(s), `to` has {}: they pair up one by one",
                columns.len(),
                parent_columns.len()
            );
            return Err((self.to.span(), message));
        }
        let when = (self.when.as_ref())
            .map(|text| condition(text.get_ref(), &child).map_err(|message| (text.span(), message)))
            .transpose()?;
        Ok(Reference { child, columns, parent, parent_columns, when, place: None })
    }
}

impl RawClone {
    fn config(self, tables: BTreeMap<String, RawTable>, references: Vec<Reference>) -> Config {
        let default = Config::default();
        let settings = |raw: RawTable| TableSettings {
            mode: raw.mode,
            rows: raw.rows,
            context: raw.context,
            columns: raw.columns,
        };
        Config {
            seed: self.seed.map_or(default.seed, Seed),
            scale: self.scale.map_or(default.scale, Spanned::into_inner),
            only_tables: self.tables,
            exclude_tables: self.exclude,
            tables: tables.into_iter().map(|(name, raw)| (name, settings(raw))).collect(),
            references,
            privacy: default.privacy,
            training_rows: self.training_rows.map_or(default.training_rows, Spanned::into_inner),
            generator: self.generator.unwrap_or(default.generator),
            ablation: self.ablation,
            // Checked already.
            time_budget: self.time_budget.and_then(|budget| parse_duration(budget.get_ref()).ok()),
            conditions: self.conditions,
            links: default.links,
            audit: default.audit,
            threads: self.threads.map(Spanned::into_inner),
            memory: self.memory.and_then(|memory| parse_bytes(memory.get_ref()).ok()),
            format: self.format,
            schema_mode: match self.replace.map(Spanned::into_inner) {
                Some(true) => SchemaMode::Replace,
                _ => self.schema_mode.unwrap_or_default(),
            },
            keep_failed: self.keep_failed,
            on_drift: self.on_drift.unwrap_or_default(),
            source: default.source,
            target: default.target,
            hooks: default.hooks,
            identities: default.identities,
            strict: self.strict,
            evidence: default.evidence,
            // Checked already.
            state: self.state.and_then(|state| StateFolder::parse(state.get_ref()).ok()).unwrap_or_default(),
            resume: default.resume,
        }
    }
}
