//! CREATE TABLE, and what a table needs right after it: its place under a parent, its own defaults.

use super::{
    catalog::{Catalog, ColumnRow, Relation},
    layout::Layout,
    sql::literal,
};

/// The statements that make one table.
pub(super) struct MadeTable {
    /// CREATE TABLE.
    pub(super) create: String,
    /// To run right after it, unless the parent named with it is left out.
    pub(super) after: Vec<(i64, String)>,
    /// Defaults that need what comes after the tables; rows are always written with all their columns.
    pub(super) late: Vec<String>,
}

/// Writes the statements of a table. With `defaults_late`, defaults that call something come at the very end.
pub(super) fn make_table(
    catalog: &Catalog,
    layout: &Layout<'_>,
    row: &Relation,
    defaults_late: bool,
) -> MadeTable {
    let columns = catalog.columns_of(row.oid);
    let parents: Vec<&Relation> = row.parents.iter().filter_map(|oid| layout.relation(*oid)).collect();
    let writer = Writer { catalog, row, defaults_late };
    let unlogged = if row.unlogged { "UNLOGGED " } else { "" };
    let mut create = format!("CREATE {unlogged}TABLE {}", row.qualified);
    let mut after = Vec::new();
    let name = &row.qualified;
    if let Some(of_type) = &row.of_type {
        create.push_str(&format!(" OF {of_type}"));
        let options: Vec<String> = columns
            .iter()
            .map(|column| (column, writer.options(column, false)))
            .filter(|(_, options)| !options.is_empty())
            .map(|(column, options)| format!("{} WITH OPTIONS{options}", column.quoted))
            .collect();
        if !options.is_empty() {
            create.push_str(&format!(" (\n    {}\n)", options.join(",\n    ")));
        }
    } else {
        let all: Vec<String> = columns.iter().map(|column| writer.column(column, false)).collect();
        create.push_str(&format!(" (\n    {}\n)", all.join(",\n    ")));
        if !row.is_partition && inherits_as_written(catalog, columns, &parents) {
            let head = format!("CREATE {unlogged}TABLE {name}");
            return MadeTable {
                create: writer.inheriting(&head, &format!("{create}{}", writer.end()), columns, &parents),
                after,
                late: writer.late(columns),
            };
        }
        for parent in &parents {
            let sql = match &row.bound {
                Some(bound) => format!("ALTER TABLE {} ATTACH PARTITION {name} {bound}", parent.qualified),
                None => format!("ALTER TABLE {name} INHERIT {}", parent.qualified),
            };
            after.push((parent.oid, sql));
        }
    }
    create.push_str(&writer.end());
    MadeTable { create, after, late: writer.late(columns) }
}

/// The same column in each parent that has it.
fn declared_by<'a>(
    catalog: &'a Catalog,
    parents: &'a [&Relation],
    column: &'a ColumnRow,
) -> impl Iterator<Item = &'a ColumnRow> {
    parents
        .iter()
        .filter_map(|parent| catalog.columns_of(parent.oid).iter().find(|other| other.name == column.name))
}

/// True if INHERITS gives the columns in the order they have: those of the parents first. A table that
/// joined its parents later may hold them in any order.
fn inherits_as_written(catalog: &Catalog, columns: &[ColumnRow], parents: &[&Relation]) -> bool {
    if parents.is_empty() {
        return false;
    }
    let mut order: Vec<&str> = Vec::new();
    let inherited = parents.iter().flat_map(|parent| catalog.columns_of(parent.oid));
    for column in inherited.chain(columns) {
        if !order.contains(&column.name.as_str()) {
            order.push(&column.name);
        }
    }
    // Parents that disagree about a default are refused unless the column is declared anew.
    let agreed = columns.iter().filter(|column| !column.is_local).all(|column| {
        let mut defaults = declared_by(catalog, parents, column).map(|other| &other.expression);
        let first = defaults.next();
        defaults.all(|other| Some(other) == first)
    });
    agreed && order.into_iter().eq(columns.iter().map(|column| column.name.as_str()))
}

struct Writer<'a> {
    catalog: &'a Catalog,
    row: &'a Relation,
    defaults_late: bool,
}

