//! `dbsynth evaluate REAL SYNTHETIC`.

use super::{Setting, report, shown};
use crate::{
    cli::{args::EvaluateArgs, render, terminal},
    error::Error,
    evaluate::Categories,
    pipeline,
    report::text,
};

pub(super) fn run(args: &EvaluateArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    let real = setting.source(&args.real)?;
    let synthetic = setting.written(&args.synthetic)?;
    let holdout = args.holdout.as_ref().map(|word| setting.source(word)).transpose()?;
    let categories = categories(&args.categorical);
    if let Some(path) = &args.reporting.report {
        let examined = pipeline::examine(&real, &synthetic, holdout.as_ref(), &setting.config, &categories)?;
        let ends = (shown(&args.real, &real), shown(&args.synthetic, &synthetic));
        let report = report::of_databases(ends, &examined, &setting.config);
        let scores = || report.scorecard.map_or_else(String::new, text::scorecard);
        terminal::result(&if args.json { render::json(&report) } else { scores() });
        report::write(path, &report, setting)?;
        return Ok(setting.audited(report.audit, 0));
    }
    let scorecard = pipeline::evaluate(&real, &synthetic, holdout.as_ref(), &setting.config, &categories)?;
    terminal::result(&if args.json { render::json(&scorecard) } else { text::scorecard(&scorecard) });
    Ok(setting.audited(scorecard.audit.as_ref(), 0))
}

fn categories(columns: &[(String, String)]) -> Categories {
    let mut categories = Categories::new();
    for (table, column) in columns {
        categories.entry(table.clone()).or_default().insert(column.clone());
    }
    categories
}
