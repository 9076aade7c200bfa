//! `dbsynth complete SOURCE TARGET --table t --columns a,b`.

use super::Setting;
use crate::{
    cli::{args::CompleteArgs, diagnostic, progress, render, terminal},
    error::Error,
    pipeline,
    plan::explain::grouped,
};

pub(super) fn run(args: &CompleteArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    let source = setting.source(&args.source)?;
    let target = setting.target(&args.target)?;
    if !args.copy_real_rows {
        return Err(Error::RealRows { source_name: source.to_string(), target: target.to_string() });
    }
    let progress = progress::listener(setting.globals);
    let mut on_plan = |planned: &pipeline::Planned| {
        setting.say("the real rows of the source are copied into the target");
        setting.approve(planned, args.writing.yes)
    };
    let what = (args.table.as_str(), args.columns.as_slice());
    let run = pipeline::complete((&source, &target), what, &setting.config, &mut on_plan, progress.as_ref())?;
    if args.json {
        terminal::result(&render::json(&run));
    } else {
        terminal::result(&render::summary(&run));
        for column in &run.filled {
            let all = grouped(column.filled + column.left);
            let filled = grouped(column.filled);
            terminal::result(&format!("{}.{}: {filled} of {all} nulls filled", column.table, column.column));
        }
    }
    let code = setting.conclude(&run.findings);
    Ok(if run.proof.violations() > 0 { diagnostic::FINDINGS } else { code })
}
