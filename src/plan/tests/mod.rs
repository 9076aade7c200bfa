//! Small named shapes first, then any shape.

mod properties;
mod shapes;

use crate::schema::{
    Column, ColumnId, DataType, DialectName, ForeignKey, Schema, Table, TableId, TableName, UniqueKey,
};

/// Builds a schema from lines like `orders: *id, customer_id! > customers.id cascade, note`.
///
/// Per column: a leading `*` puts it in the primary key, a leading `^` makes it unique, a trailing `!` makes it NOT
/// NULL, `> table.column` makes it a foreign key (`cascade` and `deferrable` may follow), `:text`, `:date` and `:float`
/// set a type.
/// A line `child(a, b) > parent(c, d)` adds a composite foreign key. Tables must come sorted by name.
pub(crate) fn schema(text: &str) -> Schema {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_table = |line: &&str| !line.contains(") >");
    let mut tables: Vec<Table> = lines().filter(is_table).map(table).collect();
    let single: Vec<(usize, &str, &str)> = lines()
        .filter(is_table)
        .enumerate()
        .flat_map(|(index, line)| columns(line).map(move |column| (index, column)))
        .filter_map(|(index, column)| column.split_once(" > ").map(|(name, to)| (index, name, to)))
        .collect();
    for (child, column, to) in single {
        let mut words = to.split_whitespace();
        let (parent, key) = words.next().unwrap().split_once('.').unwrap();
        let options: Vec<&str> = words.collect();
        add_key(&mut tables, child, &[bare(column)], (parent, &[key]), &options);
    }
    for line in lines().filter(|line| !is_table(line)) {
        let (from, to) = line.split_once(" > ").unwrap();
        let split = |side: &'static str, text: &str| {
            let (table, columns) = text.split_once('(').unwrap_or_else(|| panic!("{side}"));
            let columns: Vec<String> = columns.trim_end_matches(')').split(", ").map(str::to_owned).collect();
            (table.to_owned(), columns)
        };
        let ((child, columns), (parent, keys)) = (split("from", from), split("to", to));
        let child = tables.iter().position(|table| table.name.name == child).unwrap();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        add_key(&mut tables, child, &columns, (&parent, &keys), &[]);
    }
    Schema { dialect: DialectName::Postgres, tables }
}

fn columns(line: &str) -> impl Iterator<Item = &str> {
    line.split_once(": ").map_or("", |(_, columns)| columns).split(", ").filter(|column| !column.is_empty())
}

fn bare(column: &str) -> &str {
    let name = column.split([' ', ':']).next().unwrap();
    name.trim_start_matches(['*', '^']).trim_end_matches('!')
}

fn table(line: &str) -> Table {
    let name = line.split_once(':').map_or(line, |(name, _)| name);
    let key = |name: &str, columns: Vec<ColumnId>| UniqueKey {
        name: name.to_owned(),
        columns,
        expressions: Vec::new(),
        predicate: None,
        nulls_not_distinct: false,
    };
    let with = |mark: char| -> Vec<ColumnId> {
        columns(line).enumerate().filter(|(_, c)| c.starts_with(mark)).map(|(i, _)| ColumnId(i)).collect()
    };
    let primary = with('*');
    Table {
        primary_key: (!primary.is_empty()).then(|| key("pk", primary)),
        unique_keys: with('^').into_iter().map(|id| key("unique", vec![id])).collect(),
        ..Table::new(TableName::qualified("public", name), columns(line).map(column).collect())
    }
}

fn column(text: &str) -> Column {
    let (data_type, native_type) = if text.contains(":text") {
        (DataType::Text { max_chars: None }, "text")
    } else if text.contains(":date") {
        (DataType::Date, "date")
    } else if text.contains(":float") {
        (DataType::Float { single: false }, "float8")
    } else {
        (DataType::Integer { min: i64::MIN, max: i64::MAX }, "bigint")
    };
    // Through serde, so that whatever else a column may have keeps its default.
    serde_json::from_value(serde_json::json!({
        "name": bare(text),
        "native_type": native_type,
        "data_type": data_type,
        "nullable": !(text.starts_with('*') || text.split(' ').next().unwrap().ends_with('!')),
        "default": null,
        "auto_increment": false,
        "generated": null,
    }))
    .unwrap()
}

fn add_key(tables: &mut [Table], child: usize, columns: &[&str], to: (&str, &[&str]), options: &[&str]) {
    let parent = tables.iter().position(|table| table.name.name == to.0).unwrap();
    let find = |table: &Table, names: &[&str]| names.iter().map(|name| table.find(name).unwrap()).collect();
    let fk = ForeignKey {
        name: format!("fk{:02}", tables[child].foreign_keys.len()),
        columns: find(&tables[child], columns),
        parent: TableId(parent),
        parent_columns: find(&tables[parent], to.1),
        cascades: options.contains(&"cascade"),
        match_full: false,
        deferrable: options.contains(&"deferrable"),
        validated: true,
        undeclared: None,
    };
    tables[child].foreign_keys.push(fk);
}