impl Writer<'_> {
    /// What comes after the columns.
    fn end(&self) -> String {
        let mut sql = String::new();
        if let Some(key) = &self.row.partition_key {
            sql.push_str(&format!(" PARTITION BY {key}"));
        }
        if let Some(method) = &self.row.access_method {
            sql.push_str(&format!(" USING {method}"));
        }
        if let Some(options) = &self.row.options {
            sql.push_str(&format!(" WITH ({options})"));
        }
        sql
    }

    fn late(&self, columns: &[ColumnRow]) -> Vec<String> {
        columns.iter().filter(|column| self.is_late(column)).map(|column| self.default(column)).collect()
    }

    /// Takes the parents' columns from them, or makes the table `alone` if a parent was left out.
    fn inheriting(&self, head: &str, alone: &str, columns: &[ColumnRow], parents: &[&Relation]) -> String {
        let own: Vec<String> = columns
            .iter()
            .filter(|column| column.is_local)
            .map(|column| {
                let inherited = declared_by(self.catalog, parents, column).next().is_some();
                self.column(column, inherited)
            })
            .collect();
        let names: Vec<&str> = parents.iter().map(|parent| parent.qualified.as_str()).collect();
        let missing: Vec<String> =
            names.iter().map(|name| format!("pg_catalog.to_regclass({}) IS NULL", literal(name))).collect();
        let mut child = format!("{head} ({}) INHERITS ({}){};", own.join(", "), names.join(", "), self.end());
        for sql in columns.iter().filter(|column| !column.is_local).flat_map(|c| self.overrides(c, parents)) {
            child.push_str(&format!(" {sql};"));
        }
        format!(
            "DO $dbsynth_table$ BEGIN IF {} THEN {alone}; ELSE {child} END IF; END $dbsynth_table$",
            missing.join(" OR ")
        )
    }

    fn column(&self, column: &ColumnRow, inherited: bool) -> String {
        format!("{} {}{}", column.quoted, column.native_type, self.options(column, inherited))
    }

    /// Collation, default, generation, identity, NOT NULL.
    fn options(&self, column: &ColumnRow, inherited: bool) -> String {
        let mut sql = String::new();
        // A table of a type has the type's collations.
        if let Some(collation) = column.collation.as_ref().filter(|_| self.row.of_type.is_none()) {
            sql.push_str(&format!(" COLLATE {collation}"));
        }
        match (column.generated.as_str(), &column.expression) {
            // An inherited generated column takes its expression from the parent; naming it again is an error.
            ("s" | "v", Some(expression)) if !inherited => {
                let kind = if column.generated == "s" { "STORED" } else { "VIRTUAL" };
                sql.push_str(&format!(" GENERATED ALWAYS AS ({expression}) {kind}"));
            }
            ("s" | "v", _) => {}
            (_, Some(expression)) if !self.is_late(column) => {
                sql.push_str(&format!(" DEFAULT {expression}"));
            }
            _ => {}
        }
        // A partition takes its identity from the root.
        if !column.identity.is_empty() && !self.row.is_partition {
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

    /// Where an inherited column differs from its parents'.
    fn overrides(&self, column: &ColumnRow, parents: &[&Relation]) -> Vec<String> {
        let alter = format!("ALTER TABLE ONLY {} ALTER COLUMN {}", self.row.qualified, column.quoted);
        let mut sql = Vec::new();
        let theirs = || declared_by(self.catalog, parents, column);
        if column.generated.is_empty() && theirs().all(|other| other.expression != column.expression) {
            match &column.expression {
                Some(_) if self.is_late(column) => {}
                Some(_) => sql.push(self.default(column)),
                None => sql.push(format!("{alter} DROP DEFAULT")),
            }
        }
        if column.not_null && theirs().all(|other| !other.not_null) {
            sql.push(format!("{alter} SET NOT NULL"));
        }
        sql
    }

    fn default(&self, column: &ColumnRow) -> String {
        let expression = column.expression.as_deref().unwrap_or("NULL");
        format!(
            "ALTER TABLE ONLY {} ALTER COLUMN {} SET DEFAULT {expression}",
            self.row.qualified, column.quoted
        )
    }

    fn is_late(&self, column: &ColumnRow) -> bool {
        self.defaults_late
            && column.generated.is_empty()
            && column.expression.as_ref().is_some_and(|expression| expression.contains('('))
    }
}
