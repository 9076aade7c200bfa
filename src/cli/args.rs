//! The command line, declared. Help texts are snapshot-tested in `tests.rs`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{AuditLevel, GeneratorKind, LinkMethod, parse_duration};

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

#[derive(Debug, Args)]
pub(super) struct CloneArgs {
    /// Database to learn from: URL or name. It is only ever read.
    pub(super) source: String,
    /// Database to write: URL or name.
    pub(super) target: String,
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) amount: Amount,
    #[command(flatten)]
    pub(super) conditions: Conditions,
    #[command(flatten)]
    pub(super) learning: Learning,
    #[command(flatten)]
    pub(super) promising: Promising,
    #[command(flatten)]
    pub(super) auditing: Auditing,
    #[command(flatten)]
    pub(super) running: Running,
    #[command(flatten)]
    pub(super) writing: Writing,
    #[command(flatten)]
    pub(super) reporting: Reporting,
    /// Print the result as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// Database to describe: URL or name.
    pub(super) source: String,
    /// Overwrite a file that is there.
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Database to plan for: URL or name.
    pub(super) source: String,
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) amount: Amount,
    #[command(flatten)]
    pub(super) promising: Promising,
    /// Also read the rows and show the relations found in them, which a clone keeps.
    #[arg(long, conflicts_with = "mermaid")]
    pub(super) rules: bool,
    /// Exit with 1 if there are warnings.
    #[arg(long)]
    pub(super) strict: bool,
    /// Print the plan as JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Print the plan as a Mermaid flowchart.
    #[arg(long, conflicts_with = "json")]
    pub(super) mermaid: bool,
}

#[derive(Debug, Args)]
pub(super) struct TrainArgs {
    /// Database to learn from: URL or name. It is only ever read.
    pub(super) source: String,
    /// Model file to write.
    #[arg(long, short, value_name = "MODEL", default_value = "model.dbsynth")]
    pub(super) output: PathBuf,
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) learning: Learning,
    #[command(flatten)]
    pub(super) promising: Promising,
    #[command(flatten)]
    pub(super) auditing: Auditing,
    #[command(flatten)]
    pub(super) running: Running,
    /// Print the audit and the findings as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct GenerateArgs {
    /// Model file to generate from.
    pub(super) model: PathBuf,
    /// Database to write: URL or name.
    pub(super) target: String,
    #[command(flatten)]
    pub(super) amount: Amount,
    #[command(flatten)]
    pub(super) conditions: Conditions,
    #[command(flatten)]
    pub(super) running: Running,
    #[command(flatten)]
    pub(super) writing: Writing,
    #[command(flatten)]
    pub(super) reporting: Reporting,
    /// Print the result as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct CompleteArgs {
    /// Database to copy: URL or name. It is only ever read.
    pub(super) source: String,
    /// Database to write: URL or name.
    pub(super) target: String,
    /// Table with nulls to fill.
    #[arg(long, value_name = "TABLE")]
    pub(super) table: String,
    /// Columns whose nulls are filled.
    #[arg(long, value_name = "A,B", value_delimiter = ',', required = true)]
    pub(super) columns: Vec<String>,
    /// Yes, real rows may be copied into the target.
    #[arg(long)]
    pub(super) copy_real_rows: bool,
    /// Most time to learn for: 90s, 5m, 1h30m.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) time_budget: Option<u64>,
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) running: Running,
    #[command(flatten)]
    pub(super) writing: Writing,
    /// Print the result as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Database to check: URL or name. It is only read.
    pub(super) target: String,
    /// Also compare the schema with this database's: URL or name. It is only ever read.
    #[arg(long, value_name = "SOURCE")]
    pub(super) source: Option<String>,
    #[command(flatten)]
    pub(super) selection: Selection,
    /// Exit with 1 if there are warnings.
    #[arg(long)]
    pub(super) strict: bool,
    /// Print the proof as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct EvaluateArgs {
    /// The real database: URL or name.
    pub(super) real: String,
    /// The synthetic database: URL or name.
    pub(super) synthetic: String,
    /// Real rows the model never saw, to calibrate the scores.
    #[arg(long, value_name = "DB")]
    pub(super) holdout: Option<String>,
    #[command(flatten)]
    pub(super) auditing: Auditing,
    /// Columns to compare as categories whatever their type, such as integer codes.
    #[arg(long, value_name = "TABLE.COLUMN,…", value_delimiter = ',', value_parser = table_column)]
    pub(super) categorical: Vec<(String, String)>,
    #[command(flatten)]
    pub(super) selection: Selection,
    /// Seed of every random choice.
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Worker threads [default: one per core].
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<usize>,
    #[command(flatten)]
    pub(super) reporting: Reporting,
    /// Print the scores as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    /// Database (URL or name) or model file.
    #[arg(value_name = "SOURCE|MODEL")]
    pub(super) what: String,
    #[command(flatten)]
    pub(super) selection: Selection,
    /// Of a database, also read the rows and show the relations found in them. A model file always shows its own.
    #[arg(long)]
    pub(super) rules: bool,
    /// Show how every column will be made and what is lost: learned by which codec, written by which meaning, copied …
    /// Of a database, this reads the rows, but learns nothing.
    #[arg(long)]
    pub(super) coverage: bool,
    /// Print it as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ModelArgs {
    #[command(subcommand)]
    pub(super) command: ModelCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum ModelCommand {
    /// List every value of the source that a model file holds, with the number of entities that share it.
    Inspect(ModelInspectArgs),
}

