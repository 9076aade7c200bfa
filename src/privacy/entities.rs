//! The entity of every row.

use std::collections::BTreeMap;

use crate::{
    data::{Links, NO_ROW},
    finding::Finding,
    plan::Plan,
    schema::{Schema, TableId},
    snapshot::Snapshot,
};

/// Most things (no persons) among which no row below them could hide, and the rows of each, at least, on average: the
/// readings of three stations, the costs of 45 shops.
const FEW_THINGS: usize = 50;
const MANY_ROWS: usize = 5;

/// The entity of every row of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entities {
    /// The entity of each row. Numbers agree over all tables with the same root: below the root's row count they are
    /// its rows, above it rows that reach no row of it.
    pub of_row: Vec<u32>,
    /// Distinct entities among the rows.
    pub count: usize,
    /// The root table.
    pub root: TableId,
    /// The things the rows would belong to, were they not so few: their table and their number.
    pub too_few: Option<(TableId, usize)>,
}

impl Entities {
    fn new(of_row: Vec<u32>, root: TableId) -> Self {
        let mut distinct = of_row.clone();
        distinct.sort_unstable();
        distinct.dedup();
        Self { count: distinct.len(), of_row, root, too_few: None }
    }
}

/// The entities of every table with rows, indexed by `TableId`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntityMap {
    /// `None` for a table without rows.
    pub tables: Vec<Option<Entities>>,
}

impl EntityMap {
    /// The entities of a table, if it has rows.
    #[must_use]
    pub fn table(&self, id: TableId) -> Option<&Entities> {
        self.tables.get(id.0)?.as_ref()
    }

    /// Says of which tables a row counts as an entity of its own, because the things above it are too few.
    #[must_use]
    pub fn findings(&self, schema: &Schema) -> Vec<Finding> {
        let few = self.tables.iter().enumerate().filter_map(|(id, found)| {
            let (things, count) = found.as_ref()?.too_few?;
            Some((TableId(id), things, count))
        });
        let told = few.map(|(id, things, count)| {
            let things = &schema.table(things).name;
            let what =
                format!("its rows belong to {count} rows of {things}, too few for k of them to share values");
            Finding::note("few-entities", what)
                .table(&schema.table(id).name)
                .instead("each row counts as an entity of its own")
                .remedy(format!("entities = [\"{things}\"] under [privacy] protects {things} as a whole"))
        });
        told.collect()
    }
}

/// Gives every row of a snapshot its entity.
#[must_use]
pub fn map(schema: &Schema, plan: &Plan, snapshot: &Snapshot) -> EntityMap {
    let tables = snapshot.tables.iter().map(|table| {
        let table = table.as_ref()?;
        Some((table.data.row_count, table.links.as_slice()))
    });
    map_links(schema, plan, &tables.collect::<Vec<_>>())
}

/// Gives every row its entity. Per table, by `TableId`: its rows, and per foreign key the parent row of each; `None`
/// for a table without rows.
#[must_use]
pub fn map_links(schema: &Schema, plan: &Plan, tables: &[Option<(usize, &[Links])>]) -> EntityMap {
    let mut found: Vec<Option<Entities>> = vec![None; tables.len()];
    // The next number of an entity without a row in the root, per root.
    let mut next: BTreeMap<TableId, u32> = BTreeMap::new();
    for id in plan.order() {
        let Some((rows, links)) = tables.get(id.0).copied().flatten() else { continue };
        let path = plan.table(id).entity;
        let parent = path.along.map(|key| schema.table(id).foreign_keys[key.0].parent);
        let of_parent = parent.and_then(|parent| found[parent.0].as_ref());
        let root = of_parent.map_or(path.root, |of_parent| of_parent.root);
        let of_root = tables.get(root.0).copied().flatten().map_or(0, |(rows, _)| rows);
        let next = next.entry(root).or_insert(of_root as u32);
        let parents = path.along.and_then(|key| links.get(key.0));
        let mut alone = || {
            *next += 1;
            *next - 1
        };
        let of_row = match (parents, of_parent) {
            (Some(parents), Some(of_parent)) => (0..rows)
                .map(|row| match parents.parent.get(row) {
                    Some(parent) if *parent != NO_ROW => {
                        of_parent.of_row.get(*parent as usize).copied().unwrap_or_else(&mut alone)
                    }
                    _ => alone(),
                })
                .collect(),
            _ if path.along.is_some() => (0..rows).map(|_| alone()).collect(),
            _ => (0..rows as u32).collect(),
        };
        let entities = Entities::new(of_row, root);
        let things = !path.personal && root == path.root && path.along.is_some();
        let few = things && entities.count <= FEW_THINGS && rows >= MANY_ROWS * entities.count.max(1);
        found[id.0] = Some(if few {
            let too_few = Some((root, entities.count));
            Entities { too_few, ..Entities::new((0..rows as u32).collect(), id) }
        } else {
            entities
        });
    }
    EntityMap { tables: found }
}
