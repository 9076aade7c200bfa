//! `dbsynth generate MODEL TARGET`.

use super::{Setting, shown};
use crate::{
    cli::{args::GenerateArgs, diagnostic, progress, render, terminal},
    error::Error,
    pipeline,
};

pub(super) fn run(args: &GenerateArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    let target = setting.target(&args.target)?;
    let progress = progress::listener(setting.globals);
    let mut on_plan = |planned: &pipeline::Planned| setting.approve(planned, args.writing.yes);
    let run = pipeline::generate(&args.model, &target, &setting.config, &mut on_plan, progress.as_ref())?;
    terminal::result(&if args.json { render::json(&run) } else { render::summary(&run) });
    let code = setting.conclude(&run.findings);
    if run.proof.violations() > 0 {
        return Ok(diagnostic::FINDINGS);
    }
    let code = setting.audited(run.audit.as_ref(), code);
    setting.say(&format!("next: dbsynth verify {}", shown(&args.target, &target)));
    Ok(code)
}
