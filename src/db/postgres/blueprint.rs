//! From catalog rows to the [`Blueprint`]: DDL that builds the same schema in an empty database.
//!
//! Names are qualified and quoted; owners and grants are left out, since roles may not exist elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    catalog::{Catalog, ColumnRow, ConstraintRow, IndexRow, Relation},
    layout::Layout,
    order,
    sql::literal,
};
use crate::{
    db::{Blueprint, Phase, Sequence, Statement},
    finding::Finding,
    schema::{DialectName, TableId},
};

/// Builds the blueprint.
pub(super) fn blueprint(catalog: &Catalog, layout: &Layout<'_>, findings: &mut Vec<Finding>) -> Blueprint {
    let mut draft = Draft { catalog, layout, statements: Vec::new() };
    draft.first();
    draft.objects();
    draft.sequence_owners();
    draft.keys_and_constraints();
    draft.indexes();
    draft.last();
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
            "SELECT pg_catalog.set_config('search_path', {}, false), \
             pg_catalog.set_config('check_function_bodies', 'off', false)",
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
                add(
                    row.key.clone(),
                    Phase::Prepare,
                    Maker::Ready { object: &row.object, sql, optional: false },
                );
            }
        }
        for row in self.catalog.sequences.iter().filter(|row| row.ownership != Some('i')) {
            let sql = format!("CREATE SEQUENCE {} {}", row.qualified, row.options);
            add(format!("c{}", row.oid), Phase::Prepare, Maker::Sequence { name: &row.qualified, sql });
        }
        for row in &self.catalog.functions {
            if let Some(sql) = &row.sql {
                add(
                    row.key.clone(),
                    Phase::Prepare,
                    Maker::Ready { object: &row.object, sql, optional: true },
                );
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
        for key in order::sort(&keys, &needs) {
            let Some((earliest, maker)) = makers.get(key) else { continue };
            let needed = needs.get(key).into_iter().flatten().filter_map(|need| phases.get(need).copied());
            let phase = match maker {
                // Rows are written after this phase, whatever a table needs.
                Maker::Table(_) => Phase::Table,
                _ => needed.fold(*earliest, Phase::max),
            };
            phases.insert(key, phase);
            self.make(phase, maker);
        }
    }

    fn make(&mut self, phase: Phase, maker: &Maker<'a>) {
        match maker {
            Maker::Ready { object, sql, optional } => {
                self.push(phase, (*object).to_owned(), None, *optional, (*sql).to_owned());
            }
            Maker::Sequence { name, sql } => {
                self.push(phase, format!("sequence {name}"), None, false, sql.clone());
            }
            Maker::Table(row) => {
                let table = self.layout.table(row.oid);
                let sql = self.create_table(row);
                self.push(phase, format!("table {}", row.qualified), table, false, sql);
            }
            Maker::View(row) => {
                let query = row.definition.as_deref().unwrap_or_default().trim().trim_end_matches(';');
                let options = row.options.as_ref().map_or(String::new(), |text| format!(" WITH ({text})"));
                let (kind, end) = match row.kind {
                    'm' if row.populated => ("MATERIALIZED VIEW", " WITH DATA"),
                    'm' => ("MATERIALIZED VIEW", " WITH NO DATA"),
                    _ => ("VIEW", ""),
                };
                let sql = format!("CREATE {kind} {}{options} AS {query}{end}", row.qualified);
                self.push(phase, format!("{} {}", kind.to_lowercase(), row.qualified), None, true, sql);
            }
        }
    }

    fn create_table(&self, row: &Relation) -> String {
        let unlogged = if row.unlogged { "UNLOGGED " } else { "" };
        let parents: Vec<&str> = row
            .parents
            .iter()
            .filter_map(|oid| self.layout.relation(*oid))
            .map(|parent| parent.qualified.as_str())
            .collect();
        let mut sql = format!("CREATE {unlogged}TABLE {}", row.qualified);
        match (&row.bound, parents.first()) {
            (Some(bound), Some(parent)) => sql.push_str(&format!(" PARTITION OF {parent} {bound}")),
            _ => {
                let columns: Vec<String> =
                    self.catalog.columns_of(row.oid).iter().map(|column| self.column(column)).collect();
                sql.push_str(&format!(" (\n    {}\n)", columns.join(",\n    ")));
                if !parents.is_empty() {
                    sql.push_str(&format!(" INHERITS ({})", parents.join(", ")));
                }
            }
        }
        if let Some(key) = &row.partition_key {
            sql.push_str(&format!(" PARTITION BY {key}"));
        }
        if let Some(options) = &row.options {
            sql.push_str(&format!(" WITH ({options})"));
        }
        sql
    }

    fn column(&self, column: &ColumnRow) -> String {
        let mut sql = format!("{} {}", column.quoted, column.native_type);
        if let Some(collation) = &column.collation {
            sql.push_str(&format!(" COLLATE {collation}"));
        }
        match (column.generated.as_str(), &column.expression) {
            // An inherited generated column takes its expression from the parent; naming it again is an error.
            ("s" | "v", Some(expression)) if !self.is_inherited(column) => {
                let kind = if column.generated == "s" { "STORED" } else { "VIRTUAL" };
                sql.push_str(&format!(" GENERATED ALWAYS AS ({expression}) {kind}"));
            }
            ("s" | "v", _) => {}
            (_, Some(expression)) => sql.push_str(&format!(" DEFAULT {expression}")),
            _ => {}
        }
        if !column.identity.is_empty() {
            let kind = if column.identity == "a" { "ALWAYS" } else { "BY DEFAULT" };
            sql.push_str(&format!(" GENERATED {kind} AS IDENTITY"));
            let own = self.catalog.sequences.iter().find(|sequence| {
                sequence.ownership == Some('i')
                    && sequence.owner == Some(column.relation)
                    && sequence.owner_column == Some(column.number)
            });
            if let Some(own) = own {
                // The type follows the column's; naming it is refused.
                let options = own.options.split_once(" START ").map_or("", |(_, rest)| rest);
                sql.push_str(&format!(" (SEQUENCE NAME {} START {options})", own.qualified));
            }
        }
        if column.not_null {
            sql.push_str(" NOT NULL");
        }
        sql
    }

    /// True if an inheritance parent has the column as well.
    fn is_inherited(&self, column: &ColumnRow) -> bool {
        let parents = self.layout.relation(column.relation).map_or(&[][..], |row| &row.parents);
        parents
            .iter()
            .any(|parent| self.catalog.columns_of(*parent).iter().any(|other| other.name == column.name))
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

    fn keys_and_constraints(&mut self) {
        for row in self.catalog.constraints.iter().filter(|row| !row.is_clone) {
            if row.inherited && matches!(row.kind, 'c') {
                continue;
            }
            let Some(relation) = self.layout.relation(row.relation) else { continue };
            let phase = match row.kind {
                'p' | 'u' => Phase::Key,
                'f' => Phase::ForeignKey,
                _ => Phase::Index,
            };
            let optional =
                row.kind == 'x' || row.temporal || relation.is_partition || self.points_elsewhere(row);
            self.statements.push(Statement {
                phase,
                object: format!("constraint {} on {}", row.quoted, relation.qualified),
                table: self.layout.table(row.relation),
                parent: (row.kind == 'f').then(|| self.layout.table(row.parent)).flatten(),
                sql: format!(
                    "ALTER TABLE {} ADD CONSTRAINT {} {}",
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
        for row in &self.catalog.indexes {
            if row.of_constraint || row.attached || !row.valid {
                continue;
            }
            let phase = match () {
                () if row.of_view => Phase::Finish,
                () if row.is_unique => Phase::Key,
                () => Phase::Index,
            };
            let optional = row.of_view || self.layout.is_partition(row.relation);
            let table = self.layout.table(row.relation);
            self.push(phase, format!("index {}", row.quoted), table, optional, create_index(row));
        }
    }

    fn last(&mut self) {
        for row in &self.catalog.last {
            let table = row.relation.and_then(|oid| self.layout.table(oid));
            self.push(Phase::Finish, row.object.clone(), table, row.optional, row.sql.clone());
        }
    }
}

/// What makes an object of the dependency order.
enum Maker<'a> {
    Ready { object: &'a str, sql: &'a str, optional: bool },
    Sequence { name: &'a str, sql: String },
    Table(&'a Relation),
    View(&'a Relation),
}

/// The server prints a partitioned index as `ON ONLY`, for a dump that attaches the parts later; we
/// want the parts made with it.
fn create_index(row: &IndexRow) -> String {
    for unique in ["", "UNIQUE "] {
        let head = format!("CREATE {unique}INDEX {} ON ", row.quoted);
        if let Some(rest) = row.definition.strip_prefix(&format!("{head}ONLY ")) {
            return format!("{head}{rest}");
        }
    }
    row.definition.clone()
}
