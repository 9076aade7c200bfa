//! Reads whole databases into memory and scores them.

use std::collections::BTreeSet;

use arrow_array::Array;

use crate::{
    config::{AuditLevel, Config, DbUrl, SourceSettings},
    data::TableData,
    db::{Scan, connect, open_source},
    error::Error,
    evaluate::{
        Audit, AuditTerms, Categories, Scorecard, Side, Terms, audit, examine as examine_sides, links, score,
    },
    pipeline::{
        Examined, Planned, Verified,
        audit::units,
        evidence::{Evidence, guard},
    },
    plan::{self, MemoryEstimate, Observed, Plan, apply_references, settings, target_rows},
    schema::{ColumnId, ForeignKey, Schema, TableId},
};

/// Rows asked from a database at a time.
const BATCH_ROWS: usize = 8192;

struct Whole {
    schema: Schema,
    tables: Vec<TableData>,
}

impl Whole {
    /// Rows of each table.
    fn rows(&self) -> Vec<u64> {
        self.tables.iter().map(|table| table.row_count as u64).collect()
    }

    /// What a plan wants to know of the rows: how many there are, and which foreign keys are never null.
    fn observed(&self) -> Observed {
        let set = |child: TableId, fk: &ForeignKey| {
            let held = |column: &ColumnId| self.tables[child.0].column(*column);
            fk.columns.iter().all(|column| held(column).is_some_and(|values| values.null_count() == 0))
        };
        let full = self.schema.foreign_keys().filter(|(child, _, fk)| set(*child, fk));
        Observed {
            real_rows: self.rows(),
            full: full.map(|(child, id, _)| (child, id)).collect(),
            ..Observed::default()
        }
    }

    fn side(&self) -> Side<'_> {
        Side { schema: &self.schema, tables: self.tables.clone(), links: None }
    }
}

pub(super) fn evaluate(
    real: &DbUrl,
    synthetic: &DbUrl,
    holdout: Option<&DbUrl>,
    config: &Config,
    categories: &Categories,
) -> Result<Scorecard, Error> {
    let mut real = read(real, &config.source).map_err(Error::Source)?;
    // The other sides are read along the keys of this one.
    apply_references(&mut real.schema, &config.references)?;
    let plain = |url: &DbUrl| read(url, &SourceSettings::default());
    let synthetic = plain(synthetic).map_err(Error::Target)?;
    let holdout = holdout.map(&plain).transpose().map_err(Error::Source)?;
    let holdout = holdout.as_ref().map(Whole::side);
    check(&real.schema, categories)?;
    let skipped = skipped(&real.schema, config)?;
    let terms = Terms { seed: config.seed, categories: categories.clone(), skipped, ..Terms::default() };
    let mut card = score(&real.side(), &synthetic.side(), holdout.as_ref(), &terms);
    if let Some(holdout) = &holdout {
        let (plan, _) = Plan::build_observed(&real.schema, config, &real.observed())?;
        card.audit = audited(&plan, &real.side(), &synthetic.side(), holdout, config);
    }
    Ok(card)
}

fn audited(
    plan: &Plan,
    real: &Side<'_>,
    synthetic: &Side<'_>,
    holdout: &Side<'_>,
    config: &Config,
) -> Option<Audit> {
    if config.audit.level == AuditLevel::Off {
        return None;
    }
    let (units, left_out) = units(real.schema, plan);
    let terms = AuditTerms { units: &units, settings: &config.audit, seed: config.seed };
    let mut audit = audit(real, synthetic, holdout, terms);
    audit.unmeasured.extend(left_out);
    Some(audit)
}

