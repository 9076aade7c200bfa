//! What the catalog says, row by row: `sqlite_schema` and the pragma functions, nothing understood yet.
//!
//! Source: <https://www.sqlite.org/pragma.html>.

use sqlx::{Row as _, sqlite::SqliteRow};

use super::{
    server::{Connection, lift_error},
    sql::literal,
};
use crate::db::DbError;

const WHAT: &str = "cannot read the catalog";

/// The table that says dbsynth made the file; never part of a schema.
pub(super) const MARKER: &str = "_dbsynth";

/// One entry of `pragma_table_list` that can hold rows.
pub(super) struct RawTable {
    pub(super) name: String,
    /// `table`, `virtual` or `shadow`.
    pub(super) kind: String,
    pub(super) without_rowid: bool,
    pub(super) sql: String,
    pub(super) columns: Vec<RawColumn>,
    pub(super) foreign_keys: Vec<RawForeignKey>,
    pub(super) indexes: Vec<RawIndex>,
}

/// A generated column whose values cannot be read.
pub(super) const UNREADABLE: i64 = 4;

/// One row of `pragma_table_xinfo`.
pub(super) struct RawColumn {
    pub(super) name: String,
    pub(super) declared: String,
    pub(super) not_null: bool,
    pub(super) default: Option<String>,
    /// Position in the primary key from 1; 0 outside it.
    pub(super) key_position: i64,
    /// 0 ordinary, 1 hidden, 2 virtual generated, 3 stored generated, [`UNREADABLE`].
    pub(super) hidden: i64,
}

/// The rows of `pragma_foreign_key_list` with one id.
pub(super) struct RawForeignKey {
    pub(super) parent: String,
    pub(super) columns: Vec<String>,
    /// `None` if the parent's primary key is meant.
    pub(super) parent_columns: Option<Vec<String>>,
    pub(super) on_delete: String,
}

/// One row of `pragma_index_list` with its `pragma_index_xinfo`.
pub(super) struct RawIndex {
    pub(super) name: String,
    pub(super) unique: bool,
    /// `pk`, `u` (a UNIQUE constraint) or `c` (CREATE INDEX).
    pub(super) origin: String,
    pub(super) partial: bool,
    /// The CREATE INDEX text; `None` for the index of a constraint.
    pub(super) sql: Option<String>,
    /// Key parts: position of the column (-2 for an expression) and collation.
    pub(super) parts: Vec<(i64, String)>,
}

/// A view or trigger.
pub(super) struct RawObject {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) table: String,
    pub(super) sql: String,
}

/// Reads every table with its columns, keys and indexes.
pub(super) fn tables(connection: &mut Connection) -> Result<Vec<RawTable>, DbError> {
    let sql = format!(
        "SELECT l.name AS name, l.type AS kind, l.wr AS wr, s.sql AS sql FROM pragma_table_list AS l \
         JOIN sqlite_schema AS s ON s.type = 'table' AND s.name = l.name \
         WHERE l.schema = 'main' AND s.sql IS NOT NULL AND s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         AND s.name <> {} ORDER BY s.rowid",
        literal(MARKER)
    );
    let rows = connection.rows(WHAT, &sql)?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let name: String = get(row, "name")?;
        let kind: String = get(row, "kind")?;
        let ordinary = kind == "table";
        found.push(RawTable {
            columns: if ordinary { columns(connection, &name)? } else { Vec::new() },
            foreign_keys: if ordinary { foreign_keys(connection, &name)? } else { Vec::new() },
            indexes: if ordinary { indexes(connection, &name)? } else { Vec::new() },
            without_rowid: get::<i64>(row, "wr")? != 0,
            sql: get(row, "sql")?,
            name,
            kind,
        });
    }
    Ok(found)
}

