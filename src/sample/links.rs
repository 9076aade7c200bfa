//! Draws link foreign keys and fills their columns from the parent rows.

use std::collections::BTreeMap;

use crate::{
    data::{KeyColumns, KeyIndex, KeyNumbering, Links, NO_ROW, TableData},
    finding::Finding,
    model::{Ancestry, Anchor, TableModel, take_linked},
    plan::LinkRole,
    sample::{Sampler, draft::Draft},
    schema::{ColumnId, ForeignKey, ForeignKeyId, Table, TableId},
    structure::{LinkRequest, Linker, StubLinker},
};

/// Groups of child rows and of parent rows: a child draws among the parents of its group.
type Groups = (Vec<u32>, Vec<u32>);

/// Finds the parent row of every child row by value.
pub(super) fn find_parents(fk: &ForeignKey, children: &TableData, parents: Option<&TableData>) -> Vec<u32> {
    let columns = |data: &TableData, ids: &[ColumnId]| -> Option<Vec<arrow_array::ArrayRef>> {
        ids.iter().map(|id| data.column(*id).cloned()).collect()
    };
    let found = parents.and_then(|parents| {
        Some((columns(parents, &fk.parent_columns)?, columns(children, &fk.columns)?, parents.row_count))
    });
    let Some((parent_arrays, child_arrays, parent_rows)) = found else {
        return vec![NO_ROW; children.row_count];
    };
    let index = KeyIndex::build(&key_of(&parent_arrays), parent_rows);
    let keys = key_of(&child_arrays);
    let mut key = Vec::new();
    (0..children.row_count)
        .map(|row| if keys.write(row, &mut key) { index.find(&key) } else { NO_ROW })
        .collect()
}

fn key_of(arrays: &[arrow_array::ArrayRef]) -> KeyColumns<'_> {
    KeyColumns::new(&arrays.iter().map(|array| (array, false)).collect::<Vec<_>>())
}

