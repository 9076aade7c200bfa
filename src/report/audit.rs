//! The audit as text: per kind of measure the one that comes closest to its limit, and every breach.

use super::{
    number::{count, plural},
    table::Grid,
};
use crate::{
    config::AuditLevel,
    evaluate::{Audit, Measure},
};

/// Renders an audit.
#[must_use]
pub fn audit(audit: &Audit) -> String {
    let level = match audit.level {
        AuditLevel::Off => "off",
        AuditLevel::Cheap => "cheap",
        AuditLevel::Full => "full",
    };
    let mut text = format!("Privacy audit ({level})\n");
    for entities in &audit.entities {
        text.push_str(&format!(
            "entities of {}: {} learnt from, {} generated, {} held out\n",
            entities.table,
            count(entities.training as u64),
            count(entities.synthetic as u64),
            count(entities.holdout as u64),
        ));
    }
    if !audit.measures.is_empty() {
        let mut grid = Grid::new(&["measure", "where", "#value", "#surely above", "#limit", "verdict"]);
        let mut shown = audit.worst();
        let more: Vec<&Measure> =
            audit.breaches().filter(|breach| !shown.iter().any(|known| known == breach)).collect();
        shown.extend(more);
        for measure in shown {
            grid.row(vec![
                measure.kind.words().to_owned(),
                place(measure),
                format!("{:.3}", measure.value),
                format!("{:.3}", measure.low),
                format!("{:.3}", measure.limit),
                if measure.breach { "breach" } else { "passed" }.to_owned(),
            ]);
        }
        text.push_str(&grid.render());
        let breaches = audit.breaches().count() as u64;
        let all = plural(audit.measures.len() as u64, "measure");
        if breaches == 0 {
            text.push_str(&format!("none of {all} is surely above its limit\n"));
        } else {
            text.push_str(&format!("{} of {all} surely above the limit\n", count(breaches)));
        }
    }
    for table in &audit.unmeasured {
        text.push_str(&format!("{}: not audited, {}\n", table.table, table.reason));
    }
    text
}

fn place(measure: &Measure) -> String {
    match &measure.column {
        Some(column) => format!("{}: {column}", measure.table),
        None => measure.table.clone(),
    }
}
