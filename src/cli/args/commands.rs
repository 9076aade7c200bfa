//! What each command takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{
    groups::{
        Amount, Auditing, Conditions, Filing, Learning, Promising, Reading, Reporting, Resuming, Running,
        Selection, Sharding, Writing,
    },
    values::table_column,
};
use crate::config::{parse_bytes, parse_duration};

#[derive(Debug, Args)]
pub(in crate::cli) struct CloneArgs {
    /// Database to learn from: URL or name. It is only ever read.
    pub(in crate::cli) source: String,
    /// Database to write: URL or name; with --format, a folder.
    pub(in crate::cli) target: String,
    #[command(flatten)]
    pub(in crate::cli) filing: Filing,
    #[command(flatten)]
    pub(in crate::cli) selection: Selection,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    #[command(flatten)]
    pub(in crate::cli) amount: Amount,
    #[command(flatten)]
    pub(in crate::cli) conditions: Conditions,
    #[command(flatten)]
    pub(in crate::cli) learning: Learning,
    #[command(flatten)]
    pub(in crate::cli) promising: Promising,
    #[command(flatten)]
    pub(in crate::cli) auditing: Auditing,
    #[command(flatten)]
    pub(in crate::cli) running: Running,
    #[command(flatten)]
    pub(in crate::cli) resuming: Resuming,
    #[command(flatten)]
    pub(in crate::cli) writing: Writing,
    #[command(flatten)]
    pub(in crate::cli) reporting: Reporting,
    /// Print the result as JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct InitArgs {
    /// Database to describe: URL or name.
    pub(in crate::cli) source: String,
    /// Overwrite a file that is there.
    #[arg(long)]
    pub(in crate::cli) force: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct PlanArgs {
    /// Database to plan for: URL or name.
    pub(in crate::cli) source: String,
    #[command(flatten)]
    pub(in crate::cli) selection: Selection,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    #[command(flatten)]
    pub(in crate::cli) amount: Amount,
    #[command(flatten)]
    pub(in crate::cli) promising: Promising,
    /// Also read the rows and show the relations found in them, which a clone keeps.
    #[arg(long, conflicts_with = "mermaid")]
    pub(in crate::cli) rules: bool,
    /// Most memory that a run may use: 512M, 2G.
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub(in crate::cli) memory: Option<u64>,
    /// Exit with 1 if there are warnings.
    #[arg(long)]
    pub(in crate::cli) strict: bool,
    /// Print the plan as JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// Print the plan as a Mermaid flowchart.
    #[arg(long, conflicts_with = "json")]
    pub(in crate::cli) mermaid: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TrainArgs {
    /// Database to learn from: URL or name. It is only ever read.
    pub(in crate::cli) source: String,
    /// Model file to write.
    #[arg(long, short, value_name = "MODEL", default_value = "model.dbsynth")]
    pub(in crate::cli) output: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) selection: Selection,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    #[command(flatten)]
    pub(in crate::cli) learning: Learning,
    #[command(flatten)]
    pub(in crate::cli) promising: Promising,
    #[command(flatten)]
    pub(in crate::cli) auditing: Auditing,
    #[command(flatten)]
    pub(in crate::cli) running: Running,
    #[command(flatten)]
    pub(in crate::cli) resuming: Resuming,
    /// Print the audit and the findings as JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct GenerateArgs {
    /// Model file to generate from.
    pub(in crate::cli) model: PathBuf,
    /// Database to write: URL or name; with --format, a folder.
    pub(in crate::cli) target: String,
    #[command(flatten)]
    pub(in crate::cli) filing: Filing,
    #[command(flatten)]
    pub(in crate::cli) amount: Amount,
    #[command(flatten)]
    pub(in crate::cli) conditions: Conditions,
    #[command(flatten)]
    pub(in crate::cli) running: Running,
    #[command(flatten)]
    pub(in crate::cli) sharding: Sharding,
    #[command(flatten)]
    pub(in crate::cli) writing: Writing,
    #[command(flatten)]
    pub(in crate::cli) reporting: Reporting,
    /// Print the result as JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CompleteArgs {
    /// Database to copy: URL or name. It is only ever read.
    pub(in crate::cli) source: String,
    /// Database to write: URL or name.
    pub(in crate::cli) target: String,
    /// Table with nulls to fill.
    #[arg(long, value_name = "TABLE")]
    pub(in crate::cli) table: String,
    /// Columns whose nulls are filled.
    #[arg(long, value_name = "A,B", value_delimiter = ',', required = true)]
    pub(in crate::cli) columns: Vec<String>,
    /// Yes, real rows may be copied into the target.
    #[arg(long)]
    pub(in crate::cli) copy_real_rows: bool,
    /// Most time to learn for: 90s, 5m, 1h30m.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(in crate::cli) time_budget: Option<u64>,
    #[command(flatten)]
    pub(in crate::cli) selection: Selection,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    #[command(flatten)]
    pub(in crate::cli) running: Running,
    #[command(flatten)]
    pub(in crate::cli) writing: Writing,
    /// Print the result as JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct VerifyArgs {
    /// Database to check: URL or name. It is only read.
    pub(in crate::cli) target: String,
    /// Also compare the schema with this database's: URL or name. It is only ever read.
    #[arg(long, value_name = "SOURCE")]
    pub(in crate::cli) source: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) selection: Selection,
    /// Exit with 1 if there are warnings.
    #[arg(long)]
    pub(in crate::cli) strict: bool,
    /// Print the proof as JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct EvaluateArgs {
    /// The real database: URL or name.
    pub(in crate::cli) real: String,
    /// The synthetic database: URL or name.
    pub(in crate::cli) synthetic: String,
    /// Real rows the model never saw, to calibrate the scores.
    #[arg(long, value_name = "DB")]
    pub(in crate::cli) holdout: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) auditing: Auditing,
    /// Columns to compare as categories whatever their type, such as integer codes.
    #[arg(long, value_name = "TABLE.COLUMN,…", value_delimiter = ',', value_parser = table_column)]
    pub(in crate::cli) categorical: Vec<(String, String)>,
    #[command(flatten)]
    pub(in crate::cli) selection: Selection,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    /// Seed of every random choice.
    #[arg(long, value_name = "N")]
    pub(in crate::cli) seed: Option<u64>,
    /// Worker threads [default: one per core].
    #[arg(long, value_name = "N")]
    pub(in crate::cli) threads: Option<usize>,
    #[command(flatten)]
    pub(in crate::cli) reporting: Reporting,
    /// Print the scores as JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct InspectArgs {
    /// Database (URL or name) or model file.
    #[arg(value_name = "SOURCE|MODEL")]
    pub(in crate::cli) what: String,
    #[command(flatten)]
    pub(in crate::cli) selection: Selection,
    #[command(flatten)]
    pub(in crate::cli) reading: Reading,
    /// Of a database, also read the rows and show the relations found in them. A model file always shows its own.
    #[arg(long)]
    pub(in crate::cli) rules: bool,
    /// Show how every column will be made and what is lost: learned by which codec, written by which meaning, copied …
    /// Of a database, this reads the rows, but learns nothing.
    #[arg(long)]
    pub(in crate::cli) coverage: bool,
    /// Print it as JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ModelArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: ModelCommand,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ModelCommand {
    /// List every value of the source that a model file holds, with the number of entities that share it.
    Inspect(ModelInspectArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ModelInspectArgs {
    /// Model file.
    pub(in crate::cli) model: PathBuf,
    /// Print it as JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CompletionsArgs {
    /// The shell.
    pub(in crate::cli) shell: clap_complete::Shell,
}