#[derive(Debug, Args)]
pub(super) struct ModelInspectArgs {
    /// Model file.
    pub(super) model: PathBuf,
    /// Print it as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    pub(super) shell: clap_complete::Shell,
}

/// Which tables.
#[derive(Debug, Args, Default)]
pub(super) struct Selection {
    /// Only these tables; `*` stands for any characters.
    #[arg(long, value_name = "A,B", value_delimiter = ',', help_heading = "Tables")]
    pub(super) tables: Vec<String>,
    /// Not these tables.
    #[arg(long, value_name = "A,B", value_delimiter = ',', help_heading = "Tables")]
    pub(super) exclude: Vec<String>,
}

/// How many rows.
#[derive(Debug, Args, Default)]
pub(super) struct Amount {
    /// Synthetic rows per real row [default: 1].
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true, help_heading = "Rows")]
    pub(super) scale: Option<f64>,
    /// Rows of one table, instead of the scale; may be repeated.
    #[arg(long, value_name = "TABLE=N", value_parser = table_rows, help_heading = "Rows")]
    pub(super) rows: Vec<(String, u64)>,
}

/// What the rows must meet.
#[derive(Debug, Args, Default)]
pub(super) struct Conditions {
    /// Generate rows of a table under a condition; may be repeated: --where 'customers.country = "IT"'.
    ///
    /// Understood are =, <>, <, <=, >, >=, IN (…), BETWEEN, IS NULL and IS NOT NULL between a column and literals,
    /// joined by AND on one table. Columns that hang together with the condition follow it, and children follow
    /// their parents; parents are not chosen by a condition on their children.
    #[arg(long = "where", value_name = "CONDITION", help_heading = "Rows")]
    pub(super) conditions: Vec<String>,
}

/// How to learn.
#[derive(Debug, Args, Default)]
pub(super) struct Learning {
    /// Most rows of a table to learn from [default: 200000].
    #[arg(long, value_name = "N", help_heading = "Learning")]
    pub(super) training_rows: Option<u64>,
    /// Generator of rows [default: relational].
    #[arg(long, value_name = "KIND", value_enum, help_heading = "Learning")]
    pub(super) generator: Option<GeneratorKind>,
    /// Most time to learn for, shared over the tables: 90s, 5m, 1h30m. The clock then decides how far each table
    /// gets, so that two runs may differ; without it they do not.
    #[arg(long, value_name = "TIME", value_parser = parse_duration, help_heading = "Learning")]
    pub(super) time_budget: Option<u64>,
    /// How links are drawn, for comparisons [default: blocks].
    #[arg(long, value_name = "METHOD", value_enum, hide = true)]
    pub(super) links: Option<LinkMethod>,
}

