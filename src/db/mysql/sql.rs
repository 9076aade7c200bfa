//! Writing SQL for MySQL and MariaDB, and rewriting the SQL they print so that it no longer names its database.

use std::collections::BTreeSet;

use super::lex::{Kind, Token, tokens};
use crate::{
    db::STAGING_ROW,
    schema::{Table, TableName},
};

/// Quotes an identifier.
pub(super) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Quotes a string literal; sessions run without `NO_BACKSLASH_ESCAPES`.
pub(super) fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            '\0' => quoted.push_str("\\0"),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// The staging table of a table and what makes it: a copy by SELECT takes no key and no
/// CHECK along, and behind an outer join any column may be null.
pub(super) fn staging(table: &Table) -> (TableName, Vec<String>) {
    let name = TableName::bare("dbsynth_judge");
    let declared = [format!("{STAGING_ROW} BIGINT NULL"), format!("KEY ({STAGING_ROW})")];
    let (mut taken, mut computed) = (Vec::new(), Vec::new());
    for (_, column) in table.iter() {
        let quoted = identifier(&column.name);
        match &column.generated {
            Some(expression) => {
                computed.push(format!("{quoted} {} AS ({expression})", column.native_type));
            }
            None => taken.push(format!("t.{quoted}")),
        }
    }
    let staging = identifier(&name.name);
    let taken = if taken.is_empty() { "1 AS dbsynth_one".to_owned() } else { taken.join(", ") };
    let create = format!(
        "CREATE TABLE {staging} ({}) SELECT {taken} FROM (SELECT 1 AS one) AS one LEFT JOIN {} AS t ON FALSE LIMIT 0",
        declared.join(", "),
        identifier(&table.name.name)
    );
    // MySQL does not let a declared column be computed from a selected one.
    let added = computed.iter().map(|column| format!("ALTER TABLE {staging} ADD COLUMN {column}"));
    let make = [format!("DROP TABLE IF EXISTS {staging}"), create].into_iter().chain(added);
    (name, make.collect())
}

/// The text of an answer. MariaDB prints the default of a binary column as raw bytes between quotes: a literal that is
/// no UTF-8 becomes a hexadecimal one, so that the statement means the same again.
pub(super) fn catalog_text(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(open) = rest.iter().position(|byte| *byte == b'\'') {
        text.push_str(&String::from_utf8_lossy(&rest[..open]));
        let (value, length) = quoted_bytes(&rest[open..]);
        let (literal, after) = rest[open..].split_at(length);
        match std::str::from_utf8(literal) {
            Ok(literal) => text.push_str(literal),
            Err(_) => {
                let digits: String = value.iter().map(|byte| format!("{byte:02X}")).collect();
                text.push_str(&format!("x'{digits}'"));
            }
        }
        rest = after;
    }
    text + &String::from_utf8_lossy(rest)
}

/// The value of the literal that begins here, and how many bytes its text has.
fn quoted_bytes(text: &[u8]) -> (Vec<u8>, usize) {
    let mut value = Vec::new();
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        let next = text.get(at + 1);
        match (byte, next) {
            (b'\\', Some(escaped)) => {
                value.push(match escaped {
                    b'0' => 0,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'Z' => 0x1a,
                    other => *other,
                });
                at += 2;
            }
            (b'\'', Some(b'\'')) => {
                value.push(b'\'');
                at += 2;
            }
            (b'\'', _) => return (value, at + 1),
            _ => {
                value.push(*byte);
                at += 1;
            }
        }
    }
    (value, text.len())
}

/// Undoes one level of the backslash escapes that MySQL puts around the expressions in its catalog
/// (`_utf8mb4\'x\'`), and drops the `_utf8mb4` introducers it adds.
pub(super) fn unescape(expression: &str) -> String {
    let mut plain = String::with_capacity(expression.len());
    let mut characters = expression.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match characters.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('t') => plain.push('\t'),
            Some('0') => plain.push('\0'),
            Some(other) => plain.push(other),
            None => plain.push('\\'),
        }
    }
    without_introducers(&plain)
}

/// Drops the character sets that MySQL names before literals.
pub(super) fn without_introducers(expression: &str) -> String {
    let all = tokens(expression);
    let introduces = |index: usize| {
        let word = all[index].text;
        all[index].kind == Kind::Word
            && matches!(word, "_utf8mb4" | "_utf8mb3" | "_utf8")
            && all.get(index + 1).is_some_and(|next| next.kind == Kind::Text)
    };
    (0..all.len()).filter(|index| !introduces(*index)).map(|index| all[index].text).collect()
}

/// Removes parentheses that enclose the whole expression.
pub(super) fn without_outer_parentheses(expression: &str) -> &str {
    let mut inner = expression.trim();
    while let Some(stripped) = inner.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        let mut depth = 1_i32;
        for token in tokens(stripped) {
            if token.is_symbol("(") {
                depth += 1;
            } else if token.is_symbol(")") {
                depth -= 1;
            }
            if depth == 0 {
                return inner;
            }
        }
        inner = stripped.trim();
    }
    inner
}

/// What the rewriter must know about the database whose SQL it reads.
#[derive(Debug, Clone)]
pub(super) struct Home {
    /// The database's name.
    pub(super) database: String,
    /// Names of its tables, views, sequences and routines.
    pub(super) objects: BTreeSet<String>,
    /// True if the server ignores the case of database and table names.
    pub(super) ignore_case: bool,
}

