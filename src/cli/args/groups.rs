//! Groups of flags that several commands share.

use std::path::PathBuf;

use clap::Args;

use super::values::table_rows;
use crate::config::{
    AuditLevel, FileFormat, GeneratorKind, LinkMethod, OnDrift, SchemaMode, StateFolder, Throttle,
    parse_bytes, parse_duration,
};
use crate::sample::Shard;

/// Which tables.
#[derive(Debug, Args, Default)]
pub(in crate::cli) struct Selection {
    /// Only these tables; `*` stands for any characters.
    #[arg(long, value_name = "A,B", value_delimiter = ',', help_heading = "Tables")]
    pub(in crate::cli) tables: Vec<String>,
    /// Not these tables.
    #[arg(long, value_name = "A,B", value_delimiter = ',', help_heading = "Tables")]
    pub(in crate::cli) exclude: Vec<String>,
}

/// How many rows.
#[derive(Debug, Args, Default)]
pub(in crate::cli) struct Amount {
    /// Synthetic rows per real row [default: 1].
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true, help_heading = "Rows")]
    pub(in crate::cli) scale: Option<f64>,
    /// Rows of one table, instead of the scale; may be repeated.
    #[arg(long, value_name = "TABLE=N", value_parser = table_rows, help_heading = "Rows")]
    pub(in crate::cli) rows: Vec<(String, u64)>,
}

/// What the rows must meet.
#[derive(Debug, Args, Default)]
pub(in crate::cli) struct Conditions {
    /// Generate rows of a table under a condition; may be repeated: --where 'customers.country = "IT"'.
    ///
    /// Understood are =, <>, <, <=, >, >=, IN (…), BETWEEN, IS NULL and IS NOT NULL between a column and literals,
    /// joined by AND on one table. Columns that hang together with the condition follow it, and children follow
    /// their parents; parents are not chosen by a condition on their children.
    #[arg(long = "where", value_name = "CONDITION", help_heading = "Rows")]
    pub(in crate::cli) conditions: Vec<String>,
}

/// How to learn.
#[derive(Debug, Args, Default)]
pub(in crate::cli) struct Learning {
    /// Most rows of a table to learn from [default: 200000].
    #[arg(long, value_name = "N", help_heading = "Learning")]
    pub(in crate::cli) training_rows: Option<u64>,
    /// Generator of rows [default: relational].
    #[arg(long, value_name = "KIND", value_enum, help_heading = "Learning")]
    pub(in crate::cli) generator: Option<GeneratorKind>,
    /// Most time to learn for, shared over the tables: 90s, 5m, 1h30m. The clock then decides how far each table
    /// gets, so that two runs may differ; without it they do not.
    #[arg(long, value_name = "TIME", value_parser = parse_duration, help_heading = "Learning")]
    pub(in crate::cli) time_budget: Option<u64>,
    /// How links are drawn, for comparisons [default: blocks].
    #[arg(long, value_name = "METHOD", value_enum, hide = true)]
    pub(in crate::cli) links: Option<LinkMethod>,
}

/// What is promised to every entity.
#[derive(Debug, Args, Default)]
pub(in crate::cli) struct Promising {
    /// Learn under differential privacy: what may show of any one entity is bounded by this number, 1 to 10.
    #[arg(allow_negative_numbers = true, long, value_name = "E", help_heading = "Privacy")]
    pub(in crate::cli) epsilon: Option<f64>,
    /// The chance that the bound does not hold [default: 0.000001]; well below one over the number of entities.
    #[arg(allow_negative_numbers = true, long, value_name = "D", help_heading = "Privacy")]
    pub(in crate::cli) delta: Option<f64>,
    /// Fixes the noise, for tests: whoever knows the number can take it away.
    #[arg(long, value_name = "N", hide = true)]
    pub(in crate::cli) noise_seed: Option<u64>,
}

/// How closely to look for traces of real rows.
#[derive(Debug, Args, Default)]
pub(in crate::cli) struct Auditing {
    /// Search for traces of real rows, measured against entities that were held out [default: cheap].
    #[arg(long, value_name = "LEVEL", value_enum, help_heading = "Privacy")]
    pub(in crate::cli) audit: Option<AuditLevel>,
}

