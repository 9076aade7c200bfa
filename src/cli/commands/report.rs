//! `--report FILE`: the artefact of a run.

use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};

use super::Setting;
use crate::{
    cli::{diagnostic, render, terminal},
    config::{Config, environment},
    error::Error,
    pipeline::{Examined, Planned, RunSummary, TableRule},
    report::{FoundRule, Measured, Report, RunFacts, RunSetting, html},
    schema::DialectName,
};

/// Refuses a file that could not be written, before an hour of work.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    let shown = path.display();
    if !is_json(path) && !has_ending(path, &["html", "htm"]) {
        return Err(Error::Usage(format!("--report {shown}: the ending must be .html or .json")));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(Error::Usage(format!("--report {shown}: there is no such folder")));
    }
    Ok(())
}

fn is_json(path: &Path) -> bool {
    has_ending(path, &["json"])
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension().is_some_and(|known| endings.iter().any(|ending| known.eq_ignore_ascii_case(ending)))
}

/// Writes a report as its file's ending says.
pub(super) fn write(path: &Path, report: &Report<'_>, setting: &Setting<'_>) -> Result<(), Error> {
    let text = if is_json(path) { render::json(report) } else { html::page(report) };
    std::fs::write(path, text).map_err(|source| Error::File {
        action: "write",
        path: path.display().to_string(),
        source,
    })?;
    setting.say(&format!("report: {}", path.display()));
    Ok(())
}

/// Shows what became of a run that wrote a database, writes its report where one is wanted, and says what to try next.
/// Returns the exit code.
pub(super) fn tell(
    run: &RunSummary,
    report: &Report<'_>,
    (json, path): (bool, Option<&Path>),
    next: &str,
    setting: &Setting<'_>,
) -> Result<u8, Error> {
    terminal::result(&match path {
        _ if !json => render::summary(run),
        Some(_) => render::json(report),
        None => render::json(run),
    });
    if let Some(path) = path {
        write(path, report, setting)?;
    }
    let code = setting.conclude(&run.findings);
    if run.proof.violations() > 0 {
        return Ok(diagnostic::FINDINGS);
    }
    if let Some(reason) = &run.around.failed_hook {
        terminal::error(&format!("error: {reason}\nhint: the new copy is in its place"));
        return Ok(diagnostic::HOOK);
    }
    let code = setting.audited(run.audit.as_ref(), code);
    setting.say(&format!("next: {next}"));
    Ok(code)
}

/// The report of a run that wrote a database.
pub(super) fn of_run<'a>(
    command: &str,
    (source, target): (Option<String>, String),
    run: &'a RunSummary,
    planned: Option<&Planned>,
    config: &Config,
) -> Report<'a> {
    let evidence = run.evidence.as_ref();
    let measured = Measured {
        load: Some(&run.load),
        // Nobody judged the rows of a folder.
        proof: run.files.is_none().then_some(&run.proof),
        schema: run.schema.as_ref(),
        scorecard: evidence.and_then(|evidence| evidence.scorecard.as_ref()),
        figures: evidence.and_then(|evidence| evidence.figures.as_ref()),
        audit: run.audit.as_ref(),
        promise: run.privacy.as_ref(),
    };
    let rules = evidence.map_or_else(Vec::new, |evidence| found(&evidence.rules));
    let facts = facts(command, (source, target), planned, config);
    Report::new(facts, planned.map(render::explanation), measured, rules, &run.findings)
}

/// The report of two databases that are there already.
pub(super) fn of_databases<'a>(
    (real, synthetic): (String, String),
    examined: &'a Examined,
    config: &Config,
) -> Report<'a> {
    let Examined { planned, verified, evidence, findings } = examined;
    let measured = Measured {
        load: None,
        proof: Some(&verified.proof),
        schema: verified.schema.as_ref(),
        scorecard: evidence.scorecard.as_ref(),
        figures: evidence.figures.as_ref(),
        audit: evidence.scorecard.as_ref().and_then(|card| card.audit.as_ref()),
        promise: None,
    };
    let facts = facts("evaluate", (Some(real), synthetic), Some(planned), config);
    Report::new(facts, Some(render::explanation(planned)), measured, found(&evidence.rules), findings)
}

fn found(rules: &[TableRule]) -> Vec<FoundRule> {
    rules.iter().map(|rule| FoundRule { table: rule.table.clone(), rule: rule.rule.clone() }).collect()
}

fn facts(
    command: &str,
    (source, target): (Option<String>, String),
    planned: Option<&Planned>,
    config: &Config,
) -> RunFacts {
    let mut settings = Vec::new();
    let mut add = |name: &str, value: String| settings.push(RunSetting { name: name.to_owned(), value });
    add("dbsynth", env!("CARGO_PKG_VERSION").to_owned());
    add("Command", command.to_owned());
    if let Some(planned) = planned {
        add("Engine", engine(planned.schema.dialect).to_owned());
        add("Tables", planned.schema.tables.len().to_string());
    }
    add("Seed", config.seed.0.to_string());
    add("Entities that must share a value (k)", config.privacy.k.to_string());
    if command != "evaluate" {
        add("Scale", config.scale.to_string());
        if !config.conditions.is_empty() {
            // Their texts may name values.
            add("Conditions on rows", config.conditions.len().to_string());
        }
    }
    if command == "clone" {
        let generator = serde_json::to_value(config.generator).ok();
        let generator = generator.as_ref().and_then(|word| word.as_str()).unwrap_or_default().to_owned();
        add("Generator", generator);
        add("Most rows learnt from per table", config.training_rows.to_string());
        let budget = config.time_budget.map(|seconds| format!("{seconds} s"));
        add("Time budget for learning", budget.unwrap_or_else(|| "none".to_owned()));
    }
    let chosen = |names: &[String]| names.join(", ");
    if !config.only_tables.is_empty() {
        add("Only these tables", chosen(&config.only_tables));
    }
    if !config.exclude_tables.is_empty() {
        add("Not these tables", chosen(&config.exclude_tables));
    }
    RunFacts { command: command.to_owned(), source, target, written: Some(now()), settings }
}

fn engine(dialect: DialectName) -> &'static str {
    match dialect {
        DialectName::Postgres => "PostgreSQL",
        DialectName::MySql => "MySQL or MariaDB",
        DialectName::Sqlite => "SQLite",
    }
}

/// The time, or the one that `SOURCE_DATE_EPOCH` names, so that a report can be made again byte by byte.
/// Source: <https://reproducible-builds.org/specs/source-date-epoch/>.
#[expect(clippy::disallowed_methods, reason = "no stage: a report says when it was written")]
fn now() -> String {
    let said = environment("SOURCE_DATE_EPOCH").and_then(|seconds| seconds.trim().parse().ok());
    let moment = said.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let moment: DateTime<Utc> = moment.unwrap_or_else(|| std::time::SystemTime::now().into());
    moment.to_rfc3339_opts(SecondsFormat::Secs, true).replace('T', " ").replace('Z', " UTC")
}