/// Scores, measures what a report draws, and makes the plan that the real database would have.
pub(super) fn examine(
    real: &DbUrl,
    synthetic: &DbUrl,
    holdout: Option<&DbUrl>,
    (config, categories): (&Config, &Categories),
    verified: Verified,
) -> Result<Examined, Error> {
    let mut real = read(real, &config.source).map_err(Error::Source)?;
    let mut findings = apply_references(&mut real.schema, &config.references)?;
    let plain = |url: &DbUrl| read(url, &SourceSettings::default());
    let synthetic = plain(synthetic).map_err(Error::Target)?;
    let holdout = holdout.map(&plain).transpose().map_err(Error::Source)?;
    let holdout = holdout.as_ref().map(Whole::side);
    check(&real.schema, categories)?;
    let real_rows = real.rows();
    let (plan, planned) = Plan::build_observed(&real.schema, config, &real.observed())?;
    findings.extend(planned);
    let links = links(&real.side());
    let (real_side, synthetic) = (Side { links: Some(links), ..real.side() }, synthetic.side());
    let skipped = skipped(&real.schema, config)?;
    let terms = Terms { seed: config.seed, categories: categories.clone(), skipped, ..Terms::default() };
    let guard = guard(&plan, &real_side, &settings(&real.schema, config)?, config);
    let (mut scorecard, figures) = examine_sides(&real_side, &synthetic, holdout.as_ref(), &terms, &guard);
    let audit = holdout.as_ref().and_then(|holdout| audited(&plan, &real_side, &synthetic, holdout, config));
    scorecard.audit = audit;
    findings.extend(scorecard.findings());
    findings.extend(scorecard.audit.iter().flat_map(Audit::findings));
    findings.extend(verified.findings.iter().cloned());
    findings.sort();
    findings.dedup();
    drop(real_side);
    let target_rows = target_rows(&plan, &real_rows, config.scale);
    let evidence = Evidence { scorecard: Some(scorecard), figures: Some(figures), rules: Vec::new() };
    let planned = Planned {
        memory: MemoryEstimate::default(),
        schema: real.schema,
        plan,
        real_rows,
        target_rows,
        replaces: Vec::new(),
        rules: Vec::new(),
        proposals: Vec::new(),
        unfinished: None,
        coverage: Vec::new(),
        around: crate::pipeline::Intended::default(),
        findings: Vec::new(),
    };
    Ok(Examined { planned, verified, evidence, findings })
}

/// A column that does not exist would silently be compared as before.
fn check(schema: &Schema, categories: &Categories) -> Result<(), Error> {
    for (table, columns) in categories {
        let found = schema.find(table).map(|id| schema.table(id));
        if let Some(column) = columns.iter().find(|column| found.is_none_or(|t| t.find(column).is_none())) {
            return Err(Error::Usage(format!("there is no column {column} in a table {table}")));
        }
    }
    Ok(())
}

/// The tables the user does not ask for; none of them if nothing is said.
fn skipped(schema: &Schema, config: &Config) -> Result<BTreeSet<TableId>, Error> {
    if config.only_tables.is_empty() && config.exclude_tables.is_empty() {
        return Ok(BTreeSet::new());
    }
    let chosen = Config {
        only_tables: config.only_tables.clone(),
        exclude_tables: config.exclude_tables.clone(),
        ..Config::default()
    };
    Ok(plan::skipped(schema, &chosen)?)
}

fn read(url: &DbUrl, settings: &SourceSettings) -> Result<Whole, crate::db::DbError> {
    let database = connect(url)?;
    let mut source = open_source(database.as_ref(), settings)?;
    let schema = source.introspect()?.schema;
    let mut tables = Vec::with_capacity(schema.tables.len());
    for table in &schema.tables {
        let columns: Vec<_> = table.iter().map(|(id, _)| id).collect();
        let order_by = table.primary_key.as_ref().map(|key| key.columns.clone()).unwrap_or_default();
        let scan = Scan { columns, order_by, batch_rows: BATCH_ROWS, exact: false };
        let mut batches = Vec::new();
        source.scan(table, &scan, &mut |batch| {
            batches.push(batch);
            Ok(())
        })?;
        let empty = || TableData::bare(0);
        tables.push(TableData::concat(&batches).unwrap_or_else(empty));
    }
    Ok(Whole { schema, tables })
}
