//! From raw catalog rows to the schema as plain data, with a finding for whatever is not understood.

use std::collections::BTreeMap;

use super::{
    catalog::{RawForeignKey, RawIndex, RawTable},
    ddl::{self, ForeignKeyText, TableText},
    probe::Verdict,
    virtual_tables,
};
use crate::{
    finding::Finding,
    schema::{
        Check, Collation, Column, ColumnId, ComputedIndex, DialectName, ForeignKey, Schema, Table, TableId,
        TableName, UniqueKey,
    },
};

/// A table as read, with what was measured of it.
pub(super) struct Measured {
    pub(super) raw: RawTable,
    pub(super) row_count: u64,
    pub(super) verdicts: Vec<Verdict>,
}

/// Builds the schema. Tables come sorted by name.
pub(super) fn schema(mut measured: Vec<Measured>, findings: &mut Vec<Finding>) -> (Schema, Vec<Measured>) {
    measured.sort_by(|a, b| a.raw.name.cmp(&b.raw.name));
    let texts: Vec<TableText> = measured.iter().map(|table| text_of(&table.raw, findings)).collect();
    let keys: Vec<Vec<String>> = measured.iter().map(|table| key_names(&table.raw)).collect();
    let mut tables: Vec<Table> =
        measured.iter().zip(&texts).map(|(table, text)| lift_table(table, text, findings)).collect();
    for (index, (table, text)) in measured.iter().zip(&texts).enumerate() {
        let found = foreign_keys(&table.raw, text, index, &tables, &keys, findings);
        tables[index].foreign_keys = found;
    }
    follow_parents(&mut tables);
    (Schema { dialect: DialectName::Sqlite, tables }, measured)
}

/// The columns of the primary key, in key order, as the catalog has them.
fn key_names(raw: &RawTable) -> Vec<String> {
    let mut key: Vec<_> = raw.columns.iter().filter(|column| column.key_position > 0).collect();
    key.sort_by_key(|column| column.key_position);
    key.into_iter().map(|column| column.name.clone()).collect()
}

fn text_of(raw: &RawTable, findings: &mut Vec<Finding>) -> TableText {
    if raw.kind == "virtual" {
        return virtual_tables::text(raw);
    }
    ddl::read_table(&raw.sql).unwrap_or_else(|| {
        findings.push(
            Finding::warning("unreadable-ddl", "its CREATE TABLE cannot be read")
                .table(&raw.name)
                .instead("CHECK constraints and collations are unknown to the generator"),
        );
        TableText::default()
    })
}

fn lift_table(measured: &Measured, text: &TableText, findings: &mut Vec<Finding>) -> Table {
    let raw = &measured.raw;
    let mut key: Vec<(i64, ColumnId)> = (raw.columns.iter().enumerate())
        .filter(|(_, column)| column.key_position > 0)
        .map(|(index, column)| (column.key_position, ColumnId(index)))
        .collect();
    key.sort_unstable();
    let key: Vec<ColumnId> = key.into_iter().map(|(_, id)| id).collect();
    let ignores_case = |index: usize, name: &str| {
        let nocase = |collation: &str| collation.eq_ignore_ascii_case("nocase");
        let position = i64::try_from(index).unwrap_or(i64::MAX);
        text.collations.get(&name.to_lowercase()).is_some_and(|collation| nocase(collation))
            || raw.indexes.iter().filter(|index| index.unique).any(|index| {
                index.parts.iter().any(|(column, collation)| *column == position && nocase(collation))
            })
    };
    let columns: Vec<Column> = (raw.columns.iter().zip(&measured.verdicts).enumerate())
        .map(|(index, (column, verdict))| Column {
            name: column.name.clone(),
            native_type: column.declared.clone(),
            data_type: verdict.data_type.clone(),
            // SQLite lets null into a primary key that is not the rowid, unless it says NOT NULL.
            nullable: !column.not_null
                && (column.key_position == 0 || verdict.has_nulls && !raw.without_rowid),
            default: column.default.clone(),
            auto_increment: key == [ColumnId(index)] && is_rowid_alias(raw, index),
            generated: (column.hidden >= 2)
                .then(|| text.generated.get(&column.name.to_lowercase()).cloned().unwrap_or_default()),
            collation: if ignores_case(index, &column.name) {
                Collation::PlainCase
            } else {
                Collation::Exact
            },
            representation: verdict.representation.clone(),
            fraction: None,
        })
        .collect();
    let mut primary_key = (!key.is_empty()).then(|| {
        let index = raw.indexes.iter().find(|index| index.origin == "pk");
        let name = index.map_or_else(|| format!("{}_pkey", raw.name), |index| index.name.clone());
        plain_key(name, key)
    });
    // A key with null in it identifies nothing: what holds is that its other values are unique.
    let with_nulls = |key: &UniqueKey| key.columns.iter().any(|id| columns[id.0].nullable);
    let demoted = primary_key.take_if(|key| with_nulls(key));
    let mut unique_keys: Vec<UniqueKey> = (raw.indexes.iter())
        .filter(|index| index.unique && index.origin != "pk")
        .filter_map(|index| unique_key(raw, index, findings))
        .chain(demoted)
        .collect();
    unique_keys.sort_by(|a, b| a.name.cmp(&b.name));
    let checks = (text.checks.iter().enumerate())
        .map(|(index, (name, expression))| Check {
            name: name.clone().unwrap_or_else(|| format!("{}_check{}", raw.name, index + 1)),
            expression: expression.clone(),
            domain_column: None,
        })
        .collect();
    Table {
        name: TableName::bare(&raw.name),
        columns,
        primary_key,
        unique_keys,
        foreign_keys: Vec::new(),
        checks,
        exclusions: Vec::new(),
        computed_indexes: computed_indexes(raw),
        estimated_rows: Some(measured.row_count),
    }
}

