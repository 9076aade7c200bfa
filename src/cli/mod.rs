//! Arguments, terminal, bars, exit codes: the only room that prints. Results go to stdout, all else to stderr.

mod args;
mod commands;
mod diagnostic;
mod eta;
mod flags;
mod listening;
mod memory;
mod process;
mod progress;
mod progress_json;
mod render;
mod terminal;

#[cfg(test)]
mod tests;

use std::{panic::AssertUnwindSafe, process::ExitCode};

use clap::Parser;

use crate::cli::{args::Cli, diagnostic::Diagnostic};

/// Runs `dbsynth` with the arguments of the process. Exit codes are listed in `docs/exit-codes.md`.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe (`dbsynth --help | head`) is nobody's mistake.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(diagnostic::USAGE));
        }
    };
    process::prepare(&cli);
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| commands::run(&cli)));
    let diagnostic = match outcome {
        Ok(Ok(code)) => return ExitCode::from(code),
        Ok(Err(error)) => Diagnostic::of(&error),
        Err(_) => Diagnostic::of_panic(),
    };
    terminal::error(&diagnostic.to_string());
    ExitCode::from(diagnostic.code)
}
