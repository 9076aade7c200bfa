//! A schema as a list of objects with what each of them says.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Difference, Fault, Side,
    canonical::{around_list, canonical, first_quoted, folded, split_outside, unquoted},
};
use crate::{
    db::{Phase, Statement},
    schema::{Column, ColumnId, DataType, DialectName, ForeignKey, Schema, Table, TableId, UniqueKey},
};

/// The kind of a table.
pub(super) const TABLE: &str = "table";
/// The kind of what the database as a whole is given.
pub(super) const DATABASE: &str = "database";
/// The aspect that holds the text of DDL.
pub(super) const DEFINITION: &str = "definition";

pub(super) const COLUMN: &str = "column";
const PRIMARY_KEY: &str = "primary key";
const UNIQUE_KEY: &str = "unique key";
const FOREIGN_KEY: &str = "foreign key";
const CHECK: &str = "check";
const CONSTRAINT: &str = "constraint";
const VIEW: &str = "view";
const TRIGGER: &str = "trigger";
/// The aspect of a foreign key that names what it refers to.
const PARENT: &str = "parent";
/// Aspects of a column that decide which values it can hold.
const LASTING: [&str; 3] = ["type", "null", "generated"];

/// Statements that leave nothing in the catalog.
const SETTINGS: [&str; 2] = ["session settings", "setting"];
/// Kinds of more than one word.
const LONG_KINDS: [&str; 7] = [
    "materialized view",
    "row security",
    "foreign key",
    "unique keys",
    "text search configuration",
    "text search dictionary",
    "event trigger",
];

/// One object of a schema.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) kind: String,
    /// The table it belongs to, as the user would write it.
    pub(super) table: Option<String>,
    pub(super) name: String,
    /// What it says, by aspect. A definition is in one form already; the others are as the server prints them.
    says: BTreeMap<&'static str, String>,
}

impl Object {
    fn new(kind: &str, table: Option<String>, name: &str) -> Self {
        Self { kind: kind.to_owned(), table, name: name.to_owned(), says: BTreeMap::new() }
    }

    fn saying(mut self, aspect: &'static str, text: impl Into<String>) -> Self {
        self.says.insert(aspect, text.into());
        self
    }

    /// Writes the names of tables, and of what is called like one, in lower case.
    pub(super) fn fold(&mut self) {
        self.table = self.table.as_ref().map(|table| table.to_lowercase());
        if [TABLE, VIEW, TRIGGER].contains(&self.kind.as_str()) {
            self.name = self.name.to_lowercase();
        }
        for (aspect, text) in &mut self.says {
            *text = if *aspect == PARENT { text.to_lowercase() } else { folded(text) };
        }
    }

    fn is_constraint(&self) -> bool {
        [PRIMARY_KEY, UNIQUE_KEY, FOREIGN_KEY, CHECK, CONSTRAINT].contains(&self.kind.as_str())
    }

    fn is_of_kind(&self, other: &Self) -> bool {
        self.kind == other.kind && self.table == other.table
    }

    pub(super) fn equals(&self, other: &Self) -> bool {
        self.is_called_like(other) && self.unlike(other).is_empty()
    }

    /// Equal in everything but the name, which the definition repeats.
    pub(super) fn equals_but_for_name(&self, other: &Self) -> bool {
        let nameable = self.is_constraint() || self.kind == "index";
        nameable
            && self.is_of_kind(other)
            && self.unlike(other).iter().all(|aspect| *aspect == DEFINITION)
            && {
                match (self.says.get(DEFINITION), other.says.get(DEFINITION)) {
                    (Some(own), Some(others)) => without(own, &self.name) == without(others, &other.name),
                    (None, None) => true,
                    // A constraint whose statement is split otherwise.
                    _ => self.says.len() > 1 && other.says.len() > 1,
                }
            }
    }

    pub(super) fn is_called_like(&self, other: &Self) -> bool {
        self.is_of_kind(other) && self.name == other.name
    }

