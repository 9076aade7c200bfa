//! `dbsynth generate MODEL TARGET`.

use super::{Setting, report, shown};
use crate::{
    cli::{args::GenerateArgs, diagnostic, progress, render, terminal},
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
    terminal::result(&match &args.reporting.report {
        _ if !args.json => render::summary(&run),
        Some(_) => render::json(&report),
        None => render::json(&run),
    });
    if let Some(path) = &args.reporting.report {
        report::write(path, &report, setting)?;
    }
    let code = setting.conclude(&run.findings);
    if run.proof.violations() > 0 {
        return Ok(diagnostic::FINDINGS);
    }
    let code = setting.audited(run.audit.as_ref(), code);
    setting.say(&format!("next: dbsynth verify {}", shown(&args.target, &target)));
    Ok(code)
}
