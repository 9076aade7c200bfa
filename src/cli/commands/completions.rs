//! `dbsynth completions SHELL`.

use clap::CommandFactory;

use crate::cli::{
    args::{Cli, CompletionsArgs},
    terminal,
};

pub(super) fn run(args: &CompletionsArgs) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "dbsynth", &mut script);
    terminal::result(&String::from_utf8_lossy(&script));
    0
}
