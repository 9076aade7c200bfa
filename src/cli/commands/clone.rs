//! `dbsynth clone SOURCE TARGET`.

use super::{Setting, report, shown};
use crate::{
    cli::{args::CloneArgs, progress},
    error::Error,
    pipeline,
};

pub(super) fn run(args: &CloneArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    let source = setting.source(&args.source)?;
    let target = setting.target(&args.target)?;
    let progress = progress::listener(setting.globals);
    let mut known = None;
    let mut approved = false;
    let mut on_plan = |planned: &pipeline::Planned| {
        known = args.reporting.report.as_ref().map(|_| planned.clone());
        setting.approve(planned, args.writing.yes)?;
        setting.tell_resumption(planned);
        approved = true;
        Ok(())
    };
    let run = pipeline::clone(&source, &target, &setting.config, &mut on_plan, progress.as_ref());
    let run = run.inspect_err(|_| {
        if approved {
            setting.tell_left(pipeline::left_of_clone(&source, &target, &setting.config));
        }
    })?;
    let names = (shown(&args.source, &source), shown(&args.target, &target));
    let ends = (Some(names.0.clone()), names.1.clone());
    let report = report::of_run("clone", ends, &run, known.as_ref(), &setting.config);
    let next = format!("dbsynth evaluate {} {}", names.0, names.1);
    report::tell(&run, &report, (args.json, args.reporting.report.as_deref()), &next, setting)
}
