//! Reads what only the stored CREATE text knows: checks, collations, generated columns, constraint names,
//! index expressions and predicates.
//!
//! The text is cut into tokens, not parsed: SQLite accepts far more than any parser knows (types of any
//! words, constraints without commas), and what is wanted stands at the top level of the list.

use std::collections::BTreeMap;

use sqlparser::{
    dialect::SQLiteDialect,
    tokenizer::{Token, Tokenizer, Whitespace, Word},
};

/// What the text of a CREATE TABLE adds to the catalog. Column names are lower-cased in map keys.
#[derive(Debug, Default, PartialEq)]
pub(super) struct TableText {
    /// CHECK constraints: name, condition.
    pub(super) checks: Vec<(Option<String>, String)>,
    /// COLLATE per column.
    pub(super) collations: BTreeMap<String, String>,
    /// Expression per generated column.
    pub(super) generated: BTreeMap<String, String>,
    /// Foreign keys in the order of the text.
    pub(super) foreign_keys: Vec<ForeignKeyText>,
}

/// What the text says of a foreign key.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ForeignKeyText {
    pub(super) name: Option<String>,
    pub(super) columns: Vec<String>,
    pub(super) deferrable: bool,
}

/// What the text of a CREATE INDEX says.
#[derive(Debug, PartialEq)]
pub(super) struct IndexText {
    /// Key parts without COLLATE, ASC and DESC.
    pub(super) parts: Vec<String>,
    /// The WHERE predicate.
    pub(super) predicate: Option<String>,
}

/// Reads a CREATE TABLE; `None` if it cannot be cut into tokens.
pub(super) fn read_table(sql: &str) -> Option<TableText> {
    let tokens = tokens(sql)?;
    let (body, _) = first_group(&tokens)?;
    let mut text = TableText::default();
    for definition in split(body) {
        let definition = trim(definition);
        let constraint = definition.first().is_some_and(|token| {
            ["CONSTRAINT", "CHECK", "UNIQUE", "PRIMARY", "FOREIGN"].iter().any(|word| is_word(token, word))
        });
        let (column, rest) = match definition.first().and_then(name_of) {
            Some(name) if !constraint => (Some(name), &definition[1..]),
            _ => (None, definition),
        };
        read_definition(column.as_deref(), rest, &mut text);
    }
    Some(text)
}

fn read_definition(column: Option<&str>, tokens: &[Token], text: &mut TableText) {
    let tokens: Vec<&Token> = tokens.iter().collect();
    let mut name: Option<String> = None;
    let mut own_columns: Vec<String> = column.iter().map(|&column| column.to_owned()).collect();
    let mut index = 0;
    while index < tokens.len() {
        let token = tokens[index];
        let next = next_solid(&tokens, index + 1);
        let mut after = index + 1;
        if *token == Token::LParen {
            after = group_end(&tokens, index);
        } else if is_word(token, "CONSTRAINT") {
            name = next.and_then(|at| name_of(tokens[at]));
            after = next.map_or(after, |at| at + 1);
        } else if is_word(token, "CHECK") || is_word(token, "AS") {
            if let Some(open) = next.filter(|at| *tokens[*at] == Token::LParen) {
                after = group_end(&tokens, open);
                let inside = render(inside(&tokens, open, after).iter().copied());
                if is_word(token, "CHECK") {
                    text.checks.push((name.take(), inside));
                } else if let Some(column) = column {
                    text.generated.insert(column.to_lowercase(), inside);
                }
            }
        } else if is_word(token, "COLLATE") {
            if let (Some(column), Some(collation)) = (column, next.and_then(|at| name_of(tokens[at]))) {
                text.collations.insert(column.to_lowercase(), collation);
            }
        } else if is_word(token, "FOREIGN") {
            if let Some(open) = tokens[index..].iter().position(|token| **token == Token::LParen) {
                let open = index + open;
                after = group_end(&tokens, open);
                own_columns =
                    inside(&tokens, open, after).iter().filter_map(|token| name_of(token)).collect();
            }
        } else if is_word(token, "REFERENCES") {
            text.foreign_keys.push(ForeignKeyText {
                name: name.take(),
                columns: own_columns.clone(),
                deferrable: false,
            });
            after = next.map_or(after, |at| at + 1);
        } else if is_word(token, "DEFERRABLE") {
            let negated = tokens[..index].iter().rev().find(|token| is_solid(token));
            if let Some(key) = text.foreign_keys.last_mut() {
                key.deferrable = !negated.is_some_and(|token| is_word(token, "NOT"));
            }
        } else if ["UNIQUE", "PRIMARY", "NOT", "NULL", "DEFAULT"].iter().any(|word| is_word(token, word)) {
            name = None;
        }
        index = after;
    }
}

