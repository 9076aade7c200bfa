//! Reads the tables, parents first, and turns keys into row indices.

use rand::RngExt;

use crate::{
    config::TableMode,
    data::{Families, KeyColumns, KeyCourse, KeyIndex, Links, NO_ROW, TableData, bound_rows},
    db::{DbError, DbErrorKind, Scan, Source},
    plan::{ColumnRole, LinkRole, Plan},
    progress::{Event, Progress, interrupted},
    schema::{ColumnId, DataType, ForeignKey, ForeignKeyId, Schema, Table, TableId},
    snapshot::{
        Limits, Snapshot, TableSnapshot,
        fill::fill,
        siblings::{family_order, panel},
    },
};

/// Fewest families to learn from; with fewer, every family is kept in part instead of a few as a whole.
const LEAST_FAMILIES: f64 = 50.0;
/// Rows asked from the source at a time.
const BATCH_ROWS: usize = 8192;

pub(super) struct Reader<'a> {
    schema: &'a Schema,
    plan: &'a Plan,
    limits: Limits<'a>,
    progress: &'a dyn Progress,
    snapshots: Vec<Option<TableSnapshot>>,
    /// Share of a table's rows that were kept, by table.
    kept_share: Vec<f64>,
    /// Row by key, per parent table, for every set of its columns that a foreign key names.
    indexes: Vec<Vec<(Vec<ColumnId>, KeyIndex)>>,
    /// Key columns of self-referencing and deferred foreign keys, resolved once all tables are read.
    pending: Vec<(TableId, usize, TableData)>,
}

