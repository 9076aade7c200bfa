//! `dbsynth train SOURCE -o MODEL`.

use super::{Setting, example_target};
use crate::{
    cli::{args::TrainArgs, progress, render, terminal},
    error::Error,
    pipeline, report,
};

pub(super) fn run(args: &TrainArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    let source = setting.source(&args.source)?;
    let progress = progress::listener(setting.globals);
    let mut approved = false;
    let mut on_plan = |planned: &pipeline::Planned| {
        setting.approve(planned, true)?;
        setting.tell_resumption(planned);
        approved = true;
        Ok(())
    };
    let trained = pipeline::train(&source, &args.output, &setting.config, &mut on_plan, progress.as_ref());
    let trained = trained.inspect_err(|_| {
        if approved {
            setting.tell_left(pipeline::left_of_training(&source, &args.output, &setting.config));
        }
    })?;
    if args.json {
        terminal::result(&render::json(&trained));
    } else if let Some(audit) = &trained.audit {
        setting.say(&report::audit(audit));
    }
    if let Some(ledger) = trained.privacy.as_ref().filter(|_| !args.json) {
        setting.say(&report::promise(ledger));
    }
    let code = setting.audited(trained.audit.as_ref(), setting.conclude(&trained.findings));
    let target = example_target(source.dialect());
    setting.say(&format!("next: dbsynth generate {} {target}", args.output.display()));
    Ok(code)
}
