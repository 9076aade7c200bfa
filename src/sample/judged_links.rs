//! A CHECK that only the target can decide may look at a row's parent, by a function that reads the parent's table. A row
//! that breaks such a CHECK takes another parent: one that the target accepts for other rows, else any.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    data::{NO_ROW, TableData},
    model::TableModel,
    sample::{
        Outlet, SampleError, Sampler,
        draft::Draft,
        judged::Suspect,
        referable::referable,
        relink::{Movable, Taken, under},
        suspects::{holds, union},
    },
    schema::{ColumnId, TableId},
    seed::spread,
};

/// Rounds of trying parents; what one round shows to be accepted is tried by the next.
const ROUNDS: usize = 3;
/// Parents tried per row and round.
const TRIES: usize = 24;
/// Rows asked about at once: where many break a CHECK, each tries fewer parents.
const TRIALS: usize = 50_000;

/// What is asked of the target about rows: a constraint and the columns it reads.
pub(super) type Asked = (Suspect, Vec<ColumnId>);

impl Sampler<'_> {
    /// Gives other parents to rows that break a CHECK which reads the columns of a link. Returns how many rows were
    /// mended, per constraint asked about.
    pub(super) fn settle_links(
        &self,
        id: TableId,
        model: &TableModel,
        draft: &mut Draft,
        asked: &[Asked],
        outlet: &mut dyn Outlet,
    ) -> Result<Vec<usize>, SampleError> {
        let table = self.model.schema.table(id);
        let mut mended = vec![0; asked.len()];
        let mut links = self.movable(id, model, draft);
        let drawn = links.len();
        // Families are moved whole tables at a time, and rows that others of the table refer to stay where they are.
        let alone = draft.place.block.is_none() && table.foreign_keys.iter().all(|fk| fk.parent != id);
        links.extend(self.family(id, draft).filter(|_| alone));
        for (place, link) in links.iter().enumerate() {
            let concerns = |(_, reads): &Asked| link.fk.columns.iter().any(|column| reads.contains(column));
            if !asked.iter().any(concerns) {
                continue;
            }
            let mut accepted = BTreeSet::new();
            let mut moved = false;
            for round in 0..ROUNDS {
                let more = self.rehome((id, model), draft, (link, asked), (round, &mut accepted), outlet)?;
                let Some(found) = more else { break };
                for (asked, found) in mended.iter_mut().zip(found) {
                    *asked += found;
                    moved |= found > 0;
                }
            }
            if moved && place >= drawn {
                draft.regroup(link.place);
            }
        }
        Ok(mended)
    }

    /// One round for one link. Returns the rows that took another parent per constraint; `None` if none has to.
    fn rehome(
        &self,
        (id, model): (TableId, &TableModel),
        draft: &mut Draft,
        (link, asked): (&Movable<'_>, &[Asked]),
        (round, accepted): (usize, &mut BTreeSet<(u32, u32)>),
        outlet: &mut dyn Outlet,
    ) -> Result<Option<Vec<usize>>, SampleError> {
        let table = self.model.schema.table(id);
        let suspects: Vec<Suspect> = asked.iter().map(|(suspect, _)| *suspect).collect();
        let Some(parents) = self.keys[link.fk.parent.0].as_ref() else { return Ok(None) };
        let Some(answer) = outlet.judge(id, &draft.data, &suspects)? else { return Ok(None) };
        let refused = union(&answer);
        let own = &draft.links[link.place].parent;
        let concerns = |reads: &[ColumnId]| link.fk.columns.iter().any(|column| reads.contains(column));
        // The first constraint that the link may be to blame for.
        let blamed = |row: &u32| {
            let mut cases = asked.iter().zip(&answer);
            let place = cases.position(|((_, reads), rows)| concerns(reads) && holds(rows, *row))?;
            Some((*row, place))
        };
        let broken: BTreeMap<u32, usize> =
            refused.iter().filter(|row| own[**row as usize] != NO_ROW).filter_map(blamed).collect();
        if broken.is_empty() {
            return Ok(None);
        }
        let group = |row: usize| link.groups.as_ref().map_or(0, |groups| groups[row]);
        let sound = (0..draft.row_count()).filter(|row| !refused.contains(&(*row as u32)));
        accepted.extend(sound.filter(|row| own[*row] != NO_ROW).map(|row| (group(row), own[row])));
        let pools = pools(accepted);
        let whole = referable(&self.model.schema, table, link.fk, parents);
        let any: Vec<u32> = (0..parents.row_count as u32)
            .filter(|row| link.groups.is_none() && whole.as_ref().is_none_or(|whole| whole[*row as usize]))
            .collect();

        let rows: Vec<u32> = broken.keys().copied().collect();
        let tries = (TRIALS / rows.len()).clamp(4, TRIES);
        let chosen: Vec<Vec<u32>> = (0..tries)
            .map(|attempt| {
                let choose = |row: &u32| {
                    let known = pools.get(&group(*row as usize)).map_or(&[] as &[u32], Vec::as_slice);
                    let pool =
                        if attempt % 2 == 0 && !known.is_empty() || any.is_empty() { known } else { &any };
                    let number = round * TRIES + attempt;
                    pool.get(spread(*row as usize, number, pool.len().max(1)))
                        .copied()
                        .unwrap_or(own[*row as usize])
                };
                rows.iter().map(choose).collect()
            })
            .collect();
        let trials: Vec<TableData> = chosen
            .iter()
            .map(|strangers| {
                under((table, &draft.data), &rows, (link.fk, &self.model.schema), parents, strangers)
            })
            .collect();
        let Some(all) = TableData::concat(&trials) else { return Ok(None) };
        let Some(answer) = outlet.judge(id, &all, &suspects)? else { return Ok(None) };
        let refused = union(&answer);
        let broken_here = model.facts.rules.violations(&all);
        let mut taken = Taken::new(table, &draft.data);
        let mut mended = vec![0; asked.len()];
        let mut patches = Vec::new();
        for (place, (row, case)) in broken.iter().enumerate() {
            let mut done = false;
            for (attempt, strangers) in chosen.iter().enumerate() {
                let trial = attempt * rows.len() + place;
                if refused.contains(&(trial as u32)) || broken_here[trial] {
                    continue;
                }
                accepted.insert((group(*row as usize), strangers[place]));
                if !done && taken.exchange(&draft.data, &[*row], &all, &[trial]) {
                    done = true;
                    patches.push((*row as usize, trial, strangers[place]));
                    mended[*case] += 1;
                }
            }
        }
        for (row, _, stranger) in &patches {
            draft.links[link.place].parent[*row] = *stranger;
        }
        draft.data = draft.data.patched(&all, patches.into_iter().map(|(row, trial, _)| (row, trial)));
        Ok(Some(mended))
    }
}

/// The parents of each group.
fn pools(accepted: &BTreeSet<(u32, u32)>) -> BTreeMap<u32, Vec<u32>> {
    let mut pools: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (group, parent) in accepted {
        pools.entry(*group).or_default().push(*parent);
    }
    pools
}
