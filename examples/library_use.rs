//! dbsynth as a library: clones the example database and prints what was written.
//!
//! `cargo run --release --example library_use`

#![expect(clippy::result_large_err, reason = "an example runs once; the error is the library's")]

use dbsynth::{
    config::{Config, DbUrl},
    error::Error,
    pipeline,
    progress::Silent,
    report,
};

#[expect(clippy::print_stdout, reason = "an example shows its result")]
fn main() -> Result<(), Error> {
    let source = DbUrl::parse("sqlite:fixtures/chinook.sqlite")?;
    let target = DbUrl::parse("sqlite:staging.sqlite")?;
    let config = Config { scale: 0.5, ..Config::default() };

    // Called before anything is written: return an error to stop.
    let mut on_plan = |planned: &pipeline::Planned| {
        if planned.target_rows.iter().sum::<u64>() > 1_000_000 {
            return Err(Error::Usage("more rows than this example should write".to_owned()));
        }
        Ok(())
    };
    let run = pipeline::clone(&source, &target, &config, &mut on_plan, &Silent)?;

    println!("{}", report::text::summary(&run.load, &run.findings));
    println!("{}", report::text::proof(&run.proof));
    Ok(())
}
