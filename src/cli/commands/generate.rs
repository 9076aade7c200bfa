//! `dbsynth generate MODEL TARGET`.

use super::{Setting, report, shown};
use crate::{
    cli::{args::GenerateArgs, progress},
    error::Error,
    pipeline,
};

pub(super) fn run(args: &GenerateArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    let target = setting.target(&args.target)?;
    let progress = progress::listener(setting.globals);
    let mut known = None;
    let mut on_plan = |planned: &pipeline::Planned| {
        known = args.reporting.report.as_ref().map(|_| planned.clone());
        setting.approve(planned, args.writing.yes)
    };
    let run = pipeline::generate(&args.model, &target, &setting.config, &mut on_plan, progress.as_ref())?;
    let ends = (None, shown(&args.target, &target));
    let report = report::of_run("generate", ends, &run, known.as_ref(), &setting.config);
    let next = format!("dbsynth verify {}", shown(&args.target, &target));
    report::tell(&run, &report, (args.json, args.reporting.report.as_deref()), &next, setting)
}
