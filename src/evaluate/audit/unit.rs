//! Which entity every row belongs to, and samples of whole entities.

use std::collections::BTreeMap;

use crate::{
    data::{Links, NO_ROW, TableData},
    evaluate::{
        Side,
        c2st::sample_rows,
        frame::{data_of, links_of},
    },
    schema::{ForeignKeyId, Schema, TableId},
    seed::Stream,
};

/// Where the rows of a table find their entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nowhere: the table is left out or copied.
    Outside,
    /// Every row is an entity.
    Root,
    /// The row that this foreign key leads to knows.
    Below(ForeignKeyId),
}

/// One side with its links resolved and the entity of every row, all indexed by the `TableId` of the real schema.
pub(super) struct Members<'a> {
    pub(super) tables: Vec<Option<&'a TableData>>,
    pub(super) links: Vec<Vec<Links>>,
    /// The root's row of every row; [`NO_ROW`] where there is none.
    pub(super) entity: Vec<Vec<u32>>,
}

impl<'a> Members<'a> {
    pub(super) fn new(real: &Schema, side: &'a Side<'_>, units: &[Unit]) -> Self {
        let tables: Vec<Option<&TableData>> = real
            .iter()
            .map(|(id, _)| {
                if units[id.0] == Unit::Outside {
                    None
                } else {
                    data_of(real, side, id).map(|(_, data)| data)
                }
            })
            .collect();
        let mut links: Vec<Vec<Links>> =
            real.tables.iter().map(|table| vec![Links::default(); table.foreign_keys.len()]).collect();
        for (child, fk, key) in real.foreign_keys() {
            if tables[child.0].is_some() && tables[key.parent.0].is_some() {
                links[child.0][fk.0] = links_of(real, side, (child, fk), key);
            }
        }
        let mut members = Self { entity: vec![Vec::new(); tables.len()], tables, links };
        let mut known = vec![false; members.tables.len()];
        for (id, _) in real.iter() {
            members.find(real, id, units, &mut known, 0);
        }
        members
    }

    /// Finds the entities of a table's rows, its parent's first. A circle of parents, which no plan makes, has none.
    fn find(&mut self, real: &Schema, id: TableId, units: &[Unit], known: &mut [bool], depth: usize) {
        let Some(rows) = self.tables[id.0].map(|data| data.row_count) else { return };
        if known[id.0] || depth > units.len() {
            return;
        }
        let entity = match units[id.0] {
            Unit::Outside => return,
            Unit::Root => (0..rows as u32).collect(),
            Unit::Below(fk) => {
                let parent = real.table(id).foreign_keys[fk.0].parent;
                self.find(real, parent, units, known, depth + 1);
                let above = &self.entity[parent.0];
                let of = |row: usize| {
                    let parent = self.links[id.0][fk.0].parent.get(row).copied().unwrap_or(NO_ROW);
                    above.get(parent as usize).copied().unwrap_or(NO_ROW)
                };
                (0..rows).map(of).collect()
            }
        };
        self.entity[id.0] = entity;
        known[id.0] = true;
    }

    pub(super) fn rows(&self, id: TableId) -> usize {
        self.tables[id.0].map_or(0, |data| data.row_count)
    }
}

/// The root of every table's entities; `None` outside of them.
pub(super) fn roots(real: &Schema, units: &[Unit]) -> Vec<Option<TableId>> {
    let root = |mut id: TableId| {
        for _ in 0..=units.len() {
            match units[id.0] {
                Unit::Outside => return None,
                Unit::Root => return Some(id),
                Unit::Below(fk) => id = real.table(id).foreign_keys[fk.0].parent,
            }
        }
        None
    };
    real.iter().map(|(id, _)| root(id)).collect()
}

/// Draws entities of every root: at most `most` of them, and fewer if their rows would be more than `most_rows`.
/// Returns per root which of its rows are drawn.
pub(super) fn draw(
    members: &Members<'_>,
    roots: &[Option<TableId>],
    (most, most_rows): (usize, usize),
    random: &mut Stream,
) -> BTreeMap<TableId, Vec<bool>> {
    let mut drawn = BTreeMap::new();
    for (index, root) in roots.iter().enumerate() {
        let id = TableId(index);
        if *root != Some(id) || members.tables[index].is_none() {
            continue;
        }
        let entities = members.rows(id);
        let all: usize =
            (0..roots.len()).filter(|t| roots[*t] == Some(id)).map(|t| members.entity[t].len()).sum();
        let affordable = (most_rows as f64 / (all as f64 / entities.max(1) as f64).max(1.0)) as usize;
        let count = most.min(affordable.max(100)).min(entities);
        let mut chosen = vec![false; entities];
        for row in sample_rows(entities, count, random) {
            chosen[row as usize] = true;
        }
        drawn.insert(id, chosen);
    }
    drawn
}

/// A side with the rows of the drawn entities only, in their order.
pub(super) fn reduce<'a>(
    real: &'a Schema,
    members: &Members<'_>,
    roots: &[Option<TableId>],
    drawn: &BTreeMap<TableId, Vec<bool>>,
) -> Side<'a> {
    let kept: Vec<Vec<u32>> = (0..roots.len())
        .map(|index| {
            let Some(chosen) = roots[index].and_then(|root| drawn.get(&root)) else { return Vec::new() };
            let is_chosen = |entity: u32| chosen.get(entity as usize).copied().unwrap_or(false);
            let rows = members.entity[index].iter().enumerate();
            rows.filter(|(_, entity)| is_chosen(**entity)).map(|(row, _)| row as u32).collect()
        })
        .collect();
    let places: Vec<Vec<u32>> = kept
        .iter()
        .enumerate()
        .map(|(index, rows)| {
            let mut places = vec![NO_ROW; members.entity[index].len()];
            for (place, row) in rows.iter().enumerate() {
                places[*row as usize] = place as u32;
            }
            places
        })
        .collect();
    let links = real
        .iter()
        .map(|(id, table)| {
            let moved = |fk: usize| {
                let parents = &members.links[id.0][fk].parent;
                let places = &places[table.foreign_keys[fk].parent.0];
                let place = |row: &u32| {
                    let parent = parents.get(*row as usize).copied().unwrap_or(NO_ROW);
                    places.get(parent as usize).copied().unwrap_or(NO_ROW)
                };
                Links { parent: kept[id.0].iter().map(place).collect() }
            };
            (0..table.foreign_keys.len()).map(moved).collect()
        })
        .collect();
    let data = |index: usize| {
        members.tables[index].map_or_else(|| TableData::bare(0), |data| data.take(&kept[index]))
    };
    Side { schema: real, tables: (0..roots.len()).map(data).collect(), links: Some(links) }
}
