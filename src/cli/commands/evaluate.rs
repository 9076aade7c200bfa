//! `dbsynth evaluate REAL SYNTHETIC`.

use super::Setting;
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
    let scorecard = pipeline::evaluate(
        &real,
        &synthetic,
        holdout.as_ref(),
        &setting.config,
        &categories(&args.categorical),
    )?;
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
