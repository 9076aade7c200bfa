//! CHECKs between links: the two ends of a pair differ, or stand in an order. Links are drawn each by itself, so a row may
//! break such a CHECK. Its two ends change places where that helps, else it exchanges a parent with another row, so that
//! every parent keeps its number of children, else its ends change places although it is generated along one of them,
//! else it takes any parent that suits.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    data::{KeyColumns, NO_ROW, TableData},
    finding::Finding,
    model::TableModel,
    plan::LinkRole,
    sample::{Sampler, draft::Draft, referable::referable},
    schema::{ColumnId, ForeignKey, ForeignKeyId, Schema, Table, TableId},
    seed::spread,
};

/// Rows that a broken one tries to exchange a parent with.
const PARTNERS: usize = 16;
/// Parents it tries afterwards, whatever that does to their numbers of children.
const STRANGERS: usize = 32;

/// A link that may be moved from row to row, and the groups it must stay in.
pub(super) struct Movable<'a> {
    /// The foreign key's place.
    pub(super) place: usize,
    pub(super) fk: &'a ForeignKey,
    /// Per row.
    pub(super) groups: Option<Vec<u32>>,
}

/// What two rows, or the two ends of one, exchange.
enum Trade {
    /// The ends of a row: this link and the one at a place of the list.
    Ends(usize),
    /// The ends of a row, the other of which is the key it is generated along: the row joins another family.
    Family,
    /// This link, with another row; the number of the try.
    With(usize),
    /// This link, for any parent; the number of the try.
    Anew(usize),
}

impl Sampler<'_> {
    /// Moves drawn links until the CHECKs hold that read them and nothing undecided. What still breaks one is left to
    /// the repairs of the whole row.
    pub(super) fn relink(&mut self, id: TableId, model: &TableModel, draft: &mut Draft) {
        let table = self.model.schema.table(id);
        let links = self.movable(id, model, draft);
        let read = |columns: &[ColumnId]| {
            links.iter().any(|link| link.fk.columns.iter().any(|column| columns.contains(column)))
        };
        let rules = &model.facts.rules;
        if links.is_empty() || !rules.checks.iter().any(|check| read(&check.columns)) {
            return;
        }
        let mut broken = rules.broken(&draft.data);
        broken.retain(|_, columns| read(columns));
        let before = broken.len();
        if before == 0 {
            return;
        }
        let mut taken = Taken::new(table, &draft.data);
        let family = self.family(id, draft);
        let mut moved = false;
        for (trade, link) in trades(&links, family.as_ref()) {
            if broken.is_empty() {
                break;
            }
            let pairs = match trade {
                Trade::Ends(..) | Trade::Family | Trade::Anew(..) => {
                    broken.keys().map(|row| (*row, *row)).collect()
                }
                Trade::With(attempt) => partners(&broken, draft.row_count(), link, attempt),
            };
            let concerned = |row: &u32| broken[row].iter().any(|column| link.fk.columns.contains(column));
            let mut pairs: Vec<(u32, u32)> = pairs.into_iter().filter(|(row, _)| concerned(row)).collect();
            if matches!(trade, Trade::Family) {
                let parents = &draft.links[link.place].parent;
                pairs.retain(|(row, _)| parents[*row as usize] != NO_ROW);
            }
            if pairs.is_empty() {
                continue;
            }
            let other = match trade {
                Trade::Ends(other) => Some(&links[other]),
                Trade::Family => family.as_ref(),
                Trade::With(..) | Trade::Anew(..) => None,
            };
            let (trial, strangers) = match trade {
                Trade::Anew(attempt) => {
                    let Some(parents) =
                        self.keys[link.fk.parent.0].as_ref().filter(|keys| keys.row_count > 0)
                    else {
                        continue;
                    };
                    let link = (link.fk, &self.model.schema);
                    let Some(found) = anew(table, &draft.data, &pairs, link, parents, attempt) else {
                        continue;
                    };
                    found
                }
                _ => (traded(&draft.data, &pairs, link.fk, other.map(|other| other.fk)), Vec::new()),
            };
            let failed = rules.violations(&trial);
            let mut patches = Vec::new();
            for (place, (row, partner)) in pairs.iter().enumerate() {
                let ends = other.is_some() || !strangers.is_empty();
                let places = if ends { vec![place] } else { vec![place, pairs.len() + place] };
                let rows = if ends { vec![*row] } else { vec![*row, *partner] };
                if places.iter().any(|place| failed[*place])
                    || !taken.exchange(&draft.data, &rows, &trial, &places)
                {
                    continue;
                }
                patches.extend(rows.iter().map(|row| *row as usize).zip(places));
                let (own, partner) = (*row as usize, *partner as usize);
                moved |= matches!(trade, Trade::Family);
                match other {
                    Some(other) => {
                        let kept = draft.links[link.place].parent[own];
                        draft.links[link.place].parent[own] = draft.links[other.place].parent[own];
                        draft.links[other.place].parent[own] = kept;
                    }
                    None if ends => draft.links[link.place].parent[own] = strangers[place],
                    None => draft.links[link.place].parent.swap(own, partner),
                }
                broken.remove(row);
            }
            draft.data = draft.data.patched(&trial, patches);
        }
        if let Some(family) = family.filter(|_| moved) {
            draft.regroup(family.place);
        }
        let mended = before - broken.len();
        if mended > 0 {
            let what = format!("{mended} rows broke a CHECK between their links");
            let finding = Finding::note("check-repaired", what).table(&table.name);
            self.summary.findings.push(finding.instead("they took other parents"));
        }
    }

    /// The key that rows are generated along, if a row may change its family: it stands in no other key.
    pub(super) fn family(&self, id: TableId, draft: &Draft) -> Option<Movable<'_>> {
        let table = self.model.schema.table(id);
        let place = self.model.plan.table(id).context?.0;
        let fk = &table.foreign_keys[place];
        let own = |column: &ColumnId| {
            let mut others = table.foreign_keys.iter().enumerate().filter(|(other, _)| *other != place);
            !others.any(|(_, key)| key.columns.contains(column)) && table.column(*column).generated.is_none()
        };
        let whole = draft.links[place].parent.len() == draft.row_count();
        (fk.parent != id && whole && fk.when().is_none() && fk.columns.iter().all(own)).then_some(Movable {
            place,
            fk,
            groups: None,
        })
    }

    /// Links drawn row by row, decided, sharing no column with another key.
    pub(super) fn movable(&self, id: TableId, model: &TableModel, draft: &Draft) -> Vec<Movable<'_>> {
        let table = self.model.schema.table(id);
        let roles = &self.model.plan.table(id).links;
        let keys = || table.foreign_keys.iter().enumerate();
        let free = |place: usize, fk: &ForeignKey| {
            fk.columns.iter().all(|column| {
                let shared = keys().any(|(other, key)| other != place && key.columns.contains(column));
                !shared && draft.data.column(*column).is_some() && table.column(*column).generated.is_none()
            })
        };
        // Where another link leads follows from such a one.
        let leads = |place: usize| {
            model.facts.anchors.iter().any(|(_, anchor)| anchor.beside == Some(ForeignKeyId(place)))
        };
        keys()
            .filter(|(place, fk)| roles[*place] == LinkRole::Link && fk.when().is_none() && free(*place, fk))
            .filter(|(place, _)| !leads(*place))
            .filter(|(place, _)| draft.links[*place].parent.len() == draft.row_count())
            .map(|(place, fk)| {
                let groups = self.anchor_groups(id, model, ForeignKeyId(place), draft);
                Movable { place, fk, groups: groups.map(|(children, _)| children) }
            })
            .collect()
    }
}

