//! Learns one group: the entities of one root table, in all tables below it, under one budget.

use std::collections::BTreeMap;

use rand::{RngExt, seq::SliceRandom};

use super::{
    axis::{Axis, Item},
    budget::Budget,
    lineage::{Kinship, Lineage, kinship},
    relations::{Relation, View},
    shape::{Asked, Declared, Made, Start, look},
    table::{LearnedTable, Subject, bound},
};
use crate::{
    config::TableSettings,
    data::NO_ROW,
    plan::{LinkRole, Plan},
    privacy::{AccountError, Contribution, GroupLedger, Guarantee, Purpose},
    rules::Rules,
    schema::{ColumnId, ForeignKeyId, Schema, TableId},
    seed::Secret,
    snapshot::Snapshot,
};

/// Most rows of a copied table that links to it are told apart by.
const ROWS: usize = 2_000;
/// Rows over noise that a span of numbers should hold.
const ROWS_A_SPAN: f64 = 6.0;
/// Fewest spans that numbers are told apart by, and most.
const SPANS: (f64, f64) = (6.0, 48.0);

/// Rows that relations are chosen by: more of them would choose no better.
const CHOOSING: f64 = 40_000.0;

/// What is learned from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) schema: &'a Schema,
    pub(super) plan: &'a Plan,
    pub(super) snapshot: &'a Snapshot,
    pub(super) rules: &'a Rules,
    pub(super) settings: &'a BTreeMap<TableId, TableSettings>,
}

impl<'a> Source<'a> {
    pub(super) fn declared(self, id: TableId) -> Declared<'a> {
        let Self { schema, plan, rules, settings, .. } = self;
        Declared { id, table: schema.table(id), plan, rules, settings: settings.get(&id) }
    }

    fn name(self, id: TableId) -> String {
        self.schema.table(id).name.to_string()
    }

    /// How a foreign key is learned: the tokens of its links, if they have any.
    fn link_axis(self, id: TableId, key: ForeignKeyId) -> Option<Axis> {
        let table = self.schema.table(id);
        let fk = &table.foreign_keys[key.0];
        let nullable = fk.columns.iter().any(|column| table.column(*column).nullable);
        let role = self.plan.table(id).links[key.0];
        if matches!(role, LinkRole::Dangling | LinkRole::Conditional) {
            return None;
        }
        let copied = self.plan.table(fk.parent).is_copied();
        let rows = self.snapshot.table(fk.parent).map_or(0, |rows| rows.data.row_count);
        if copied && (1..=ROWS).contains(&rows) && matches!(role, LinkRole::Context | LinkRole::Link) {
            return Some(Axis::new(nullable, (0..rows as u32).map(Item::Row).collect()));
        }
        nullable.then(|| Axis::new(true, vec![Item::Any]))
    }
}

/// What was learned of a group.
pub(super) struct LearnedGroup {
    /// Its entities, counted with noise.
    pub(super) entities: f64,
    pub(super) tables: BTreeMap<TableId, LearnedTable>,
    pub(super) ledger: GroupLedger,
    /// Standard deviation of the noise in the number of entities.
    pub(super) noise: f64,
}

/// The rows of a table that count: all of every entity up to a bound, and one of each.
struct Counted {
    rows: Vec<u32>,
    one: Vec<u32>,
    most: u32,
    /// Those of some entities, each by a coin of its own, and their share: enough to choose relations by.
    some: Vec<u32>,
    rate: f64,
}

