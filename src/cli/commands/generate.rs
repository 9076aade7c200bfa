//! `dbsynth generate MODEL TARGET`.

use super::{Setting, report, shown};
use crate::{
    cli::{args::GenerateArgs, progress, render, terminal},
    error::Error,
    files::how_to_load,
    pipeline::{self, RunSummary, Share, Shared},
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
    let share = args.sharding.shard.map(|shard| Share { shard, parts: args.sharding.parts.as_deref() });
    let (model, config) = (&args.model, &setting.config);
    let (shared, written) = if let Some(folder) = setting.folder(&args.target, args.filing.format)? {
        let on_plan = &mut on_plan;
        let shared = match share {
            Some(share) => pipeline::generate_files_shard(model, folder, share, config, on_plan, progress)?,
            None => whole(pipeline::generate_files(model, folder, config, on_plan, progress)?),
        };
        (shared, args.target.clone())
    } else {
        let target = setting.target(&args.target)?;
        let on_plan = &mut on_plan;
        let shared = match share {
            Some(share) => pipeline::generate_shard(model, &target, share, config, on_plan, progress)?,
            None => whole(pipeline::generate(model, &target, config, on_plan, progress)?),
        };
        (shared, shown(&args.target, &target))
    };
    let run = match shared {
        Shared::Written(run) => *run,
        Shared::Kept(part) => {
            terminal::result(&if args.json {
                render::json(&part)
            } else {
                render::kept_part(&part, &written)
            });
            return Ok(0);
        }
    };
    let report = report::of_run("generate", (None, written.clone()), &run, known.as_ref(), &setting.config);
    let next = match (&run.files, engine) {
        (Some(made), Some(engine)) => how_to_load(engine, made.format, &args.target),
        _ => format!("dbsynth verify {written}"),
    };
    report::tell(&run, &report, (args.json, args.reporting.report.as_deref()), &next, setting)
}

fn whole(run: RunSummary) -> Shared {
    Shared::Written(Box::new(run))
}
