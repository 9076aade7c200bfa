//! `dbsynth generate MODEL TARGET`.

use super::{Setting, report, shown};
use crate::{
    cli::{args::GenerateArgs, progress},
    error::Error,
    files::how_to_load,
    pipeline,
};

pub(super) fn run(args: &GenerateArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    let progress = progress::listener(setting.globals);
    let progress = progress.as_ref();
    let (mut known, mut engine) = (None, None);
    let mut on_plan = |planned: &pipeline::Planned| {
        known = args.reporting.report.as_ref().map(|_| planned.clone());
        engine = Some(planned.schema.dialect);
        setting.approve(planned, args.writing.yes)
    };
    let (run, written) = if let Some(folder) = setting.folder(&args.target, args.filing.format)? {
        let run = pipeline::generate_files(&args.model, folder, &setting.config, &mut on_plan, progress)?;
        (run, args.target.clone())
    } else {
        let target = setting.target(&args.target)?;
        let run = pipeline::generate(&args.model, &target, &setting.config, &mut on_plan, progress)?;
        (run, shown(&args.target, &target))
    };
    let report = report::of_run("generate", (None, written.clone()), &run, known.as_ref(), &setting.config);
    let next = match (&run.files, engine) {
        (Some(made), Some(engine)) => how_to_load(engine, made.format, &args.target),
        _ => format!("dbsynth verify {written}"),
    };
    report::tell(&run, &report, (args.json, args.reporting.report.as_deref()), &next, setting)
}
