//! What was promised to every entity under differential privacy, what it cost, and what it does not cover.

use std::fmt::Write;

use super::number::{count, plural};
use crate::privacy::{Contribution, GroupLedger, Guarantee, Ledger, OUTSIDE, SPLIT};

/// A guarantee in a few words.
fn guarantee(guarantee: Guarantee) -> String {
    format!("epsilon {:.3} at delta {:e}", guarantee.epsilon, guarantee.delta)
}

/// Renders the guarantee of a run, what was spent on each group, and what is outside.
#[must_use]
pub fn promise(ledger: &Ledger) -> String {
    let Ledger { asked, achieved, groups, unread, copied } = ledger;
    let mut out = format!(
        "differential privacy: {} for every entity (asked for: {})\n",
        guarantee(*achieved),
        guarantee(*asked)
    );
    for GroupLedger { root, entities, spent, looks, tables } in groups {
        let number: u32 = looks.iter().map(|look| look.count).sum();
        let entities = if *entities == 1 { "entity" } else { "entities" }.to_owned()
            + &format!(" (about {})", count(*entities));
        let _ = writeln!(
            out,
            "  {root}: {entities}, {}, epsilon {:.3}",
            plural(u64::from(number), "noisy look"),
            spent.epsilon
        );
        let below: Vec<String> = tables
            .iter()
            .filter(|Contribution { table, .. }| table != root)
            .map(|Contribution { table, rows }| format!("{} of {table}", plural(u64::from(*rows), "row")))
            .collect();
        if !below.is_empty() {
            let _ = writeln!(out, "    of an entity count at most {}", below.join(", "));
        }
        for look in looks {
            let (number, share) = (look.count, look.share * 100.0);
            let words = look.purpose.words();
            let _ = writeln!(out, "    {share:.0} % for {words}: {number}, noise up to {:.1}", look.noise);
        }
    }
    if !unread.is_empty() {
        let _ = writeln!(out, "  not learned but for their nulls: {}", unread.join(", "));
    }
    if !copied.is_empty() {
        let _ = writeln!(out, "  copied, and not covered: {}", copied.join(", "));
    }
    for what in OUTSIDE {
        let _ = writeln!(out, "  not covered: {what}");
    }
    out
}

/// How a budget is going to be split, before anything is looked at.
#[must_use]
pub fn split(asked: Guarantee) -> String {
    let shares: Vec<String> =
        SPLIT.iter().map(|(purpose, share)| format!("{:.0} % {}", share * 100.0, purpose.words())).collect();
    format!("differential privacy: {} per entity; budget: {}", guarantee(asked), shares.join(", "))
}
