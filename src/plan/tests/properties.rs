use proptest::prelude::*;

use super::schema;
use crate::{
    config::{Config, TableMode},
    plan::{ColumnRole, LinkRole, Plan},
    schema::Schema,
};

/// Any schema: some tables, foreign keys between any two of them (or one and itself), of one or two columns.
fn any_schema() -> impl Strategy<Value = (Schema, Vec<u64>)> {
    (1_usize..9).prop_flat_map(|tables| {
        let key = (0..tables, 0..tables, any::<[bool; 4]>());
        let keys = prop::collection::vec(key, 0..20);
        let rows = prop::collection::vec(0_u64..5_000, tables);
        (keys, rows).prop_map(move |(keys, rows)| (build(tables, &keys), rows))
    })
}

fn build(tables: usize, keys: &[(usize, usize, [bool; 4])]) -> Schema {
    let mut lines: Vec<String> = (0..tables).map(|index| format!("t{index}: *id, *part")).collect();
    let mut composite = Vec::new();
    for (number, (child, parent, [not_null, cascade, deferrable, both])) in keys.iter().enumerate() {
        let mark = if *not_null { "!" } else { "" };
        if *both {
            lines[*child] += &format!(", a{number}{mark}, b{number}");
            composite.push(format!("t{child}(a{number}, b{number}) > t{parent}(id, part)"));
        } else {
            let cascade = if *cascade { " cascade" } else { "" };
            let deferrable = if *deferrable { " deferrable" } else { "" };
            lines[*child] += &format!(", c{number}{mark} > t{parent}.id{cascade}{deferrable}");
        }
    }
    lines.extend(composite);
    schema(&lines.join("\n"))
}

/// Any configuration that fits: some tables left out or empty.
fn any_config() -> impl Strategy<Value = Vec<TableMode>> {
    let mode = prop_oneof![6 => Just(TableMode::Synthesize), 1 => Just(TableMode::Structure), 1 => Just(TableMode::Skip)];
    prop::collection::vec(mode, 9)
}

fn config(schema: &Schema, modes: &[TableMode]) -> Config {
    let mut config = Config::default();
    for (table, mode) in schema.tables.iter().zip(modes) {
        config.tables.entry(table.name.to_string()).or_default().mode = Some(*mode);
    }
    config
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_plan_is_sound((schema, rows) in any_schema(), modes in any_config()) {
        let config = config(&schema, &modes);
        let (plan, findings) = Plan::build(&schema, &config, &rows).unwrap();

        let mut covered: Vec<usize> = plan.order().map(|id| id.0).collect();
        covered.sort_unstable();
        prop_assert_eq!(covered, (0..schema.tables.len()).collect::<Vec<_>>());
        let place = |id| plan.strata.iter().position(|stratum| stratum.contains(&id));

        for (id, table) in schema.iter() {
            let planned = plan.table(id);
            prop_assert_eq!(planned.links.len(), table.foreign_keys.len());
            prop_assert_eq!(planned.columns.len(), table.columns.len());
            let contexts = planned.links.iter().filter(|role| **role == LinkRole::Context).count();
            prop_assert_eq!(contexts, usize::from(planned.context.is_some()));
            for (fk, role) in table.foreign_keys.iter().zip(&planned.links) {
                let parent_empty = !matches!(plan.table(fk.parent).mode, TableMode::Synthesize | TableMode::Copy);
                match role {
                    LinkRole::SelfReference => prop_assert_eq!(fk.parent, id),
                    LinkRole::Dangling => {
                        prop_assert!(parent_empty);
                        let optional = fk.columns.iter().any(|column| table.column(*column).nullable);
                        prop_assert!(optional || planned.mode != TableMode::Synthesize);
                    }
                    LinkRole::Deferred => prop_assert!(fk.parent != id && !parent_empty),
                    LinkRole::Context | LinkRole::Link | LinkRole::Conditional => {
                        prop_assert!(!parent_empty);
                        prop_assert!(place(fk.parent) < place(id));
                    }
                }
                for column in &fk.columns {
                    prop_assert_eq!(&planned.columns[column.0], &ColumnRole::ForeignKey);
                }
            }
        }
        let deferred = plan.tables.iter().flat_map(|table| &table.links).filter(|role| **role == LinkRole::Deferred);
        prop_assert_eq!(deferred.count(), findings.iter().filter(|finding| finding.code == "cycle-cut").count());
    }

    #[test]
    fn the_same_schema_gives_the_same_plan((schema, rows) in any_schema()) {
        let first = Plan::build(&schema, &Config::default(), &rows).unwrap();
        let second = Plan::build(&schema, &Config::default(), &rows).unwrap();

        prop_assert_eq!(first, second);
    }

    #[test]
    fn a_schema_without_cycles_is_not_cut((schema, rows) in any_schema()) {
        let mut schema = schema;
        for (index, table) in schema.tables.iter_mut().enumerate() {
            table.foreign_keys.retain(|fk| fk.parent.0 <= index);
        }
        let (plan, _) = Plan::build(&schema, &Config::default(), &rows).unwrap();

        prop_assert!(plan.tables.iter().all(|table| !table.links.contains(&LinkRole::Deferred)));
    }

    #[test]
    fn an_edge_that_may_not_be_null_is_cut_only_on_a_cycle_of_such_edges((schema, rows) in any_schema()) {
        let (plan, _) = Plan::build(&schema, &Config::default(), &rows).unwrap();
        let mandatory = |child: usize| {
            let table = &schema.tables[child];
            table.foreign_keys.iter().filter(move |fk| fk.columns.iter().all(|id| !table.column(*id).nullable))
        };

        for (child, id, fk) in schema.foreign_keys() {
            let required = fk.columns.iter().all(|column| !schema.table(child).column(*column).nullable);
            if required && plan.table(child).links[id.0] == LinkRole::Deferred {
                let mut reached = vec![fk.parent.0];
                let mut next = 0;
                while next < reached.len() {
                    let from = reached[next];
                    for parent in mandatory(from).map(|fk| fk.parent.0) {
                        if !reached.contains(&parent) {
                            reached.push(parent);
                        }
                    }
                    next += 1;
                }
                prop_assert!(reached.contains(&child.0));
            }
        }
    }
}
