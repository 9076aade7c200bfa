//! Lifts catalog rows into a [`Schema`]. Pure: no connection, no clock.

use std::collections::BTreeMap;

use crate::{
    finding::Finding,
    schema::{
        Check, Collation, Column, ColumnId, ComputedIndex, DataType, DialectName, ForeignKey, Schema, Table,
        TableId, TableName, UniqueKey,
    },
};

use super::{
    catalog::Catalog,
    exclusions::{add_periods, exclude_overlaps, period_keys},
    server::Record,
    shown::Shown,
    sql::{identifier, literal, unescape, without_outer_parentheses},
    types::NativeType,
};

/// Turns the catalog into a schema; what is not understood is a finding.
pub(super) fn lift(catalog: &Catalog) -> (Schema, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut tables: Vec<Table> = catalog
        .tables
        .iter()
        .map(|table| Table {
            estimated_rows: table.estimated_rows,
            ..Table::new(TableName::bare(&table.name), Vec::new())
        })
        .collect();
    let places: BTreeMap<String, usize> =
        tables.iter().enumerate().map(|(index, table)| (table.name.name.clone(), index)).collect();
    let place = |row: &Record| places.get(&row.text("table_name")).copied();
    let srids: BTreeMap<(String, String), String> = catalog
        .spatial
        .iter()
        .map(|row| ((row.text("table_name"), row.text("name")), row.text("srid")))
        .collect();
    // MariaDB's catalog prints expressions as they are.
    let shown: Vec<Shown> = if catalog.mariadb {
        tables.iter().map(|_| Shown::default()).collect()
    } else {
        catalog.tables.iter().map(|table| Shown::of(&table.create)).collect()
    };
    for row in catalog.columns.iter().filter(|row| !is_row_time(row)) {
        if let Some(index) = place(row) {
            let srid = srids.get(&(row.text("table_name"), row.text("name")));
            let column = column(catalog, row, &shown[index], srid, &mut findings);
            tables[index].columns.push(column);
        }
    }
    for row in &catalog.checks {
        if let Some(index) = place(row) {
            add_check(catalog.mariadb, &mut tables[index], &shown[index], row);
        }
    }
    let periods = period_keys(catalog);
    for row in &catalog.keys {
        let name = (row.text("table_name"), row.text("name"));
        if let Some(index) = place(row).filter(|_| !periods.contains(&name)) {
            add_key_part(catalog.mariadb, &mut tables[index], &shown[index], row);
        }
    }
    for (table, shown) in tables.iter_mut().zip(&shown) {
        add_computed_indexes(table, shown);
    }
    tables.iter_mut().for_each(exclude_overlaps);
    for table in &mut tables {
        if let Some(found) = catalog.tables.iter().find(|found| found.name == table.name.name) {
            add_periods(table, &found.create);
        }
    }
    for row in &catalog.foreign_keys {
        if let Some(index) = place(row) {
            add_foreign_key_part(&mut tables, index, row, &mut findings);
        }
    }
    for table in &mut tables {
        table.unique_keys.sort_by(|a, b| a.name.cmp(&b.name));
        table.computed_indexes.sort_by(|a, b| a.name.cmp(&b.name));
        table.foreign_keys.sort_by(|a, b| (&a.name, &a.columns).cmp(&(&b.name, &b.columns)));
    }
    (Schema { dialect: DialectName::MySql, tables }, findings)
}

/// True for the columns in which a system-versioned table notes since when and until when a row holds: the server's own.
fn is_row_time(row: &Record) -> bool {
    ["ROW START", "ROW END"].contains(&row.text("generation_expression").to_uppercase().as_str())
}

