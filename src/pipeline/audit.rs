//! Holds entities back before learning, keeps what was generated, and audits the one against the other.

use rand::RngExt;

use crate::{
    config::{AuditLevel, AuditSettings, Config, TableMode},
    data::{NO_ROW, TableData},
    evaluate::{Audit, AuditTerms, Side, Unit, Unmeasured, audit},
    finding::Finding,
    model::Model,
    plan::Plan,
    progress::{Event, Progress},
    sample::{Outlet, Piece, SampleError, SampleOptions, sample},
    schema::{Schema, TableId},
    seed::{Secret, Seed},
    snapshot::Snapshot,
};

/// Fewest entities that are held out; with fewer, intervals are too wide to say anything.
const FEWEST_HELD: usize = 30;
/// Entities of a root from which some are held out: fewer would miss them in learning.
const FEWEST_ENTITIES: usize = 300;
/// Most entities of a root that are held out: more would not make the audit surer.
const MOST_HELD: usize = 2_000;
/// Most generated rows of a table that are kept for the audit.
const MOST_KEPT: usize = 200_000;

/// What synthetic rows are audited against.
pub(super) struct Reference {
    units: Vec<Unit>,
    /// Tables whose rows are not audited, and why.
    left_out: Vec<Unmeasured>,
    training: Snapshot,
    holdout: Snapshot,
}

/// Where the rows of each table find their entity, and why some do not.
pub(super) fn units(schema: &Schema, plan: &Plan) -> (Vec<Unit>, Vec<Unmeasured>) {
    let mut units = vec![Unit::Outside; schema.tables.len()];
    let mut root: Vec<Option<TableId>> = vec![None; units.len()];
    for id in plan.order().filter(|id| plan.table(*id).mode == TableMode::Synthesize) {
        let along = plan.table(id).entity.along;
        let parent = along.map(|fk| schema.table(id).foreign_keys[fk.0].parent);
        (units[id.0], root[id.0]) = match (along, parent.and_then(|parent| root[parent.0])) {
            (Some(fk), Some(root)) => (Unit::Below(fk), Some(root)),
            _ => (Unit::Root, Some(id)),
        };
    }
    // What rows of other entities refer to is shared by them, and nobody's own.
    let mut shared = vec![false; units.len()];
    for (child, _, key) in schema.foreign_keys() {
        if let (Some(of_child), Some(of_parent)) = (root[child.0], root[key.parent.0])
            && of_child != of_parent
        {
            shared[of_parent.0] = true;
        }
    }
    let mut left_out = Vec::new();
    for (id, table) in schema.iter() {
        if root[id.0].is_some_and(|root| shared[root.0]) {
            units[id.0] = Unit::Outside;
            let reason = "rows of other entities refer to its rows: they are not of one entity";
            left_out.push(Unmeasured { table: table.name.to_string(), reason: reason.to_owned() });
        } else if plan.table(id).is_copied() {
            let reason = "it is copied as it is, by consent";
            left_out.push(Unmeasured { table: table.name.to_string(), reason: reason.to_owned() });
        }
    }
    (units, left_out)
}

/// Splits a snapshot into what is learnt from and a holdout of entities; `None` if nothing is audited or no root has
/// enough entities.
pub(super) fn hold_out(
    schema: &Schema,
    plan: &Plan,
    snapshot: &Snapshot,
    settings: &AuditSettings,
    (seed, secret): (Seed, Option<Secret>),
) -> Option<Reference> {
    if settings.level == AuditLevel::Off {
        return None;
    }
    let (units, left_out) = units(schema, plan);
    let mut held: Vec<Vec<bool>> = vec![Vec::new(); units.len()];
    let mut any = false;
    for id in plan.order() {
        let Some(table) = snapshot.table(id) else { continue };
        let rows = table.data.row_count;
        held[id.0] = match units[id.0] {
            // All of its rows are on both sides.
            Unit::Outside => Vec::new(),
            Unit::Root => {
                if let Some(secret) = secret {
                    any |= rows > 0;
                    held[id.0] = toss(rows, settings.holdout, secret, &schema.table(id).name.to_string());
                    continue;
                }
                let count = ((rows as f64 * settings.holdout).round() as usize).min(MOST_HELD);
                let count = if rows < FEWEST_ENTITIES { 0 } else { count.max(FEWEST_HELD) };
                any |= count > 0;
                choose(rows, count, seed, &schema.table(id).name.to_string())
            }
            Unit::Below(fk) => {
                let parent = schema.table(id).foreign_keys[fk.0].parent;
                let of = |row: u32| held[parent.0].get(row as usize).copied().unwrap_or(false);
                let parents = &table.links[fk.0].parent;
                parents.iter().map(|row| *row != NO_ROW && of(*row)).collect()
            }
        };
    }
    if !any {
        return None;
    }
    let kept: Vec<Vec<bool>> = held.iter().map(|held| held.iter().map(|held| !held).collect()).collect();
    Some(Reference {
        units,
        left_out,
        training: snapshot.filtered(schema, plan, &kept),
        holdout: snapshot.filtered(schema, plan, &held),
    })
}