/// Reads a CREATE INDEX; `None` if it cannot be cut into tokens.
pub(super) fn read_index(sql: &str) -> Option<IndexText> {
    let tokens = tokens(sql)?;
    let (body, rest) = first_group(&tokens)?;
    let parts = split(body)
        .into_iter()
        .map(|part| {
            let mut part = trim(part);
            while let Some(last) = part.last() {
                let before = trim(&part[..part.len() - 1]);
                if is_word(last, "ASC") || is_word(last, "DESC") {
                    part = before;
                } else if before.last().is_some_and(|token| is_word(token, "COLLATE")) {
                    part = trim(&before[..before.len() - 1]);
                } else {
                    break;
                }
            }
            render(part)
        })
        .collect();
    let predicate = rest.iter().position(|token| is_word(token, "WHERE")).map(|at| render(&rest[at + 1..]));
    Some(IndexText { parts, predicate })
}

/// The module of a CREATE VIRTUAL TABLE, in lower case, and its arguments.
pub(super) fn virtual_table(sql: &str) -> Option<(String, Vec<String>)> {
    let tokens = tokens(sql)?;
    let using = tokens.iter().position(|token| is_word(token, "USING"))?;
    let module = tokens[using + 1..].iter().find_map(name_of)?.to_lowercase();
    let arguments = first_group(&tokens[using..]).map(|(inside, _)| split(inside)).unwrap_or_default();
    Some((module, arguments.into_iter().map(render).collect()))
}

/// Removes CHECK constraints (with their names) from a CREATE TABLE, counted in the order of the text.
pub(super) fn without_checks(sql: &str, unwanted: &[usize]) -> Option<String> {
    let all = tokens(sql)?;
    let open = all.iter().position(|token| *token == Token::LParen)?;
    let end = group_end(&all.iter().collect::<Vec<_>>(), open);
    let mut number = 0;
    let mut definitions = Vec::new();
    for definition in split(all.get(open + 1..end - 1)?) {
        let references: Vec<&Token> = definition.iter().collect();
        let mut kept: Vec<Token> = Vec::new();
        let mut index = 0;
        while index < definition.len() {
            let group = next_solid(&references, index + 1).filter(|at| definition[*at] == Token::LParen);
            let mut after = index + 1;
            if definition[index] == Token::LParen {
                after = group_end(&references, index);
            } else if is_word(&definition[index], "CHECK")
                && let Some(group) = group
            {
                after = group_end(&references, group);
                number += 1;
                if unwanted.contains(&(number - 1)) {
                    drop_constraint_name(&mut kept);
                    index = after;
                    continue;
                }
            }
            kept.extend_from_slice(&definition[index..after]);
            index = after;
        }
        if kept.iter().any(is_solid) {
            definitions.push(render(&kept));
        }
    }
    Some(format!("{} {} {}", render(&all[..=open]), definitions.join(", "), render(&all[end - 1..])))
}

/// What a generated column becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// A plain column.
    Plain,
    /// One that is computed as null.
    Null,
}

/// Rewrites generated columns of a CREATE TABLE, by their lower-cased names.
pub(super) fn with_plain_columns(sql: &str, stands: &BTreeMap<String, Stand>) -> Option<String> {
    let all = tokens(sql)?;
    let open = all.iter().position(|token| *token == Token::LParen)?;
    let end = group_end(&all.iter().collect::<Vec<_>>(), open);
    let definitions = split(all.get(open + 1..end - 1)?).into_iter().map(|definition| {
        let name = trim(definition).first().and_then(name_of).unwrap_or_default();
        match stands.get(&name.to_lowercase()) {
            Some(stand) => with_stand(trim(definition), *stand),
            None => render(definition),
        }
    });
    let definitions: Vec<String> = definitions.collect();
    Some(format!("{} {} {}", render(&all[..=open]), definitions.join(", "), render(&all[end - 1..])))
}