/// Learns a group.
pub(super) fn learn(
    source: Source<'_>,
    lineages: &[Option<Lineage>],
    root: TableId,
    (asked, secret): (Guarantee, Secret),
) -> Result<LearnedGroup, AccountError> {
    let mut budget = Budget::new(asked, secret, root)?;
    let lineage = |id: TableId| lineages[id.0].filter(|lineage| lineage.root == root);
    let members: Vec<(TableId, Lineage)> =
        source.plan.order().filter_map(|id| Some((id, lineage(id)?))).collect();
    let mut kins: Vec<Option<Kinship>> = vec![None; lineages.len()];
    for (id, lineage) in &members {
        kins[id.0] = kinship(source.snapshot, *id, *lineage, &kins);
    }
    let members: Vec<(TableId, Lineage)> =
        members.into_iter().filter(|(id, _)| kins[id.0].is_some()).collect();
    let roots = kins[root.0].as_ref().map_or(0, |kin| kin.entity.len());

    // How many entities there are, and how many rows of each count.
    let mut entities = [roots as f64];
    let mut look = budget.look((Purpose::Counts, 1.0), members.len(), 1.0);
    look.blur(&mut entities);
    let noise = look.sigma;
    let entities = entities[0].max(0.0);
    let mut learned: BTreeMap<TableId, LearnedTable> = BTreeMap::new();
    let mut counted: BTreeMap<TableId, Counted> = BTreeMap::new();
    for (id, lineage) in &members {
        let Some(kin) = kins[id.0].take() else { continue };
        let rows = kin.by_entity(roots);
        let (most, mean) = match lineage.above {
            None => (1, 1.0),
            Some(_) => bound(&mut budget, members.len(), &rows),
        };
        counted.insert(*id, choose_rows(&budget, rows, (most, entities * mean), *id));
        learned.insert(*id, LearnedTable { kin, expected: entities * mean, ..LearnedTable::default() });
    }

    add_columns(source, &members, &mut budget, (&mut learned, &counted));
    for (id, _) in &members {
        let open: usize = learned.values().map(|table| open_columns(table).count()).sum();
        let (Some(table), Some(counted)) = (learned.get_mut(id), counted.get(id)) else { continue };
        table.look_at_columns(&mut budget, (&counted.rows, f64::from(counted.most)), open);
    }
    relate(&members, &mut budget, &mut learned, &counted);

    let contribution = |(id, _): &(TableId, Lineage)| Contribution {
        table: source.name(*id),
        rows: counted.get(id).map_or(0, |c| c.most),
    };
    let ledger = GroupLedger {
        root: source.name(root),
        entities: entities as u64,
        spent: budget.spent(),
        looks: budget.looks(),
        tables: members.iter().map(contribution).collect(),
    };
    learned.values_mut().for_each(LearnedTable::forget);
    Ok(LearnedGroup { entities, tables: learned, ledger, noise })
}

/// Chooses which rows of every entity count, and one of them for looks that one row suffices for.
fn choose_rows(
    budget: &Budget,
    entities: Vec<Vec<u32>>,
    (most, expected): (u32, f64),
    table: TableId,
) -> Counted {
    let mut random = budget.stream(&format!("rows/{}", table.0));
    let rate = (CHOOSING / expected.max(1.0)).min(1.0);
    let mut counted = Counted { rows: Vec::new(), one: Vec::new(), most, some: Vec::new(), rate };
    for mut rows in entities.into_iter().filter(|rows| !rows.is_empty()) {
        if rows.len() > most as usize {
            rows.shuffle(&mut random);
            rows.truncate(most as usize);
            rows.sort_unstable();
        }
        counted.one.push(rows[random.random_range(0..rows.len())]);
        if random.random::<f64>() < rate {
            counted.some.extend(&rows);
        }
        counted.rows.extend(rows);
    }
    counted
}

