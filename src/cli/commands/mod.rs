//! One file per command.

mod clone;
mod complete;
mod completions;
mod evaluate;
mod generate;
mod init;
mod inspect;
mod man;
mod model;
mod plan;
mod report;
mod train;
mod verify;

#[cfg(test)]
pub(super) use self::{init::text as synth_toml, inspect::text as inspected, man::page as manual_page};

use std::path::{Path, PathBuf};

use crate::{
    cli::{
        args::{Cli, Command, Globals},
        diagnostic, memory, process, render, terminal,
    },
    config::{Config, ConfigError, DbUrl, File, FileFormat, Privacy, environment},
    error::Error,
    evaluate::Audit,
    finding::{Finding, Severity},
    pipeline::{FolderTarget, Planned},
    privacy::Guarantee,
    report::{split, text},
    schema::DialectName,
    state::Unfinished,
};

/// The configuration file looked for.
const DEFAULT_FILE: &str = "synth.toml";

/// What every command starts from: the file, the flags over it, and how to talk.
struct Setting<'a> {
    file: File,
    config: Config,
    globals: &'a Globals,
}

/// Runs a command. Returns the exit code of a run that did not fail.
pub(super) fn run(cli: &Cli) -> Result<u8, Error> {
    match &cli.command {
        Command::Completions(args) => return Ok(completions::run(args)),
        Command::Man => return man::run(),
        _ => {}
    }
    let file = read_file(&cli.globals, &cli.command)?;
    let mut config = file.config.clone();
    if let Some(word) = cli.command.source() {
        config.source = file.access(word, &lookup);
    }
    let mut config = cli.command.overrides().apply(config)?;
    config.state = config.state.or_of_user();
    if let Some(path) = cli.command.report() {
        report::check(path)?;
    }
    memory::watch(config.memory);
    if cli.command.computes() {
        process::start_workers(config.threads);
    }
    let setting = Setting { file, config, globals: &cli.globals };
    match &cli.command {
        Command::Clone(args) => clone::run(args, &setting),
        Command::Complete(args) => complete::run(args, &setting),
        Command::Init(args) => init::run(args, &setting),
        Command::Plan(args) => plan::run(args, &setting),
        Command::Train(args) => train::run(args, &setting),
        Command::Generate(args) => generate::run(args, &setting),
        Command::Verify(args) => verify::run(args, &setting),
        Command::Evaluate(args) => evaluate::run(args, &setting),
        Command::Inspect(args) => inspect::run(args, &setting),
        Command::Model(args) => model::run(args, &setting),
        Command::Completions(_) | Command::Man => Ok(0),
    }
}

/// Reads `--config`, else `synth.toml` if there is one. `init` writes that file: a missing one is no error there.
fn read_file(globals: &Globals, command: &Command) -> Result<File, ConfigError> {
    let path = config_path(globals);
    let init = match command {
        Command::Init(args) => Some(args),
        _ => None,
    };
    if !path.exists() && (globals.config.is_none() || init.is_some()) {
        return Ok(File::default());
    }
    match File::read(&path) {
        // About to be overwritten: it may be broken.
        Err(ConfigError::Malformed(_)) if init.is_some_and(|args| args.force) => Ok(File::default()),
        read => read,
    }
}

fn config_path(globals: &Globals) -> PathBuf {
    globals.config.clone().unwrap_or_else(|| Path::new(DEFAULT_FILE).to_owned())
}