/// A table's rows while they stream in.
struct Intake {
    batches: Vec<TableData>,
    /// Context parent row of each kept row, [`NO_ROW`] for orphans.
    context_rows: Vec<u32>,
    known_families: Vec<bool>,
    /// Most rows kept of a family.
    family_rows: u32,
    /// Rows seen of each family.
    family_sizes: Vec<u32>,
    fan_out: Vec<Vec<u32>>,
    dangling: Vec<u64>,
    orphans: u64,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        schema: &'a Schema,
        plan: &'a Plan,
        limits: Limits<'a>,
        progress: &'a dyn Progress,
    ) -> Self {
        let count = schema.tables.len();
        Self {
            schema,
            plan,
            limits,
            progress,
            snapshots: (0..count).map(|_| None).collect(),
            kept_share: vec![1.0; count],
            indexes: (0..count).map(|_| Vec::new()).collect(),
            pending: Vec::new(),
        }
    }

    pub(super) fn read_all(mut self, source: &mut dyn Source) -> Result<Snapshot, DbError> {
        let order: Vec<TableId> = self.plan.order().collect();
        for id in order {
            if matches!(self.plan.table(id).mode, TableMode::Synthesize | TableMode::Copy) {
                self.read_table(source, id)?;
            }
        }
        for (child, fk, keys) in std::mem::take(&mut self.pending) {
            self.resolve_pending(child, fk, &keys);
        }
        Ok(Snapshot { tables: self.snapshots })
    }

    fn read_table(&mut self, source: &mut dyn Source, id: TableId) -> Result<(), DbError> {
        let table = self.schema.table(id);
        let name = table.name.to_string();
        let total_rows = self.limits.real_rows[id.0];
        let total = Some(total_rows);
        self.progress.event(&Event::TableStarted { stage: "snapshot", table: name.clone(), total });

        let mut intake = self.prepare_intake(id);
        let keep_share = self.keep_share(id);
        let mut random = self.limits.seed.stream(&format!("snapshot/{name}"), 0);
        let mut columns = table.writable_columns();
        // A computed column is read where a key is made of it.
        let own = table.foreign_keys.iter().flat_map(|fk| &fk.columns);
        let above = self
            .schema
            .foreign_keys()
            .filter(|(_, _, fk)| fk.parent == id)
            .flat_map(|(_, _, fk)| &fk.parent_columns);
        columns.extend(own.chain(above).filter(|column| table.column(**column).generated.is_some()));
        columns.sort_unstable();
        columns.dedup();
        let order_by = table.primary_key.as_ref().map(|key| key.columns.clone()).unwrap_or_default();
        let exact = self.plan.table(id).is_copied();
        let scan = Scan { columns, order_by, batch_rows: BATCH_ROWS, exact };
        source.scan(table, &scan, &mut |batch| {
            if interrupted() {
                return Err(DbError::new(DbErrorKind::Interrupted, "interrupted"));
            }
            let done = batch.row_count as u64;
            self.take_batch(id, batch, &mut intake, &mut || random.random::<f64>() < keep_share);
            self.progress.event(&Event::TableAdvanced { stage: "snapshot", table: name.clone(), done });
            Ok(())
        })?;
        self.finish_table(id, intake, total_rows);
        self.progress.event(&Event::TableFinished { stage: "snapshot", table: name });
        Ok(())
    }

    /// Share of rows to keep of a table without a context parent. Copied tables are kept whole.
    fn keep_share(&self, id: TableId) -> f64 {
        let total = self.limits.real_rows[id.0] as f64;
        let limited =
            self.plan.table(id).mode == TableMode::Synthesize && self.plan.table(id).context.is_none();
        if limited && total > self.limits.training_rows as f64 {
            self.limits.training_rows as f64 / total
        } else {
            1.0
        }
    }

    fn prepare_intake(&self, id: TableId) -> Intake {
        let table = self.schema.table(id);
        let parent_rows =
            |fk: &ForeignKey| self.snapshots[fk.parent.0].as_ref().map_or(0, |p| p.data.row_count);
        let mut family_rows = u32::MAX;
        let known_families = self.plan.table(id).context.map_or_else(Vec::new, |context| {
            let parent = table.foreign_keys[context.0].parent;
            let expected = self.limits.real_rows[id.0] as f64 * self.kept_share[parent.0];
            let limit = self.limits.training_rows as f64;
            let used = self.limits.used_parents.get(&(id, context)).map_or(expected, |used| *used as f64);
            let families = used * self.kept_share[parent.0];
            let mut share = (limit / expected.max(1.0)).min(1.0);
            if self.plan.table(id).is_copied() {
                share = 1.0;
            } else if share < 1.0 && share * families < LEAST_FAMILIES {
                family_rows = (limit / families.max(1.0)).ceil() as u32;
                share = 1.0;
            }
            let mut random = self.limits.seed.stream(&format!("snapshot/families/{}", table.name), 0);
            (0..parent_rows(&table.foreign_keys[context.0])).map(|_| random.random::<f64>() < share).collect()
        });
        Intake {
            batches: Vec::new(),
            context_rows: Vec::new(),
            family_sizes: vec![0; known_families.len()],
            known_families,
            family_rows,
            fan_out: table.foreign_keys.iter().map(|fk| vec![0; parent_rows(fk)]).collect(),
            dangling: vec![0; table.foreign_keys.len()],
            orphans: 0,
        }
    }

    fn take_batch(
        &self,
        id: TableId,
        batch: TableData,
        intake: &mut Intake,
        lucky: &mut dyn FnMut() -> bool,
    ) {
        let plan = self.plan.table(id);
        let table = self.schema.table(id);
        let mut keep = vec![true; batch.row_count];
        for (index, fk) in table.foreign_keys.iter().enumerate() {
            let role = plan.links[index];
            if !matches!(role, LinkRole::Context | LinkRole::Link | LinkRole::Conditional) {
                continue;
            }
            let (rows, present) = self.find_parents(table, fk, &batch);
            let whole = self.kept_share[fk.parent.0] >= 1.0;
            for (row, parent) in rows.iter().enumerate() {
                if *parent != NO_ROW {
                    intake.fan_out[index][*parent as usize] += 1;
                } else if present[row] && whole {
                    intake.dangling[index] += 1;
                }
            }
            if role == LinkRole::Context {
                for (row, parent) in rows.iter().enumerate() {
                    keep[row] = if *parent != NO_ROW {
                        let kept = &mut intake.family_sizes[*parent as usize];
                        *kept += 1;
                        intake.known_families[*parent as usize] && *kept <= intake.family_rows
                    } else if present[row] {
                        false
                    } else {
                        intake.orphans += 1;
                        true
                    };
                }
                intake
                    .context_rows
                    .extend(rows.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(p, _)| *p));
            }
        }
        if plan.context.is_none() {
            for flag in &mut keep {
                *flag = lucky();
            }
        }
        intake.batches.push(if keep.iter().all(|keep| *keep) { batch } else { batch.filter(&keep) });
    }

    /// Finds the parent row of every row; also tells which keys are not null.
    fn find_parents(&self, child: &Table, fk: &ForeignKey, rows: &TableData) -> (Vec<u32>, Vec<bool>) {
        let folds = fold_case(self.schema.table(fk.parent), &fk.parent_columns, child, &fk.columns);
        let columns: Vec<_> = fk.columns.iter().copied().zip(folds).collect();
        let index = self.indexes[fk.parent.0].iter().find(|(columns, _)| *columns == fk.parent_columns);
        let Some(keys) = KeyColumns::of(rows, &columns) else {
            return (vec![NO_ROW; rows.row_count], vec![false; rows.row_count]);
        };
        let required = fk.columns.iter().all(|id| !child.column(*id).nullable);
        let bound = bound_rows(child, fk, rows);
        let mut key = Vec::new();
        (0..rows.row_count)
            .map(|row| {
                let binds = bound.as_ref().is_none_or(|bound| bound[row]);
                let written = binds && keys.write(row, &mut key);
                // What could not be read arrives as null, also where null is not allowed: it points to nothing, but it points.
                let present = written || (binds && required);
                let parent =
                    if written { index.map_or(NO_ROW, |(_, index)| index.find(&key)) } else { NO_ROW };
                (parent, present)
            })
            .unzip()
    }

    fn finish_table(&mut self, id: TableId, intake: Intake, total_rows: u64) {
        let schema = self.schema;
        let table = schema.table(id);
        let plan = self.plan.table(id);
        let data = TableData::concat(&intake.batches).unwrap_or_else(|| TableData::bare(0));
        let parent_count = if plan.context.is_some() { intake.known_families.len() } else { 0 };
        let (data, families, panel) = if plan.context.is_some() {
            let parents = |index: usize| {
                let (parents, present) = self.find_parents(table, &table.foreign_keys[index], &data);
                present.iter().all(|present| *present).then_some((ForeignKeyId(index), parents))
            };
            let links = plan.links.iter().enumerate().filter(|(index, role)| {
                **role == LinkRole::Link && plan.context != Some(ForeignKeyId(*index))
            });
            let links: Vec<(ForeignKeyId, Vec<u32>)> =
                links.filter_map(|(index, _)| parents(index)).collect();
            let panel = panel(table, &data, &intake.context_rows, plan.context, &links);
            let (order, families) =
                family_order(table, &data, (&intake.context_rows, panel.as_ref()), parent_count);
            (data.take(&order), families, panel.map(|panel| panel.link))
        } else {
            let families = Families::singletons(data.row_count);
            (data, families, None)
        };
        self.kept_share[id.0] =
            if total_rows == 0 { 1.0 } else { (data.row_count as f64 / total_rows as f64).min(1.0) };

        let mut links = Vec::with_capacity(table.foreign_keys.len());
        let mut present = Vec::with_capacity(table.foreign_keys.len());
        for (index, fk) in table.foreign_keys.iter().enumerate() {
            match plan.links[index] {
                LinkRole::Context | LinkRole::Link | LinkRole::Conditional => {
                    let (parent, known) = self.find_parents(table, fk, &data);
                    links.push(Links { parent });
                    present.push(known);
                }
                LinkRole::SelfReference | LinkRole::Deferred => {
                    let deciding = fk.when().map(|when| when.column);
                    let keys = data.select(|column| fk.columns.contains(&column) || deciding == Some(column));
                    self.pending.push((id, index, keys));
                    links.push(Links::default());
                    present.push(Vec::new());
                }
                LinkRole::Dangling => {
                    links.push(Links { parent: vec![NO_ROW; data.row_count] });
                    present.push(vec![false; data.row_count]);
                }
            }
        }
        self.indexes[id.0] = self.index_keys(id, &data);
        let key_courses = self.key_courses(id, &data);
        let copied = plan.is_copied();
        let mut kept = data.select(|column| {
            copied || matches!(plan.columns[column.0], ColumnRole::Attribute | ColumnRole::KeyAttribute)
        });
        if !copied {
            kept.exact.clear();
            fill(table, &mut kept);
        }
        self.snapshots[id.0] = Some(TableSnapshot {
            total_rows,
            data: kept,
            families,
            parent_count,
            known_families: intake.known_families,
            links,
            present,
            fan_out: intake.fan_out,
            orphan_share: if total_rows == 0 { 0.0 } else { intake.orphans as f64 / total_rows as f64 },
            dangling: intake.dangling,
            key_courses,
            panel,
        });
    }

    /// Holds the fresh integers of a table against its times and the keys of its parents.
    fn key_courses(&self, id: TableId, data: &TableData) -> Vec<KeyCourse> {
        let (table, plan) = (self.schema.table(id), self.plan.table(id));
        let own = table.primary_key.as_ref().map_or(&[][..], |key| key.columns.as_slice());
        let drawn = |role: &LinkRole| matches!(role, LinkRole::Context | LinkRole::Link);
        let links = table.foreign_keys.iter().zip(&plan.links).filter(|(_, role)| drawn(role));
        let single = links.filter_map(|(fk, _)| match fk.columns.as_slice() {
            [column] if fk.when().is_none() => Some(*column),
            _ => None,
        });
        let above: Vec<ColumnId> = single.collect();
        let fresh = table.iter().filter(|(column, definition)| {
            plan.columns[column.0] == ColumnRole::SurrogateKey
                && matches!(definition.data_type, DataType::Integer { .. })
        });
        let mut keys: Vec<ColumnId> = fresh.map(|(column, _)| column).collect();
        keys.sort_by_key(|column| !own.contains(column));
        keys.into_iter().map(|key| KeyCourse::of(key, &above, data)).collect()
    }

    fn index_keys(&self, id: TableId, data: &TableData) -> Vec<(Vec<ColumnId>, KeyIndex)> {
        let mut indexes: Vec<(Vec<ColumnId>, KeyIndex)> = Vec::new();
        for (child, _, fk) in self.schema.foreign_keys().filter(|(_, _, fk)| fk.parent == id) {
            if indexes.iter().any(|(columns, _)| *columns == fk.parent_columns) {
                continue;
            }
            let table = self.schema.table(id);
            let folds = fold_case(table, &fk.parent_columns, self.schema.table(child), &fk.columns);
            let columns: Vec<_> = fk.parent_columns.iter().copied().zip(folds).collect();
            if let Some(keys) = KeyColumns::of(data, &columns) {
                let index = KeyIndex::build(&keys, data.row_count);
                indexes.push((fk.parent_columns.clone(), index));
            }
        }
        indexes
    }

    fn resolve_pending(&mut self, child: TableId, fk_index: usize, keys: &TableData) {
        let table = self.schema.table(child);
        let fk = &table.foreign_keys[fk_index];
        let (parent, present) = self.find_parents(table, fk, keys);
        let parent_rows = self.snapshots[fk.parent.0].as_ref().map_or(0, |p| p.data.row_count);
        let links = Links { parent };
        let fan_out = links.fan_out(parent_rows);
        if let Some(snapshot) = self.snapshots[child.0].as_mut() {
            snapshot.fan_out[fk_index] = fan_out;
            snapshot.links[fk_index] = links;
            snapshot.present[fk_index] = present;
        }
    }
}

fn fold_case(parent: &Table, parent_columns: &[ColumnId], child: &Table, columns: &[ColumnId]) -> Vec<bool> {
    parent_columns
        .iter()
        .zip(columns)
        .map(|(p, c)| parent.column(*p).collation.ignores_case() || child.column(*c).collation.ignores_case())
        .collect()
}