    /// Aspects in which both differ.
    fn unlike(&self, other: &Self) -> Vec<&'static str> {
        let aspects: BTreeSet<&'static str> = self.says.keys().chain(other.says.keys()).copied().collect();
        let same = |aspect: &'static str| match (self.says.get(aspect), other.says.get(aspect)) {
            (Some(own), Some(others)) => own == others || canonical(own) == canonical(others),
            (own, others) => own.or(others).is_none(),
        };
        aspects.into_iter().filter(|aspect| !same(aspect)).collect()
    }

    /// In what the partner that was found differs, and if the target thereby promises less; `None` if it does not.
    pub(super) fn differs_from(&self, other: &Self) -> Option<(String, bool)> {
        if self.name != other.name && self.equals_but_for_name(other) {
            let invented = is_invented(self) || is_invented(other);
            return (!invented).then(|| (format!("it is called {}", other.name), false));
        }
        let unlike = self.unlike(other);
        let text = |aspect: &&'static str| {
            let said = |object: &Self| object.says.get(aspect).cloned();
            match (said(other), said(self)) {
                _ if *aspect == DEFINITION => (*aspect).to_owned(),
                (Some(is), Some(was)) => format!("{aspect} {is} instead of {was}"),
                (Some(is), None) => format!("{aspect} {is}"),
                (None, _) => format!("no {aspect}"),
            }
        };
        // A default or a collation says nothing of the rows that are there.
        let lost = |aspect: &&'static str| self.is_constraint() || LASTING.contains(aspect);
        (!unlike.is_empty())
            .then(|| (unlike.iter().map(text).collect::<Vec<_>>().join(", "), unlike.iter().any(lost)))
    }

    /// The target does not have it.
    pub(super) fn missing(&self) -> Difference {
        self.difference(
            Fault::Missing,
            None,
            self.is_constraint() || [TABLE, COLUMN].contains(&self.kind.as_str()),
        )
    }

    pub(super) fn difference(&self, fault: Fault, detail: Option<String>, fails: bool) -> Difference {
        let Self { kind, table, name, .. } = self.clone();
        Difference { fault, kind, table, name, detail, fails }
    }
}

fn without(text: &str, name: &str) -> String {
    text.replace(&format!("`{name}`"), "")
        .replace(&format!("\"{name}\""), "")
        .replace(&format!(" {} ", name.to_lowercase()), " ")
}

/// True if the name looks like one that a server (or dbsynth) made up.
fn is_invented(object: &Object) -> bool {
    let name = object.name.to_lowercase();
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let table =
        object.table.as_deref().unwrap_or_default().rsplit('.').next().unwrap_or_default().to_lowercase();
    let ends = ["_fkey", "_key", "_pkey", "_check", "_chk_", "_ibfk_", "_idx", "_not_null", "_excl"];
    name.starts_with("sqlite_autoindex_")
        || stem == "constraint_"
        || (name.starts_with(&table) && ends.iter().any(|end| stem.ends_with(end)))
}

/// The objects of a schema, but for those of tables that are left out.
pub(super) fn objects(side: Side<'_>, left_out: &[TableId]) -> Vec<Object> {
    let mut found = Found::default();
    for (id, table) in side.schema.iter().filter(|(id, _)| !left_out.contains(id)) {
        for object in of_table(side.schema, id, table, left_out) {
            found.add(object);
        }
    }
    for statement in &side.blueprint.statements {
        let concerned = [statement.table, statement.parent].into_iter().flatten();
        if concerned.into_iter().any(|table| left_out.contains(&table)) {
            continue;
        }
        for piece in pieces(side.schema, statement) {
            found.add(piece);
        }
    }
    found.objects
}

#[derive(Default)]
struct Found {
    objects: Vec<Object>,
    /// Places by table and name.
    places: BTreeMap<(Option<String>, String), Vec<usize>>,
}

impl Found {
    /// Adds an object: to the constraint it is about, to what other statements say of it, or as a new one.
    fn add(&mut self, new: Object) {
        let indexing = ["index", CONSTRAINT].contains(&new.kind.as_str());
        let objects = &mut self.objects;
        let places = self.places.entry((new.table.clone(), new.name.clone())).or_default();
        let about = |place: &&usize| {
            let old = &objects[**place];
            old.kind == new.kind || (indexing && old.is_constraint())
        };
        let Some(place) = places.iter().find(about).copied() else {
            places.push(objects.len());
            objects.push(new);
            return;
        };
        let old = &mut objects[place];
        for (aspect, text) in new.says {
            let said = old.says.entry(aspect).or_default();
            let mut texts: Vec<&str> = said.split('\n').filter(|text| !text.is_empty()).collect();
            texts.push(&text);
            texts.sort_unstable();
            *said = texts.join("\n");
        }
    }
}

