//! What the flags of a command say over the file.

use std::path::Path;

use crate::{
    cli::args::{Command, Running},
    config::Overrides,
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
            flags.strict = running.strict;
        }
        flags.evidence = self.report().is_some();
        match self {
            Self::Clone(args) => flags.replace = args.writing.replace,
            Self::Generate(args) => flags.replace = args.writing.replace,
            Self::Complete(args) => {
                flags.replace = args.writing.replace;
                flags.time_budget = args.time_budget;
            }
            Self::Plan(args) => flags.strict = args.strict,
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
