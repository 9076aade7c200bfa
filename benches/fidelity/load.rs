//! Loads a folder of CSVs into an SQLite file with typed columns and keys.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use dbsynth::{config::DbUrl, evaluate::Categories};
use serde::Deserialize;
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

use super::{Failure, csv};

const LONGEST_VARCHAR: usize = 255;

/// `relations.json`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Relations {
    primary_keys: BTreeMap<String, Vec<String>>,
    /// Child, its columns, parent, its columns.
    foreign_keys: Vec<(String, Vec<String>, String, Vec<String>)>,
    #[serde(default)]
    categorical: BTreeMap<String, BTreeSet<String>>,
}

impl Relations {
    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        let file = folder.join("relations.json");
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(serde_json::from_str(&text)?)
    }

    pub(super) fn categories(&self) -> Categories {
        self.categorical.clone()
    }
}

struct Table {
    name: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The folders in a folder, in the order of their names.
pub(super) fn folders(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut found: Vec<PathBuf> =
        entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    Ok(found)
}

/// Makes the SQLite file anew; `keys` declares primary and foreign keys, which the rows must then satisfy.
pub(super) fn to_sqlite(
    folder: &Path,
    relations: &Relations,
    keys: bool,
    file: &Path,
) -> Result<DbUrl, Failure> {
    if file.exists() {
        std::fs::remove_file(file)?;
    }
    let tables = in_order(read_tables(folder)?, relations)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(file).create_if_missing(true).foreign_keys(keys);
        let mut connection = options.connect().await?;
        let mut transaction = connection.begin().await?;
        for table in &tables {
            let definition = definition(table, relations, keys);
            sqlx::query(sqlx::AssertSqlSafe(definition)).execute(&mut *transaction).await?;
            let marks = vec!["?"; table.header.len()].join(", ");
            let insert = format!("INSERT INTO {} VALUES ({marks})", quoted(&table.name));
            for row in &table.rows {
                let mut query = sqlx::query(sqlx::AssertSqlSafe(insert.as_str()));
                for field in row {
                    query = query.bind(Some(field.as_str()).filter(|field| !field.is_empty()));
                }
                query.execute(&mut *transaction).await?;
            }
        }
        transaction.commit().await?;
        connection.close().await
    })?;
    Ok(DbUrl::parse(&format!("sqlite:{}", file.display()))?)
}

fn read_tables(folder: &Path) -> Result<Vec<Table>, Failure> {
    let mut tables = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "csv") {
            continue;
        }
        let mut rows = csv::rows(&std::fs::read_to_string(&path)?).into_iter();
        let header = rows.next().ok_or(format!("{} has no header", path.display()))?;
        let rows: Vec<Vec<String>> = rows.collect();
        if rows.iter().any(|row| row.len() != header.len()) {
            return Err(format!("{} has rows of different lengths", path.display()).into());
        }
        let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        tables.push(Table { name, header, rows });
    }
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(tables)
}

/// Parents first.
fn in_order(mut tables: Vec<Table>, relations: &Relations) -> Result<Vec<Table>, Failure> {
    let mut done: Vec<Table> = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let ready = |table: &Table| {
            relations.foreign_keys.iter().all(|(child, _, parent, _)| {
                *child != table.name || parent == child || done.iter().any(|other| other.name == *parent)
            })
        };
        let next =
            tables.iter().position(ready).ok_or("the foreign keys go in a circle or to an unknown table")?;
        done.push(tables.remove(next));
    }
    Ok(done)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn definition(table: &Table, relations: &Relations, keys: bool) -> String {
    let list =
        |columns: &[String]| columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ");
    let typed = |(index, column): (usize, &String)| {
        let values: Vec<&str> =
            table.rows.iter().map(|row| row[index].as_str()).filter(|value| !value.is_empty()).collect();
        format!("{} {}", quoted(column), type_of(&values))
    };
    let mut parts: Vec<String> = table.header.iter().enumerate().map(typed).collect();
    if let Some(key) = relations.primary_keys.get(&table.name).filter(|key| keys && !key.is_empty()) {
        parts.push(format!("PRIMARY KEY ({})", list(key)));
    }
    for (child, columns, parent, parent_columns) in &relations.foreign_keys {
        if keys && *child == table.name {
            let (columns, there) = (list(columns), list(parent_columns));
            parts.push(format!("FOREIGN KEY ({columns}) REFERENCES {} ({there})", quoted(parent)));
        }
    }
    format!("CREATE TABLE {} ({})", quoted(&table.name), parts.join(", "))
}

fn type_of(values: &[&str]) -> &'static str {
    let is_number = |value: &str| {
        value.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
            && value.parse::<f64>().is_ok()
    };
    let is_date = |value: &str| value.len() == 10 && value.parse::<chrono::NaiveDate>().is_ok();
    if values.is_empty() {
        "VARCHAR(255)"
    } else if values.iter().all(|value| value.parse::<i64>().is_ok()) {
        "BIGINT"
    } else if values.iter().all(|value| is_number(value)) {
        "DOUBLE PRECISION"
    } else if values.iter().all(|value| is_date(value)) {
        "DATE"
    } else if values.iter().all(|value| value.chars().count() <= LONGEST_VARCHAR) {
        "VARCHAR(255)"
    } else {
        "TEXT"
    }
}