/// True if the column is the rowid itself: INTEGER PRIMARY KEY, which has no index of its own.
pub(super) fn is_rowid_alias(raw: &RawTable, column: usize) -> bool {
    !raw.without_rowid
        && raw.columns[column].declared.eq_ignore_ascii_case("integer")
        && !raw.indexes.iter().any(|index| index.origin == "pk")
}

fn plain_key(name: String, columns: Vec<ColumnId>) -> UniqueKey {
    UniqueKey { name, columns, expressions: Vec::new(), predicate: None, nulls_not_distinct: false }
}

fn unique_key(raw: &RawTable, index: &RawIndex, findings: &mut Vec<Finding>) -> Option<UniqueKey> {
    let columns: Vec<ColumnId> =
        index.parts.iter().filter_map(|(column, _)| usize::try_from(*column).ok().map(ColumnId)).collect();
    let key = plain_key(index.name.clone(), columns);
    if !index.partial && key.columns.len() == index.parts.len() {
        return Some(key);
    }
    let text = index.sql.as_deref().and_then(ddl::read_index);
    let Some(text) = text.filter(|text| text.parts.len() == index.parts.len()) else {
        findings.push(
            Finding::warning("unreadable-index", format!("the unique index {} cannot be read", index.name))
                .table(&raw.name)
                .instead("the generator does not know it; the load fails if its rows break it"),
        );
        return None;
    };
    let expressions = (index.parts.iter().zip(text.parts))
        .filter(|((column, _), _)| *column < 0)
        .map(|(_, expression)| expression)
        .collect();
    Some(UniqueKey { expressions, predicate: text.predicate, ..key })
}