impl Setting<'_> {
    /// Says something to people, unless they want quiet.
    fn say(&self, text: &str) {
        if !self.globals.quiet {
            terminal::say(text);
        }
    }

    /// The database to read that a word means.
    fn source(&self, word: &str) -> Result<DbUrl, Error> {
        let url = self.file.source(word, &lookup)?;
        self.warn_of_password(word, &url);
        Ok(url)
    }

    /// The database to write that a word means.
    fn target(&self, word: &str) -> Result<DbUrl, Error> {
        let url = self.file.target(word, &lookup)?;
        self.warn_of_password(word, &url);
        Ok(url)
    }

    /// The database that dbsynth wrote and is now read.
    fn written(&self, word: &str) -> Result<DbUrl, Error> {
        let url = self.file.written(word, &lookup)?;
        self.warn_of_password(word, &url);
        Ok(url)
    }

    /// The folder that a word means: with a format, whatever is no URL and no name of a target.
    fn folder<'a>(&self, word: &'a str, flag: Option<FileFormat>) -> Result<Option<FolderTarget<'a>>, Error> {
        let database = self.file.names_target(word);
        if database && let Some(format) = flag {
            let format = format.word();
            return Err(Error::Usage(format!(
                "--format {format} writes a folder, and the target is a database"
            )));
        }
        let format = self.config.format.filter(|_| !database);
        Ok(format.map(|format| FolderTarget { path: Path::new(word), format }))
    }

    fn warn_of_password(&self, word: &str, url: &DbUrl) {
        if word == url.expose() && url.to_string() != word {
            self.say(
                "note: others on this machine can see a password on the command line; \
                 synth.toml can take it from the environment: url = \"${PROD_URL}\"",
            );
        }
    }

    /// Shows findings and returns the exit code they earn.
    fn conclude(&self, findings: &[Finding]) -> u8 {
        if !findings.is_empty() && !self.globals.quiet {
            render::tell_findings(findings);
        }
        let warned = findings.iter().any(|finding| finding.severity == Severity::Warning);
        if self.config.strict && warned {
            terminal::error("error: there are warnings, and --strict does not let them pass");
            return diagnostic::FINDINGS;
        }
        0
    }

    /// The exit code after an audit: a breach comes before warnings.
    fn audited(&self, audit: Option<&Audit>, code: u8) -> u8 {
        let breaches = audit.map_or(0, |audit| audit.breaches().count());
        if breaches == 0 {
            return code;
        }
        terminal::error("error: the synthetic rows tell more of real rows than [audit] allows");
        diagnostic::BREACH
    }

    /// Says what an unfinished run has left, and whether it is taken up.
    fn tell_resumption(&self, planned: &Planned) {
        match &planned.unfinished {
            Some(unfinished) => self.say(&render::unfinished(unfinished)),
            None if self.config.resume => {
                self.say("no unfinished run of these databases: nothing to take up");
            }
            None => {}
        }
    }

    /// Says what a run that failed has left.
    fn tell_left(&self, left: Option<Unfinished>) {
        if let Some(left) = left {
            let learned = render::learned(&left);
            self.say(&format!("kept: {learned}; the same command with --resume takes it up"));
        }
    }

    /// Says how the budget of differential privacy is going to be split, if there is one.
    fn say_budget(&self) {
        let Privacy { epsilon, delta, .. } = self.config.privacy;
        if let Some(epsilon) = epsilon {
            self.say(&split(Guarantee { epsilon, delta }));
        }
    }

    /// Shows the plan and asks before something is replaced.
    fn approve(&self, planned: &Planned, yes: bool) -> Result<(), Error> {
        self.say(&text::plan(&planned.schema, &planned.plan, &planned.real_rows, &planned.target_rows));
        self.say(&render::plan_in_short(planned));
        self.say_budget();
        let around = render::intended(&planned.around);
        if !around.is_empty() {
            self.say(&around);
        }
        if planned.replaces.is_empty() {
            return Ok(());
        }
        // Its own copy is replaced without a question where nobody is there to answer.
        if planned.around.removes_strangers && !yes && !terminal::can_ask() {
            return Err(Error::NobodyToAsk { tables: planned.replaces.clone() });
        }
        self.say(&format!("will be replaced in the target: {}", planned.replaces.join(", ")));
        if yes || !terminal::can_ask() || terminal::confirm("Go on?") { Ok(()) } else { Err(Error::Declined) }
    }
}

/// Looks a variable up in the environment.
fn lookup(name: &str) -> Option<String> {
    environment(name)
}

/// A word of the command line, safe to show again: a URL without its password.
fn shown(word: &str, url: &DbUrl) -> String {
    if word.contains(':') { url.to_string() } else { word.to_owned() }
}

/// A target of the same engine, to suggest.
fn example_target(dialect: DialectName) -> &'static str {
    match dialect {
        DialectName::Postgres => "postgres://localhost/synthetic",
        DialectName::MySql => "mysql://localhost/synthetic",
        DialectName::Sqlite => "sqlite:synthetic.db",
    }
}
