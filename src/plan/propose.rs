//! Foreign keys that the catalog does not declare, guessed from names: which columns may refer to which keys.
//!
//! Names alone prove nothing and small numbers are found in any table, so a candidate needs both: a name that leads to
//! the parent, here, and values that are there, which `snapshot` counts.

use std::collections::BTreeMap;

use crate::{
    plan::words::{forms, joined, words},
    schema::{ColumnId, ForeignKey, Schema, Table, TableId, When},
};

/// Words that a key column is called by whatever its table.
const GENERIC: [&str; 14] =
    ["id", "ids", "key", "pk", "no", "nr", "num", "number", "code", "name", "uuid", "guid", "uid", "value"];
/// Words that make a column a reference when put beside a table's name.
const MARKS: [&str; 8] = ["id", "fk", "key", "uuid", "guid", "ref", "no", "code"];
/// Most parents that one column is measured against.
const MOST_PARENTS: usize = 3;
/// Words that name the type of a polymorphic pair.
const TYPE_WORDS: [&str; 3] = ["type", "class", "model"];

/// The evidence of a column that is called like a table and nothing else: it may as well count rows of it.
const CALLED_LIKE_TABLE: &str = "it is called like the table";

/// A foreign key that the catalog may have left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The table that refers.
    pub child: TableId,
    /// The key as it would be, with the rows it binds.
    pub key: ForeignKey,
    /// How surely the names lead to the parent: 3 is its own name, 1 a hint.
    pub strength: u8,
    /// What in the names leads there.
    pub evidence: &'static str,
}

impl Candidate {
    /// True if few distinct values would say nothing: a number that is called like a table may count its rows.
    #[must_use]
    pub fn may_be_a_count(&self, schema: &Schema) -> bool {
        let column = schema.table(self.child).column(self.key.columns[0]);
        self.evidence == CALLED_LIKE_TABLE && column.data_type.storage() == crate::schema::Storage::Integer
    }
}

/// A pair of columns of which one names a table and the other a row there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The table.
    pub child: TableId,
    /// The column that names a table (or, in Django's way, a row of the table of content types).
    pub type_column: ColumnId,
    /// The column that refers.
    pub id_column: ColumnId,
    /// Django's table of content types, if the type column refers to it.
    pub types: Option<TypeTable>,
}

/// Django's table of content types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeTable {
    /// The table.
    pub table: TableId,
    /// Its key.
    pub id: ColumnId,
    /// The application, the first part of a table's name.
    pub app: ColumnId,
    /// The model, the second part.
    pub model: ColumnId,
}

/// Lists what the names of columns suggest: references of one column, and those over a whole key of several.
#[must_use]
pub fn candidates(schema: &Schema) -> Vec<Candidate> {
    let index = Index::new(schema);
    let mut found = Vec::new();
    for (child, table) in schema.iter() {
        let pairs = pairs_of(schema, child);
        for (column, _) in table.iter().filter(|(id, _)| may_refer(table, *id)) {
            if pairs.iter().any(|pair| pair.id_column == column) {
                continue;
            }
            found.extend(index.candidates(schema, child, column));
        }
        found.extend(composites(schema, child));
    }
    found
}

/// Lists the polymorphic pairs that the names of columns suggest and that no reference covers yet.
#[must_use]
pub fn pairs(schema: &Schema) -> Vec<Pair> {
    let open = |pair: &Pair| {
        !schema.table(pair.child).foreign_keys.iter().any(|fk| fk.columns.contains(&pair.id_column))
    };
    schema.iter().flat_map(|(child, _)| pairs_of(schema, child)).filter(open).collect()
}

/// The table that a value of a type column means: by its class name in any style, with or without its namespace.
#[must_use]
pub fn table_of_type(schema: &Schema, value: &str) -> Option<TableId> {
    let whole: String = words(value).concat();
    let last = value.rsplit([':', '\\', '.', '/']).next().unwrap_or(value);
    let last: String = words(last).concat();
    let called = |name: &str, prefixed: bool| -> Vec<TableId> {
        let same = |table: &Table| {
            let words = words(&table.name.name);
            let words = if prefixed { words.get(1..).unwrap_or_default() } else { &words[..] };
            !words.is_empty() && forms(words).iter().any(|form| form == name)
        };
        schema.iter().filter(|(_, table)| same(table)).map(|(id, _)| id).collect()
    };
    [(&whole, false), (&last, false), (&last, true)].into_iter().find_map(|(name, prefixed)| {
        let found = if name.is_empty() { Vec::new() } else { called(name, prefixed) };
        (found.len() == 1).then(|| found[0])
    })
}

/// The key of a conditional reference: rows of `pair` with `value` in the type column refer to `parent`.
#[must_use]
pub fn conditional(schema: &Schema, pair: &Pair, value: &str, parent: TableId) -> Option<Candidate> {
    let parent_column = sole_keys(schema.table(parent))
        .into_iter()
        .find(|key| same_type(schema.table(pair.child), pair.id_column, schema.table(parent), *key))?;
    let when = When { column: pair.type_column, values: vec![value.to_owned()] };
    Some(Candidate {
        child: pair.child,
        key: ForeignKey::undeclared(
            String::new(),
            vec![pair.id_column],
            (parent, vec![parent_column]),
            Some(when),
        ),
        strength: 3,
        evidence: "its type names the table",
    })
}