/// The indexes that compute something and are not unique; one that cannot be read is made as it is.
fn computed_indexes(raw: &RawTable) -> Vec<ComputedIndex> {
    let computes = |index: &&RawIndex| {
        !index.unique && (index.partial || index.parts.iter().any(|(column, _)| *column < 0))
    };
    let mut found: Vec<ComputedIndex> = (raw.indexes.iter().filter(computes))
        .filter_map(|index| {
            let text = ddl::read_index(index.sql.as_deref()?)?;
            let parts = index.parts.iter().zip(text.parts).filter(|((column, _), _)| *column < 0);
            let expressions = parts.map(|(_, expression)| expression).collect();
            Some(ComputedIndex { name: index.name.clone(), expressions, predicate: text.predicate })
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn foreign_keys(
    raw: &RawTable,
    text: &TableText,
    child: usize,
    tables: &[Table],
    primary: &[Vec<String>],
    findings: &mut Vec<Finding>,
) -> Vec<ForeignKey> {
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    let mut texts: Vec<&ForeignKeyText> = text.foreign_keys.iter().collect();
    let mut keys: Vec<ForeignKey> = Vec::new();
    for key in &raw.foreign_keys {
        let same = |text: &&ForeignKeyText| {
            text.columns.len() == key.columns.len()
                && text.columns.iter().zip(&key.columns).all(|(a, b)| a.eq_ignore_ascii_case(b))
        };
        // Two keys over the same columns are told apart by their order, which both sides keep.
        let text = texts.iter().position(same).map(|at| texts.remove(at));
        let invented = || format!("{}_{}_fkey", raw.name, key.columns.join("_"));
        let mut name = text.and_then(|text| text.name.clone()).unwrap_or_else(invented);
        let count = used.entry(name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            name = format!("{name}{count}");
        }
        match resolve(key, &tables[child], tables, primary) {
            Ok((parent, columns, parent_columns)) => keys.push(ForeignKey {
                name,
                columns,
                parent,
                parent_columns,
                cascades: key.on_delete.eq_ignore_ascii_case("cascade"),
                match_full: false,
                deferrable: text.is_some_and(|text| text.deferrable),
                // Enforcement is a setting of each connection, off unless asked for.
                validated: false,
                undeclared: None,
            }),
            Err(reason) => findings.push(
                Finding::warning(
                    "unusable-foreign-key",
                    format!("the foreign key to {} {reason}", key.parent),
                )
                .table(&raw.name)
                .column(key.columns.join(", "))
                .instead("treated as if it were not there"),
            ),
        }
    }
    keys.sort_by(|a, b| (&a.name, &a.columns).cmp(&(&b.name, &b.columns)));
    keys
}

/// A child's key column holds what the parent's holds, whatever its own values (or the lack of any) suggest:
/// SQLite compares `'1'` in a TEXT column with `1` in an INTEGER column as equal.
fn follow_parents(tables: &mut [Table]) {
    // Each round carries a type one key further down; a longer chain than there are tables is a circle.
    for _ in 0..tables.len() {
        let mut changes = Vec::new();
        for (child, table) in tables.iter().enumerate() {
            for key in &table.foreign_keys {
                for (column, parent_column) in key.columns.iter().zip(&key.parent_columns) {
                    let (own, theirs) = (table.column(*column), tables[key.parent.0].column(*parent_column));
                    let same = own.data_type.storage() == theirs.data_type.storage()
                        && own.representation == theirs.representation;
                    // Of two keys over one column the first decides, else they could take turns for ever.
                    let taken = changes.iter().any(|(c, id, _, _)| *c == child && id == column);
                    if !same && !taken {
                        let representation = theirs.representation.clone();
                        changes.push((child, *column, theirs.data_type.clone(), representation));
                    }
                }
            }
        }
        if changes.is_empty() {
            return;
        }
        for (child, column, data_type, representation) in changes {
            let column = &mut tables[child].columns[column.0];
            column.data_type = data_type;
            column.representation = representation;
        }
    }
}

type Resolved = (TableId, Vec<ColumnId>, Vec<ColumnId>);

fn resolve(
    key: &RawForeignKey,
    child: &Table,
    tables: &[Table],
    primary: &[Vec<String>],
) -> Result<Resolved, &'static str> {
    let parent = (tables.iter())
        .position(|table| table.name.name.eq_ignore_ascii_case(&key.parent))
        .ok_or("points to a table that is not there")?;
    let find = |table: &Table, names: &[String]| -> Option<Vec<ColumnId>> {
        names.iter().map(|name| table.find(name)).collect()
    };
    let columns = find(child, &key.columns).ok_or("names a column that is not there")?;
    let parent_columns = match &key.parent_columns {
        Some(names) => find(&tables[parent], names).ok_or("names a parent column that is not there")?,
        None => find(&tables[parent], &primary[parent]).unwrap_or_default(),
    };
    if parent_columns.len() != columns.len() {
        return Err("does not fit the parent's primary key");
    }
    let mut sorted = parent_columns.clone();
    sorted.sort_unstable();
    let unique = tables[parent].keys().any(|key| {
        let mut columns = key.columns.clone();
        columns.sort_unstable();
        key.predicate.is_none() && key.expressions.is_empty() && columns == sorted
    });
    if !unique {
        return Err("points to columns that are not unique");
    }
    Ok((TableId(parent), columns, parent_columns))
}