/// Reads views and triggers in the order of their making.
pub(super) fn objects(connection: &mut Connection) -> Result<Vec<RawObject>, DbError> {
    let sql = "SELECT type AS kind, name, tbl_name, sql FROM sqlite_schema \
               WHERE type IN ('view', 'trigger') AND sql IS NOT NULL ORDER BY rowid";
    connection
        .rows(WHAT, sql)?
        .iter()
        .map(|row| {
            Ok(RawObject {
                kind: get(row, "kind")?,
                name: get(row, "name")?,
                table: get(row, "tbl_name")?,
                sql: get(row, "sql")?,
            })
        })
        .collect()
}

/// Reads the columns of a table.
pub(super) fn columns(connection: &mut Connection, table: &str) -> Result<Vec<RawColumn>, DbError> {
    let sql = format!(
        "SELECT name, type, \"notnull\" AS not_null, dflt_value, pk, hidden FROM pragma_table_xinfo({}) ORDER BY cid",
        literal(table)
    );
    connection
        .rows(WHAT, &sql)?
        .iter()
        .map(|row| {
            Ok(RawColumn {
                name: get(row, "name")?,
                declared: get::<Option<String>>(row, "type")?.unwrap_or_default(),
                not_null: get::<i64>(row, "not_null")? != 0,
                default: get(row, "dflt_value")?,
                key_position: get(row, "pk")?,
                hidden: get(row, "hidden")?,
            })
        })
        .collect()
}

fn foreign_keys(connection: &mut Connection, table: &str) -> Result<Vec<RawForeignKey>, DbError> {
    // Ids count from the last declared one; sorting them down gives the order of the text.
    let sql = format!(
        "SELECT id, \"table\" AS parent, \"from\" AS child_column, \"to\" AS parent_column, on_delete \
         FROM pragma_foreign_key_list({}) ORDER BY id DESC, seq",
        literal(table)
    );
    let mut keys: Vec<(i64, RawForeignKey)> = Vec::new();
    for row in &connection.rows(WHAT, &sql)? {
        let id: i64 = get(row, "id")?;
        let column: String = get(row, "child_column")?;
        let parent_column: Option<String> = get(row, "parent_column")?;
        match keys.last_mut() {
            Some((last, key)) if *last == id => {
                key.columns.push(column);
                if let (Some(columns), Some(column)) = (&mut key.parent_columns, parent_column) {
                    columns.push(column);
                }
            }
            _ => keys.push((
                id,
                RawForeignKey {
                    parent: get(row, "parent")?,
                    columns: vec![column],
                    parent_columns: parent_column.map(|column| vec![column]),
                    on_delete: get(row, "on_delete")?,
                },
            )),
        }
    }
    Ok(keys.into_iter().map(|(_, key)| key).collect())
}

fn indexes(connection: &mut Connection, table: &str) -> Result<Vec<RawIndex>, DbError> {
    let sql = format!(
        "SELECT l.name AS name, l.\"unique\" AS is_unique, l.origin AS origin, l.partial AS partial, s.sql AS sql \
         FROM pragma_index_list({}) AS l LEFT JOIN sqlite_schema AS s ON s.type = 'index' AND s.name = l.name \
         ORDER BY s.rowid, l.seq DESC",
        literal(table)
    );
    let rows = connection.rows(WHAT, &sql)?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let name: String = get(row, "name")?;
        let parts_sql = format!(
            "SELECT cid, coll FROM pragma_index_xinfo({}) WHERE key = 1 ORDER BY seqno",
            literal(&name)
        );
        let parts = connection
            .rows(WHAT, &parts_sql)?
            .iter()
            .map(|part| Ok((get(part, "cid")?, get::<Option<String>>(part, "coll")?.unwrap_or_default())))
            .collect::<Result<_, DbError>>()?;
        found.push(RawIndex {
            unique: get::<i64>(row, "is_unique")? != 0,
            origin: get(row, "origin")?,
            partial: get::<i64>(row, "partial")? != 0,
            sql: get(row, "sql")?,
            parts,
            name,
        });
    }
    Ok(found)
}

/// Reads one value of a row.
pub(super) fn get<'r, T>(row: &'r SqliteRow, column: &str) -> Result<T, DbError>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(column).map_err(|error| lift_error(WHAT, error))
}
