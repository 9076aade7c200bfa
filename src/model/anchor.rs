//! Links that share an ancestor: both atoms of a bond belong to one molecule, a visit is where its doctor works.

use serde::{Deserialize, Serialize};

use crate::{
    data::{Links, NO_ROW},
    plan::{LinkRole, Plan},
    schema::{ForeignKeyId, Schema, TableId},
};

/// Share of rows that must agree.
const CONFIDENCE: f64 = 0.999;
/// Fewest rows that can show an agreement.
const MIN_SUPPORT: usize = 50;
/// How far up ancestors are compared.
const MAX_DEPTH: usize = 3;

/// The ancestor `context_depth` foreign keys above the context parent (or above the parent along the link `beside`) is
/// the one `link_depth` above the linked parent (0 is the parent itself).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The link whose parent is meant instead of the context parent.
    #[serde(default)]
    pub beside: Option<ForeignKeyId>,
    /// Steps up from the context parent, or from that link's.
    pub context_depth: usize,
    /// Steps up from the linked parent.
    pub link_depth: usize,
}

/// Walks lines of context parents, over any rows that have links (real or synthetic).
pub struct Ancestry<'a> {
    /// The schema.
    pub schema: &'a Schema,
    /// The plan.
    pub plan: &'a Plan,
    /// Links per table and foreign key; empty for tables without rows.
    pub links: &'a dyn Fn(TableId) -> &'a [Links],
}

impl Ancestry<'_> {
    /// Follows `rows` of `table` up `depth` context foreign keys. `None` if the line ends before.
    #[must_use]
    pub fn climb(&self, table: TableId, rows: &[u32], depth: usize) -> Option<(TableId, Vec<u32>)> {
        if depth == 0 {
            return Some((table, rows.to_vec()));
        }
        let context = self.plan.table(table).context?;
        let parents = &(self.links)(table).get(context.0)?.parent;
        let above: Vec<u32> =
            rows.iter().map(|row| parents.get(*row as usize).copied().unwrap_or(NO_ROW)).collect();
        let parent = self.schema.table(table).foreign_keys[context.0].parent;
        self.climb(parent, &above, depth - 1)
    }

    /// Finds the nearest ancestor that a link shares with the context parent in (almost) all rows, or with the parent
    /// along a link drawn before it.
    #[must_use]
    pub fn find_anchor(&self, table: TableId, link: ForeignKeyId) -> Option<Anchor> {
        let plan = self.plan.table(table);
        let context = plan.context.into_iter().map(|context| (None, context));
        let earlier = (0..link.0).filter(|other| plan.links[*other] == LinkRole::Link).map(ForeignKeyId);
        let mut bases = context.chain(earlier.map(|other| (Some(other), other)));
        bases.find_map(|(beside, base)| self.shared_ancestor(table, (beside, base), link))
    }

    fn shared_ancestor(
        &self,
        table: TableId,
        (beside, base): (Option<ForeignKeyId>, ForeignKeyId),
        link: ForeignKeyId,
    ) -> Option<Anchor> {
        let links = (self.links)(table);
        let keys = &self.schema.table(table).foreign_keys;
        for context_depth in 0..MAX_DEPTH {
            let line = self.climb(keys[base.0].parent, &links[base.0].parent, context_depth);
            let Some((context_table, context_rows)) = line else { break };
            for link_depth in 0..MAX_DEPTH {
                let line = self.climb(keys[link.0].parent, &links[link.0].parent, link_depth);
                let Some((link_table, link_rows)) = line else { break };
                if context_table == link_table && agree(&context_rows, &link_rows) {
                    return Some(Anchor { beside, context_depth, link_depth });
                }
            }
        }
        None
    }
}

/// True if both agree in almost all rows that have both, and could have disagreed.
fn agree(left: &[u32], right: &[u32]) -> bool {
    let both = || left.iter().zip(right).filter(|(l, r)| **l != NO_ROW && **r != NO_ROW);
    let total = both().count();
    if total < MIN_SUPPORT {
        return false;
    }
    let equal = both().filter(|(l, r)| l == r).count();
    if (equal as f64) < CONFIDENCE * total as f64 {
        return false;
    }
    // Agreement by chance: the commonest ancestor alone must not explain it.
    let mut counts = std::collections::BTreeMap::new();
    for (l, _) in both() {
        *counts.entry(*l).or_insert(0_usize) += 1;
    }
    counts.values().max().is_some_and(|most| *most * 2 < total)
}

#[cfg(test)]
mod tests {
    use super::agree;

    #[test]
    fn equal_ancestors_agree_unless_one_ancestor_explains_it() {
        let many: Vec<u32> = (0..100).collect();

        assert!(agree(&many, &many));
        assert!(!agree(&[1; 100], &[1; 100]));
        assert!(!agree(&many, &many.iter().rev().copied().collect::<Vec<_>>()));
    }
}