impl Home {
    fn is_database(&self, name: &str) -> bool {
        name == self.database || self.ignore_case && name.to_lowercase() == self.database.to_lowercase()
    }

    fn has_object(&self, name: &str) -> bool {
        self.objects.contains(name)
            || self.ignore_case && self.objects.iter().any(|o| o.to_lowercase() == name.to_lowercase())
    }

    /// Drops the database's name wherever it qualifies one of its own objects.
    pub(super) fn unqualify(&self, sql: &str) -> String {
        let all = tokens(sql);
        let mut rewritten = String::with_capacity(sql.len());
        let mut index = 0;
        while index < all.len() {
            if let Some(after_dot) = self.qualifier(&all, index) {
                index = after_dot;
            } else {
                rewritten.push_str(all[index].text);
                index += 1;
            }
        }
        rewritten
    }

    /// If the token at `index` is the database qualifying an object: the index of the object's name.
    fn qualifier(&self, all: &[Token<'_>], index: usize) -> Option<usize> {
        let name = all[index].ansi_name()?;
        if !self.is_database(&name)
            || previous(all, index).is_some_and(|p| p.is_symbol(".") || p.is_symbol("@"))
        {
            return None;
        }
        let dot = next(all, index).filter(|dot| all[*dot].is_symbol("."))?;
        let object = next(all, dot)?;
        let object_name = all[object].ansi_name()?;
        let after = next(all, object);
        let three_parts = after.is_some_and(|after| all[after].is_symbol("."));
        let called = after.is_some_and(|after| all[after].is_symbol("("));
        if three_parts || called {
            return Some(object);
        }
        // `shop`.`id` may as well be a column of a table called like its database.
        let ambiguous = self.has_object(&self.database);
        let names_a_table = previous(all, index).is_some_and(|p| {
            p.is_symbol("(")
                || [
                    "from",
                    "join",
                    "into",
                    "update",
                    "table",
                    "references",
                    "on",
                    "procedure",
                    "function",
                    "view",
                ]
                .iter()
                .any(|word| p.is_word(word))
        });
        (self.has_object(&object_name) && (!ambiguous || names_a_table)).then_some(object)
    }

    /// True if the SQL still names the database as a qualifier.
    pub(super) fn still_names(&self, sql: &str) -> bool {
        let all = tokens(sql);
        (0..all.len()).any(|index| self.qualifier(&all, index).is_some())
    }
}

fn next(all: &[Token<'_>], index: usize) -> Option<usize> {
    (index + 1..all.len()).find(|at| !all[*at].is_blank())
}

fn previous<'a>(all: &'a [Token<'a>], index: usize) -> Option<&'a Token<'a>> {
    all[..index].iter().rev().find(|token| !token.is_blank())
}

/// Drops the first `DEFINER=user@host` clause: the copy belongs to whoever loads it.
pub(super) fn without_definer(sql: &str) -> String {
    let all = tokens(sql);
    let Some((start, end)) = definer(&all) else { return sql.to_owned() };
    all.iter().enumerate().filter(|(at, _)| *at < start || *at >= end).map(|(_, token)| token.text).collect()
}

fn definer(all: &[Token<'_>]) -> Option<(usize, usize)> {
    let start = all.iter().position(|token| token.is_word("definer"))?;
    let equals = next(all, start).filter(|at| all[*at].is_symbol("="))?;
    let user = next(all, equals)?;
    let mut last = user;
    if let Some(at) = next(all, user).filter(|at| all[*at].is_symbol("@")) {
        last = next(all, at)?;
    } else if let Some(open) = next(all, user).filter(|at| all[*at].is_symbol("(")) {
        last = next(all, open)?;
    }
    let end =
        if all.get(last + 1).is_some_and(|token| token.kind == Kind::Space) { last + 2 } else { last + 1 };
    Some((start, end))
}

/// What a `CREATE` statement makes, if it is something that cannot move between databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fixture {
    /// `CREATE … VIEW`.
    View,
    /// `CREATE … TRIGGER`.
    Trigger,
    /// `CREATE … PROCEDURE`.
    Procedure,
    /// `CREATE … FUNCTION`.
    Function,
    /// `CREATE … EVENT`.
    Event,
}

impl Fixture {
    /// The SQL word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::View => "VIEW",
            Self::Trigger => "TRIGGER",
            Self::Procedure => "PROCEDURE",
            Self::Function => "FUNCTION",
            Self::Event => "EVENT",
        }
    }
}

/// Recognises a statement that makes a view, trigger, routine or event, and its name.
pub(super) fn fixture(sql: &str) -> Option<(Fixture, String)> {
    let all: Vec<Token<'_>> = tokens(sql).into_iter().filter(|token| !token.is_blank()).collect();
    if !all.first()?.is_word("create") {
        return None;
    }
    let kinds = [Fixture::View, Fixture::Trigger, Fixture::Procedure, Fixture::Function, Fixture::Event];
    for (at, token) in all.iter().enumerate().skip(1) {
        if token.is_word("table")
            || token.is_word("sequence")
            || token.is_word("index")
            || token.is_symbol("(")
        {
            return None;
        }
        if let Some(kind) = kinds.into_iter().find(|kind| token.is_word(kind.word())) {
            let skipped = ["if", "not", "exists"];
            let name = all[at + 1..].iter().find(|token| !skipped.iter().any(|word| token.is_word(word)))?;
            return Some((kind, name.ansi_name()?));
        }
    }
    None
}
