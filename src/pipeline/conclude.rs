//! What a run tells once its rows are written.

use crate::{
    error::Error,
    evaluate::{Audit, Scorecard},
    finding::{Finding, Severity},
    load::{LoadSummary, TableLoad, Written},
    model::Model,
    pipeline::{FilledColumn, RunSummary, Surroundings, evidence::Evidence, flow::Flowed, write::Run},
    plan::target_rows,
    verify::{Proof, SchemaComparison},
};

/// What was proven of the target.
pub(super) struct Proved {
    /// Its constraints.
    pub(super) proof: Proof,
    /// Its schema beside the source's.
    pub(super) schema: Option<SchemaComparison>,
    /// Its rows beside the real ones, if that was looked at already.
    pub(super) audit: Option<Audit>,
}

/// Audits the rows before they go live, where a breach is to keep them back. The second is what to say if it does; a
/// breach that is among `findings` already (of a model file) counts as well.
pub(super) fn withheld(
    model: &Model,
    run: Run<'_>,
    flowed: &Flowed,
    findings: &[Finding],
) -> Result<(Option<Audit>, Option<Finding>), Error> {
    if !run.config.audit.withhold {
        return Ok((None, None));
    }
    let audit = audit(model, run, flowed)?;
    let breached = audit.as_ref().is_some_and(|audit| audit.breaches().next().is_some())
        || findings.iter().any(|finding| finding.code == "privacy-breach");
    let finding = breached.then(|| {
        Finding::warning("not-committed", "the audit found more of real rows than [audit] allows")
            .instead("the target was left as it was before")
            .remedy("see the breaches; with [audit] withhold = false the rows are written all the same")
    });
    Ok((audit, finding))
}

/// Holds the rows against those learnt from and the holdout; `None` if there are none.
fn audit(model: &Model, run: Run<'_>, flowed: &Flowed) -> Result<Option<Audit>, Error> {
    let Run { config, pool, progress, reference, .. } = run;
    let audited = reference.map(|reference| match flowed.fair {
        true => Ok(pool.install(|| reference.audit(&model.schema, &flowed.captured, config, progress))),
        false => pool.install(|| reference.audit_model(model, config, progress)),
    });
    Ok(audited.transpose()?)
}

/// Audits the rows, measures what a report shows, and bundles it all.
pub(super) fn conclude(
    model: &Model,
    run: Run<'_>,
    flowed: Flowed,
    load_seconds: &[Written],
    proved: Proved,
    mut findings: Vec<Finding>,
) -> Result<RunSummary, Error> {
    let Run { config, started, pool, real, .. } = run;
    let Model { schema, plan, .. } = model;
    let audit = match proved.audit {
        Some(audit) => Some(audit),
        None => audit(model, run, &flowed)?,
    };
    let Flowed { sampled, gathered, fair, .. } = flowed;
    findings.extend(audit.iter().flat_map(Audit::findings));
    let evidence = config.evidence.then(|| match real {
        Some(real) => pool.install(|| Evidence::of_rows(model, real, gathered, config)),
        None => Evidence::of_model(model),
    });
    let card = evidence.iter().filter_map(|evidence| evidence.scorecard.as_ref());
    findings.extend(card.flat_map(Scorecard::findings));
    let tables = schema
        .iter()
        .map(|(id, table)| TableLoad {
            table: table.name.to_string(),
            mode: plan.table(id).mode,
            real_rows: model.table(id).map_or(0, |table| table.facts.real_rows),
            synthetic_rows: sampled.tables[id.0].rows,
            train_seconds: model.table(id).map_or(0.0, |table| table.facts.train_seconds),
            sample_seconds: sampled.tables[id.0].seconds,
            load_seconds: load_seconds.get(id.0).map_or(0.0, |written| written.seconds),
        })
        .collect::<Vec<_>>();
    if fair {
        findings.extend(unexplained(model, config.scale, &tables, &findings));
    }
    let load = LoadSummary { tables, seconds: started.elapsed().as_secs_f64() };
    findings.sort();
    findings.dedup();
    let filled = sampled
        .filled
        .iter()
        .map(|filled| {
            let table = schema.table(filled.table);
            FilledColumn {
                table: table.name.to_string(),
                column: table.column(filled.column).name.clone(),
                filled: filled.filled,
                left: filled.left,
            }
        })
        .collect();
    Ok(RunSummary {
        load,
        proof: proved.proof,
        schema: proved.schema,
        audit,
        privacy: model.origin.privacy.clone(),
        filled,
        files: None,
        around: Surroundings::default(),
        findings,
        evidence,
    })
}

/// Tables with fewer rows than were wanted of which nothing else tells: no row goes missing in silence.
fn unexplained(model: &Model, scale: f64, tables: &[TableLoad], findings: &[Finding]) -> Vec<Finding> {
    let Model { schema, plan, .. } = model;
    // Where the user asks for other numbers, those of the children follow.
    if plan.tables.iter().any(|table| table.rows.is_some()) {
        return Vec::new();
    }
    let real: Vec<u64> = tables.iter().map(|table| table.real_rows).collect();
    let wanted = target_rows(plan, &real, scale);
    let told = |name: &str| {
        findings
            .iter()
            .any(|finding| finding.severity == Severity::Warning && finding.table.as_deref() == Some(name))
    };
    let missing = schema.iter().zip(tables).filter_map(|((id, table), load)| {
        let missing = wanted[id.0].saturating_sub(load.synthetic_rows);
        // Numbers of children are rounded.
        let rounded = (wanted[id.0] / 100).max(2);
        (missing > rounded && !told(&load.table)).then(|| {
            let what = format!("{missing} rows fewer than the {} that were wanted", wanted[id.0]);
            Finding::warning("fewer-rows", what).table(&table.name).instead(
                "their parents were left out, or had no room for them; see the findings of those tables",
            )
        })
    });
    missing.collect()
}
