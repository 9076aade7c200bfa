//! From catalog rows to the [`Blueprint`]: DDL that builds the same schema in an empty database.
//!
//! Names are qualified and quoted; owners and grants are left out, since roles may not exist elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    catalog::{Catalog, ConstraintRow, MadeRow, Relation},
    fillers::fillings,
    layout::Layout,
    order,
    sql::literal,
    tables::make_table,
};
use crate::{
    db::{Blueprint, Phase, Sequence, Statement},
    finding::Finding,
    schema::{DialectName, TableId, TableName},
};

/// Builds the blueprint.
pub(super) fn blueprint(catalog: &Catalog, layout: &Layout<'_>, findings: &mut Vec<Finding>) -> Blueprint {
    let mut draft = Draft { catalog, layout, statements: Vec::new() };
    draft.first();
    draft.objects();
    draft.sequence_owners();
    draft.table_options();
    draft.keys_and_constraints();
    draft.indexes();
    draft.last();
    draft.fill(findings);
    for row in &catalog.not_copied {
        findings.push(
            Finding::warning("object-not-copied", format!("{} {}", row.kind, row.name))
                .instead("the target will not have it"),
        );
    }
    // The phases run in their order; within one, the order of writing counts, and the sort is stable.
    draft.statements.sort_by_key(|statement| statement.phase);
    Blueprint {
        dialect: DialectName::Postgres,
        statements: draft.statements,
        sequences: sequences(catalog, layout),
    }
}

/// Every sequence with each column it numbers.
fn sequences(catalog: &Catalog, layout: &Layout<'_>) -> Vec<Sequence> {
    let mut all = Vec::new();
    for row in &catalog.sequences {
        let mut columns: BTreeSet<(i64, i32)> = row.used_by.iter().copied().collect();
        columns.extend(row.owner.zip(row.owner_column));
        for (relation, number) in columns {
            if layout.is_partition(relation) {
                continue;
            }
            if let (Some(table), Some(column)) = (layout.table(relation), layout.column(relation, number)) {
                all.push(Sequence { name: row.qualified.clone(), table, column });
            }
        }
    }
    all
}

struct Draft<'a> {
    catalog: &'a Catalog,
    layout: &'a Layout<'a>,
    statements: Vec<Statement>,
}

impl<'a> Draft<'a> {
    fn push(&mut self, phase: Phase, object: String, table: Option<TableId>, optional: bool, sql: String) {
        self.statements.push(Statement { phase, object, table, parent: None, sql, optional });
    }

    fn first(&mut self) {
        for row in &self.catalog.first {
            self.push(Phase::Prepare, row.object.clone(), None, row.optional, row.sql.clone());
        }
        // Bodies of functions find their names as they do at home, and are not checked before the tables exist.
        let settings = format!(
            "SELECT pg_catalog.set_config('search_path', {}, true), \
             pg_catalog.set_config('check_function_bodies', 'off', true)",
            literal(&self.catalog.search_path)
        );
        self.push(Phase::Prepare, "session settings".into(), None, false, settings);
    }