/// How to run.
#[derive(Debug, Args, Default)]
pub(in crate::cli) struct Running {
    /// Seed of every random choice [default: 42].
    #[arg(long, value_name = "N")]
    pub(in crate::cli) seed: Option<u64>,
    /// Worker threads [default: one per core]; they do not change the result.
    #[arg(long, value_name = "N")]
    pub(in crate::cli) threads: Option<usize>,
    /// Most memory that the run may use: 512M, 2G.
    ///
    /// Fewer rows are learned from, if need be, and a run that would hold more ends before the system ends it.
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub(in crate::cli) memory: Option<u64>,
    /// Exit with 1 if there are warnings.
    #[arg(long)]
    pub(in crate::cli) strict: bool,
}

/// How to read the source.
#[derive(Debug, Args, Default)]
pub(in crate::cli) struct Reading {
    /// Most that is read of the source in a second: 50000rows/s, 20MB/s.
    #[arg(long, value_name = "RATE", value_parser = Throttle::parse, help_heading = "Source")]
    pub(in crate::cli) throttle: Option<Throttle>,
    /// Most connections to the source at a time.
    #[arg(long, value_name = "N", help_heading = "Source")]
    pub(in crate::cli) max_connections: Option<u32>,
    /// Print every statement that runs on the source, to stderr.
    #[arg(long, help_heading = "Source")]
    pub(in crate::cli) show_sql: bool,
}

/// How a run that fails is taken up.
#[derive(Debug, Args, Default)]
pub(in crate::cli) struct Resuming {
    /// Take up what an unfinished run of the same databases has learned; without one, start as ever.
    #[arg(long, help_heading = "Failed runs")]
    pub(in crate::cli) resume: bool,
    /// Folder where what is learned is kept until the run is done [default: of the user]; off keeps nothing.
    #[arg(long, value_name = "DIR", value_parser = StateFolder::parse, help_heading = "Failed runs")]
    pub(in crate::cli) state: Option<StateFolder>,
}

/// What to show others.
#[derive(Debug, Args, Default)]
pub(in crate::cli) struct Reporting {
    /// Write a report that needs nothing but a browser: verdict, schema, charts of every column, privacy, findings.
    ///
    /// One file, readable offline. With the ending .json the same content is written as JSON.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) report: Option<PathBuf>,
}

/// What to write instead of a database.
#[derive(Debug, Args, Default)]
pub(in crate::cli) struct Filing {
    /// Write a folder of files instead of a database: parquet or csv (a file per table), sql (one script).
    ///
    /// A folder that dbsynth did not make is left alone unless --replace is given.
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = "Target")]
    pub(in crate::cli) format: Option<FileFormat>,
}

/// A share of a generation.
#[derive(Debug, Args, Default)]
pub(in crate::cli) struct Sharding {
    /// Generate one of N shares, for N processes that see one folder: 3/16. The last one to be ready writes the target.
    ///
    /// K counts from 1 to N, or from 0 to N-1. All shares together are the rows of one process. A share that is there
    /// already is not generated again.
    #[arg(long, value_name = "K/N", help_heading = "Shards")]
    pub(in crate::cli) shard: Option<Shard>,
    /// Folder in which the shares meet [default: MODEL.parts].
    #[arg(long, value_name = "DIR", requires = "shard", help_heading = "Shards")]
    pub(in crate::cli) parts: Option<PathBuf>,
}

/// How to write.
#[derive(Debug, Args, Default)]
pub(in crate::cli) struct Writing {
    /// What may be done with a target that holds something [default: swap].
    #[arg(long, value_name = "MODE", value_enum, help_heading = "Target")]
    pub(in crate::cli) schema_mode: Option<SchemaMode>,
    /// Replace tables in the target that dbsynth did not make: short for --schema-mode replace.
    #[arg(long, conflicts_with = "schema_mode", help_heading = "Target")]
    pub(in crate::cli) replace: bool,
    /// Do not ask before replacing something. Where nobody can be asked, what dbsynth did not make is replaced only
    /// with this flag.
    #[arg(long, short, help_heading = "Target")]
    pub(in crate::cli) yes: bool,
    /// Keep what was built if the run fails, and say its name (MySQL, MariaDB, SQLite).
    #[arg(long, help_heading = "Target")]
    pub(in crate::cli) keep_failed: bool,
    /// What to do if the schema has changed since the last run into this target [default: report].
    #[arg(long, value_name = "WHAT", value_enum, help_heading = "Target")]
    pub(in crate::cli) on_drift: Option<OnDrift>,
}