/// Under differential privacy every entity has a coin of its own: whether it is held out depends on no other entity.
fn toss(rows: usize, share: f64, secret: Secret, name: &str) -> Vec<bool> {
    let mut random = secret.stream(&format!("audit/holdout/{name}"));
    (0..rows).map(|_| random.random::<f64>() < share).collect()
}

fn choose(rows: usize, count: usize, seed: Seed, name: &str) -> Vec<bool> {
    let mut random = seed.stream(&format!("audit/holdout/{name}"), 0);
    let mut order: Vec<usize> = (0..rows).collect();
    let mut held = vec![false; rows];
    for index in 0..count.min(rows) {
        let other = random.random_range(index..rows);
        order.swap(index, other);
        held[order[index]] = true;
    }
    held
}

impl Reference {
    /// True if entities of a root table are held out.
    pub(super) fn holds(&self, root: TableId) -> bool {
        self.units[root.0] == Unit::Root
    }

    /// The rows to learn from.
    pub(super) fn training(&self) -> &Snapshot {
        &self.training
    }

    /// Somewhere to keep generated rows.
    pub(super) fn capture(&self) -> Captured {
        let audited = |unit: &Unit| (*unit != Unit::Outside).then(CapturedTable::default);
        Captured { tables: self.units.iter().map(audited).collect() }
    }

    /// Audits generated rows.
    pub(super) fn audit(
        &self,
        schema: &Schema,
        captured: &Captured,
        config: &Config,
        progress: &dyn Progress,
    ) -> Audit {
        progress.event(&Event::StageStarted { stage: "audit" });
        let (training, holdout) = (side(schema, &self.training), side(schema, &self.holdout));
        let synthetic = captured.side(schema, &self.units);
        let terms = AuditTerms { units: &self.units, settings: &config.audit, seed: config.seed };
        let mut audit = audit(&training, &synthetic, &holdout, terms);
        audit.unmeasured.extend(self.left_out.iter().cloned());
        progress.event(&Event::StageFinished { stage: "audit" });
        audit
    }

    /// Generates rows of a model in memory and audits them, at most as many as were learnt from.
    ///
    /// # Errors
    /// [`SampleError`] if they cannot be generated.
    pub(super) fn audit_model(
        &self,
        model: &Model,
        config: &Config,
        progress: &dyn Progress,
    ) -> Result<Audit, SampleError> {
        let mut captured = self.capture();
        let of = |id: TableId| self.training.table(id).map_or(0, |table| table.data.row_count) as f64;
        // A model of a large source is tried with as many rows as it has learnt from.
        let shares = model.schema.iter().filter_map(|(id, _)| {
            let real = model.table(id)?.facts.real_rows as f64;
            (real > 0.0 && of(id) > 0.0).then(|| of(id) / real)
        });
        let scale = shares.fold(1.0, f64::min);
        let rows = vec![None; model.schema.tables.len()];
        let options = SampleOptions { scale, ..SampleOptions::new(config.seed, &rows) };
        sample(model, options, &mut captured, progress)?;
        Ok(self.audit(&model.schema, &captured, config, progress))
    }
}

fn side<'a>(schema: &'a Schema, snapshot: &Snapshot) -> Side<'a> {
    let empty = || (TableData::bare(0), Vec::new());
    let (tables, links) = snapshot
        .tables
        .iter()
        .map(|table| table.as_ref().map_or_else(empty, |table| (table.data.clone(), table.links.clone())))
        .unzip();
    Side { schema, tables, links: Some(links) }
}

/// Generated rows, as they were handed out: the first ones of large tables.
#[derive(Default)]
pub(super) struct Captured {
    /// `None` for a table that is not audited.
    tables: Vec<Option<CapturedTable>>,
}