fn column(
    catalog: &Catalog,
    row: &Record,
    shown: &Shown,
    srid: Option<&String>,
    findings: &mut Vec<Finding>,
) -> Column {
    let name = row.text("name");
    let mut native_type = row.text("column_type");
    if let Some(srid) = srid {
        native_type = format!("{native_type} srid {srid}");
    }
    let native = NativeType::parse(&native_type);
    let data_type = native.data_type().unwrap_or_else(|| {
        findings.push(
            Finding::warning("unsupported-type", format!("dbsynth does not know the type {native_type}"))
                .table(row.text("table_name"))
                .column(&name)
                .instead("treated as text"),
        );
        DataType::Other
    });
    let extra = row.text("extra").to_lowercase();
    let has = |word: &str| extra.split_whitespace().any(|found| found == word);
    // Before 10.2 and in MySQL the expression is empty for ordinary columns, in MariaDB it is null.
    let is_generated = (has("generated") || has("virtual") || has("stored") || has("persistent"))
        && !has("default_generated");
    let printed = row.text("generation_expression");
    let expression = match shown.generated.get(&name) {
        Some(expression) => expression.clone(),
        None if catalog.mariadb => printed,
        None => unescape(&printed),
    };
    let default = default(catalog, row, shown.defaults.get(&name), &native, has("default_generated"));
    let collation = row.text("collation_name").to_lowercase();
    let fraction = matches!(data_type, DataType::Time | DataType::Timestamp { .. })
        .then(|| u8::try_from(native.fraction_digits()).unwrap_or(6));
    Column {
        name,
        data_type,
        nullable: row.text("nullable") == "YES",
        default,
        auto_increment: has("auto_increment"),
        generated: is_generated.then(|| catalog.home.unqualify(without_outer_parentheses(&expression))),
        collation: if collation.split('_').any(|part| part == "ci" || part == "ai") {
            Collation::Case
        } else {
            Collation::Exact
        },
        representation: None,
        fraction,
        native_type,
    }
}

/// The DEFAULT as SQL: MariaDB prints it so, MySQL prints the bare text of a literal.
fn default(
    catalog: &Catalog,
    row: &Record,
    shown: Option<&String>,
    native: &NativeType,
    is_expression: bool,
) -> Option<String> {
    let text = row.optional("column_default")?;
    if catalog.mariadb {
        // `nextval(`shop`.`ids`)`: a default names its sequence with the database.
        return (text != "NULL").then(|| catalog.home.unqualify(&text));
    }
    if is_expression {
        let expression = shown.cloned().unwrap_or_else(|| unescape(&text));
        return Some(catalog.home.unqualify(&expression));
    }
    let bare = matches!(
        native.data_type(),
        Some(
            DataType::Integer { .. }
                | DataType::Decimal { .. }
                | DataType::Float { .. }
                | DataType::Bits { .. }
        )
    ) || text.starts_with("0x")
        || text.to_uppercase().starts_with("CURRENT_TIMESTAMP");
    Some(if bare { text } else { literal(&text) })
}

fn add_check(mariadb: bool, table: &mut Table, shown: &Shown, row: &Record) {
    let mut name = row.text("name");
    let printed = row.text("clause");
    let clause = match shown.checks.get(&name) {
        Some(condition) => condition.clone(),
        None if mariadb => printed,
        None => unescape(&printed),
    };
    let expression = without_outer_parentheses(&clause).to_owned();
    // MariaDB names a column's own check after the column, and forgets to when the column is renamed.
    if mariadb && row.optional("level").is_some_and(|level| level == "Column") {
        let read = table.iter().filter(|(_, column)| expression.contains(&identifier(&column.name)));
        if let [column] = read.map(|(_, column)| &column.name).collect::<Vec<_>>()[..] {
            name.clone_from(column);
        }
    }
    if mariadb && let Some(id) = table.find(&name) {
        let column = &mut table.columns[id.0];
        // MariaDB's JSON is longtext with this check on the column.
        let is_text = NativeType::parse(&column.native_type).base == "longtext";
        if is_text && expression.eq_ignore_ascii_case(&format!("json_valid({})", identifier(&column.name))) {
            column.data_type = DataType::Json;
            return;
        }
    }
    table.checks.push(Check { name, expression, domain_column: None });
}

