//! `dbsynth clone SOURCE TARGET`.

use super::{Setting, shown};
use crate::{
    cli::{args::CloneArgs, diagnostic, progress, render, terminal},
    error::Error,
    pipeline,
};

pub(super) fn run(args: &CloneArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    let source = setting.source(&args.source)?;
    let target = setting.target(&args.target)?;
    let progress = progress::listener(setting.globals);
    let mut on_plan = |planned: &pipeline::Planned| setting.approve(planned, args.writing.yes);
    let run = pipeline::clone(&source, &target, &setting.config, &mut on_plan, progress.as_ref())?;
    terminal::result(&if args.json { render::json(&run) } else { render::summary(&run) });
    let code = setting.conclude(&run.findings);
    if run.proof.violations() > 0 {
        return Ok(diagnostic::FINDINGS);
    }
    let code = setting.audited(run.audit.as_ref(), code);
    let (real, synthetic) = (shown(&args.source, &source), shown(&args.target, &target));
    setting.say(&format!("next: dbsynth evaluate {real} {synthetic}"));
    Ok(code)
}
