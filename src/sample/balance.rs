//! Numbers that must agree across rows. Child counts: where both ends of a bond are atoms of one molecule, a molecule's atoms must
//! expect as many bonds at one end as at the other. Values: the charges of a molecule sum to nothing.

use std::collections::BTreeMap;

use crate::{
    data::TableData,
    finding::Finding,
    model::{Ancestry, ChildCount, TableModel, take_linked},
    sample::{Sampler, draft::Draft},
    schema::{ForeignKeyId, TableId},
    structure::{balance, strata},
};

impl Sampler<'_> {
    /// Lets rows take the counts (and blocks) of a row with the same categories, until the counts of a child's
    /// context key and of its link to the same table agree under every shared ancestor.
    pub(super) fn balance_counts(&self, id: TableId, model: &TableModel, draft: &mut Draft) {
        let facts = &model.facts;
        let width = draft.tokens.tokens.len();
        let Some(first) = width.checked_sub(facts.counts.len()) else { return };
        for (place, count) in facts.counts.iter().enumerate() {
            let Some((partner, depth)) = self.partner(id, count.child, count.foreign_key) else { continue };
            let other = facts
                .counts
                .iter()
                .position(|other| other.child == count.child && other.foreign_key == partner);
            let (Some(other), Some(groups)) = (other, self.ancestors(id, depth, draft)) else { continue };
            let expected = |place: usize, row: usize| {
                let token = draft.tokens.tokens[first + place][row];
                facts.counts[place].codec.expected(token).round() as i64
            };
            let gaps: Vec<i64> =
                (0..draft.row_count()).map(|row| expected(place, row) - expected(other, row)).collect();
            let own = facts.given_columns()..first - facts.block_columns();
            let categories: Vec<usize> =
                own.filter(|column| draft.tokens.sub_columns[*column].scalars.is_empty()).collect();
            let alike = strata(draft.row_count(), |row| {
                categories.iter().map(|column| u32::from(draft.tokens.tokens[*column][row])).collect()
            });
            let name = format!("balance/{}/{place}", self.model.schema.table(id).name);
            let mut random = self.options.seed.stream(&name, 0);
            let donors = balance(&gaps, &groups, &BTreeMap::new(), &[alike], &mut random);
            for column in first - facts.block_columns()..width {
                let tokens = &draft.tokens.tokens[column];
                draft.tokens.tokens[column] = donors.iter().map(|row| tokens[*row as usize]).collect();
            }
        }
    }

    /// Lets the values of a column that sums to one total in every family do so: rows take the value of a row with
    /// the same categories, and what that leaves open all rows of the family share.
    ///
    /// A condition of the user's on the column comes before the total found in the source.
    pub(super) fn settle_sums(
        &mut self,
        id: TableId,
        model: &TableModel,
        mut values: TableData,
        draft: &Draft,
    ) -> TableData {
        let families = &draft.families;
        for sum in &model.facts.rules.sums {
            if self.condition(id).is_some_and(|condition| condition.limits.contains_key(&sum.column)) {
                let table = self.model.schema.table(id);
                let what =
                    "the source has one total in every family, which the condition cannot keep".to_owned();
                let finding = Finding::note("sum-not-kept", what).table(&table.name);
                self.summary.findings.push(
                    finding
                        .column(&table.column(sum.column).name)
                        .instead("the condition is met, the total is not"),
                );
                continue;
            }
            let array = values.column(sum.column);
            let Some((array, units)) = array.and_then(|array| Some((array, sum.units(array)?))) else {
                continue;
            };
            let groups = families.parent_of_rows();
            let totals = (0..families.len())
                .map(|family| match families.rows(family) {
                    rows if rows.len() >= 2 => (family as u32, sum.total()),
                    rows => (family as u32, rows.map(|row| units[row]).sum()),
                })
                .collect();
            // Columns with an order are quantities, the others say what kind of row it is.
            let kinds: Vec<usize> = (0..draft.tokens.sub_columns.len())
                .take(draft.tokens.sub_columns.len() - model.facts.counts.len() - model.facts.block_columns())
                .filter(|column| draft.tokens.sub_columns[*column].scalars.is_empty())
                .filter(|column| draft.tokens.sub_columns[*column].one_hot)
                .collect();
            let alike = strata(units.len(), |row| {
                kinds.iter().map(|column| u32::from(draft.tokens.tokens[*column][row])).collect()
            });
            let name = format!("sums/{}", draft.place.of(&self.model.schema.table(id).name));
            let mut random = self.options.seed.stream(&name, sum.column.0 as u64);
            let donors = balance(&units, &groups, &totals, &[alike], &mut random);
            let taken = take_linked(array.as_ref(), &donors);
            if let Some(settled) = sum.settle(&taken, families) {
                values.set(sum.column, settled);
            }
        }
        values
    }

    /// True if rows of a table exchange counts of a child table.
    pub(super) fn is_balanced(&self, id: TableId, count: &ChildCount) -> bool {
        self.partner(id, count.child, count.foreign_key).is_some()
    }

    /// The context key of `child` to `id` that shares an ancestor with its link `fk` to `id`, and how far up.
    fn partner(&self, id: TableId, child: TableId, fk: ForeignKeyId) -> Option<(ForeignKeyId, usize)> {
        let context = self.model.plan.table(child).context?;
        let anchors = &self.model.table(child)?.facts.anchors;
        let (_, anchor) = anchors.iter().find(|(link, _)| *link == fk)?;
        let same = self.model.schema.table(child).foreign_keys[context.0].parent == id;
        (same
            && anchor.beside.is_none()
            && anchor.context_depth == anchor.link_depth
            && anchor.link_depth > 0)
            .then_some((context, anchor.link_depth))
    }

    /// The ancestor of each of a draft's rows.
    fn ancestors(&self, id: TableId, depth: usize, draft: &Draft) -> Option<Vec<u32>> {
        let context = self.model.plan.table(id).context?;
        let links = |other: TableId| {
            self.graph.tables[other.0].as_ref().map_or(&[][..], |rows| rows.links.as_slice())
        };
        let ancestry = Ancestry { schema: &self.model.schema, plan: &self.model.plan, links: &links };
        let parent = self.model.schema.table(id).foreign_keys[context.0].parent;
        ancestry.climb(parent, &draft.links[context.0].parent, depth - 1).map(|(_, rows)| rows)
    }
}
