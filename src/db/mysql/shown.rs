//! The expressions of a table as `SHOW CREATE TABLE` prints them. MySQL's `information_schema` escapes them once too
//! often and takes their UTF-8 for Latin-1, so that a name or a literal beyond ASCII comes out broken there.

use std::collections::BTreeMap;

use super::{
    ddl::{CreateTable, ItemKind},
    lex::{Kind, Token, tokens},
    sql::without_introducers,
};

/// Expressions by the name of what they belong to, without the introducers that MySQL adds.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Defaults of columns that are expressions.
    pub(super) defaults: BTreeMap<String, String>,
    /// What columns are computed from.
    pub(super) generated: BTreeMap<String, String>,
    /// Conditions of CHECKs.
    pub(super) checks: BTreeMap<String, String>,
    /// Per index its parts in order; those that are columns are empty.
    pub(super) keys: BTreeMap<String, Vec<String>>,
}

impl Shown {
    /// Reads a `CREATE TABLE`; what is not understood is left out.
    pub(super) fn of(create: &str) -> Self {
        let mut shown = Self::default();
        for item in CreateTable::parse(create).map(|parsed| parsed.items).unwrap_or_default() {
            let all = tokens(&item.sql);
            match item.kind {
                ItemKind::Column { name, .. } => {
                    if let Some(expression) = after(&all, "as") {
                        shown.generated.insert(name, expression);
                    } else if let Some(expression) = after(&all, "default") {
                        shown.defaults.insert(name, expression);
                    }
                }
                ItemKind::Unique | ItemKind::Index => {
                    let open = all.iter().position(|token| token.is_symbol("("));
                    let quoted = all.iter().find(|token| token.kind == Kind::Quoted);
                    if let (Some(open), Some(name)) = (open, quoted.and_then(Token::name)) {
                        shown.keys.insert(name, parts(&all[open..]));
                    }
                }
                ItemKind::Other => {
                    let quoted = all.iter().find(|token| token.kind == Kind::Quoted);
                    if let (Some(name), Some(condition)) =
                        (quoted.and_then(Token::name), after(&all, "check"))
                    {
                        shown.checks.insert(name, condition);
                    }
                }
                _ => {}
            }
        }
        shown
    }
}

/// What stands in the parentheses that follow a word, if that word stands outside of all others.
fn after(all: &[Token<'_>], word: &str) -> Option<String> {
    let mut depth = 0_i32;
    for (at, token) in all.iter().enumerate() {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
        } else if depth == 0 && token.is_word(word) {
            let next = (at + 1..all.len()).find(|next| !all[*next].is_blank())?;
            if all[next].is_symbol("(") {
                return Some(inside(&all[next..]).0);
            }
        }
    }
    None
}

/// The text inside the parentheses that open here, and how many tokens it takes with them.
fn inside(all: &[Token<'_>]) -> (String, usize) {
    let mut depth = 0_i32;
    for (at, token) in all.iter().enumerate() {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth -= 1;
        }
        if depth == 0 {
            let text: String = all[1..at.max(1)].iter().map(|token| token.text).collect();
            return (without_introducers(&text), at + 1);
        }
    }
    (String::new(), all.len())
}

/// The expressions among the parts of an index, whose parentheses open here.
fn parts(all: &[Token<'_>]) -> Vec<String> {
    let mut found = vec![String::new()];
    let (mut at, mut begins) = (1, true);
    while at < all.len() && !all[at].is_symbol(")") {
        let token = &all[at];
        if token.is_symbol("(") {
            let (text, length) = inside(&all[at..]);
            // `name`(10) is a prefix.
            if begins && let Some(last) = found.last_mut() {
                *last = text;
            }
            at += length;
            begins = false;
            continue;
        }
        if token.is_symbol(",") {
            found.push(String::new());
        }
        begins = token.is_symbol(",") || begins && token.is_blank();
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn expressions_are_taken_from_the_statement_with_their_letters_and_escapes() {
        let create = "CREATE TABLE `t` (\n  `naïve` enum('a (','b') DEFAULT 'as (x)',\n  `g` varchar(20) GENERATED ALWAYS AS (concat(_utf8mb4'é',`naïve`)) VIRTUAL COMMENT 'default (y)',\n  `d` varchar(10) DEFAULT (_utf8mb4'ß'),\n  `n` decimal(10,2) DEFAULT '1.00',\n  PRIMARY KEY (`d`),\n  UNIQUE KEY `k` (`g`(3),(lower(`d`)) DESC,`n`,(cast(json_extract(`j`,_utf8mb4'$.a') as unsigned array))) COMMENT '(z)',\n  CONSTRAINT `c``1` CHECK (((`naïve` > 0) or (`g` = _utf8mb4'日本\\n\\'x'))),\n  CONSTRAINT `c2` CHECK ((`n` is not null)) /*!80016 NOT ENFORCED */,\n  CONSTRAINT `f` FOREIGN KEY (`n`) REFERENCES `check` (`n`)\n) ENGINE=InnoDB";
        let shown = Shown::of(create);

        assert_eq!(shown.generated["g"], "concat('é',`naïve`)");
        assert_eq!(shown.defaults.into_iter().collect::<Vec<_>>(), [("d".to_owned(), "'ß'".to_owned())]);
        assert_eq!(
            shown.keys["k"],
            ["", "lower(`d`)", "", "cast(json_extract(`j`,'$.a') as unsigned array)"]
        );
        assert_eq!(shown.checks["c`1"], "((`naïve` > 0) or (`g` = '日本\\n\\'x'))");
        assert_eq!(shown.checks["c2"], "(`n` is not null)");
        assert_eq!(shown.checks.len(), 2);
    }
}