    /// Types, sequences, functions, tables and views, each after what it needs, in the earliest phase
    /// its needs allow.
    fn objects(&mut self) {
        let mut makers: BTreeMap<String, (Phase, Maker<'a>)> = BTreeMap::new();
        let mut keys: Vec<String> = Vec::new();
        let mut add = |key: String, phase, maker| {
            keys.push(key.clone());
            makers.insert(key, (phase, maker));
        };
        for row in &self.catalog.made_types {
            if let Some(sql) = &row.sql {
                add(row.key.clone(), Phase::Prepare, Maker::Ready { row, sql, optional: false });
            }
        }
        for row in self.catalog.sequences.iter().filter(|row| row.ownership != Some('i')) {
            let unlogged = if row.unlogged { "UNLOGGED " } else { "" };
            let sql = format!("CREATE {unlogged}SEQUENCE {} {}", row.qualified, row.options);
            add(format!("c{}", row.oid), Phase::Prepare, Maker::Sequence { name: &row.qualified, sql });
        }
        for row in self.catalog.functions.iter().chain(&self.catalog.beside_tables) {
            if let Some(sql) = &row.sql {
                add(row.key.clone(), Phase::Prepare, Maker::Ready { row, sql, optional: true });
            }
        }
        for row in self.catalog.relations.iter().filter(|row| row.holds_rows()) {
            add(format!("c{}", row.oid), Phase::Table, Maker::Table(row));
        }
        for row in self.catalog.relations.iter().filter(|row| matches!(row.kind, 'v' | 'm')) {
            add(format!("c{}", row.oid), Phase::Finish, Maker::View(row));
        }
        let mut needs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for row in &self.catalog.dependencies {
            needs.entry(&row.dependent).or_default().push(&row.dependency);
        }
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut phases: BTreeMap<&str, Phase> = BTreeMap::new();
        let mut late = Vec::new();
        for key in order::sort(&keys, &needs) {
            let Some((earliest, maker)) = makers.get(key) else { continue };
            let needed = needs.get(key).into_iter().flatten().filter_map(|need| phases.get(need).copied());
            let phase = match maker {
                // Rows are written after this phase, whatever a table needs.
                Maker::Table(_) => Phase::Table,
                _ => needed.fold(*earliest, Phase::max),
            };
            let mut needed = needs.get(key).into_iter().flatten();
            // A function that reads a view, or a cycle: the table comes first, without it.
            let defaults_late = needed.any(|need| match makers.get(*need) {
                None | Some((_, Maker::Table(_))) => false,
                Some(_) => phases.get(need).is_none_or(|phase| *phase > Phase::Table),
            });
            phases.insert(key, phase);
            late.extend(self.make(phase, maker, defaults_late));
        }
        for (object, table, sql) in late {
            self.push(Phase::Finish, object, table, true, sql);
        }
    }

    /// Makes one object; returns the defaults of a table that must wait until all are there.
    fn make(&mut self, phase: Phase, maker: &Maker<'a>, defaults_late: bool) -> Vec<Late> {
        match maker {
            Maker::Ready { row, sql, optional } => {
                self.push(phase, row.object.clone(), None, *optional, (*sql).to_owned());
            }
            Maker::Sequence { name, sql } => {
                self.push(phase, format!("sequence {name}"), None, false, sql.clone());
            }
            Maker::Table(row) => {
                let table = self.layout.table(row.oid);
                let made = make_table(self.catalog, self.layout, row, defaults_late);
                let object = format!("table {}", row.qualified);
                self.push(phase, object.clone(), table, false, made.create);
                for (parent, sql) in made.after {
                    let parent = self.layout.table(parent);
                    let object = object.clone();
                    self.statements.push(Statement { phase, object, table, parent, sql, optional: false });
                }
                let object = format!("default in {}", row.qualified);
                return made.late.into_iter().map(|sql| (object.clone(), table, sql)).collect();
            }
            Maker::View(row) => {
                let query = row.definition.as_deref().unwrap_or_default().trim().trim_end_matches(';');
                let options = row.options.as_ref().map_or(String::new(), |text| format!(" WITH ({text})"));
                let (kind, end) =
                    if row.kind == 'm' { ("MATERIALIZED VIEW", " WITH NO DATA") } else { ("VIEW", "") };
                let method =
                    row.access_method.as_ref().map_or(String::new(), |name| format!(" USING {name}"));
                let sql = format!("CREATE {kind} {}{method}{options} AS {query}{end}", row.qualified);
                let object = format!("{} {}", kind.to_lowercase(), row.qualified);
                self.push(phase, object.clone(), None, true, sql);
                // Apart, so that a query that fails on the new rows costs the rows of the view only.
                if row.kind == 'm' && row.populated {
                    let sql = format!("REFRESH MATERIALIZED VIEW {}", row.qualified);
                    self.push(phase, format!("rows of {object}"), None, true, sql);
                }
            }
        }
        Vec::new()
    }

    fn sequence_owners(&mut self) {
        for row in self.catalog.sequences.iter().filter(|row| row.ownership == Some('a')) {
            let (Some(owner), Some(number)) = (row.owner, row.owner_column) else { continue };
            let column = self.catalog.columns_of(owner).iter().find(|c| c.number == number);
            let (Some(column), Some(relation)) = (column, self.layout.relation(owner)) else { continue };
            let sql =
                format!("ALTER SEQUENCE {} OWNED BY {}.{}", row.qualified, relation.qualified, column.quoted);
            let table = self.layout.table(owner);
            self.push(Phase::Table, format!("sequence {}", row.qualified), table, false, sql);
        }
    }

    fn table_options(&mut self) {
        for row in &self.catalog.table_options {
            let table = row.relation.and_then(|oid| self.layout.table(oid));
            self.push(Phase::Table, row.object.clone(), table, row.optional, row.sql.clone());
        }
    }

    /// Keys of partitions are made one by one, as their indexes are, so that each keeps its own name.
    fn keys_and_constraints(&mut self) {
        let rows = &self.catalog.constraints;
        // A check that a child has declared as well must be there before the parent's comes down to it.
        let twice = |row: &&ConstraintRow| row.kind == 'c' && row.inherited && row.is_local;
        for row in rows.iter().filter(twice).chain(rows.iter().filter(|row| !twice(row))) {
            let from_parent = match row.kind {
                'c' => row.inherited && !row.is_local,
                'f' => row.is_clone,
                _ => false,
            };
            if from_parent {
                continue;
            }
            let Some(relation) = self.layout.relation(row.relation) else { continue };
            let phase = match row.kind {
                'p' | 'u' => Phase::Key,
                'f' => Phase::ForeignKey,
                _ => Phase::Index,
            };
            let partly = relation.is_partition && !row.is_clone;
            let optional =
                row.kind == 'x' || row.temporal || partly || twice(&row) || self.points_elsewhere(row);
            let only = if matches!(row.kind, 'p' | 'u' | 'x') { "ONLY " } else { "" };
            self.statements.push(Statement {
                phase,
                object: format!("constraint {} on {}", row.quoted, relation.qualified),
                table: self.layout.table(row.relation),
                parent: (row.kind == 'f').then(|| self.layout.table(row.parent)).flatten(),
                sql: format!(
                    "ALTER TABLE {only}{} ADD CONSTRAINT {} {}",
                    relation.qualified, row.quoted, row.definition
                ),
                optional,
            });
        }
    }

    /// True for a foreign key to a partition or to a table outside the schema.
    fn points_elsewhere(&self, row: &ConstraintRow) -> bool {
        row.kind == 'f' && (self.layout.table(row.parent).is_none() || self.layout.is_partition(row.parent))
    }

    fn indexes(&mut self) {
        let valid: BTreeSet<&str> =
            self.catalog.indexes.iter().filter(|row| row.valid).map(|row| row.qualified.as_str()).collect();
        let mut attached = Vec::new();
        for row in self.catalog.indexes.iter().filter(|row| row.valid) {
            let phase = match () {
                () if row.of_view => Phase::Finish,
                () if row.is_unique => Phase::Key,
                () => Phase::Index,
            };
            let parent = row.parent.as_deref().filter(|parent| valid.contains(parent));
            // An index that promises nothing may fail (a row too long for it) without costing the clone.
            let optional =
                row.of_view || parent.is_none() && (!row.is_unique || self.layout.is_partition(row.relation));
            let table = self.layout.table(row.relation);
            let object = format!("index {}", row.quoted);
            if !row.of_constraint {
                self.push(phase, object.clone(), table, optional, row.definition.clone());
            }
            if let Some(parent) = parent {
                let sql = format!("ALTER INDEX {parent} ATTACH PARTITION {}", row.qualified);
                attached.push((phase, object, table, sql));
            }
        }
        for (phase, object, table, sql) in attached {
            self.push(phase, object, table, false, sql);
        }
    }

    /// What triggers would have computed: they do not fire for the load.
    fn fill(&mut self, findings: &mut Vec<Finding>) {
        for row in &self.catalog.fillers {
            let Some((table, relation)) =
                self.layout.table(row.relation).zip(self.layout.relation(row.relation))
            else {
                continue;
            };
            for filling in fillings(row) {
                let finding = Finding::note("filled-by-trigger", format!("trigger {} computes it", row.name))
                    .table(TableName::qualified(&relation.namespace, &relation.name))
                    .column(&filling.column);
                findings.push(match filling.sql {
                    Some(sql) => {
                        let object = format!("values of {}.{}", relation.qualified, filling.column);
                        self.push(Phase::Fill, object, Some(table), true, sql);
                        finding.instead("it is computed on the target, from the generated rows")
                    }
                    None => finding.instead("it is drawn like any other column"),
                });
            }
        }
    }

    fn last(&mut self) {
        for row in &self.catalog.last {
            let table = row.relation.and_then(|oid| self.layout.table(oid));
            self.push(Phase::Finish, row.object.clone(), table, row.optional, row.sql.clone());
        }
    }
}

/// A statement that must wait: what it makes, the table, the SQL.
type Late = (String, Option<TableId>, String);

/// What makes an object of the dependency order.
enum Maker<'a> {
    Ready { row: &'a MadeRow, sql: &'a str, optional: bool },
    Sequence { name: &'a str, sql: String },
    Table(&'a Relation),
    View(&'a Relation),
}