#[derive(Default, Clone)]
struct CapturedTable {
    batches: Vec<TableData>,
    kept: usize,
    seen: usize,
}

impl Captured {
    /// Takes rows; whole batches until there are enough.
    pub(super) fn take(&mut self, table: TableId, rows: &TableData) {
        let Some(table) = self.tables.get_mut(table.0).and_then(Option::as_mut) else { return };
        table.seen += rows.row_count;
        if table.kept < MOST_KEPT {
            table.kept += rows.row_count;
            table.batches.push(rows.clone());
        }
    }

    /// The rows as a side. Families are written in the order of their parents: where a table was cut off, so many of
    /// the first entities are left that all their rows are there.
    fn side<'a>(&self, schema: &'a Schema, units: &[Unit]) -> Side<'a> {
        let whole = self.tables.iter().flatten().filter(|table| table.seen > 0);
        let share = whole.map(|table| table.kept as f64 / table.seen as f64).fold(1.0, f64::min);
        let tables = self.tables.iter().zip(units).map(|(table, unit)| {
            let Some(table) = table else { return TableData::bare(0) };
            let rows = TableData::concat(&table.batches).unwrap_or_else(|| TableData::bare(0));
            if *unit == Unit::Root && share < 1.0 {
                let first = (rows.row_count as f64).min(table.seen as f64 * share) as usize;
                rows.slice(0, first)
            } else {
                rows
            }
        });
        Side { schema, tables: tables.collect(), links: None }
    }
}

impl Outlet for Captured {
    fn rows(&mut self, piece: Piece, rows: TableData) -> Result<(), SampleError> {
        self.take(piece.table, &rows);
        Ok(())
    }

    fn done(&mut self, _: TableId) -> Result<(), SampleError> {
        Ok(())
    }
}