impl Sampler<'_> {
    /// Draws one foreign key for every row and fills its columns. Rows that must have a parent and find none are
    /// dropped (before any child of theirs exists) or left null, and counted.
    pub(super) fn draw_link(
        &mut self,
        id: TableId,
        model: &TableModel,
        fk_id: ForeignKeyId,
        draft: &mut Draft,
    ) {
        let table = self.model.schema.table(id);
        let fk = &table.foreign_keys[fk_id.0];
        let role = self.model.plan.table(id).links[fk_id.0];
        let row_count = draft.row_count();
        let own_keys;
        let parents = if role == LinkRole::SelfReference {
            own_keys = draft.data.select(|column| fk.parent_columns.contains(&column));
            Some(&own_keys)
        } else {
            self.keys[fk.parent.0].as_ref()
        };
        let parent_rows = parents.map_or(0, |keys| keys.row_count);
        let mut present = draft.present[fk_id.0].clone();
        present.resize(row_count, true);

        let shared = parents.and_then(|parents| shared_groups(fk, draft, parents, &mut present));
        let anchored = self.anchor_groups(id, model, fk_id, draft);
        let stubs = self.stubs(id, fk_id, fk, draft, parent_rows);
        let distinct = distinct_within(table, fk, draft);
        let name = format!("links/{}/{}", table.name, fk.name);
        let mut random = self.options.seed.stream(&name, 0);
        let strict = combine(shared.as_ref(), anchored.as_ref());
        let depth =
            model.facts.forests.iter().find(|(link, _)| *link == fk_id).map(|(_, depth)| depth.clone());
        let linker = StubLinker { depth };
        let request = |present, groups| LinkRequest {
            present,
            stubs: &stubs,
            groups,
            distinct_within: distinct.as_deref(),
            forest: role == LinkRole::SelfReference,
        };
        let mut links = if parent_rows == 0 {
            Links::absent(row_count)
        } else {
            let groups = strict.as_ref().map(|(c, p)| (c.as_slice(), p.as_slice()));
            linker.sample(&request(&present, groups), &mut random)
        };
        let failed = |links: &Links| -> Vec<bool> {
            present.iter().zip(&links.parent).map(|(present, parent)| *present && *parent == NO_ROW).collect()
        };
        // An ancestor without a candidate: better another ancestor than no parent, where no column is shared.
        if anchored.is_some() && role == LinkRole::Link && failed(&links).contains(&true) {
            let again = failed(&links);
            let groups = shared.as_ref().map(|(c, p)| (c.as_slice(), p.as_slice()));
            let second = linker.sample(&request(&again, groups), &mut random);
            for (parent, other) in links.parent.iter_mut().zip(second.parent) {
                if *parent == NO_ROW {
                    *parent = other;
                }
            }
        }
        let mut failed = failed(&links);
        let nullable = fk
            .columns
            .iter()
            .any(|column| table.column(*column).nullable && draft.data.column(*column).is_none());
        if role == LinkRole::SelfReference && !nullable {
            // A key that cannot be null: the roots of the forest refer to themselves.
            for (row, parent) in links.parent.iter_mut().enumerate().filter(|(_, parent)| **parent == NO_ROW)
            {
                *parent = row as u32;
            }
            failed.fill(false);
        }
        draft.links[fk_id.0] = links;
        self.assign(id, fk_id, role, &failed, draft);
    }

    /// Fills the columns of a context link, which is decided by the families.
    pub(super) fn fill_link(&mut self, id: TableId, fk_id: ForeignKeyId, draft: &mut Draft) {
        let none = vec![false; draft.row_count()];
        self.assign(id, fk_id, LinkRole::Context, &none, draft);
    }

    fn assign(
        &mut self,
        id: TableId,
        fk_id: ForeignKeyId,
        role: LinkRole,
        failed: &[bool],
        draft: &mut Draft,
    ) {
        let table = self.model.schema.table(id);
        let fk = &table.foreign_keys[fk_id.0];
        let own_keys = draft.data.clone();
        let parents =
            if role == LinkRole::SelfReference { Some(&own_keys) } else { self.keys[fk.parent.0].as_ref() };
        let links = draft.links[fk_id.0].parent.clone();
        let mut can_be_null = false;
        for (column, parent_column) in fk.columns.iter().zip(&fk.parent_columns) {
            let nullable = table.column(*column).nullable;
            let decided = draft.data.column(*column).is_some();
            can_be_null |= nullable && !decided;
            if decided {
                continue;
            }
            let Some(source) = parents.and_then(|parents| parents.column(*parent_column)) else { continue };
            draft.data.set(*column, take_linked(source.as_ref(), &links));
        }
        let failures = failed.iter().filter(|failed| **failed).count();
        if failures == 0 {
            return;
        }
        let finding = Finding::warning("link-without-parent", format!("{failures} rows found no parent row"))
            .table(&table.name)
            .column(&fk.name);
        // Once children may refer to these rows (a deferred link), they can only stay.
        if can_be_null || role == LinkRole::Deferred {
            self.summary.findings.push(finding.instead("the key was left null"));
        } else {
            let keep: Vec<bool> = failed.iter().map(|failed| !failed).collect();
            draft.retain(&keep);
            self.summary.findings.push(finding.instead("these rows were left out"));
        }
    }

    /// How many children each parent row still expects along a foreign key.
    fn stubs(
        &self,
        id: TableId,
        fk_id: ForeignKeyId,
        fk: &ForeignKey,
        draft: &Draft,
        parent_rows: usize,
    ) -> Vec<f32> {
        let own = fk.parent == id;
        let counted = self.model.table(fk.parent).and_then(|parent| {
            let counts = &parent.facts.counts;
            let place = counts.iter().position(|count| count.child == id && count.foreign_key == fk_id)?;
            let rows = if own { &draft.tokens } else { &self.graph.tables[fk.parent.0].as_ref()?.rows };
            let tokens = rows.tokens.get((rows.tokens.len() + place).checked_sub(counts.len())?)?;
            Some(tokens.iter().map(|token| counts[place].codec.expected(*token)).collect::<Vec<f32>>())
        });
        counted.filter(|stubs| stubs.len() == parent_rows).unwrap_or_else(|| vec![1.0; parent_rows])
    }

    /// Groups of a link that shares an ancestor with the context parent.
    fn anchor_groups(
        &self,
        id: TableId,
        model: &TableModel,
        fk_id: ForeignKeyId,
        draft: &Draft,
    ) -> Option<Groups> {
        let Anchor { context_depth, link_depth } =
            model.facts.anchors.iter().find(|(link, _)| *link == fk_id).map(|(_, anchor)| *anchor)?;
        let table = self.model.schema.table(id);
        let context = self.model.plan.table(id).context?;
        let links = |other: TableId| {
            self.graph.tables[other.0].as_ref().map_or(&[] as &[Links], |rows| rows.links.as_slice())
        };
        let ancestry = Ancestry { schema: &self.model.schema, plan: &self.model.plan, links: &links };
        let context_rows = &draft.links[context.0].parent;
        let parent = table.foreign_keys[fk_id.0].parent;
        let parent_rows: Vec<u32> = (0..self.keys[parent.0].as_ref()?.row_count as u32).collect();
        let (_, children) =
            ancestry.climb(table.foreign_keys[context.0].parent, context_rows, context_depth)?;
        let (_, parents) = ancestry.climb(parent, &parent_rows, link_depth)?;
        Some((children, parents))
    }
}

