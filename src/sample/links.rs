//! Draws link foreign keys and fills their columns from the parent rows.

use std::collections::BTreeMap;

use arrow_array::Array;
use rand::RngExt;

use crate::{
    data::{KeyColumns, KeyIndex, KeyNumbering, Links, NO_ROW, TableData, bound_rows},
    finding::Finding,
    model::{Ancestry, Anchor, TableModel},
    plan::LinkRole,
    sample::{Sampler, checks::unlink, draft::Draft, referable},
    schema::{ColumnId, ForeignKey, ForeignKeyId, Table, TableId},
    structure::{FanOut, LinkRequest, Linker, StubLinker, TokenFanOut, balance, strata},
};

/// Share of rows with a parent of another block than chosen from which the user is told.
const DRY_SHARE: f64 = 0.1;

/// Groups of child rows and of parent rows: a child draws among the parents of its group.
pub(super) type Groups = (Vec<u32>, Vec<u32>);

/// Finds the parent row of every child row by value.
pub(super) fn find_parents(
    child: &Table,
    fk: &ForeignKey,
    children: &TableData,
    parents: Option<&TableData>,
) -> Vec<u32> {
    let columns = |ids: &[ColumnId]| ids.iter().map(|id| (*id, false)).collect::<Vec<_>>();
    let (own, above) = (columns(&fk.columns), columns(&fk.parent_columns));
    let found = parents.and_then(|parents| {
        Some((KeyColumns::of(parents, &above)?, KeyColumns::of(children, &own)?, parents.row_count))
    });
    let Some((parent_keys, keys, parent_rows)) = found else {
        return vec![NO_ROW; children.row_count];
    };
    let index = KeyIndex::build(&parent_keys, parent_rows);
    let mut key = Vec::new();
    let bound = bound_rows(child, fk, children);
    (0..children.row_count)
        .map(|row| {
            let present = bound.as_ref().is_none_or(|bound| bound[row]) && keys.write(row, &mut key);
            if present { index.find(&key) } else { NO_ROW }
        })
        .collect()
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
        let whole = parents.and_then(|parents| referable::referable(&self.model.schema, table, fk, parents));
        let shared = combine(shared.as_ref(), referable::as_groups(whole, row_count).as_ref());
        let anchored = self.anchor_groups(id, model, fk_id, draft);
        let mut distinct = distinct_within(table, fk, draft);
        let name = format!("links/{}/{}", table.name, fk.name);
        let mut random = self.options.seed.stream(&name, 0);
        let strict = combine(shared.as_ref(), anchored.as_ref());
        let depth =
            model.facts.forests.iter().find(|(link, _)| *link == fk_id).map(|(_, depth)| depth.clone());
        let linker = StubLinker { depth };
        let mut learned = self.learned_link(id, model, fk_id, role, draft);
        let mut stubs =
            self.stubs((id, fk_id), draft, parent_rows, (&present, strict.as_ref()), &learned.of_parents);
        // In a panel a parent is drawn per series.
        let wanted = present.clone();
        let runs = model.facts.panel().filter(|(link, _)| *link == fk_id).map(|(_, runs)| runs);
        let series = runs.map(|runs| {
            stubs.iter_mut().for_each(|stub| *stub /= runs.mean().max(1.0));
            learned.never_again();
            distinct.get_or_insert_with(|| draft.families.parent_of_rows());
            runs.sample(&draft.families, &mut self.options.seed.stream(&format!("{name}/series"), 0))
        });
        if let Some(series) = &series {
            series.for_each_later(|_, row| present[row] = false);
        }
        if strict.is_none() {
            self.supply_blocks((id, fk_id), &mut learned, &stubs, &present);
        }
        fn as_slices(groups: Option<&Groups>) -> Option<(&[u32], &[u32])> {
            groups.map(|(children, parents)| (children.as_slice(), parents.as_slice()))
        }
        let request = LinkRequest {
            present: &present,
            stubs: &stubs,
            groups: as_slices(strict.as_ref()),
            distinct_within: distinct.as_deref(),
            forest: role == LinkRole::SelfReference,
            blocks: learned.choice(),
            siblings: learned.siblings(),
            avoid: learned.avoid.as_deref(),
        };
        let mut links =
            if parent_rows == 0 { Links::absent(row_count) } else { linker.sample(&request, &mut random) };
        // An ancestor without a candidate: better another ancestor than no parent, where no column is shared. More series
        // than parents: better two of one parent than none.
        let elsewhere = (anchored.is_some() && role == LinkRole::Link).then_some((&shared, &distinct));
        let twice = series.is_some().then_some((&strict, &None));
        for (groups, distinct) in elsewhere.into_iter().chain(twice) {
            let open = missing(&present, &links);
            if parent_rows == 0 || !open.contains(&true) {
                continue;
            }
            let again = LinkRequest {
                present: &open,
                groups: as_slices(groups.as_ref()),
                distinct_within: distinct.as_deref(),
                ..request.clone()
            };
            for (parent, other) in links.parent.iter_mut().zip(linker.sample(&again, &mut random).parent) {
                if *parent == NO_ROW {
                    *parent = other;
                }
            }
        }
        if let Some(series) = &series {
            series.for_each_later(|first, row| links.parent[row] = links.parent[first]);
            present = wanted;
        }
        let mut failed = missing(&present, &links);
        let nullable = fk
            .columns
            .iter()
            .any(|column| table.column(*column).nullable && draft.data.column(*column).is_none());
        if role == LinkRole::SelfReference && !nullable {
            // A key that cannot be null: the roots of the forest refer to themselves.
            let rootless = links.parent.iter_mut().enumerate().filter(|(_, parent)| **parent == NO_ROW);
            for (row, parent) in rootless.filter(|(row, _)| present[*row]) {
                *parent = row as u32;
            }
            failed.fill(false);
        }
        let moved = learned.moved(&links, &draft.families);
        if moved as f64 > DRY_SHARE * row_count as f64 {
            let what = format!("{moved} of {row_count} rows chose a kind of parent that had no room left");
            let finding = Finding::note("link-block-dry", what).table(&table.name).column(&fk.name);
            self.summary.findings.push(finding.instead("they got one of the kind most like it"));
        }
        learned.settle(model, fk_id, &links, &mut draft.tokens, &draft.families);
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
        let fillers = self.fillers(table, fk, draft, &links, parents.map_or(0, |parents| parents.row_count));
        let mut can_be_null = false;
        for (column, parent_column) in fk.columns.iter().zip(&fk.parent_columns) {
            let nullable = table.column(*column).nullable;
            let decided = draft.data.column(*column).is_some();
            can_be_null |= nullable && !decided;
            if decided {
                continue;
            }
            let Some(parents) = parents else { continue };
            let parent_type = &self.model.schema.table(fk.parent).column(*parent_column).data_type;
            let alike = table.column(*column).data_type == *parent_type;
            let rows = fillers.as_ref().filter(|_| !nullable).unwrap_or(&links);
            draft.data.set_linked(*column, (parents, *parent_column), rows, alike);
        }
        let failures = failed.iter().filter(|failed| **failed).count();
        if failures == 0 || fk.when().is_some() {
            return;
        }
        let what = format!("{failures} rows found no parent row");
        let finding = if can_be_null { Finding::note } else { Finding::warning };
        let finding = finding("link-without-parent", what).table(&table.name).column(&fk.name);
        // Once children may refer to these rows (a deferred link), they can only stay.
        if can_be_null || role == LinkRole::Deferred {
            self.summary.findings.push(finding.instead("the key was left null"));
        } else if self.give_up_shared(id, fk_id, failed, draft) {
            let finding =
                Finding::note("link-without-parent", format!("{failures} rows found no parent row"));
            let finding = finding.table(&table.name).column(&fk.name);
            self.summary.findings.push(finding.instead("a column it shares with another key was left null"));
        } else {
            let keep: Vec<bool> = failed.iter().map(|failed| !failed).collect();
            draft.retain(&keep);
            self.summary.findings.push(finding.instead("these rows were left out"));
        }
    }

    /// Frees rows of a key whose columns other links decided: one of those columns becomes null, and the links over it
    /// are given up. Returns false where no column may be null.
    fn give_up_shared(&self, id: TableId, fk: ForeignKeyId, failed: &[bool], draft: &mut Draft) -> bool {
        let table = self.model.schema.table(id);
        let keys = || table.foreign_keys.iter().enumerate();
        let bound = |column: ColumnId| {
            let context = self.model.plan.table(id).context;
            let key = table.primary_key.as_ref().is_some_and(|key| key.columns.contains(&column));
            key || keys().any(|(index, other)| {
                other.columns.contains(&column) && (other.match_full || context == Some(ForeignKeyId(index)))
            })
        };
        let columns = &table.foreign_keys[fk.0].columns;
        let Some(free) =
            columns.iter().rev().find(|column| table.column(**column).nullable && !bound(**column))
        else {
            return false;
        };
        let rows: Vec<usize> = (0..failed.len()).filter(|row| failed[*row]).collect();
        for (index, _) in keys().filter(|(_, other)| other.columns.contains(free)) {
            unlink(draft, ForeignKeyId(index), &[*free], &rows);
        }
        true
    }

    /// Rows of the parent that say the columns of a key that are never null, also where the key is not set because
    /// another of its columns is null: the parent there is, else that of another row, else any.
    fn fillers(
        &self,
        table: &Table,
        fk: &ForeignKey,
        draft: &Draft,
        links: &[u32],
        parent_rows: usize,
    ) -> Option<Vec<u32>> {
        let undecided = |column: &&ColumnId| draft.data.column(**column).is_none();
        let never_null = fk.columns.iter().filter(undecided).any(|column| !table.column(*column).nullable);
        if !never_null || parent_rows == 0 || !links.contains(&NO_ROW) {
            return None;
        }
        let will_be_null = fk.columns.iter().filter(undecided).any(|column| table.column(*column).nullable);
        let is_null = |row: usize| {
            let decided = fk.columns.iter().filter_map(|column| draft.data.column(*column));
            will_be_null || decided.into_iter().any(|array| array.is_null(row))
        };
        let drawn: Vec<u32> = links.iter().copied().filter(|parent| *parent != NO_ROW).collect();
        let mut random = self.options.seed.stream(&format!("fillers/{}/{}", table.name, fk.name), 0);
        let filler = |(row, parent): (usize, &u32)| match (*parent, drawn.len()) {
            (NO_ROW, _) if !is_null(row) => NO_ROW,
            (NO_ROW, 0) => random.random_range(0..parent_rows as u32),
            (NO_ROW, count) => drawn[random.random_range(0..count)],
            (parent, _) => parent,
        };
        Some(links.iter().enumerate().map(filler).collect())
    }

    /// How many children each parent row gets along a foreign key: its count token's value, so that all sum to the
    /// rows there are; in each group, where the link is bound to groups.
    fn stubs(
        &self,
        (id, fk_id): (TableId, ForeignKeyId),
        draft: &Draft,
        parent_rows: usize,
        (present, groups): (&[bool], Option<&Groups>),
        blocks: &[Option<u16>],
    ) -> Vec<f32> {
        let table = self.model.schema.table(id);
        let fk = &table.foreign_keys[fk_id.0];
        let own = fk.parent == id;
        let counted = self.model.table(fk.parent).and_then(|parent| {
            let counts = &parent.facts.counts;
            let place = counts.iter().position(|count| count.child == id && count.foreign_key == fk_id)?;
            let rows = if own { &draft.tokens } else { &self.graph.tables[fk.parent.0].as_ref()?.rows };
            let first = rows.tokens.len().checked_sub(counts.len())?;
            let tokens = rows.tokens.get(first + place)?;
            if own {
                return Some(tokens.iter().map(|token| counts[place].codec.expected(*token)).collect());
            }
            let total = present.iter().filter(|present| **present).count() as u64;
            let name = format!("stubs/{}/{}", table.name, fk.name);
            let mut random = self.options.seed.stream(&name, 0);
            let fan_out = TokenFanOut::new(counts[place].codec.clone());
            let mut stubs = fan_out.sample(tokens, Some(total), &mut random).ok()?;
            if let Some((of_children, of_parents)) =
                groups.filter(|(_, of_parents)| of_parents.len() == stubs.len())
            {
                let mut totals = BTreeMap::<u32, i64>::new();
                for (group, _) in of_children.iter().zip(present).filter(|(_, present)| **present) {
                    *totals.entry(*group).or_default() += 1;
                }
                // What goes with a count: the block, and the counts of other children.
                let block = |row: usize| blocks.get(row).copied().flatten().map_or(u32::MAX, u32::from);
                let others: Vec<usize> = (0..counts.len()).filter(|other| *other != place).collect();
                let fine = strata(stubs.len(), |row| {
                    let counts = others.iter().map(|other| u32::from(rows.tokens[first + other][row]));
                    std::iter::once(block(row)).chain(counts).collect()
                });
                let coarse = strata(stubs.len(), |row| vec![block(row)]);
                let levels = [fine, coarse, vec![0; stubs.len()]];
                let values: Vec<i64> = stubs.iter().map(|count| i64::from(*count)).collect();
                let donors = balance(&values, of_parents, &totals, &levels, &mut random);
                stubs = donors.iter().map(|row| values[*row as usize] as u32).collect();
            }
            Some(stubs.into_iter().map(|count| count as f32).collect::<Vec<f32>>())
        });
        counted.filter(|stubs| stubs.len() == parent_rows).unwrap_or_else(|| vec![1.0; parent_rows])
    }

    /// Groups of a link that shares an ancestor with the context parent, or with the parent along a link drawn before.
    pub(super) fn anchor_groups(
        &self,
        id: TableId,
        model: &TableModel,
        fk_id: ForeignKeyId,
        draft: &Draft,
    ) -> Option<Groups> {
        let Anchor { beside, context_depth, link_depth } =
            model.facts.anchors.iter().find(|(link, _)| *link == fk_id).map(|(_, anchor)| *anchor)?;
        let table = self.model.schema.table(id);
        let base = beside.or(self.model.plan.table(id).context)?;
        let links = |other: TableId| {
            self.graph.tables[other.0].as_ref().map_or(&[] as &[Links], |rows| rows.links.as_slice())
        };
        let ancestry = Ancestry { schema: &self.model.schema, plan: &self.model.plan, links: &links };
        let base_rows = &draft.links[base.0].parent;
        let parent = table.foreign_keys[fk_id.0].parent;
        let parent_rows: Vec<u32> = (0..self.keys[parent.0].as_ref()?.row_count as u32).collect();
        let (_, children) = ancestry.climb(table.foreign_keys[base.0].parent, base_rows, context_depth)?;
        let (_, parents) = ancestry.climb(parent, &parent_rows, link_depth)?;
        Some((children, parents))
    }
}

/// Rows that want a parent and have none.
fn missing(present: &[bool], links: &Links) -> Vec<bool> {
    present.iter().zip(&links.parent).map(|(present, parent)| *present && *parent == NO_ROW).collect()
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