fn with_stand(definition: &[Token], stand: Stand) -> String {
    let references: Vec<&Token> = definition.iter().collect();
    let next_is = |at: usize, word: &str| {
        next_solid(&references, at + 1).filter(|next| is_word(&definition[*next], word))
    };
    let mut kept: Vec<Token> = Vec::new();
    // The column's name may be any word.
    let mut index = 1;
    kept.extend_from_slice(&definition[..1]);
    while index < definition.len() {
        let token = &definition[index];
        let group = next_solid(&references, index + 1).filter(|at| definition[*at] == Token::LParen);
        if let Some(always) = next_is(index, "ALWAYS").filter(|_| is_word(token, "GENERATED")) {
            drop_constraint_name(&mut kept);
            index = always + 1;
        } else if let Some(group) = group.filter(|_| is_word(token, "AS")) {
            index = group_end(&references, group);
            if stand == Stand::Null {
                kept.push(Token::make_word("AS (NULL)", None));
            }
        } else if stand == Stand::Plain && (is_word(token, "STORED") || is_word(token, "VIRTUAL")) {
            index += 1;
        } else if let Some(null) =
            next_is(index, "NULL").filter(|_| stand == Stand::Null && is_word(token, "NOT"))
        {
            drop_constraint_name(&mut kept);
            index = null + 1;
        } else {
            let after = if *token == Token::LParen { group_end(&references, index) } else { index + 1 };
            kept.extend_from_slice(&definition[index..after]);
            index = after;
        }
    }
    render(&kept)
}

fn drop_constraint_name(kept: &mut Vec<Token>) {
    let solid: Vec<usize> = (0..kept.len()).filter(|index| is_solid(&kept[*index])).collect();
    if let [.., before, _name] = solid[..]
        && is_word(&kept[before], "CONSTRAINT")
    {
        kept.truncate(before);
    }
}

/// The collations a statement names.
pub(super) fn collations(sql: &str) -> Vec<String> {
    let tokens: Vec<Token> = tokens(sql).unwrap_or_default().into_iter().filter(is_solid).collect();
    let named = tokens.windows(2).filter(|pair| is_word(&pair[0], "COLLATE"));
    named.filter_map(|pair| name_of(&pair[1])).collect()
}

/// Every bare word of a statement, lower-cased: the names it may mention.
pub(super) fn words(sql: &str) -> Vec<String> {
    tokens(sql)
        .map(|tokens| tokens.iter().filter_map(name_of).map(|name| name.to_lowercase()).collect())
        .unwrap_or_default()
}

fn tokens(sql: &str) -> Option<Vec<Token>> {
    let tokens = Tokenizer::new(&SQLiteDialect {}, sql).with_unescape(false).tokenize().ok()?;
    // Comments would swallow what is appended to an expression; they mean nothing to anybody else.
    let blank = |token| match token {
        Token::Whitespace(_) => Token::Whitespace(Whitespace::Space),
        token => token,
    };
    Some(tokens.into_iter().map(blank).collect())
}

/// The inside of the first parentheses and what follows them.
fn first_group(tokens: &[Token]) -> Option<(&[Token], &[Token])> {
    let open = tokens.iter().position(|token| *token == Token::LParen)?;
    let references: Vec<&Token> = tokens.iter().collect();
    let end = group_end(&references, open);
    (end > open + 1).then(|| (&tokens[open + 1..end - 1], &tokens[end..]))
}

/// The index after the parenthesis that closes the one at `open`.
fn group_end(tokens: &[&Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

fn inside<'a, 'b>(tokens: &'a [&'b Token], open: usize, end: usize) -> &'a [&'b Token] {
    tokens.get(open + 1..end - 1).unwrap_or_default()
}

/// Splits at the commas outside of parentheses.
fn split(tokens: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0_i32;
    tokens
        .split(|token| {
            match token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            depth == 0 && *token == Token::Comma
        })
        .collect()
}

fn trim(mut tokens: &[Token]) -> &[Token] {
    while let [first, rest @ ..] = tokens
        && !is_solid(first)
    {
        tokens = rest;
    }
    while let [rest @ .., last] = tokens
        && !is_solid(last)
    {
        tokens = rest;
    }
    tokens
}

fn next_solid(tokens: &[&Token], from: usize) -> Option<usize> {
    (from..tokens.len()).find(|index| is_solid(tokens[*index]))
}

fn is_solid(token: &Token) -> bool {
    !matches!(token, Token::Whitespace(_))
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(Word { value, quote_style: None, .. }) if value.eq_ignore_ascii_case(word))
}

