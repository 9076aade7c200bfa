//! Virtual tables: full-text indexes and R-trees, which come with SQLite. Those that keep rows of their own are read
//! and written like any table; those over another table are made again from it. Their shadow tables come along.
//!
//! Sources: <https://www.sqlite.org/fts5.html>, <https://www.sqlite.org/fts3.html>, <https://www.sqlite.org/rtree.html>.

use super::{
    catalog::RawTable,
    ddl::{self, TableText},
    sql::identifier,
};

/// What to do with a virtual table.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It keeps rows of its own.
    Rows,
    /// It is computed from this table.
    Over(String),
    /// It keeps an index and no rows to build it from.
    IndexOnly,
    /// Its module is not part of SQLite.
    Unknown,
}

/// Reads the statement that makes a virtual table.
pub(super) fn kind(sql: &str) -> Kind {
    let Some((module, arguments)) = ddl::virtual_table(sql) else { return Kind::Unknown };
    match module.as_str() {
        "rtree" | "rtree_i32" => Kind::Rows,
        "fts3" | "fts4" | "fts5" => {
            let content = arguments.iter().find_map(|argument| {
                let (name, value) = argument.split_once('=')?;
                name.trim().eq_ignore_ascii_case("content").then(|| unquoted(value))
            });
            match content {
                None => Kind::Rows,
                Some(table) if table.is_empty() => Kind::IndexOnly,
                Some(table) => Kind::Over(table),
            }
        }
        _ => Kind::Unknown,
    }
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    let quoted = [("'", "'"), ("\"", "\""), ("`", "`"), ("[", "]")]
        .iter()
        .find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close));
    quoted.unwrap_or(text).to_owned()
}

/// Completes a table that keeps rows: SQLite tells neither the key of an R-tree nor that boxes may not be inside out.
pub(super) fn complete(raw: &mut RawTable) {
    raw.columns.retain(|column| column.hidden == 0);
    if is_box_tree(&raw.sql)
        && let Some(key) = raw.columns.first_mut()
    {
        "INTEGER".clone_into(&mut key.declared);
        key.not_null = true;
        key.key_position = 1;
    }
}

fn is_box_tree(sql: &str) -> bool {
    ddl::virtual_table(sql).is_some_and(|(module, _)| module.starts_with("rtree"))
}

/// The checks that hold for a table that keeps rows.
pub(super) fn text(raw: &RawTable) -> TableText {
    let mut text = TableText::default();
    if !is_box_tree(&raw.sql) {
        return text;
    }
    let (_, arguments) = ddl::virtual_table(&raw.sql).unwrap_or_default();
    // Columns behind the coordinates begin with a plus.
    let plain = arguments.iter().skip(1).filter(|argument| !argument.trim().starts_with('+')).count();
    let coordinates: Vec<String> =
        raw.columns.iter().skip(1).take(plain).map(|column| identifier(&column.name)).collect();
    for pair in coordinates.chunks_exact(2) {
        text.checks.push((None, format!("{} <= {}", pair[0], pair[1])));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Kind, kind};

    #[test]
    fn a_virtual_table_is_known_by_its_module_and_its_content() {
        let cases = [
            ("CREATE VIRTUAL TABLE a USING fts5(x, y, tokenize = 'porter ascii')", Kind::Rows),
            (
                "create virtual table \"b (\" using FTS5 (x, content='the docs', content_rowid=id)",
                Kind::Over("the docs".into()),
            ),
            ("CREATE VIRTUAL TABLE c USING fts4(content=docs, x)", Kind::Over("docs".into())),
            ("CREATE VIRTUAL TABLE d USING fts5(x, content=\"\")", Kind::IndexOnly),
            ("CREATE VIRTUAL TABLE e USING rtree(id, a, b)", Kind::Rows),
            ("CREATE VIRTUAL TABLE f USING spellfix1", Kind::Unknown),
        ];
        for (sql, expected) in cases {
            assert_eq!(kind(sql), expected, "{sql}");
        }
    }
}
