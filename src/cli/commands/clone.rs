//! `dbsynth clone SOURCE TARGET`.

use super::{Setting, report, shown};
use crate::{
    cli::{args::CloneArgs, progress},
    error::Error,
    files::how_to_load,
    pipeline,
};

pub(super) fn run(args: &CloneArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    let source = setting.source(&args.source)?;
    let folder = setting.folder(&args.target, args.filing.format)?;
    let target = match folder {
        Some(_) => None,
        None => Some(setting.target(&args.target)?),
    };
    let progress = progress::listener(setting.globals);
    let progress = progress.as_ref();
    let mut known = None;
    let mut approved = false;
    let mut on_plan = |planned: &pipeline::Planned| {
        known = args.reporting.report.as_ref().map(|_| planned.clone());
        setting.approve(planned, args.writing.yes)?;
        setting.tell_resumption(planned);
        approved = true;
        Ok(())
    };
    let run = match (folder, &target) {
        (Some(folder), _) => pipeline::clone_files(&source, folder, &setting.config, &mut on_plan, progress),
        (None, Some(target)) => pipeline::clone(&source, target, &setting.config, &mut on_plan, progress),
        (None, None) => return Err(Error::Usage("no target".to_owned())),
    };
    let run = run.inspect_err(|_| {
        if approved {
            setting.tell_left(match (folder, &target) {
                (None, Some(target)) => pipeline::left_of_clone(&source, target, &setting.config),
                _ => pipeline::left_of_training(&source, args.target.as_ref(), &setting.config),
            });
        }
    })?;
    let written = target.as_ref().map_or_else(|| args.target.clone(), |url| shown(&args.target, url));
    let names = (shown(&args.source, &source), written);
    let ends = (Some(names.0.clone()), names.1.clone());
    let report = report::of_run("clone", ends, &run, known.as_ref(), &setting.config);
    let next = match &run.files {
        Some(made) => how_to_load(source.dialect(), made.format, &args.target),
        None => format!("dbsynth evaluate {} {}", names.0, names.1),
    };
    report::tell(&run, &report, (args.json, args.reporting.report.as_deref()), &next, setting)
}