fn of_table(schema: &Schema, id: TableId, table: &Table, left_out: &[TableId]) -> Vec<Object> {
    let owner = table.name.to_string();
    let object = |kind: &str, name: &str| Object::new(kind, Some(owner.clone()), name);
    let names = |ids: &[ColumnId]| -> String {
        ids.iter().map(|id| table.column(*id).name.clone()).collect::<Vec<_>>().join(", ")
    };
    let order = names(&table.iter().map(|(id, _)| id).collect::<Vec<_>>());
    let mut found = vec![Object::new(TABLE, None, &owner).saying("columns", order)];
    found.extend(
        table.columns.iter().map(|column| of_column(schema.dialect, object(COLUMN, &column.name), column)),
    );
    let key = |kind: &str, key: &UniqueKey| {
        let mut all = object(kind, &key.name).saying("columns", names(&key.columns));
        if !key.expressions.is_empty() {
            all = all.saying("expressions", key.expressions.join(", "));
        }
        if let Some(predicate) = &key.predicate {
            all = all.saying("predicate", predicate);
        }
        if key.nulls_not_distinct {
            all = all.saying("nulls", "not distinct");
        }
        all
    };
    found.extend(table.primary_key.iter().map(|one| key(PRIMARY_KEY, one)));
    found.extend(table.unique_keys.iter().map(|one| key(UNIQUE_KEY, one)));
    let declared = |key: &&ForeignKey| key.undeclared.is_none() && !left_out.contains(&key.parent);
    found.extend(table.foreign_keys.iter().filter(declared).map(|key| {
        let parent = schema.table(key.parent);
        let columns: Vec<&str> =
            key.parent_columns.iter().map(|id| parent.column(*id).name.as_str()).collect();
        let parent_name = if key.parent == id { owner.clone() } else { parent.name.to_string() };
        let mut all = object(FOREIGN_KEY, &key.name)
            .saying("columns", names(&key.columns))
            .saying(PARENT, format!("{parent_name} ({})", columns.join(", ")));
        for (aspect, holds) in
            [("cascade", key.cascades), ("match full", key.match_full), ("deferrable", key.deferrable)]
        {
            if holds {
                all = all.saying(aspect, "yes");
            }
        }
        all
    }));
    // A domain's check belongs to the domain, whose statement says it.
    let own = table.checks.iter().filter(|check| check.domain_column.is_none());
    found.extend(own.map(|check| object(CHECK, &check.name).saying("condition", &check.expression)));
    found
}

/// An expression without the database its names stand in: only MySQL prints that, and a table's text says it as well.
fn without_database(dialect: DialectName, expression: &str) -> String {
    if dialect != DialectName::MySql {
        return expression.to_owned();
    }
    let names: Vec<&str> = expression.split("`.`").collect();
    let cut = |(at, part): (usize, &&str)| match part.rfind('`').filter(|_| at + 1 < names.len()) {
        Some(open) => part[..=open].to_owned(),
        None => (*part).to_owned(),
    };
    names.iter().enumerate().map(cut).collect()
}

fn of_column(dialect: DialectName, object: Object, column: &Column) -> Object {
    let mut all = object
        .saying("type", type_name(column))
        .saying("null", if column.nullable { "allowed" } else { "forbidden" });
    if let Some(default) = &column.default {
        all = all.saying("default", without_database(dialect, default));
    }
    if let Some(generated) = &column.generated {
        all = all.saying("generated", generated);
    }
    if column.auto_increment {
        all = all.saying("numbering", "by the server");
    }
    if column.collation.ignores_case() {
        all = all.saying("case", "ignored");
    }
    all
}

/// The type without the display width of an integer, which some versions of MySQL print and others do not.
fn type_name(column: &Column) -> String {
    let native = &column.native_type;
    let width = matches!(column.data_type, DataType::Integer { .. });
    match (native.split_once('('), width) {
        (Some((name, rest)), true) if name.to_lowercase().ends_with("int") => {
            rest.split_once(')').map_or_else(|| native.clone(), |(_, after)| format!("{name}{after}"))
        }
        _ => native.clone(),
    }
}

