//! A snapshot with some of its rows only: to hold entities back that nothing is learnt from.

use crate::{
    data::{Families, Links, NO_ROW},
    plan::Plan,
    schema::{Schema, TableId},
    snapshot::{Snapshot, TableSnapshot},
};

impl Snapshot {
    /// Returns the rows that `keep` says, by `TableId` (all of a table where the list is empty), as if the source had
    /// been sampled: a row goes with its context parent, a link to a row that is not kept leads nowhere, and counts of
    /// children and of rows stay those of the source.
    #[must_use]
    pub fn filtered(&self, schema: &Schema, plan: &Plan, keep: &[Vec<bool>]) -> Self {
        // The new place of every old row, parents first.
        let mut places: Vec<Vec<u32>> = vec![Vec::new(); self.tables.len()];
        let mut kept: Vec<Vec<u32>> = vec![Vec::new(); self.tables.len()];
        for id in plan.order() {
            let Some(table) = self.table(id) else { continue };
            let rows = table.data.row_count;
            let mut wanted = keep.get(id.0).filter(|keep| !keep.is_empty()).cloned();
            let wanted = wanted.get_or_insert_with(|| vec![true; rows]);
            if let Some(context) = plan.table(id).context {
                let parent = schema.table(id).foreign_keys[context.0].parent;
                for family in 0..table.parent_count {
                    let gone = places[parent.0].get(family).is_some_and(|place| *place == NO_ROW);
                    if gone {
                        wanted[table.families.rows(family)].fill(false);
                    }
                }
            }
            let mut place = vec![NO_ROW; rows];
            for row in (0..rows).filter(|row| wanted[*row]) {
                place[row] = kept[id.0].len() as u32;
                kept[id.0].push(row as u32);
            }
            places[id.0] = place;
        }
        let tables = self.tables.iter().enumerate().map(|(index, table)| {
            let id = TableId(index);
            table.as_ref().map(|table| part(table, (schema, plan, id), &kept[index], &places))
        });
        Self { tables: tables.collect() }
    }
}

fn part(
    table: &TableSnapshot,
    (schema, plan, id): (&Schema, &Plan, TableId),
    kept: &[u32],
    places: &[Vec<u32>],
) -> TableSnapshot {
    let definition = schema.table(id);
    let parent_is_kept =
        |parent: TableId, row: usize| places[parent.0].get(row).is_none_or(|place| *place != NO_ROW);
    let own = &places[id.0];
    let rows_of =
        |family: usize| table.families.rows(family).filter(|row| own[*row] != NO_ROW).count() as u32;
    let context = plan.table(id).context.map(|context| definition.foreign_keys[context.0].parent);
    let (families, parent_count, known_families) = match context {
        Some(parent) => {
            let kept_parents: Vec<usize> =
                (0..table.parent_count).filter(|row| parent_is_kept(parent, *row)).collect();
            let mut counts: Vec<u32> = kept_parents.iter().map(|family| rows_of(*family)).collect();
            // Behind the parents' families stand the orphans, each by itself.
            counts.extend((table.parent_count..table.families.len()).map(rows_of).filter(|count| *count > 0));
            let known =
                kept_parents.iter().map(|row| table.known_families.get(*row).copied().unwrap_or(true));
            (Families::from_counts(&counts), kept_parents.len(), known.collect())
        }
        None => (Families::singletons(kept.len()), 0, table.known_families.clone()),
    };
    let of_kept =
        |values: &[bool]| kept.iter().filter_map(|row| values.get(*row as usize).copied()).collect();
    let keys = definition.foreign_keys.iter().enumerate();
    let links = keys.clone().map(|(fk, key)| {
        let parents = &table.links[fk].parent;
        let places = &places[key.parent.0];
        let moved = |row: &u32| {
            let parent = parents.get(*row as usize).copied()?;
            Some(places.get(parent as usize).copied().unwrap_or(NO_ROW))
        };
        Links { parent: kept.iter().filter_map(moved).collect() }
    });
    let fan_out = keys.map(|(fk, key)| {
        let counts = table.fan_out[fk].iter().enumerate();
        counts.filter(|(row, _)| parent_is_kept(key.parent, *row)).map(|(_, count)| *count).collect()
    });
    TableSnapshot {
        total_rows: table.total_rows,
        data: table.data.take(kept),
        families,
        parent_count,
        known_families,
        links: links.collect(),
        present: table.present.iter().map(|present| of_kept(present)).collect(),
        fan_out: fan_out.collect(),
        orphan_share: table.orphan_share,
        dangling: table.dangling.clone(),
        key_courses: table.key_courses.clone(),
        panel: table.panel,
    }
}