/// What is tried, in order: the ends of a row first, then one row after the other.
fn trades<'a, 'b>(links: &'b [Movable<'a>], family: Option<&Movable<'_>>) -> Vec<(Trade, &'b Movable<'a>)> {
    let mut all = Vec::new();
    let alike = |one: &Movable<'_>, other: &Movable<'_>| {
        other.fk.parent == one.fk.parent && other.fk.parent_columns == one.fk.parent_columns
    };
    for (first, link) in links.iter().enumerate() {
        for (second, other) in links.iter().enumerate().skip(first + 1) {
            if alike(link, other) && link.groups.is_none() && other.groups.is_none() {
                all.push((Trade::Ends(second), link));
            }
        }
    }
    for attempt in 0..PARTNERS {
        all.extend(links.iter().map(|link| (Trade::With(attempt), link)));
    }
    let ends =
        |link: &&Movable<'_>| link.groups.is_none() && family.is_some_and(|family| alike(family, link));
    all.extend(links.iter().filter(ends).map(|link| (Trade::Family, link)));
    for attempt in 0..STRANGERS {
        all.extend(
            links.iter().filter(|link| link.groups.is_none()).map(|link| (Trade::Anew(attempt), link)),
        );
    }
    all
}

/// The rows of the pairs with other parents, and which; `None` if there is no parent at all.
fn anew(
    table: &Table,
    data: &TableData,
    pairs: &[(u32, u32)],
    (link, schema): (&ForeignKey, &Schema),
    parents: &TableData,
    attempt: usize,
) -> Option<(TableData, Vec<u32>)> {
    let rows: Vec<u32> = pairs.iter().map(|(row, _)| *row).collect();
    let whole = referable(schema, table, link, parents);
    let there: Vec<u32> = (0..parents.row_count as u32)
        .filter(|row| whole.as_ref().is_none_or(|whole| whole[*row as usize]))
        .collect();
    if there.is_empty() {
        return None;
    }
    let strangers: Vec<u32> =
        rows.iter().map(|row| there[spread(*row as usize, attempt, there.len())]).collect();
    let trial = under((table, data), &rows, (link, schema), parents, &strangers);
    Some((trial, strangers))
}

