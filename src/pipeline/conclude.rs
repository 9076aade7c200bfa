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
    // Where the user asks for other numbers, those of the children follow.
    if fair && plan.tables.iter().all(|table| table.rows.is_none()) {
        let real: Vec<u64> = tables.iter().map(|table| table.real_rows).collect();
        findings.extend(unexplained(&target_rows(plan, &real, config.scale), &tables, &findings));
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
fn unexplained(wanted: &[u64], tables: &[TableLoad], findings: &[Finding]) -> Vec<Finding> {
    let told = |name: &str| {
        findings
            .iter()
            .any(|finding| finding.severity == Severity::Warning && finding.table.as_deref() == Some(name))
    };
    let missing = wanted.iter().zip(tables).filter_map(|(wanted, load)| {
        let missing = wanted.saturating_sub(load.synthetic_rows);
        // Numbers of children are rounded.
        let rounded = (wanted / 100).max(2);
        (missing > rounded && !told(&load.table)).then(|| {
            let what = format!("{missing} rows fewer than the {wanted} that were wanted");
            Finding::warning("fewer-rows", what).table(&load.table).instead(
                "their parents were left out, or had no room for them; see the findings of those tables",
            )
        })
    });
    missing.collect()
}

#[cfg(test)]
mod tests {
    use super::{Finding, TableLoad, unexplained};
    use crate::config::TableMode;

    #[test]
    fn rows_that_are_missing_without_a_word_get_one() {
        let load = |name: &str, rows| TableLoad {
            table: name.to_owned(),
            mode: TableMode::Synthesize,
            real_rows: 500,
            synthetic_rows: rows,
            train_seconds: 0.0,
            sample_seconds: 0.0,
            load_seconds: 0.0,
        };
        let tables = [load("lost", 380), load("told", 380), load("noted", 380), load("rounded", 496)];
        let known = [
            Finding::warning("check-not-met", "120 rows were left out").table("told"),
            Finding::note("total-computed", "3 values").table("noted"),
        ];

        let found = unexplained(&[500, 500, 500, 500], &tables, &known);

        let places: Vec<&str> = found.iter().filter_map(|finding| finding.table.as_deref()).collect();
        assert_eq!(places, ["lost", "noted"]);
        assert_eq!(found[0].what, "120 rows fewer than the 500 that were wanted");
    }
}
