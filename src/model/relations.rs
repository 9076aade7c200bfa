//! What the snapshot shows to hold: relations across tables and inside rows, links with a common ancestor.

use std::collections::BTreeMap;

use crate::{
    config::{Config, TableSettings},
    data::{Families, Links, TableData},
    model::{Ancestry, Anchor},
    plan::{LinkRole, Plan},
    privacy::{EntityMap, Guard},
    rules::{
        FamilySum, Inheritance, Inherited, Observed, ObservedTable, Rule, Rules, TableRules, discover_all,
        family_sums,
    },
    schema::{ColumnId, DataType, ForeignKeyId, Schema, Table, TableId},
    semantic::{Meaning, detect},
    snapshot::{Snapshot, TableSnapshot},
};

/// Adds every relation that the snapshot shows to the declared rules. A column that the user says how to write is not
/// computed from another table.
#[must_use]
pub fn discover_rules(
    schema: &Schema,
    plan: &Plan,
    snapshot: &Snapshot,
    settings: &BTreeMap<TableId, TableSettings>,
    declared: &Rules,
    (entities, config): (&EntityMap, &Config),
) -> Rules {
    let guard = |id: usize| {
        let of_row = entities.table(TableId(id)).map_or(&[][..], |entities| &entities.of_row);
        let what = format!("{} rules", schema.tables[id].name);
        Guard::noisy(of_row, config.privacy.k, config.seed, &what)
    };
    let labels: Vec<Vec<ColumnId>> =
        schema.iter().map(|(id, table)| labels(table, snapshot.table(id), settings.get(&id))).collect();
    let tables = snapshot
        .tables
        .iter()
        .enumerate()
        .map(|(id, table)| {
            table.as_ref().map(|rows| ObservedTable {
                panel: rows.panel,
                labels: &labels[id],
                data: &rows.data,
                families: &rows.families,
                links: &rows.links,
                present: &rows.present,
                fan_out: &rows.fan_out,
                total_rows: rows.total_rows,
                key_courses: &rows.key_courses,
                guard: guard(id),
            })
        })
        .collect();
    let mut rules = discover_all(&Observed { schema, plan, tables }, declared);
    for (id, table) in schema.iter() {
        let said = |column: ColumnId| {
            settings.get(&id).is_some_and(|said| said.columns.contains_key(&table.column(column).name))
        };
        let own = &mut rules.tables[id.0];
        let decides = |rule: &Inherited| matches!(rule.how, Inheritance::Copy(_)) || !rule.beside.is_empty();
        own.inherited.retain(|rule| !(decides(rule) && said(rule.to)));
        own.aggregates.retain(|total| !said(total.to));
        own.carried.retain(|rule| !said(rule.to));
        own.calendar = own.calendar.filter(|run| !said(run.column));
        own.discovered.retain(|rule| !matches!(rule, Rule::NullWhen { to, .. } if said(*to)));
        let shared = |rows: usize| guard(id.0).enough(0..rows);
        if let Some(rows) = snapshot.table(id).filter(|_| plan.table(id).context.is_some())
            && shared(rows.data.row_count)
        {
            own.sums = free_sums(table, own, &rows.data, &rows.families);
        }
    }
    rules
}

/// The text columns of a table that hold labels: a few that come again and again, and say nothing of a person.
fn labels(table: &Table, rows: Option<&TableSnapshot>, settings: Option<&TableSettings>) -> Vec<ColumnId> {
    let Some(rows) = rows else { return Vec::new() };
    let said = |name: &str| settings.is_some_and(|said| said.columns.contains_key(name));
    let columns = rows.data.columns.iter().zip(&rows.data.arrays);
    let textual = columns.filter(|(column, _)| {
        let column = table.column(**column);
        matches!(column.data_type, DataType::Text { .. } | DataType::Enum { .. }) && !said(&column.name)
    });
    textual
        .filter(|(column, values)| detect(table, **column, values, None).meaning == Meaning::Category)
        .map(|(column, _)| *column)
        .collect()
}

/// Finds the columns with one total in every family, among those that nothing else decides or reads.
fn free_sums(table: &Table, rules: &TableRules, rows: &TableData, families: &Families) -> Vec<FamilySum> {
    let computed = rules.computed();
    let free = |column: ColumnId| {
        let in_key = table.keys().any(|key| key.columns.contains(&column));
        let checked = rules.checks.iter().any(|check| check.columns.contains(&column));
        let inherited = rules.inherited.iter().any(|rule| rule.to == column);
        let related = rules.discovered.iter().any(|rule| {
            rule.decides() == Some(column) || rule.reads().into_iter().any(|read| read == column)
        });
        !in_key && !checked && !inherited && !related && !computed.contains(&column)
    };
    family_sums(&rows.select(free), families)
}

/// Finds the links of a table that share an ancestor with its context parent, or with the parent along another link.
#[must_use]
pub fn find_anchors(
    schema: &Schema,
    plan: &Plan,
    snapshot: &Snapshot,
    id: TableId,
) -> Vec<(ForeignKeyId, Anchor)> {
    if snapshot.table(id).is_none() {
        return Vec::new();
    }
    let links = |table: TableId| snapshot.table(table).map_or(&[] as &[Links], |rows| rows.links.as_slice());
    let ancestry = Ancestry { schema, plan, links: &links };
    plan.table(id)
        .links
        .iter()
        .enumerate()
        .filter(|(_, role)| **role == LinkRole::Link)
        .filter_map(|(index, _)| {
            let link = ForeignKeyId(index);
            ancestry.find_anchor(id, link).map(|anchor| (link, anchor))
        })
        .collect()
}

/// An anchor in words.
#[must_use]
pub fn describe_anchor(
    schema: &Schema,
    plan: &Plan,
    id: TableId,
    link: ForeignKeyId,
    anchor: Anchor,
) -> String {
    let table = schema.table(id);
    let names = |fk: ForeignKeyId| {
        let names: Vec<&str> = table.foreign_keys[fk.0]
            .columns
            .iter()
            .map(|column| table.column(*column).name.as_str())
            .collect();
        names.join(", ")
    };
    let mut ancestor = table.foreign_keys[link.0].parent;
    for _ in 0..anchor.link_depth {
        if let Some(context) = plan.table(ancestor).context {
            ancestor = schema.table(ancestor).foreign_keys[context.0].parent;
        }
    }
    let context = anchor.beside.or(plan.table(id).context).map_or_else(String::new, names);
    format!("{} and {context} lead to the same {} row", names(link), schema.table(ancestor).name)
}