/// What is promised to every entity.
#[derive(Debug, Args, Default)]
pub(super) struct Promising {
    /// Learn under differential privacy: what may show of any one entity is bounded by this number, 1 to 10.
    #[arg(long, value_name = "E", help_heading = "Privacy")]
    pub(super) epsilon: Option<f64>,
    /// The chance that the bound does not hold [default: 0.000001]; well below one over the number of entities.
    #[arg(long, value_name = "D", help_heading = "Privacy")]
    pub(super) delta: Option<f64>,
    /// Fixes the noise, for tests: whoever knows the number can take it away.
    #[arg(long, value_name = "N", hide = true)]
    pub(super) noise_seed: Option<u64>,
}

/// How closely to look for traces of real rows.
#[derive(Debug, Args, Default)]
pub(super) struct Auditing {
    /// Search for traces of real rows, measured against entities that were held out [default: cheap].
    #[arg(long, value_name = "LEVEL", value_enum, help_heading = "Privacy")]
    pub(super) audit: Option<AuditLevel>,
}

/// How to run.
#[derive(Debug, Args, Default)]
pub(super) struct Running {
    /// Seed of every random choice [default: 42].
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Worker threads [default: one per core]; they do not change the result.
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<usize>,
    /// Exit with 1 if there are warnings.
    #[arg(long)]
    pub(super) strict: bool,
}

/// What to show others.
#[derive(Debug, Args, Default)]
pub(super) struct Reporting {
    /// Write a report that needs nothing but a browser: verdict, schema, charts of every column, privacy, findings.
    ///
    /// One file, readable offline. With the ending .json the same content is written as JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
}

/// How to write.
#[derive(Debug, Args, Default)]
pub(super) struct Writing {
    /// Replace tables in the target that dbsynth did not make.
    #[arg(long, help_heading = "Target")]
    pub(super) replace: bool,
    /// Do not ask before replacing something.
    #[arg(long, short, help_heading = "Target")]
    pub(super) yes: bool,
}

impl ValueEnum for AuditLevel {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Cheap, Self::Full, Self::Off]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        use clap::builder::PossibleValue;
        Some(match self {
            Self::Cheap => PossibleValue::new("cheap").help("Samples, a few seconds"),
            Self::Full => PossibleValue::new("full").help("Larger samples and one more attack"),
            Self::Off => PossibleValue::new("off").help("Nothing; no entity is held out"),
        })
    }
}

impl ValueEnum for LinkMethod {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Blocks, Self::Stubs]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Blocks => "blocks",
            Self::Stubs => "stubs",
        }))
    }
}

impl ValueEnum for GeneratorKind {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Relational, Self::Independent, Self::Flattened]
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        use clap::builder::PossibleValue;
        Some(match self {
            Self::Relational => PossibleValue::new("relational").help("Rows under their relations"),
            Self::Independent => PossibleValue::new("independent").help("Baseline: every table by itself"),
            Self::Flattened => {
                PossibleValue::new("flattened").help("Baseline: parent and child in one flat table")
            }
        })
    }
}

fn table_column(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('.') {
        Some((table, column)) if !table.is_empty() && !column.is_empty() => {
            Ok((table.to_owned(), column.to_owned()))
        }
        _ => Err("write it as TABLE.COLUMN, for example orders.status".to_owned()),
    }
}

fn table_rows(text: &str) -> Result<(String, u64), String> {
    let (table, rows) = text.rsplit_once('=').ok_or("write it as TABLE=N, for example orders=500")?;
    let rows = rows.replace('_', "").parse().map_err(|_| format!("`{rows}` is no number of rows"))?;
    if table.is_empty() { Err("no table before the `=`".to_owned()) } else { Ok((table.to_owned(), rows)) }
}
