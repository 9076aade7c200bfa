//! What the snapshot shows to hold: relations across tables and inside rows, links with a common ancestor.

use std::collections::BTreeMap;

use crate::{
    config::TableSettings,
    data::Links,
    model::{Ancestry, Anchor},
    plan::{LinkRole, Plan},
    rules::{Inheritance, Observed, ObservedTable, Rule, Rules, discover_all},
    schema::{ForeignKeyId, Schema, TableId},
    snapshot::Snapshot,
};

/// Fewest rows that must share a value before the model keeps it as a literal.
pub(super) const PROTECT_BELOW: u32 = 5;

/// Adds every relation that the snapshot shows to the declared rules. A column that the user says how to write is not
/// computed from another table.
#[must_use]
pub fn discover_rules(
    schema: &Schema,
    plan: &Plan,
    snapshot: &Snapshot,
    settings: &BTreeMap<TableId, TableSettings>,
    declared: &Rules,
) -> Rules {
    let tables = snapshot
        .tables
        .iter()
        .map(|table| {
            table.as_ref().map(|rows| ObservedTable {
                data: &rows.data,
                families: &rows.families,
                links: &rows.links,
                present: &rows.present,
                fan_out: &rows.fan_out,
                total_rows: rows.total_rows,
            })
        })
        .collect();
    let mut rules = discover_all(&Observed { schema, plan, tables }, declared, PROTECT_BELOW);
    for (id, table) in schema.iter() {
        let said = |column: crate::schema::ColumnId| {
            settings.get(&id).is_some_and(|said| said.columns.contains_key(&table.column(column).name))
        };
        let own = &mut rules.tables[id.0];
        own.inherited.retain(|rule| !(matches!(rule.how, Inheritance::Copy(_)) && said(rule.to)));
        own.aggregates.retain(|total| !said(total.to));
        own.discovered.retain(|rule| !matches!(rule, Rule::NullWhen { to, .. } if said(*to)));
    }
    rules
}

/// Finds the links of a table that share an ancestor with its context parent.
#[must_use]
pub fn find_anchors(
    schema: &Schema,
    plan: &Plan,
    snapshot: &Snapshot,
    id: TableId,
) -> Vec<(ForeignKeyId, Anchor)> {
    let Some(context) = plan.table(id).context else { return Vec::new() };
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
            ancestry.find_anchor(id, context, link).map(|anchor| (link, anchor))
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
    let context = plan.table(id).context.map_or_else(String::new, names);
    format!("{} and {context} lead to the same {} row", names(link), schema.table(ancestor).name)
}