/// Groups by the columns of the key that are decided already. A row whose decided column is null has no link.
fn shared_groups(
    fk: &ForeignKey,
    draft: &Draft,
    parents: &TableData,
    present: &mut [bool],
) -> Option<Groups> {
    let pairs: Vec<(&arrow_array::ArrayRef, &arrow_array::ArrayRef)> = fk
        .columns
        .iter()
        .zip(&fk.parent_columns)
        .filter_map(|(column, parent)| Some((draft.data.column(*column)?, parents.column(*parent)?)))
        .collect();
    if pairs.is_empty() {
        return None;
    }
    let mut numbering = KeyNumbering::default();
    let parent_keys = KeyColumns::new(&pairs.iter().map(|(_, parent)| (*parent, false)).collect::<Vec<_>>());
    let parent_groups = numbering.number(&parent_keys, parents.row_count);
    let child_keys = KeyColumns::new(&pairs.iter().map(|(child, _)| (*child, false)).collect::<Vec<_>>());
    let child_groups = numbering.number(&child_keys, draft.row_count());
    for (present, group) in present.iter_mut().zip(&child_groups) {
        *present &= *group != NO_ROW;
    }
    Some((child_groups, parent_groups))
}

fn combine(left: Option<&Groups>, right: Option<&Groups>) -> Option<Groups> {
    let (Some(left), Some(right)) = (left, right) else { return left.or(right).cloned() };
    let mut numbers: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    let mut number = |pairs: (&[u32], &[u32])| -> Vec<u32> {
        pairs
            .0
            .iter()
            .zip(pairs.1)
            .map(|(a, b)| {
                let next = numbers.len() as u32;
                *numbers.entry((*a, *b)).or_insert(next)
            })
            .collect()
    };
    let parents = number((&left.1, &right.1));
    let children = number((&left.0, &right.0));
    Some((children, parents))
}

/// The value within which this link may not repeat a parent: the decided columns of the first unique key that
/// this foreign key completes.
fn distinct_within(table: &Table, fk: &ForeignKey, draft: &Draft) -> Option<Vec<u32>> {
    let key = table.keys().find(|key| {
        let decided = |column: &ColumnId| draft.data.column(*column).is_some();
        key.predicate.is_none()
            && key.expressions.is_empty()
            && key.columns.iter().all(|column| decided(column) || fk.columns.contains(column))
            && key.columns.iter().any(|column| !decided(column))
    })?;
    let decided: Vec<(&arrow_array::ArrayRef, bool)> = key
        .columns
        .iter()
        .filter_map(|column| draft.data.column(*column))
        .map(|array| (array, false))
        .collect();
    if decided.is_empty() {
        return Some(vec![0; draft.row_count()]);
    }
    Some(KeyNumbering::default().number(&KeyColumns::new(&decided), draft.row_count()))
}
