//! `dbsynth verify TARGET`.

use super::Setting;
use crate::{
    cli::{args::VerifyArgs, diagnostic, render, terminal},
    error::Error,
    pipeline,
    report::text,
};

pub(super) fn run(args: &VerifyArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    let target = setting.written(&args.target)?;
    let (proof, findings) = pipeline::verify(&target)?;
    terminal::result(&if args.json { render::json(&proof) } else { text::proof(&proof) });
    let code = setting.conclude(&findings);
    Ok(if proof.violations() > 0 { diagnostic::FINDINGS } else { code })
}
