//! The steps of a plan, in order.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    config::{Config, TableMode},
    finding::Finding,
    plan::{
        EntityPath, LinkRole, Plan, PlanError, TablePlan, context,
        cycles::{self, Key},
        entities,
        graph::{self, Edge},
        modes::{self, Mode},
        roles, strata,
    },
    schema::{ForeignKeyId, Schema, TableId},
};

/// What was seen of the data before planning. Everything may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// Rows per table, indexed by `TableId`; empty if nobody counted (the catalog's estimates then serve).
    pub real_rows: Vec<u64>,
    /// Foreign keys that may be null but hold no null: they can serve as context.
    pub full: BTreeSet<(TableId, ForeignKeyId)>,
    /// Parent rows that have a child along a foreign key, where counted.
    pub used_parents: BTreeMap<(TableId, ForeignKeyId), u64>,
}

impl Observed {
    /// The foreign keys of which it is worth knowing whether they hold a null: those that may, to another table.
    #[must_use]
    pub fn questions(schema: &Schema) -> Vec<(TableId, ForeignKeyId)> {
        let open = schema
            .foreign_keys()
            .filter(|(child, _, fk)| *child != fk.parent && fk.when().is_none())
            .filter(|(child, _, fk)| modes::is_optional(schema.table(*child), fk));
        open.map(|(child, id, _)| (child, id)).collect()
    }

    /// Rows of a table: counted, else estimated by the catalog.
    pub(super) fn rows(&self, schema: &Schema, id: TableId) -> Option<u64> {
        self.real_rows.get(id.0).copied().or(schema.table(id).estimated_rows)
    }
}

impl Plan {
    /// Makes the plan. `real_rows` are the rows per table; empty if nobody counted.
    ///
    /// # Errors
    /// [`PlanError`] if the configuration does not fit the schema.
    pub fn build(
        schema: &Schema,
        config: &Config,
        real_rows: &[u64],
    ) -> Result<(Self, Vec<Finding>), PlanError> {
        let observed = Observed { real_rows: real_rows.to_vec(), ..Observed::default() };
        Self::build_observed(schema, config, &observed)
    }

    /// Makes the plan, knowing as well which nullable foreign keys hold no null.
    ///
    /// # Errors
    /// [`PlanError`] if the configuration does not fit the schema.
    pub fn build_observed(
        schema: &Schema,
        config: &Config,
        observed: &Observed,
    ) -> Result<(Self, Vec<Finding>), PlanError> {
        let mut findings = Vec::new();
        let settings = modes::settings(schema, config)?;
        let modes = modes::decide(schema, config, &settings, &mut findings)?;
        let edges = graph::edges(schema, &modes);
        let wishes = context::wishes(schema, &settings, &edges, observed)?;
        let (contexts, cut) = settle(schema, &modes, &edges, &wishes, observed);
        for (table, wish) in &wishes {
            if wish.is_some() && contexts[table.0] != *wish && modes[table.0].mode == TableMode::Synthesize {
                findings.push(context_cut(schema, *table));
            }
        }
        for (child, id) in &cut {
            findings.push(deferred(schema, *child, *id));
        }
        findings.extend(renumbered_types(schema, &modes));
        let mut tables: Vec<TablePlan> = schema
            .iter()
            .zip(&modes)
            .map(|((id, table), mode)| {
                let links = link_roles(schema, id, &modes, contexts[id.0], &cut);
                TablePlan {
                    table: id,
                    mode: mode.mode,
                    reason: mode.reason.clone(),
                    context: contexts[id.0],
                    columns: roles::columns(table, &links),
                    links,
                    rows: settings.get(&id).and_then(|settings| settings.rows),
                    entity: EntityPath { root: id, along: None, personal: true },
                }
            })
            .collect();
        let strata = strata::strata(schema.tables.len(), &edges, &cut);
        entities::settle(schema, config, &mut tables, &strata.concat())?;
        let plan = Self { tables, strata };
        Ok((plan, findings))
    }
}

