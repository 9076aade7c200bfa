//! The process itself: its environment, threads' number, interrupt and log.

use std::process::Command;

use crate::{
    cli::{
        args::{Cli, LogFormat},
        diagnostic, listening, terminal,
    },
    config::environment,
    progress,
};

/// The variable that marks a process whose environment is as we need it.
const CANDLE_THREADS: &str = "CANDLE_NUM_THREADS";

/// Prepares the process for a command. Must run before any thread is started.
pub(super) fn prepare(cli: &Cli) {
    if cli.command.computes() && environment(CANDLE_THREADS).is_none() {
        restart_single_threaded_ops();
    }
    terminal::speak_json(cli.globals.log_format == Some(LogFormat::Json));
    listening::start(&cli.globals, cli.command.shows_sql());
    let handler = || {
        if progress::interrupted() || terminal::is_asking() {
            std::process::exit(i32::from(diagnostic::INTERRUPTED));
        }
        progress::interrupt();
        terminal::say("stopping at the next safe point; once more to stop at once");
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        tracing::warn!(%error, "ctrl-c is not handled");
    }
}

/// Restarts this process with tensor operations on one thread each.
///
/// candle's own pool spins, which makes training two to three times slower on a machine that does anything else;
/// we run tables side by side instead. It reads its setting from the environment only, and a process cannot set its
/// own environment safely. Where the process cannot be replaced the command runs on as it is, only slower.
fn restart_single_threaded_ops() {
    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let name = arguments.next();
    let mut command = Command::new(program);
    command.args(arguments).env(CANDLE_THREADS, "1").env("RAYON_NUM_THREADS", "1");
    replace_process(command, name);
}

#[cfg(unix)]
fn replace_process(mut command: Command, name: Option<std::ffi::OsString>) {
    use std::os::unix::process::CommandExt;

    if let Some(name) = name {
        command.arg0(name);
    }
    // Returns only if it failed; process id, signals and exit code are those of the new image.
    let _ = command.exec();
}

#[cfg(not(unix))]
fn replace_process(mut command: Command, _name: Option<std::ffi::OsString>) {
    // Both processes get the console's ctrl-c; the parent must outlive it to pass the exit code on.
    let _ = ctrlc::set_handler(|| {});
    if let Ok(status) = command.status() {
        std::process::exit(status.code().unwrap_or(i32::from(diagnostic::INTERNAL)));
    }
}

/// Sets the number of workers: `RAYON_NUM_THREADS` is 1 by now, for candle's sake.
pub(super) fn start_workers(threads: Option<usize>) {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.unwrap_or_else(cores);
    if let Err(error) = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global() {
        tracing::warn!(%error, threads, "the number of workers stays as it is");
    }
}