/// Gives every table its token columns: links, values, numbers of children.
fn add_columns(
    source: Source<'_>,
    members: &[(TableId, Lineage)],
    budget: &mut Budget,
    (learned, counted): (&mut BTreeMap<TableId, LearnedTable>, &BTreeMap<TableId, Counted>),
) {
    let columns: usize = members.iter().map(|(id, _)| source.declared(*id).columns().count() + 2).sum();
    let mut asked = Vec::new();
    for (id, _) in members {
        let (Some(rows), Some(counted), Some(table)) =
            (source.snapshot.table(*id), counted.get(id), learned.get(id))
        else {
            continue;
        };
        let sigma = budget.sigma((Purpose::Columns, 1.0), columns, f64::from(counted.most));
        let spans = (table.expected / (ROWS_A_SPAN * sigma)).clamp(SPANS.0, SPANS.1) as usize;
        let declared = source.declared(*id);
        for column in declared.columns() {
            let Some(values) = rows.data.column(column) else { continue };
            let start = declared.start(column);
            asked.push((*id, Asked { declared, column, start, values, rows: &counted.one, spans }));
        }
    }
    let open: Vec<usize> =
        (0..asked.len()).filter(|place| !matches!(asked[*place].1.start, Start::Known(_))).collect();
    let (ids, asked): (Vec<TableId>, Vec<Asked<'_>>) = asked.into_iter().unzip();
    let shapes = look(budget, &asked, open.len());
    for (id, lineage) in members {
        let Some(rows) = source.snapshot.table(*id) else { continue };
        let links = source.schema.table(*id).foreign_keys.len();
        let Some(table) = learned.get_mut(id) else { continue };
        for key in
            (0..links).map(ForeignKeyId).filter(|key| lineage.above.is_none_or(|(above, _)| above != *key))
        {
            let Some(axis) = source.link_axis(*id, key) else { continue };
            let parents = &rows.links[key.0].parent;
            let present = &rows.present[key.0];
            let of_rows = matches!(axis.items.first(), Some(Item::Row(_)));
            let token = |row: usize| {
                let set = present.get(row).copied().unwrap_or(false);
                let parent = parents.get(row).copied().unwrap_or(NO_ROW);
                match (set, parent) {
                    (_, NO_ROW) if of_rows => axis.null(),
                    (false, _) if !of_rows => axis.null(),
                    (_, parent) => axis.of_item(if of_rows { parent as usize } else { 0 }),
                }
            };
            let tokens = (0..rows.data.row_count).map(token).collect();
            table.push(Subject::Link(key), axis.clone(), tokens);
        }
        for ((_, one), shape) in ids.iter().zip(&asked).zip(&shapes).filter(|((of, _), _)| *of == id) {
            table.push_shape(shape.clone(), one.values);
        }
    }
    for (id, lineage) in members {
        let Some((_, parent)) = lineage.above else { continue };
        let (Some(counts), Some(Counted { most, .. })) =
            (learned.get(id).map(|table| &table.kin), counted.get(id))
        else {
            continue;
        };
        let parents = source.snapshot.table(parent).map_or(0, |rows| rows.data.row_count);
        let counts = counts.fan_out(parents);
        if let Some(upper) = learned.get_mut(&parent) {
            upper.push_children(*id, &counts, *most);
        }
    }
}

fn open_columns(table: &LearnedTable) -> impl Iterator<Item = usize> {
    (0..table.subjects.len()).filter(|column| table.is_open(*column))
}

/// Finds out which columns depend on which, and how.
fn relate(
    members: &[(TableId, Lineage)],
    budget: &mut Budget,
    learned: &mut BTreeMap<TableId, LearnedTable>,
    counted: &BTreeMap<TableId, Counted>,
) {
    let open: usize = learned.values().map(|table| open_columns(table).count()).sum();
    let mut relations: BTreeMap<TableId, Vec<Relation>> = BTreeMap::new();
    let above = |lineage: &Lineage| lineage.above.and_then(|(_, parent)| learned.get(&parent));
    for (id, lineage) in members {
        let (Some(table), Some(counted)) = (learned.get(id), counted.get(id)) else { continue };
        let view = table.view(above(lineage), (&counted.some, f64::from(counted.most)));
        let view = View { rate: counted.rate, ..view };
        let chosen = (0..table.subjects.len()).map(|column| {
            if table.is_open(column) { view.choose(budget, column, open) } else { Relation::default() }
        });
        let chosen = chosen.collect();
        relations.insert(*id, chosen);
    }
    let related: usize = relations.values().flatten().filter(|relation| !relation.given.is_empty()).count();
    let mut measured: BTreeMap<TableId, Vec<Relation>> = BTreeMap::new();
    for (id, lineage) in members {
        let (Some(table), Some(counted)) = (learned.get(id), counted.get(id)) else { continue };
        let view = table.view(above(lineage), (&counted.rows, f64::from(counted.most)));
        let chosen = relations.remove(id).unwrap_or_default().into_iter().enumerate();
        let all = chosen.map(|(column, relation)| view.measure(budget, column, (relation, related)));
        let all = all.collect();
        measured.insert(*id, all);
    }
    for (id, relations) in measured {
        if let Some(table) = learned.get_mut(&id) {
            table.relations = relations;
        }
    }
}

/// Columns of a group that are written by their names and types alone.
pub(super) fn unread(group: &LearnedGroup) -> Vec<(TableId, ColumnId)> {
    let written = |subject: &Subject| match subject {
        Subject::Column(shape) if matches!(shape.made, Made::Written(_)) => Some(shape.column),
        _ => None,
    };
    let tables = group.tables.iter();
    tables
        .flat_map(|(id, table)| table.subjects.iter().filter_map(written).map(|column| (*id, column)))
        .collect()
}