/// Chooses contexts and cuts until both agree: a context that had to be cut is not chosen again.
fn settle(
    schema: &Schema,
    modes: &[Mode],
    edges: &[Edge<'_>],
    wishes: &BTreeMap<TableId, Option<ForeignKeyId>>,
    observed: &Observed,
) -> (Vec<Option<ForeignKeyId>>, BTreeSet<Key>) {
    let rows: Vec<u64> = schema.iter().map(|(id, _)| observed.rows(schema, id).unwrap_or(0)).collect();
    let mut lost: BTreeSet<Key> = BTreeSet::new();
    loop {
        let contexts: Vec<Option<ForeignKeyId>> = schema
            .iter()
            .map(|(id, _)| {
                if modes[id.0].mode != TableMode::Synthesize {
                    return None;
                }
                match wishes.get(&id) {
                    Some(None) => return None,
                    Some(Some(wish)) if !lost.contains(&(id, *wish)) => return Some(*wish),
                    _ => {}
                }
                let candidates: Vec<&Edge<'_>> =
                    edges.iter().filter(|edge| edge.child == id && !lost.contains(&edge.key())).collect();
                context::choose(schema, id, &candidates, observed)
            })
            .collect();
        let strength = |(child, id): Key| match contexts[child.0] {
            Some(context) if context == id => 1 + u8::from(wishes.get(&child) == Some(&Some(id))),
            _ => 0,
        };
        let cut = cycles::cut(schema.tables.len(), edges, &strength, &rows);
        let clash: Vec<Key> = cut.iter().copied().filter(|key| strength(*key) > 0).collect();
        if clash.is_empty() {
            return (contexts, cut);
        }
        lost.extend(clash);
    }
}

fn link_roles(
    schema: &Schema,
    id: TableId,
    modes: &[Mode],
    context: Option<ForeignKeyId>,
    cut: &BTreeSet<Key>,
) -> Vec<LinkRole> {
    let keys = schema.table(id).foreign_keys.iter().enumerate();
    keys.map(|(index, fk)| {
        let key = ForeignKeyId(index);
        if fk.parent == id {
            LinkRole::SelfReference
        } else if !modes[fk.parent.0].has_rows() {
            LinkRole::Dangling
        } else if cut.contains(&(id, key)) {
            LinkRole::Deferred
        } else if fk.when().is_some() {
            LinkRole::Conditional
        } else if context == Some(key) {
            LinkRole::Context
        } else {
            LinkRole::Link
        }
    })
    .collect()
}

/// Conditions on a column that refers to rows which are numbered anew: the numbers then name other types, or none.
fn renumbered_types(schema: &Schema, modes: &[Mode]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (child, _, fk) in schema.foreign_keys() {
        let Some(when) = fk.when() else { continue };
        let table = schema.table(child);
        let types = table.foreign_keys.iter().find(|other| {
            other.when().is_none()
                && other.columns.contains(&when.column)
                && modes[other.parent.0].mode == TableMode::Synthesize
        });
        let Some(types) = types else { continue };
        let parent = &schema.table(types.parent).name;
        let what = format!("`when` of its reference names rows of {parent}, which are made anew");
        let finding = Finding::warning("reference-type-renumbered", what)
            .table(&table.name)
            .column(modes::column_names(table, fk).join(", "))
            .instead("the same values mean other rows then")
            .remedy(format!("[tables.\"{parent}\"] mode = \"copy\""));
        if !found.contains(&finding) {
            found.push(finding);
        }
    }
    found
}

fn deferred(schema: &Schema, child: TableId, id: ForeignKeyId) -> Finding {
    let table = schema.table(child);
    let fk = &table.foreign_keys[id.0];
    Finding::note("cycle-cut", format!("its foreign key to {} closes a cycle", schema.table(fk.parent).name))
        .table(&table.name)
        .column(modes::column_names(table, fk).join(", "))
        .instead("it is filled once both tables exist")
}

fn context_cut(schema: &Schema, table: TableId) -> Finding {
    Finding::warning("context-cut", "the context asked for closes a cycle that cannot be cut elsewhere")
        .table(&schema.table(table).name)
        .instead("another context was chosen")
        .remedy("change `context` of one table of the cycle")
}
