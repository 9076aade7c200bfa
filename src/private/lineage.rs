//! Which rows belong to which entity, and how rows of one entity stand to each other.

use crate::{
    config::TableMode,
    data::NO_ROW,
    plan::{LinkRole, Plan},
    schema::{ForeignKeyId, Schema, TableId},
    snapshot::Snapshot,
};

/// Where the rows of a table hang.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lineage {
    /// The foreign key to the row above, and its table; `None` for a root.
    pub(super) above: Option<(ForeignKeyId, TableId)>,
    /// The table whose rows are the entities.
    pub(super) root: TableId,
}

/// The lineage of every table that is learned. Copied rows are public: what hangs below one of them is an entity of its
/// own.
pub(super) fn lineages(schema: &Schema, plan: &Plan) -> Vec<Option<Lineage>> {
    let mut found: Vec<Option<Lineage>> = vec![None; schema.tables.len()];
    for id in plan.order() {
        if plan.table(id).mode != TableMode::Synthesize {
            continue;
        }
        let along = plan.table(id).entity.along;
        let above = along.map(|key| (key, schema.table(id).foreign_keys[key.0].parent));
        let above = above.filter(|(_, parent)| *parent != id && found[parent.0].is_some());
        let root = above.and_then(|(_, parent)| found[parent.0]).map_or(id, |lineage| lineage.root);
        found[id.0] = Some(Lineage { above, root });
    }
    found
}

/// The plan a private snapshot is read by: rows stand below their entities, whatever they are generated along. So whether
/// a row is read, and after which sibling, depends on rows of its own entity alone.
#[must_use]
pub fn reading_plan(schema: &Schema, plan: &Plan) -> Plan {
    let mut reading = plan.clone();
    for (lineage, table) in lineages(schema, plan).into_iter().zip(&mut reading.tables) {
        let Some(lineage) = lineage else { continue };
        if let Some(context) = table.context.take() {
            table.links[context.0] = LinkRole::Link;
        }
        if let Some((key, _)) = lineage.above {
            table.context = Some(key);
            table.links[key.0] = LinkRole::Context;
        }
    }
    reading
}

/// The rows of one table, as parts of entities.
#[derive(Debug, Clone, Default)]
pub(super) struct Kinship {
    /// The entity of each row; [`NO_ROW`] for rows that hang below nothing, which are not looked at.
    pub(super) entity: Vec<u32>,
    /// The row above; [`NO_ROW`] for rows of a root.
    pub(super) above: Vec<u32>,
    /// The sibling before each row; [`NO_ROW`] for the first.
    pub(super) before: Vec<u32>,
    /// Siblings before each row.
    pub(super) place: Vec<u32>,
}

/// The kinship of the rows of one table; that of the table above is known.
pub(super) fn kinship(
    snapshot: &Snapshot,
    id: TableId,
    lineage: Lineage,
    known: &[Option<Kinship>],
) -> Option<Kinship> {
    let rows = snapshot.table(id)?;
    let count = rows.data.row_count;
    let Some((key, parent)) = lineage.above else {
        return Some(Kinship {
            entity: (0..count as u32).collect(),
            above: vec![NO_ROW; count],
            before: vec![NO_ROW; count],
            place: vec![0; count],
        });
    };
    let upper = known[parent.0].as_ref()?;
    let above: Vec<u32> = rows.links[key.0].parent.clone();
    let mut last = vec![NO_ROW; upper.entity.len()];
    let mut seen = vec![0_u32; upper.entity.len()];
    let mut kin = Kinship { above, ..Kinship::default() };
    for row in 0..count {
        let parent = kin.above.get(row).copied().filter(|parent| (*parent as usize) < last.len());
        let Some(parent) = parent.map(|parent| parent as usize) else {
            kin.entity.push(NO_ROW);
            kin.before.push(NO_ROW);
            kin.place.push(0);
            continue;
        };
        kin.entity.push(upper.entity[parent]);
        kin.before.push(last[parent]);
        kin.place.push(seen[parent]);
        last[parent] = row as u32;
        seen[parent] += 1;
    }
    Some(kin)
}

impl Kinship {
    /// The rows of every entity that has some, in the order of the entities.
    pub(super) fn by_entity(&self, entities: usize) -> Vec<Vec<u32>> {
        let mut all = vec![Vec::new(); entities];
        for (row, entity) in self.entity.iter().enumerate() {
            if let Some(rows) = all.get_mut(*entity as usize) {
                rows.push(row as u32);
            }
        }
        all
    }

    /// Children of every row above.
    pub(super) fn fan_out(&self, parents: usize) -> Vec<u32> {
        let mut counts = vec![0; parents];
        for above in &self.above {
            if let Some(count) = counts.get_mut(*above as usize) {
                *count += 1;
            }
        }
        counts
    }
}
