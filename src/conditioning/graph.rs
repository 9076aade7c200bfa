//! The row graph: encoded rows as nodes, links as edges; and the tree of relations a table hears from.

use std::sync::Arc;

use crate::{
    codec::EncodedTable,
    conditioning::{Message, MessageSource, Per},
    data::{Families, Links, NO_ROW},
    plan::{LinkRole, Plan},
    schema::{ForeignKeyId, Schema, TableId},
};

/// How many foreign keys up the tree of relations reaches.
const MAX_HOPS: usize = 3;
/// Most relations a table hears from; nearer ones come first.
const MAX_MESSAGES: usize = 24;

/// One table's rows in the graph.
#[derive(Debug, Clone)]
pub struct RowGraphTable {
    /// All tokens of each row: decided links, attributes, child counts.
    pub rows: Arc<EncodedTable>,
    /// Rows by context parent; orphans' singletons behind.
    pub families: Arc<Families>,
    /// Per context-parent row: true if its family is complete here.
    pub known_families: Arc<Vec<bool>>,
    /// Per foreign key: the parent row of each row; empty where not decided yet.
    pub links: Vec<Links>,
}

/// The rows that exist so far, by `TableId`.
#[derive(Debug, Clone, Default)]
pub struct RowGraph {
    /// `None` for a table without rows here (skipped, or not generated yet).
    pub tables: Vec<Option<RowGraphTable>>,
}

/// The table whose messages are asked for: its families and what is linked already.
#[derive(Debug, Clone, Copy)]
pub struct Receiver<'a> {
    /// The table.
    pub table: TableId,
    /// Its families.
    pub families: &'a Families,
    /// The parent row of the first family; the next family has the next one.
    pub first_parent: usize,
    /// Families that belong to a parent row; the rest are orphans.
    pub parent_count: usize,
    /// Its links per foreign key, where decided; `None` to hear from no linked parent (links are not drawn yet).
    pub links: Option<&'a [Links]>,
}

impl RowGraph {
    /// Lists what a table's rows hear: context parent, its ancestors and their linked parents, cousins,
    /// linked parents and theirs. The list depends on schema and plan only, so training and sampling agree.
    #[must_use]
    pub fn messages(&self, schema: &Schema, plan: &Plan, receiver: Receiver<'_>) -> Vec<Message> {
        let mut walk = Walk { graph: self, schema, plan, messages: Vec::new() };
        let table = schema.table(receiver.table);
        let table_plan = plan.table(receiver.table);
        if let Some(context) = table_plan.context {
            let parent = table.foreign_keys[context.0].parent;
            let index: Vec<u32> = (0..receiver.families.len())
                .map(|family| {
                    let parent = (receiver.first_parent + family) as u32;
                    if family < receiver.parent_count { parent } else { NO_ROW }
                })
                .collect();
            walk.cousins(receiver.table, parent, &index);
            walk.climb(parent, &format!("{}→", context_name(table, context)), Per::Family, None, index, 1);
        }
        if let Some(links) = receiver.links {
            for (index, role) in table_plan.links.iter().enumerate() {
                if *role == LinkRole::Link {
                    let fk = &table.foreign_keys[index];
                    let name = format!("{}→", context_name(table, ForeignKeyId(index)));
                    walk.climb(fk.parent, &name, Per::Row, None, links[index].parent.clone(), 2);
                }
            }
        }
        walk.messages
    }
}

fn context_name(table: &crate::schema::Table, fk: ForeignKeyId) -> String {
    let columns = &table.foreign_keys[fk.0].columns;
    columns.iter().map(|column| table.column(*column).name.as_str()).collect::<Vec<_>>().join("+")
}

struct Walk<'a> {
    graph: &'a RowGraph,
    schema: &'a Schema,
    plan: &'a Plan,
    messages: Vec<Message>,
}

impl Walk<'_> {
    /// Adds the message of `table`'s rows at `index`, then of that table's own parents, nearest first.
    #[expect(
        clippy::too_many_arguments,
        reason = "a step of a recursive walk: all of them change on the way"
    )]
    fn climb(
        &mut self,
        table: TableId,
        path: &str,
        per: Per,
        via: Option<usize>,
        index: Vec<u32>,
        hop: usize,
    ) {
        let Some(rows) = self.graph.tables[table.0].as_ref() else { return };
        if self.messages.len() >= MAX_MESSAGES {
            return;
        }
        let name = format!("{path}{}", self.schema.table(table).name);
        let here = self.messages.len();
        let source = MessageSource::Row { table: Arc::clone(&rows.rows), index: index.clone() };
        let copied = self.plan.table(table).is_copied();
        self.messages.push(Message { name: name.clone(), per, via, copied, source });
        if hop >= MAX_HOPS {
            return;
        }
        let table_schema = self.schema.table(table);
        let plan = self.plan.table(table);
        let follow = |fk: usize| -> Vec<u32> {
            let parents = &rows.links[fk].parent;
            index.iter().map(|row| parents.get(*row as usize).copied().unwrap_or(NO_ROW)).collect()
        };
        let context = plan.context.map(|fk| fk.0);
        let links = (0..plan.links.len()).filter(|fk| plan.links[*fk] == LinkRole::Link);
        for fk in context.into_iter().chain(links) {
            let parent = table_schema.foreign_keys[fk].parent;
            let path = format!("{name}.{}→", context_name(table_schema, ForeignKeyId(fk)));
            // A linked parent's own parents matter less than the line of context parents.
            let next = if Some(fk) == context { hop + 1 } else { (hop + 1).max(MAX_HOPS) };
            self.climb(parent, &path, per, Some(here), follow(fk), next);
        }
    }

    /// Adds one pooled message per child table of `parent` that comes before `table` in the order of work.
    fn cousins(&mut self, table: TableId, parent: TableId, index: &[u32]) {
        let before = self.plan.order().take_while(|other| *other != table);
        for other in before {
            let plan = self.plan.table(other);
            let Some(context) = plan.context else { continue };
            let cousin = self.schema.table(other);
            let Some(rows) = self.graph.tables[other.0].as_ref() else { continue };
            if cousin.foreign_keys[context.0].parent != parent || self.messages.len() >= MAX_MESSAGES {
                continue;
            }
            let index = index
                .iter()
                .map(|row| if rows.known_families.get(*row as usize) == Some(&true) { *row } else { NO_ROW })
                .collect();
            self.messages.push(Message {
                name: format!("{}→{}", cousin.name, context_name(cousin, context)),
                per: Per::Family,
                via: None,
                copied: plan.is_copied(),
                source: MessageSource::Pool {
                    table: Arc::clone(&rows.rows),
                    families: Arc::clone(&rows.families),
                    index,
                },
            });
        }
    }
}
