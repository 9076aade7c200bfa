//! The command line, declared: one file for the commands, one for the groups of flags they share. Help texts are
//! snapshot-tested in `tests.rs`.

mod commands;
mod groups;
mod values;

pub(super) use self::{commands::*, groups::*};

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Clone a database as synthetic data.
///
/// Reads the live schema of a Postgres, MySQL, MariaDB or SQLite database, learns its rows along the foreign
/// keys, and writes a new database that keeps every constraint and behaves like the original, with none of its rows.
#[derive(Debug, Parser)]
#[command(
    name = "dbsynth",
    version,
    max_term_width = 100,
    propagate_version = true,
    after_help = "SOURCE and TARGET are URLs (postgres://user@host/db, mysql://user@host/db, sqlite:file.db) or names \
                  from synth.toml.\n\nExamples:\n  \
                  dbsynth plan sqlite:shop.db\n  \
                  dbsynth clone sqlite:shop.db sqlite:synthetic.db\n  \
                  dbsynth init postgres://app@localhost/shop\n  \
                  dbsynth clone prod postgres://app@localhost/shop_synthetic --scale 0.1"
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) globals: Globals,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub(super) struct Globals {
    /// Configuration file [default: synth.toml, if there is one].
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(super) config: Option<PathBuf>,
    /// Say nothing but results and errors.
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub(super) quiet: bool,
    /// Write a log to stderr instead of progress bars.
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Global options")]
    pub(super) log: Option<LogLevel>,
    /// How stderr is written [default: text].
    #[arg(long, global = true, value_name = "FORMAT", help_heading = "Global options")]
    pub(super) log_format: Option<LogFormat>,
}

/// How stderr is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people: bars on a terminal, lines elsewhere
    Text,
    /// For machines: one JSON object per line
    Json,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Clone a database as synthetic data: learn SOURCE, write TARGET, prove every constraint.
    #[command(after_help = "Examples:\n  \
        dbsynth clone sqlite:shop.db sqlite:synthetic.db\n  \
        dbsynth clone prod staging --scale 0.1 --report report.html\n  \
        dbsynth clone prod staging --rows orders=500 --exclude 'log_*' --yes")]
    Clone(CloneArgs),
    /// Write a commented synth.toml for a database.
    #[command(after_help = "Examples:\n  \
        dbsynth init postgres://app@localhost/shop\n  \
        dbsynth init sqlite:shop.db --config shop.toml --force")]
    Init(InitArgs),
    /// Show what a clone would do: order of work, contexts, links, cut cycles, rows. Writes nothing.
    #[command(after_help = "Examples:\n  \
        dbsynth plan sqlite:shop.db\n  \
        dbsynth plan prod --rules\n  \
        dbsynth plan prod --mermaid > plan.mmd\n  \
        dbsynth plan prod --scale 0.1 --json | jq .strata")]
    Plan(PlanArgs),
    /// Learn a database into a model file, to generate from later or elsewhere.
    #[command(after_help = "Examples:\n  \
        dbsynth train prod -o shop.dbsynth\n  \
        dbsynth train prod -o shop.dbsynth --training-rows 50000")]
    Train(TrainArgs),
    /// Write a synthetic database from a model file; the source is not needed.
    #[command(after_help = "Examples:\n  \
        dbsynth generate shop.dbsynth sqlite:synthetic.db\n  \
        dbsynth generate shop.dbsynth staging --scale 10 --seed 7\n  \
        dbsynth generate shop.dbsynth lake/ --format parquet\n  \
        dbsynth generate shop.dbsynth staging --scale 10 --shard 3/16\n  \
        dbsynth generate shop.dbsynth staging --where 'customers.country = \"IT\" AND customers.age >= 18'")]
    Generate(GenerateArgs),
    /// Copy a database, real rows and all, and fill the nulls of some columns under a model of the others.
    #[command(
        after_help = "The target holds the real rows of SOURCE: every value that is there stays as it is, \
        only nulls of the named columns become values, and those are guesses. That needs --copy-real-rows.\n\nExamples:\n  \
        dbsynth complete sqlite:shop.db sqlite:filled.db --table customers --columns age,income --copy-real-rows"
    )]
    Complete(CompleteArgs),
    /// Prove every constraint of a database: keys, foreign keys, NOT NULL, CHECK; and compare its schema with another.
    #[command(
        after_help = "Exits with 1 if any row violates a constraint, or, with --source, if a table, column or \
        constraint of the source is missing or different. Other differences are warnings.\n\nExamples:\n  \
        dbsynth verify sqlite:synthetic.db\n  \
        dbsynth verify staging --source prod --json"
    )]
    Verify(VerifyArgs),
    /// Score a synthetic database against the real one: fidelity and privacy.
    #[command(after_help = "Examples:\n  \
        dbsynth evaluate sqlite:shop.db sqlite:synthetic.db --report report.html\n  \
        dbsynth evaluate prod staging --holdout sqlite:holdout.db --json")]
    Evaluate(EvaluateArgs),
    /// Show the tables, columns, types, keys, roles, rows and rules of a database or a model file.
    #[command(after_help = "Examples:\n  \
        dbsynth inspect sqlite:shop.db\n  \
        dbsynth inspect sqlite:shop.db --coverage\n  \
        dbsynth inspect shop.dbsynth --json")]
    Inspect(InspectArgs),
    /// Look into a model file.
    #[command(after_help = "Example:\n  dbsynth model inspect shop.dbsynth --json")]
    Model(ModelArgs),
    /// Print a completion script for a shell.
    #[command(after_help = "Examples:\n  \
        dbsynth completions bash > ~/.local/share/bash-completion/completions/dbsynth\n  \
        dbsynth completions fish > ~/.config/fish/completions/dbsynth.fish")]
    Completions(CompletionsArgs),
    /// Print the manual page.
    #[command(after_help = "Example:\n  dbsynth man | man -l -")]
    Man,
}