/// The name a token stands for, unquoted. SQLite takes `'name'` for a name as well.
fn name_of(token: &Token) -> Option<String> {
    match token {
        Token::Word(Word { value, quote_style, .. }) => Some(match quote_style {
            Some(quote @ ('"' | '`')) => value.replace(&format!("{quote}{quote}"), &quote.to_string()),
            _ => value.clone(),
        }),
        Token::SingleQuotedString(value) => Some(value.replace("''", "'")),
        _ => None,
    }
}

fn render<'a>(tokens: impl IntoIterator<Item = &'a Token>) -> String {
    tokens.into_iter().map(ToString::to_string).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{
        ForeignKeyText, Stand, collations, read_index, read_table, with_plain_columns, without_checks, words,
    };

    #[test]
    fn checks_collations_and_keys_are_read_wherever_sqlite_allows_them() {
        let text = read_table(
            "CREATE TABLE \"odd (name\" (id UNSIGNED BIG INT NOT NULL PRIMARY KEY, -- it's a comment, (
               [e mail] TEXT COLLATE nocase CONSTRAINT \"has at\" CHECK ([e mail] LIKE '%@%, (' /* ) */),
               total AS (a * (b + 1)) STORED, price NUMERIC(10, 2) DEFAULT (abs(-1)) CHECK(price > 0),
               p INT CONSTRAINT up REFERENCES parent (x) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
               CONSTRAINT one CHECK (a <> b) CONSTRAINT two FOREIGN KEY (a, \"b\"\"c\") REFERENCES other
             ) WITHOUT ROWID",
        )
        .unwrap();

        assert_eq!(
            text.checks,
            [
                (Some("has at".to_owned()), "[e mail] LIKE '%@%, ('".to_owned()),
                (None, "price > 0".to_owned()),
                (Some("one".to_owned()), "a <> b".to_owned()),
            ]
        );
        assert_eq!(text.collations["e mail"], "nocase");
        assert_eq!(text.generated["total"], "a * (b + 1)");
        assert_eq!(
            text.foreign_keys,
            [
                ForeignKeyText { name: Some("up".into()), columns: vec!["p".into()], deferrable: true },
                ForeignKeyText {
                    name: Some("two".into()),
                    columns: vec!["a".into(), "b\"c".into()],
                    deferrable: false
                },
            ]
        );
    }

    #[test]
    fn index_parts_lose_order_and_collation_but_keep_their_expression() {
        let text = read_index(
            "CREATE UNIQUE INDEX i ON t (lower(a || ',') COLLATE NOCASE DESC, b ASC) WHERE c IS NULL",
        )
        .unwrap();

        assert_eq!(text.parts, ["lower(a || ',')", "b"]);
        assert_eq!(text.predicate.as_deref(), Some("c IS NULL"));
    }

    #[test]
    fn a_generated_column_becomes_a_plain_one_or_null() {
        let sql = "CREATE TABLE t (a INT, g INT CONSTRAINT n GENERATED ALWAYS AS (f(a)) STORED NOT NULL, \
                   v TEXT AS (f(a) || ')') VIRTUAL CONSTRAINT nn NOT NULL CHECK (v <> ''), UNIQUE (g)) STRICT";
        let stands = [("g".to_owned(), Stand::Plain), ("v".to_owned(), Stand::Null)].into();

        let plain = with_plain_columns(sql, &stands).unwrap();

        let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            words,
            "CREATE TABLE t ( a INT, g INT NOT NULL, v TEXT AS (NULL) VIRTUAL CHECK (v <> ''), UNIQUE (g) ) STRICT"
        );
    }

    #[test]
    fn a_text_that_is_no_sql_is_refused() {
        assert!(read_table("CREATE TABLE t (a 'unterminated)").is_none());
        assert!(words("CREATE VIEW v AS SELECT * FROM \"Big Table\"").contains(&"big table".to_owned()));
    }

    #[test]
    fn a_check_is_removed_with_its_name_and_its_comma() {
        let sql = "CREATE TABLE t (a INT CONSTRAINT c1 CHECK (a > f(1)) NOT NULL, b DEFAULT (1) CHECK(b), CONSTRAINT c3 CHECK (x), d) STRICT";

        assert_eq!(
            without_checks(sql, &[0, 2]).unwrap(),
            "CREATE TABLE t ( a INT  NOT NULL, b DEFAULT (1) CHECK(b), d ) STRICT"
        );
        assert_eq!(collations("CREATE INDEX i ON t (a collate \"Nat ural\")"), ["Nat ural"]);
    }
}
