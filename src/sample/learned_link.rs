//! What the tokens of rows say about a link, and the blocks of the parents there are.

use std::sync::Arc;

use crate::{
    codec::EncodedTable,
    data::{Families, Links, NO_ROW},
    model::{TableModel, blocks_of},
    plan::LinkRole,
    sample::{Sampler, draft::Draft},
    schema::{ForeignKeyId, TableId},
    structure::{BlockChoice, Blocks, Repeats, Siblings, repeated, supply},
};

/// What is learned of one link, for the rows of one draft.
#[derive(Default)]
pub(super) struct LearnedLink {
    blocks: Option<Blocks>,
    of_children: Vec<Option<u16>>,
    pub(super) of_parents: Vec<Option<u16>>,
    family: Option<Vec<u32>>,
    again: Option<Vec<bool>>,
    pub(super) avoid: Option<Vec<u32>>,
}

impl LearnedLink {
    pub(super) fn choice(&self) -> Option<BlockChoice<'_>> {
        let blocks = self.blocks.as_ref()?;
        Some(BlockChoice { blocks, of_children: &self.of_children, of_parents: &self.of_parents })
    }

    pub(super) fn siblings(&self) -> Option<Siblings<'_>> {
        Some(Siblings { family: self.family.as_deref()?, again: self.again.as_deref() })
    }

    /// Forgets which rows take an earlier sibling's parent: none do that begin a series.
    pub(super) fn never_again(&mut self) {
        self.again = None;
    }

    /// Rows whose parent is of another block than they chose, but those that share a sibling's as they wished.
    pub(super) fn moved(&self, links: &Links, families: &Families) -> usize {
        let drawn = blocks_of(links, &self.of_parents);
        let shared = self.again.as_ref().map(|again| (again, repeated(families, &links.parent)));
        let shares = |row: usize| shared.as_ref().is_some_and(|(again, shared)| again[row] && shared[row]);
        let moved = |row: &usize| match (self.of_children[*row], drawn[*row]) {
            (Some(chosen), Some(drawn)) => chosen != drawn && !shares(*row),
            _ => false,
        };
        (0..self.of_children.len()).filter(moved).count()
    }

    /// Lets the rows' tokens say what was drawn, where blocks or stubs ran dry.
    pub(super) fn settle(
        &self,
        model: &TableModel,
        fk_id: ForeignKeyId,
        links: &Links,
        tokens: &mut EncodedTable,
        families: &Families,
    ) {
        let Some(link) = model.facts.links.iter().find(|link| link.foreign_key == fk_id) else { return };
        let columns = model.facts.link_columns(fk_id);
        if self.blocks.is_none() && self.again.is_none() || tokens.tokens.len() < columns.end {
            return;
        }
        let present: Vec<bool> = links.parent.iter().map(|parent| *parent != NO_ROW).collect();
        let blocks = blocks_of(links, &self.of_parents);
        let drawn = link.encode(&present, &blocks, &repeated(families, &links.parent));
        for (column, drawn) in columns.zip(drawn) {
            tokens.tokens[column] = drawn;
        }
    }
}

impl Sampler<'_> {
    /// Moves parents to the blocks that lack them, and lets their tokens say so.
    pub(super) fn supply_blocks(
        &mut self,
        (id, fk_id): (TableId, ForeignKeyId),
        learned: &mut LearnedLink,
        stubs: &[f32],
        present: &[bool],
    ) {
        let Some(blocks) = &learned.blocks else { return };
        let mut demand = vec![0; blocks.len()];
        let chosen = learned.of_children.iter().zip(present).filter(|(_, present)| **present);
        chosen.filter_map(|(block, _)| *block).for_each(|block| demand[usize::from(block)] += 1);
        if supply(blocks, &mut learned.of_parents, stubs, &demand) == 0 {
            return;
        }
        let parent = self.model.schema.table(id).foreign_keys[fk_id.0].parent;
        let facts = self.model.table(parent).map(|parent| &parent.facts);
        if let (Some(facts), Some(rows)) = (facts, self.graph.tables[parent.0].as_mut()) {
            let rows = Arc::make_mut(&mut rows.rows);
            if let Some(columns) = facts.parent_block_columns((id, fk_id), rows.tokens.len()) {
                for (column, tokens) in columns.zip(blocks.encode(&learned.of_parents)) {
                    rows.tokens[column] = tokens;
                }
            }
        }
    }

    /// What the rows' tokens say about a link, and the blocks of the parents there are.
    pub(super) fn learned_link(
        &self,
        id: TableId,
        model: &TableModel,
        fk_id: ForeignKeyId,
        role: LinkRole,
        draft: &Draft,
    ) -> LearnedLink {
        let mut learned = LearnedLink::default();
        let link = model.facts.links.iter().find(|link| link.foreign_key == fk_id);
        let Some(link) = link.filter(|_| role == LinkRole::Link) else { return learned };
        let fk = &self.model.schema.table(id).foreign_keys[fk_id.0];
        let tokens = draft.tokens.tokens.get(model.facts.link_columns(fk_id)).unwrap_or_default();
        let (_, of_children, again) = link.decode(tokens);
        if let Some(blocks) = &link.blocks {
            let of_parents = self.graph.tables[fk.parent.0].as_ref().and_then(|parents| {
                let facts = &self.model.table(fk.parent)?.facts;
                let tokens = &parents.rows.tokens;
                let columns = facts.parent_block_columns((id, fk_id), tokens.len())?;
                Some(blocks.decode(tokens.get(columns)?))
            });
            if let Some(of_parents) = of_parents.filter(|_| of_children.len() == draft.row_count()) {
                learned.blocks = Some(blocks.clone());
                (learned.of_children, learned.of_parents) = (of_children, of_parents);
            }
        }
        if link.repeats != Repeats::Free {
            learned.family = Some(draft.families.parent_of_rows());
            learned.again = (link.repeats == Repeats::Token).then_some(again);
        }
        let context = self.model.plan.table(id).context;
        learned.avoid = context.filter(|_| link.apart).map(|context| draft.links[context.0].parent.clone());
        learned
    }
}