fn add_key_part(mariadb: bool, table: &mut Table, shown: &Shown, row: &Record) {
    let name = row.text("name");
    let column = row.optional("column_name").and_then(|column| exact(table, &column));
    let primary = name == "PRIMARY";
    let keys = &mut table.unique_keys;
    let key = if primary {
        table.primary_key.get_or_insert_with(|| empty_key(&name))
    } else if let Some(at) = keys.iter().position(|key| key.name == name) {
        &mut keys[at]
    } else {
        keys.push(empty_key(&name));
        let last = keys.len() - 1;
        &mut keys[last]
    };
    match (column, row.optional("sub_part"), row.optional("expression")) {
        (Some(id), None, _) => key.columns.push(id),
        (Some(id), Some(length), _) => {
            let column = &table.columns[id.0].name;
            key.expressions.push(format!("left({},{length})", identifier(column)));
        }
        (None, _, Some(expression)) => {
            let at = key.columns.len() + key.expressions.len();
            let part = shown.keys.get(&name).and_then(|parts| parts.get(at)).filter(|part| !part.is_empty());
            let expression = match part {
                Some(part) => part.clone(),
                None if mariadb => expression,
                None => unescape(&expression),
            };
            key.expressions.push(without_outer_parentheses(&expression).to_owned());
        }
        (None, _, None) => {}
    }
}

/// The functional indexes that are not unique; MariaDB has none.
fn add_computed_indexes(table: &mut Table, shown: &Shown) {
    for (name, parts) in &shown.keys {
        let parts = parts.iter().filter(|part| !part.is_empty());
        let expressions: Vec<String> = parts.map(|part| without_outer_parentheses(part).to_owned()).collect();
        if !expressions.is_empty() && table.keys().all(|key| key.name != *name) {
            table.computed_indexes.push(ComputedIndex { name: name.clone(), expressions, predicate: None });
        }
    }
}

fn empty_key(name: &str) -> UniqueKey {
    UniqueKey {
        name: name.to_owned(),
        columns: Vec::new(),
        expressions: Vec::new(),
        predicate: None,
        nulls_not_distinct: false,
    }
}

fn exact(table: &Table, column: &str) -> Option<ColumnId> {
    table.find(column)
}

fn add_foreign_key_part(tables: &mut [Table], child: usize, row: &Record, findings: &mut Vec<Finding>) {
    let name = row.text("name");
    let parent_name = row.text("parent");
    let outside = row.text("same_database") != "1";
    let parent = tables
        .iter()
        .position(|table| table.name.name == parent_name)
        .or_else(|| {
            tables.iter().position(|table| table.name.name.to_lowercase() == parent_name.to_lowercase())
        })
        .filter(|_| !outside);
    let Some(parent) = parent else {
        let finding = Finding::warning(
            "foreign-key-outside",
            format!("foreign key {name} points to {parent_name}, which is not a table of this database"),
        )
        .table(&tables[child].name)
        .instead("left out");
        if !findings.contains(&finding) {
            findings.push(finding);
        }
        return;
    };
    let column = exact(&tables[child], &row.text("column_name"));
    let parent_column = exact(&tables[parent], &row.text("parent_column"));
    let (Some(column), Some(parent_column)) = (column, parent_column) else { return };
    let known = &mut tables[child].foreign_keys;
    if let Some(fk) = known.iter_mut().find(|fk| fk.name == name) {
        fk.columns.push(column);
        fk.parent_columns.push(parent_column);
        return;
    }
    known.push(ForeignKey {
        name,
        columns: vec![column],
        parent: TableId(parent),
        parent_columns: vec![parent_column],
        cascades: row.text("delete_rule") == "CASCADE",
        match_full: false,
        deferrable: false,
        validated: true,
        undeclared: None,
    });
}