/// Says that a run was not audited, and why.
pub(super) fn unaudited(config: &Config) -> Option<Finding> {
    (config.audit.level != AuditLevel::Off).then(|| {
        let least = FEWEST_ENTITIES;
        Finding::note("not-audited", format!("no table of entities has at least {least:.0} rows of its own"))
            .instead("no entity was held out, and nothing is said about how much the rows tell of real ones")
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use arrow_array::{Array, ArrayRef, Int64Array, cast::AsArray, types::Int64Type};

    use super::{Captured, CapturedTable, hold_out, units};
    use crate::{
        config::{AuditLevel, AuditSettings, Config},
        data::{Families, Links, TableData},
        evaluate::Unit,
        plan::Plan,
        schema::{ColumnId, ForeignKeyId, Schema, TableId},
        seed::Seed,
        snapshot::{Snapshot, TableSnapshot},
    };

    const CUSTOMERS: usize = 400;

    fn shop() -> (Schema, Plan) {
        let schema: Schema = crate::plan::fixture(
            "
            customers: *id, age
            products: *id, price
            orders: *id, customer_id! > customers.id, product_id! > products.id, total
            ",
        );
        let rows = [CUSTOMERS as u64, 50, 2 * CUSTOMERS as u64];
        let settings = "[tables.orders]\ncontext = [\"customer_id\"]\n";
        let config = crate::config::File::from_toml(settings, "synth.toml").unwrap().config;
        let (plan, _) = Plan::build(&schema, &config, &rows).unwrap();
        (schema, plan)
    }

    /// `rows` rows whose one attribute is the row's number.
    fn numbered(rows: usize, column: usize) -> TableSnapshot {
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows as i64));
        TableSnapshot {
            total_rows: rows as u64,
            data: TableData::new(vec![ColumnId(column)], vec![values], rows),
            families: Families::singletons(rows),
            parent_count: 0,
            known_families: Vec::new(),
            links: Vec::new(),
            present: Vec::new(),
            fan_out: Vec::new(),
            orphan_share: 0.0,
            dangling: Vec::new(),
            key_courses: Vec::new(),
            panel: None,
        }
    }

    fn snapshot(schema: &Schema) -> Snapshot {
        let rows = 2 * CUSTOMERS;
        let parents: Vec<u32> = (0..rows as u32).map(|row| row / 2).collect();
        let products: Vec<u32> = (0..rows as u32).map(|row| row % 50).collect();
        let orders = TableSnapshot {
            families: Families::from_counts(&[2; CUSTOMERS]),
            parent_count: CUSTOMERS,
            known_families: vec![true; CUSTOMERS],
            links: vec![Links { parent: parents }, Links { parent: products }],
            present: vec![vec![true; rows]; 2],
            fan_out: vec![vec![2; CUSTOMERS], vec![16; 50]],
            dangling: vec![0; 2],
            key_courses: Vec::new(),
            ..numbered(rows, 3)
        };
        assert_eq!(schema.tables[2].foreign_keys.len(), 2);
        Snapshot { tables: vec![Some(numbered(CUSTOMERS, 1)), Some(numbered(50, 1)), Some(orders)] }
    }

    fn values(snapshot: &Snapshot, table: usize, column: usize) -> Vec<i64> {
        let data = &snapshot.table(TableId(table)).unwrap().data;
        data.column(ColumnId(column)).unwrap().as_primitive::<Int64Type>().values().to_vec()
    }

    #[test]
    fn entities_are_held_out_whole_and_what_they_share_stays() {
        let (schema, plan) = shop();
        let snapshot = snapshot(&schema);
        let settings = AuditSettings { holdout: 0.1, ..AuditSettings::default() };

        let reference = hold_out(&schema, &plan, &snapshot, &settings, (Seed(1), None)).unwrap();

        let sides = [&reference.training, &reference.holdout];
        let customers = sides.map(|side| values(side, 0, 1));
        assert_eq!(customers.each_ref().map(Vec::len), [360, 40]);
        let known: BTreeSet<i64> = customers.iter().flatten().copied().collect();
        assert_eq!(known.len(), CUSTOMERS);
        for (side, customers) in sides.into_iter().zip(&customers) {
            assert_eq!(side.table(TableId(1)).unwrap().data.row_count, 50);
            let orders = side.table(TableId(2)).unwrap();
            let totals = values(side, 2, 3);
            assert_eq!(totals.len(), 2 * customers.len());
            for (row, total) in totals.iter().enumerate() {
                let parent = orders.links[0].parent[row] as usize;
                // Order n was made by customer n / 2 for product n % 50.
                assert_eq!(customers[parent], total / 2);
                assert!(orders.families.rows(parent).contains(&row));
                assert_eq!(i64::from(orders.links[1].parent[row]), total % 50);
            }
            assert_eq!((orders.parent_count, orders.fan_out[0].len()), (customers.len(), customers.len()));
            assert_eq!(orders.present[1].len(), totals.len());
            assert_eq!(orders.total_rows, 800);
        }
    }

    #[test]
    fn nothing_is_held_out_where_nothing_is_audited_or_entities_are_few() {
        let (schema, plan) = shop();
        let snapshot = snapshot(&schema);
        let off = AuditSettings { level: AuditLevel::Off, ..AuditSettings::default() };
        let audited = AuditSettings::default();
        let kept =
            [CUSTOMERS, 50, 2 * CUSTOMERS].map(|rows| (0..rows).map(|row| row < 299).collect()).to_vec();
        let few = snapshot.filtered(&schema, &plan, &kept);

        assert!(hold_out(&schema, &plan, &snapshot, &off, (Seed(1), None)).is_none());
        assert!(hold_out(&schema, &plan, &few, &audited, (Seed(1), None)).is_none());
        assert!(hold_out(&schema, &plan, &snapshot, &audited, (Seed(1), None)).is_some());
        assert!(super::unaudited(&Config::default()).is_some());
    }

    #[test]
    fn tables_that_several_entities_refer_to_are_named() {
        let (schema, plan) = shop();

        let (units, left_out) = units(&schema, &plan);

        assert_eq!(units, [Unit::Root, Unit::Outside, Unit::Below(ForeignKeyId(0))]);
        assert_eq!(left_out[0].table, "products");
    }

    #[test]
    fn a_table_cut_off_leaves_only_entities_that_are_there_whole() {
        let schema = shop().0;
        let table = |kept: usize, seen: usize| {
            let rows: ArrayRef = Arc::new(Int64Array::from_iter_values(0..kept as i64));
            let batches = vec![TableData::new(vec![ColumnId(0)], vec![rows], kept)];
            Some(CapturedTable { batches, kept, seen })
        };
        let captured = Captured { tables: vec![table(100, 100), None, table(50, 200)] };

        let side = captured.side(&schema, &[Unit::Root, Unit::Outside, Unit::Below(ForeignKeyId(0))]);

        assert_eq!(side.tables[0].row_count, 25);
        assert_eq!((side.tables[1].row_count, side.tables[2].row_count), (0, 50));
        assert_eq!(side.tables[0].arrays[0].null_count(), 0);
    }
}
