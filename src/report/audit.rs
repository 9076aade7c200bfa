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

#[cfg(test)]
mod tests {
    use crate::{
        config::AuditLevel,
        evaluate::{Audit, AuditedEntities, Measure, MeasureKind, Unmeasured},
    };

    fn measure(column: &str, low: f64) -> Measure {
        Measure {
            kind: MeasureKind::AttributeInference,
            table: "patient".to_owned(),
            column: Some(column.to_owned()),
            value: low + 0.05,
            low,
            high: low + 0.1,
            share: Some(0.6),
            holdout_share: Some(0.3),
            limit: 0.1,
            breach: low > 0.1,
        }
    }

    #[test]
    fn an_audit_shows_the_worst_of_each_kind_every_breach_and_what_was_left_out() {
        let audit = Audit {
            level: AuditLevel::Cheap,
            confidence: 0.95,
            entities: vec![AuditedEntities {
                table: "patient".to_owned(),
                training: 900,
                synthetic: 1_000,
                holdout: 100,
            }],
            measures: vec![measure("age", -0.2), measure("diagnosis", 0.3), measure("drug", 0.2)],
            unmeasured: vec![Unmeasured { table: "ward".to_owned(), reason: "it is copied".to_owned() }],
        };

        let text = super::audit(&audit);

        assert!(
            text.contains("entities of patient: 900 learnt from, 1,000 generated, 100 held out"),
            "{text}"
        );
        assert!(text.find("patient: diagnosis") < text.find("patient: drug"), "{text}");
        assert!(!text.contains("patient: age"), "{text}");
        assert!(text.contains("2 of 3 measures surely above the limit"), "{text}");
        assert!(text.contains("ward: not audited, it is copied"), "{text}");
    }
}
