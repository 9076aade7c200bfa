//! Places among other rows, see [`Ranked`]: known only once all rows of a group are there.

use std::collections::BTreeSet;

use crate::{
    codec::encode_table,
    data::{NO_ROW, TableData},
    finding::Finding,
    model::TableModel,
    plan::LinkRole,
    rules::{Among, Ranked, Rule, enforce, groups_of},
    sample::{Sampler, draft::Draft, joint::sub_columns},
    schema::TableId,
};

impl Sampler<'_> {
    /// Gives drawn rows their places, and lets their tokens say so. Groups in which a place would break a CHECK keep
    /// what they have drawn.
    pub(super) fn take_places(&mut self, id: TableId, model: &TableModel, draft: &mut Draft) {
        let kept = self.place(id, model, draft);
        let facts = &model.facts;
        let first = facts.given_columns();
        for rule in self.places(id, model) {
            let codec = facts.codecs.iter().find(|(column, _)| *column == rule.to).cloned();
            let (Some(codec), Some(values)) = (codec, draft.data.column(rule.to)) else { continue };
            let values = TableData::new(vec![rule.to], vec![values.clone()], draft.data.row_count);
            let told = encode_table(&[codec], &values, None);
            for (column, tokens) in sub_columns(facts, rule.to).zip(told.tokens) {
                draft.tokens.tokens[first + column] = tokens;
            }
        }
        if kept > 0 {
            let what = format!("{kept} rows would have broken a CHECK by their place among others");
            let finding = Finding::note("places-not-kept", what);
            let finding = finding.table(&self.model.schema.table(id).name);
            self.summary.findings.push(finding.instead("they kept values of their own"));
        }
    }

    /// The rules to follow: a condition of the user's on a column comes before what the source shows.
    fn places<'m>(&self, id: TableId, model: &'m TableModel) -> Vec<&'m Ranked> {
        let asked = |rule: &&Ranked| {
            self.condition(id).is_some_and(|condition| condition.limits.contains_key(&rule.to))
        };
        model.facts.rules.ranked.iter().filter(|rule| !asked(rule)).collect()
    }

    /// Puts places into rows, or does so again where a repair has moved them; returns how many rows kept a value of their
    /// own.
    pub(super) fn place(&self, id: TableId, model: &TableModel, draft: &mut Draft) -> usize {
        let (table, rules) = (self.model.schema.table(id), &model.facts.rules);
        let mut kept = 0;
        // One column may be ordered by the places of another.
        let ranked = self.places(id, model);
        let is_told =
            |rule: &Ranked| rule.by.is_some_and(|by| ranked.iter().any(|other| other.to == by.column));
        let (last, first): (Vec<&Ranked>, Vec<&Ranked>) = ranked.iter().partition(|rule| is_told(rule));
        for rule in first.into_iter().chain(last) {
            let Some(mut groups) = groups(rule, draft) else { continue };
            let before = rules.violations(&draft.data);
            // Nothing else is touched: keys have been made unique already.
            let reads = |other: &&Rule| other.reads().contains(&rule.to);
            let reading: Vec<Rule> = rules.discovered.iter().filter(reads).cloned().collect();
            for _ in 0..2 {
                let Some(places) = rule.values(&draft.data, &groups) else { break };
                let mut placed = draft.data.clone();
                placed.set(rule.to, places.clone());
                let mut given = self.given(id, model, draft, &placed);
                given.values.push((rule.to, places));
                let placed = enforce(&reading, table, placed, &given).0;
                let after = rules.violations(&placed);
                let newly = (0..after.len()).filter(|row| after[*row] && !before[*row]);
                let broken: BTreeSet<u32> =
                    newly.map(|row| groups[row]).filter(|group| *group != NO_ROW).collect();
                if broken.is_empty() {
                    draft.data = placed;
                    break;
                }
                for group in groups.iter_mut().filter(|group| broken.contains(group)) {
                    *group = NO_ROW;
                    kept += 1;
                }
            }
        }
        kept
    }

    /// True if all rows that have places among each other are of one family.
    pub(super) fn places_hold_by_family(&self, id: TableId, rule: &Ranked) -> bool {
        let roles = &self.model.plan.table(id).links;
        matches!(rule.among, Among::Link(fk) if roles[fk.0] == LinkRole::Context)
    }
}

/// The group of every row; `None` if it is not known.
fn groups(rule: &Ranked, draft: &Draft) -> Option<Vec<u32>> {
    let groups = match rule.among {
        Among::Link(fk) => draft.links.get(fk.0)?.parent.clone(),
        Among::Column(column) => groups_of(draft.data.column(column)?),
    };
    (groups.len() == draft.row_count()).then_some(groups)
}
