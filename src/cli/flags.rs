//! What the flags of a command say over the file.

use std::path::Path;

use crate::{
    cli::args::{Command, Reading, Running, Writing},
    config::{Overrides, SchemaMode, SourceSettings},
};

impl Command {
    /// What its flags say over the file.
    pub(super) fn overrides(&self) -> Overrides {
        let mut flags = Overrides::default();
        let selection = match self {
            Self::Clone(args) => Some(&args.selection),
            Self::Plan(args) => Some(&args.selection),
            Self::Train(args) => Some(&args.selection),
            Self::Complete(args) => Some(&args.selection),
            Self::Evaluate(args) => Some(&args.selection),
            Self::Inspect(args) => Some(&args.selection),
            Self::Verify(args) => Some(&args.selection),
            _ => None,
        };
        if let Some(selection) = selection {
            flags.only_tables.clone_from(&selection.tables);
            flags.exclude_tables.clone_from(&selection.exclude);
        }
        let amount = match self {
            Self::Clone(args) => Some(&args.amount),
            Self::Plan(args) => Some(&args.amount),
            Self::Generate(args) => Some(&args.amount),
            _ => None,
        };
        if let Some(amount) = amount {
            flags.scale = amount.scale;
            flags.rows.clone_from(&amount.rows);
        }
        let learning = match self {
            Self::Clone(args) => Some(&args.learning),
            Self::Train(args) => Some(&args.learning),
            _ => None,
        };
        if let Some(learning) = learning {
            flags.training_rows = learning.training_rows;
            flags.generator = learning.generator;
            flags.time_budget = learning.time_budget;
            flags.links = learning.links;
        }
        let promising = match self {
            Self::Clone(args) => Some(&args.promising),
            Self::Plan(args) => Some(&args.promising),
            Self::Train(args) => Some(&args.promising),
            _ => None,
        };
        if let Some(promising) = promising {
            flags.epsilon = promising.epsilon;
            flags.delta = promising.delta;
            flags.noise_seed = promising.noise_seed;
        }
        let auditing = match self {
            Self::Clone(args) => Some(&args.auditing),
            Self::Train(args) => Some(&args.auditing),
            Self::Evaluate(args) => Some(&args.auditing),
            _ => None,
        };
        flags.audit = auditing.and_then(|auditing| auditing.audit);
        let conditions = match self {
            Self::Clone(args) => Some(&args.conditions),
            Self::Generate(args) => Some(&args.conditions),
            _ => None,
        };
        if let Some(conditions) = conditions {
            flags.conditions.clone_from(&conditions.conditions);
        }
        if let Some(running) = self.running() {
            flags.seed = running.seed;
            flags.threads = running.threads;
            flags.memory = running.memory;
            flags.strict = running.strict;
        }
        let resuming = match self {
            Self::Clone(args) => Some(&args.resuming),
            Self::Train(args) => Some(&args.resuming),
            _ => None,
        };
        if let Some(resuming) = resuming {
            flags.resume = resuming.resume;
            flags.state.clone_from(&resuming.state);
        }
        flags.evidence = self.report().is_some();
        if let Some(reading) = self.reading() {
            flags.source = SourceSettings {
                throttle: reading.throttle,
                max_connections: reading.max_connections,
                show_sql: reading.show_sql,
                ..SourceSettings::default()
            };
        }
        if let Some(writing) = self.writing() {
            flags.schema_mode = writing.replace.then_some(SchemaMode::Replace).or(writing.schema_mode);
            flags.keep_failed = writing.keep_failed;
            flags.on_drift = writing.on_drift;
        }
        match self {
            Self::Clone(args) => flags.format = args.filing.format,
            Self::Generate(args) => flags.format = args.filing.format,
            Self::Complete(args) => flags.time_budget = args.time_budget,
            Self::Plan(args) => (flags.strict, flags.memory) = (args.strict, args.memory),
            Self::Verify(args) => flags.strict = args.strict,
            Self::Evaluate(args) => (flags.seed, flags.threads) = (args.seed, args.threads),
            _ => {}
        }
        flags
    }

    /// The report to be written, if one is asked for.
    pub(super) fn report(&self) -> Option<&Path> {
        let reporting = match self {
            Self::Clone(args) => &args.reporting,
            Self::Generate(args) => &args.reporting,
            Self::Evaluate(args) => &args.reporting,
            _ => return None,
        };
        reporting.report.as_deref()
    }

    /// The word for the database that is read as a source.
    pub(super) fn source(&self) -> Option<&str> {
        match self {
            Self::Clone(args) => Some(&args.source),
            Self::Init(args) => Some(&args.source),
            Self::Plan(args) => Some(&args.source),
            Self::Train(args) => Some(&args.source),
            Self::Complete(args) => Some(&args.source),
            Self::Verify(args) => args.source.as_deref(),
            Self::Evaluate(args) => Some(&args.real),
            Self::Inspect(args) => Some(&args.what),
            _ => None,
        }
    }

    /// True if statements on the source are to be shown.
    pub(super) fn shows_sql(&self) -> bool {
        self.reading().is_some_and(|reading| reading.show_sql)
    }

    fn reading(&self) -> Option<&Reading> {
        match self {
            Self::Clone(args) => Some(&args.reading),
            Self::Plan(args) => Some(&args.reading),
            Self::Train(args) => Some(&args.reading),
            Self::Complete(args) => Some(&args.reading),
            Self::Evaluate(args) => Some(&args.reading),
            Self::Inspect(args) => Some(&args.reading),
            _ => None,
        }
    }

    fn writing(&self) -> Option<&Writing> {
        match self {
            Self::Clone(args) => Some(&args.writing),
            Self::Generate(args) => Some(&args.writing),
            Self::Complete(args) => Some(&args.writing),
            _ => None,
        }
    }

    fn running(&self) -> Option<&Running> {
        match self {
            Self::Clone(args) => Some(&args.running),
            Self::Train(args) => Some(&args.running),
            Self::Generate(args) => Some(&args.running),
            Self::Complete(args) => Some(&args.running),
            _ => None,
        }
    }

    /// True for the commands that multiply matrices.
    pub(super) fn computes(&self) -> bool {
        self.running().is_some() || matches!(self, Self::Evaluate(_))
    }
}