/// Where names lead.
struct Index {
    /// Parents by the name of a column that would refer to them.
    parents: BTreeMap<String, Vec<Lead>>,
}

/// How surely a name leads to a key of a table, and why.
type Lead = (u8, TableId, ColumnId, &'static str);

impl Index {
    fn new(schema: &Schema) -> Self {
        let mut parents: BTreeMap<String, Vec<Lead>> = BTreeMap::new();
        let mut primaries: BTreeMap<String, usize> = BTreeMap::new();
        for table in &schema.tables {
            if let Some(key) = sole_primary(table) {
                *primaries.entry(joined(&table.column(key).name)).or_default() += 1;
            }
        }
        for (id, table) in schema.iter() {
            let own = words(&table.name.name);
            for column in sole_keys(table) {
                let key = joined(&table.column(column).name);
                let primary = sole_primary(table) == Some(column);
                let mut add = |name: String, strength: u8, evidence| {
                    parents.entry(name).or_default().push((strength, id, column, evidence));
                };
                // `app_customer` is found as `customer` as well.
                let names = [(&own[..], 3, "it is named after the table")].into_iter().chain(
                    (own.len() > 1).then(|| (&own[1..], 2, "it is named after the table, a prefix aside")),
                );
                for (name, strength, evidence) in names {
                    for form in forms(name) {
                        let marks = if primary { &MARKS[..] } else { &[] };
                        for mark in marks.iter().copied().chain([key.as_str()]) {
                            add(format!("{form}{mark}"), strength, evidence);
                            add(format!("{mark}{form}"), strength, evidence);
                        }
                        if primary {
                            add(form, strength - 1, CALLED_LIKE_TABLE);
                        }
                    }
                }
                // Several tables with the same key: which of them is meant, their names must say.
                if primary && primaries.get(&key) == Some(&1) && !GENERIC.contains(&key.as_str()) {
                    add(key, 2, "it is called like the key");
                }
            }
        }
        Self { parents }
    }

    fn candidates(&self, schema: &Schema, child: TableId, column: ColumnId) -> Vec<Candidate> {
        let table = schema.table(child);
        let mut name = words(&table.column(column).name);
        // `country1` and `country2` are two countries.
        let numbered =
            name.last().map_or("", String::as_str).trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        if let Some(last) = name.last_mut().filter(|_| numbered.len() > 1) {
            *last = numbered;
        }
        let mut found: Vec<Lead> = Vec::new();
        for skipped in 0..name.len() {
            let known = self.parents.get(&name[skipped..].concat()).map_or(&[][..], Vec::as_slice);
            for (strength, parent, key, evidence) in known {
                // `billing_address_id`; but one word at the end says nothing. A table's own key is no reference.
                let vague = skipped > 0 && name.len() - skipped < 2;
                if vague || (skipped == 0 && *parent == child) {
                    continue;
                }
                let evidence = if skipped > 0 { "it ends with the name of the table" } else { *evidence };
                found.push(((*strength - u8::from(skipped > 0)).max(1), *parent, *key, evidence));
            }
        }
        let own = forms(&words(&table.name.name));
        let rest: String =
            name.iter().filter(|word| !["parent", "id"].contains(&word.as_str())).cloned().collect();
        if name.iter().any(|word| word == "parent") && (rest.is_empty() || own.contains(&rest)) {
            found.extend(sole_primary(table).map(|key| (1, child, key, "it is called parent")));
        }
        let is_primary = sole_primary(table) == Some(column);
        found.retain(|(strength, parent, key, _)| {
            (*parent, *key) != (child, column)
                && (!is_primary || *strength == 3)
                && same_type(table, column, schema.table(*parent), *key)
        });
        found.sort_by_key(|(strength, parent, key, _)| (std::cmp::Reverse(*strength), *parent, *key));
        let mut seen = Vec::new();
        found.retain(|(_, parent, key, _)| {
            let new = !seen.contains(&(*parent, *key));
            seen.push((*parent, *key));
            new
        });
        found
            .into_iter()
            .take(MOST_PARENTS)
            .map(|(strength, parent, parent_column, evidence)| Candidate {
                child,
                key: ForeignKey::undeclared(String::new(), vec![column], (parent, vec![parent_column]), None),
                strength,
                evidence,
            })
            .collect()
    }
}

/// True for a column that could refer and does not yet.
fn may_refer(table: &Table, id: ColumnId) -> bool {
    let column = table.column(id);
    let name = words(&column.name).concat();
    column.generated.is_none()
        && writable_in_toml(&column.name)
        && !GENERIC.contains(&name.as_str())
        && !table.foreign_keys.iter().any(|fk| fk.columns.contains(&id))
}

/// True for names that the short form of a reference can hold.
fn writable_in_toml(name: &str) -> bool {
    !name.contains(['(', ')', ',']) && name.trim() == name
}

/// Columns that are a whole key alone, the primary key first.
fn sole_keys(table: &Table) -> Vec<ColumnId> {
    let keys = table.keys().filter(|key| key.predicate.is_none() && key.expressions.is_empty());
    let sole = keys.filter_map(|key| match key.columns.as_slice() {
        [one] if writable_in_toml(&table.column(*one).name) && writable_in_toml(&table.name.name) => {
            Some(*one)
        }
        _ => None,
    });
    sole.collect()
}

/// The column that is the whole primary key.
fn sole_primary(table: &Table) -> Option<ColumnId> {
    match table.primary_key.as_ref()?.columns.as_slice() {
        [one] => sole_keys(table).first().copied().filter(|first| first == one),
        _ => None,
    }
}

fn same_type(child: &Table, column: ColumnId, parent: &Table, key: ColumnId) -> bool {
    let (own, other) = (&child.column(column).data_type, &parent.column(key).data_type);
    let alike = std::mem::discriminant(own) == std::mem::discriminant(other);
    own.storage() == other.storage() && alike
}

/// References over a whole key of several columns, all called as they are there.
fn composites(schema: &Schema, child: TableId) -> Vec<Candidate> {
    let table = schema.table(child);
    let mut found = Vec::new();
    for (parent, other) in schema.iter().filter(|(parent, _)| *parent != child) {
        let Some(primary) = other.primary_key.as_ref().filter(|key| (2..=4).contains(&key.columns.len()))
        else {
            continue;
        };
        let own: Option<Vec<ColumnId>> = primary
            .columns
            .iter()
            .map(|id| {
                table.iter().find(|(_, column)| column.name == other.column(*id).name).map(|(own, _)| own)
            })
            .collect();
        let Some(own) = own else { continue };
        let typed = own.iter().zip(&primary.columns).all(|(own, key)| same_type(table, *own, other, *key));
        let writable = own
            .iter()
            .all(|id| writable_in_toml(&table.column(*id).name) && table.column(*id).generated.is_none());
        let known = table.foreign_keys.iter().any(|fk| own.iter().all(|id| fk.columns.contains(id)));
        // The key of a table that refers back is no parent of it.
        let back = other.foreign_keys.iter().any(|fk| fk.parent == child);
        // Where the child has the very same key, which of both comes first cannot be told by names.
        let twin = table.primary_key.as_ref().is_some_and(|key| {
            key.columns.len() == own.len() && own.iter().all(|id| key.columns.contains(id))
        });
        if typed && writable && !known && !back && !twin {
            found.push(Candidate {
                child,
                key: ForeignKey::undeclared(String::new(), own, (parent, primary.columns.clone()), None),
                strength: 2,
                evidence: "its columns are called like the key",
            });
        }
    }
    found
}

fn pairs_of(schema: &Schema, child: TableId) -> Vec<Pair> {
    let table = schema.table(child);
    let named: Vec<(ColumnId, Vec<String>)> = table
        .iter()
        .filter(|(_, column)| column.generated.is_none() && writable_in_toml(&column.name))
        .map(|(id, column)| (id, words(&column.name)))
        .collect();
    let mut found = Vec::new();
    let ends =
        |name: &[String], words: &[&str]| name.last().is_some_and(|last| words.contains(&last.as_str()));
    for (id_column, name) in
        named.iter().filter(|(_, name)| name.len() > 1 && ends(name, &["id", "key", "uuid"]))
    {
        let stem = &name[..name.len() - 1];
        let beside = named.iter().find(|(column, other)| {
            let text = table.column(*column).data_type.storage() == crate::schema::Storage::Text;
            text && ends(other, &TYPE_WORDS) && other[..other.len() - 1] == *stem
        });
        if let Some((type_column, _)) = beside {
            found.push(Pair { child, type_column: *type_column, id_column: *id_column, types: None });
            continue;
        }
        // Django: `object_id` beside `content_type_id`, both perhaps behind the same prefix.
        let Some((_, prefix)) = stem.split_last().filter(|(last, _)| *last == "object") else { continue };
        let wanted: Vec<String> =
            prefix.iter().cloned().chain(["content", "type", "id"].map(str::to_owned)).collect();
        let Some((type_column, _)) = named.iter().find(|(_, other)| *other == wanted) else { continue };
        if let Some(types) = type_table(schema) {
            found.push(Pair { child, type_column: *type_column, id_column: *id_column, types: Some(types) });
        }
    }
    found
}

fn type_table(schema: &Schema) -> Option<TypeTable> {
    schema.iter().find_map(|(id, table)| {
        let named = words(&table.name.name).concat().ends_with("contenttype");
        let (app, model) = (table.find("app_label")?, table.find("model")?);
        let key = sole_keys(table).first().copied()?;
        named.then_some(TypeTable { table: id, id: key, app, model })
    })
}
