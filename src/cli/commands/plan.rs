//! `dbsynth plan SOURCE`.

use super::{Setting, example_target, shown};
use crate::{
    cli::{args::PlanArgs, render, terminal},
    error::Error,
    pipeline,
};

pub(super) fn run(args: &PlanArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    let source = setting.source(&args.source)?;
    let planned = if args.rules {
        pipeline::plan_with_rules(&source, &setting.config)?
    } else {
        pipeline::plan(&source, &setting.config)?
    };
    let explanation = render::explanation(&planned);
    terminal::result(&if args.json {
        render::json(&render::PlanWithRules {
            explanation: &explanation,
            rules: &planned.rules,
            around: &planned.around,
            memory: planned.memory,
        })
    } else if args.mermaid {
        explanation.mermaid()
    } else {
        explanation.text()
            + &render::rules(&planned.rules)
            + &render::intended(&planned.around)
            + &render::memory(planned.memory)
    });
    setting.say_budget();
    let code = setting.conclude(&planned.findings);
    let target = example_target(source.dialect());
    setting.say(&format!("next: dbsynth clone {} {target}", shown(&args.source, &source)));
    Ok(code)
}