/// Rows under other parents.
pub(super) fn under(
    (table, data): (&Table, &TableData),
    rows: &[u32],
    (link, schema): (&ForeignKey, &Schema),
    parents: &TableData,
    strangers: &[u32],
) -> TableData {
    let mut trial = data.take(rows);
    for (column, parent_column) in link.columns.iter().zip(&link.parent_columns) {
        let alike =
            table.column(*column).data_type == schema.table(link.parent).column(*parent_column).data_type;
        trial.set_linked(*column, (parents, *parent_column), strangers, alike);
    }
    trial
}

/// A sound row for every broken one, each used once.
fn partners(
    broken: &BTreeMap<u32, Vec<ColumnId>>,
    rows: usize,
    link: &Movable<'_>,
    attempt: usize,
) -> Vec<(u32, u32)> {
    let group = |row: u32| link.groups.as_ref().map_or(0, |groups| groups[row as usize]);
    let mut sound: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for row in (0..rows as u32).filter(|row| !broken.contains_key(row)) {
        sound.entry(group(row)).or_default().push(row);
    }
    let mut used = BTreeSet::new();
    let pair = |row: &u32| {
        let there = sound.get(&group(*row))?;
        let partner = there[spread(*row as usize, attempt, there.len())];
        used.insert(partner).then_some((*row, partner))
    };
    broken.keys().filter_map(pair).collect()
}

/// The rows of the pairs, then their partners, after the exchange of one link; or the rows alone, their two ends exchanged.
fn traded(
    data: &TableData,
    pairs: &[(u32, u32)],
    link: &ForeignKey,
    other: Option<&ForeignKey>,
) -> TableData {
    let rows: Vec<u32> = pairs.iter().map(|(row, _)| *row).collect();
    if let Some(other) = other {
        let own = data.take(&rows);
        let mut trial = own.clone();
        for (one, two) in link.columns.iter().zip(&other.columns) {
            if let (Some(first), Some(second)) = (own.column(*one), own.column(*two))
                && first.data_type() == second.data_type()
            {
                trial.set(*one, second.clone());
                trial.set(*two, first.clone());
            }
        }
        return trial;
    }
    let partners = || pairs.iter().map(|(_, partner)| *partner);
    let straight: Vec<u32> = rows.iter().copied().chain(partners()).collect();
    let crossed: Vec<u32> = partners().chain(rows.iter().copied()).collect();
    let mut trial = data.take(&straight);
    let moved = data.select(|column| link.columns.contains(&column)).take(&crossed);
    for (column, array) in moved.columns.iter().zip(&moved.arrays) {
        trial.set(*column, array.clone());
    }
    trial
}

/// The columns of a unique key as [`KeyColumns::of`] takes them, and the keys that rows have.
type Held = (Vec<(ColumnId, bool)>, BTreeSet<Vec<u8>>);

/// The values of the unique keys that are decided.
pub(super) struct Taken {
    keys: Vec<Held>,
}

impl Taken {
    pub(super) fn new(table: &Table, data: &TableData) -> Self {
        let plain = table.keys().filter(|key| key.predicate.is_none() && key.expressions.is_empty());
        let keys = plain.filter_map(|key| {
            let columns: Vec<(ColumnId, bool)> = key.columns.iter().map(|column| (*column, false)).collect();
            let values = KeyColumns::of(data, &columns)?;
            let mut key = Vec::new();
            let mut seen = BTreeSet::new();
            for row in 0..data.row_count {
                if values.write(row, &mut key) {
                    seen.insert(key.clone());
                }
            }
            Some((columns, seen))
        });
        Self { keys: keys.collect() }
    }

    /// Takes rows as they are in a trial for what they were; false, and nothing done, where a key would clash.
    pub(super) fn exchange(
        &mut self,
        data: &TableData,
        rows: &[u32],
        trial: &TableData,
        places: &[usize],
    ) -> bool {
        let mut changes = Vec::with_capacity(self.keys.len());
        for (columns, seen) in &self.keys {
            let (Some(old), Some(new)) = (KeyColumns::of(data, columns), KeyColumns::of(trial, columns))
            else {
                return false;
            };
            let write = |keys: &KeyColumns<'_>, row: usize| {
                let mut key = Vec::new();
                keys.write(row, &mut key).then_some(key)
            };
            let gone: BTreeSet<Vec<u8>> = rows.iter().filter_map(|row| write(&old, *row as usize)).collect();
            let come: Vec<Vec<u8>> = places.iter().filter_map(|place| write(&new, *place)).collect();
            let distinct: BTreeSet<&Vec<u8>> = come.iter().collect();
            if distinct.len() < come.len() || come.iter().any(|key| seen.contains(key) && !gone.contains(key))
            {
                return false;
            }
            changes.push((gone, come));
        }
        for ((_, seen), (gone, come)) in self.keys.iter_mut().zip(changes) {
            for key in &gone {
                seen.remove(key);
            }
            seen.extend(come);
        }
        true
    }
}
