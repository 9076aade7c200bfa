//! `dbsynth verify TARGET [--source SOURCE]`.

use super::Setting;
use crate::{
    cli::{args::VerifyArgs, diagnostic, render, terminal},
    error::Error,
    pipeline,
    verify::SchemaComparison,
};

pub(super) fn run(args: &VerifyArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    let target = setting.written(&args.target)?;
    let source = args.source.as_deref().map(|source| setting.source(source)).transpose()?;
    let verified = pipeline::verify(&target, source.as_ref(), &setting.config)?;
    terminal::result(&if args.json { render::json(&verified) } else { render::verified(&verified) });
    let code = setting.conclude(&verified.findings);
    let lost = verified.schema.as_ref().map_or(0, SchemaComparison::failures);
    Ok(if verified.proof.violations() > 0 || lost > 0 { diagnostic::FINDINGS } else { code })
}