/// What a statement makes; one that adds several indexes makes several things.
fn pieces(schema: &Schema, statement: &Statement) -> Vec<Object> {
    if statement.phase == Phase::Fill {
        return Vec::new();
    }
    let label = statement.object.as_str();
    let kind = LONG_KINDS
        .iter()
        .find(|kind| label.starts_with(**kind))
        .copied()
        .unwrap_or_else(|| label.split(' ').next().unwrap_or(label));
    if SETTINGS.iter().any(|setting| label.starts_with(setting)) && kind != "table" {
        return Vec::new();
    }
    let owner = statement.table.map(|id| schema.table(id).name.to_string());
    let rest = label.strip_prefix(kind).unwrap_or_default().trim_start();
    if kind == TABLE {
        return vec![table_object(owner, rest, &statement.sql)];
    }
    let added = added(&statement.sql);
    if !added.is_empty() && owner.is_some() && !rest_names_it(kind) {
        return added.iter().map(|item| added_object(owner.clone(), item)).collect();
    }
    let name = match (kind, statement.table) {
        (CONSTRAINT, _) => rest.split(" on ").next().map(unquoted).unwrap_or_default(),
        _ => unquoted(rest),
    };
    let name = if name.is_empty() { label.to_owned() } else { name };
    vec![Object::new(kind, owner, &name).saying(DEFINITION, canonical(&statement.sql))]
}

/// True if the label of such a statement ends with the name of what it makes.
fn rest_names_it(kind: &str) -> bool {
    ![FOREIGN_KEY, "unique keys", "indexes", "index"].contains(&kind)
}

/// What stands after each ADD of an ALTER TABLE.
fn added(sql: &str) -> Vec<String> {
    let upper = sql.to_ascii_uppercase();
    if !upper.starts_with("ALTER TABLE ") {
        return Vec::new();
    }
    let parts = split_outside(sql, ',');
    let after_add = |part: &&str| {
        let at = part.to_ascii_uppercase().find("ADD ")?;
        part.get(at + 4..).map(str::to_owned)
    };
    parts.iter().filter_map(after_add).collect()
}

/// `UNIQUE KEY name (…)`, `FULLTEXT KEY name (…)`, `CONSTRAINT name FOREIGN KEY …`.
fn added_object(owner: Option<String>, item: &str) -> Object {
    let words = item.to_lowercase();
    let foreign = words.starts_with("constraint") || words.starts_with("foreign");
    let name = first_quoted(item).unwrap_or_else(|| item.to_owned());
    Object::new(if foreign { CONSTRAINT } else { "index" }, owner, &name).saying(DEFINITION, canonical(item))
}

/// A table's text with its columns and constraints sorted: their order is told apart.
fn table_object(owner: Option<String>, name: &str, sql: &str) -> Object {
    let text = match around_list(sql) {
        Some((head, inside, tail)) => {
            let tail = canonical(tail);
            let usual = tail.split("charset = ").nth(1).and_then(|rest| rest.split(' ').next());
            let usual = usual.map(|charset| format!(" character set {charset} "));
            let item = |sql| {
                let text = canonical(sql) + " ";
                // The table's own character set, which MySQL prints only if it was written.
                usual.as_ref().map_or_else(|| text.clone(), |usual| text.replace(usual, " "))
            };
            let mut items: Vec<String> = split_outside(inside, ',').into_iter().map(item).collect();
            items.sort();
            format!("{} {} {tail}", canonical(head), items.join(", "))
        }
        None => canonical(sql),
    };
    // As the schema prints it.
    let shown = name.replace(['"', '`'], "");
    let shown = shown.strip_prefix("public.").unwrap_or(&shown);
    match owner {
        // A partition is a table of its own, but its rows belong to the table it is a part of.
        Some(owner) if owner.replace(['"', '`'], "") != shown => {
            Object::new("partition", Some(owner), shown).saying(DEFINITION, text)
        }
        owner => Object::new(TABLE, None, owner.as_deref().unwrap_or(shown)).saying(DEFINITION, text),
    }
}
