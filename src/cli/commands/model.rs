//! `dbsynth model inspect MODEL`.

use super::Setting;
use crate::{
    cli::{
        args::{ModelArgs, ModelCommand},
        render, terminal,
    },
    error::Error,
    pipeline, report,
};

pub(super) fn run(args: &ModelArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    let ModelCommand::Inspect(args) = &args.command;
    let contents = pipeline::model_contents(&args.model)?;
    terminal::result(&if args.json { render::json(&contents) } else { report::model::contents(&contents) });
    Ok(setting.conclude(&[]))
}
