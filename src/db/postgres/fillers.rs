//! Columns that a trigger computes from the other columns of its row: the target computes them as well, once its rows
//! are there.
//!
//! Triggers do not fire for a load: they would stamp its time on every row and write journals. What a trigger does to a
//! text-search column, or to a text that no constraint knows, is repeated with the very expression of its function.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use sqlparser::{
    dialect::PostgreSqlDialect,
    tokenizer::{Token, Tokenizer, Whitespace},
};

use super::sql::quote;

/// A trigger that may compute columns of the row about to be inserted.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct FillerRow {
    pub(super) relation: i64,
    pub(super) name: String,
    /// `UPDATE` with its table.
    update: String,
    qualified: String,
    /// The call of a function of the server's own.
    call: Option<String>,
    /// The column which that one fills.
    target: Option<String>,
    /// The text of a function in PL/pgSQL.
    body: Option<String>,
    columns: Vec<FillerColumn>,
}

/// A column of its table.
#[derive(Debug, Clone, Deserialize)]
struct FillerColumn {
    name: String,
    quoted: String,
    /// True for a `tsvector`.
    text_search: bool,
    /// True for a text type.
    text: bool,
    /// True if no key and no constraint binds it.
    free: bool,
}

/// How a column is filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filling {
    /// The column, as SQL writes it.
    pub(super) column: String,
    /// What computes it; `None` if that cannot be told.
    pub(super) sql: Option<String>,
}

/// The arguments of `tsvector_update_trigger` before the columns it reads: the column it fills, and the configuration.
const BEFORE_ITS_TEXTS: usize = 2;

/// Words that give another value each time, ask for more than the row, or belong to the trigger alone.
const NOT_OF_THE_ROW: [&str; 20] = [
    "now",
    "current_timestamp",
    "current_date",
    "current_time",
    "localtime",
    "localtimestamp",
    "clock_timestamp",
    "statement_timestamp",
    "transaction_timestamp",
    "timeofday",
    "random",
    "gen_random_uuid",
    "nextval",
    "current_user",
    "session_user",
    "old",
    "select",
    "tg_argv",
    "tg_op",
    "tg_table_name",
];

/// What the trigger does to columns that can be computed from the row alone.
pub(super) fn fillings(row: &FillerRow) -> Vec<Filling> {
    if let (Some(call), Some(target)) = (&row.call, &row.target) {
        let column = row.columns.iter().find(|column| column.name == *target && column.free);
        return column.map(|column| by_trigger(row, column, call)).into_iter().collect();
    }
    let Some(body) = &row.body else { return Vec::new() };
    let (assigned, locals) = read_body(body);
    let wanted = row.columns.iter().filter(|column| column.free && (column.text_search || column.text));
    wanted
        .filter_map(|column| {
            let expressions = assigned.get(&column.name)?;
            let mut distinct = expressions.iter();
            let computable = match (distinct.next(), distinct.next()) {
                (Some(one), None) => one.is_of_the_row(&column.name, &locals).then_some(&one.text),
                _ => None,
            };
            // A text that cannot be computed is drawn, like any other.
            if computable.is_none() && !column.text_search {
                return None;
            }
            // Under this name the columns are called as in the trigger.
            let sql = computable.map(|text| format!("{} AS new SET {} = {text}", row.update, column.quoted));
            Some(Filling { column: column.quoted.clone(), sql })
        })
        .collect()
}

/// Lets a function of the server's own fire once for every row. It works only when one of the texts that it reads is
/// among the updated columns.
fn by_trigger(row: &FillerRow, column: &FillerColumn, call: &str) -> Filling {
    let table = &row.qualified;
    let itself = |name: String| format!("{name} = {name}");
    let read: Vec<String> =
        texts(call).iter().skip(BEFORE_ITS_TEXTS).map(|name| itself(quote(name))).collect();
    let sql = format!(
        "CREATE TRIGGER dbsynth_fill BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {call}; \
         {} SET {}; DROP TRIGGER dbsynth_fill ON {table}",
        row.update,
        read.join(", ")
    );
    Filling { column: column.quoted.clone(), sql: Some(sql).filter(|_| !read.is_empty()) }
}

/// The texts among the arguments of a call.
fn texts(call: &str) -> Vec<String> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, call).tokenize().unwrap_or_default();
    tokens
        .into_iter()
        .filter_map(|token| match token {
            Token::SingleQuotedString(text) => Some(text),
            _ => None,
        })
        .collect()
}

/// What is assigned to a column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Assigned {
    /// The expression as it is written.
    text: String,
    /// The words in it, in lower case unless quoted, and the columns of the new row.
    words: Vec<String>,
    fields: Vec<String>,
}

impl Assigned {
    fn is_of_the_row(&self, column: &str, locals: &BTreeSet<String>) -> bool {
        let foreign = |word: &String| NOT_OF_THE_ROW.contains(&word.as_str()) || locals.contains(word);
        !self.words.iter().any(foreign) && !self.fields.iter().any(|field| field == column)
    }
}

/// The assignments to columns of the new row, and the names of the variables, of a function in PL/pgSQL.
fn read_body(body: &str) -> (BTreeMap<String, BTreeSet<Assigned>>, BTreeSet<String>) {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, body).with_unescape(false).tokenize();
    let tokens: Vec<Token> = tokens.unwrap_or_default().into_iter().map(without_comment).collect();
    let mut assigned: BTreeMap<String, BTreeSet<Assigned>> = BTreeMap::new();
    let mut locals = BTreeSet::new();
    let mut declaring = false;
    // What stood last; none at the start of a statement.
    let mut begins = true;
    let mut at = 0;
    while at < tokens.len() {
        if matches!(tokens[at], Token::Whitespace(_)) {
            at += 1;
            continue;
        }
        if begins && let Some((column, from)) = assignment(&tokens, at) {
            let to = end_of_statement(&tokens, from);
            assigned.entry(column).or_default().insert(expression(&tokens[from..to]));
            at = to;
            continue;
        }
        match word(&tokens[at]).as_deref() {
            Some("declare") => declaring = true,
            Some("begin") => declaring = false,
            Some(name) if declaring && begins => {
                locals.insert(name.to_owned());
            }
            _ => {}
        }
        begins = match &tokens[at] {
            Token::SemiColon => true,
            other => {
                matches!(word(other).as_deref(), Some("begin" | "then" | "else" | "loop" | "declare"))
            }
        };
        at += 1;
    }
    (assigned, locals)
}

/// The column and the place after the sign, if an assignment to a column of the new row begins here.
fn assignment(tokens: &[Token], at: usize) -> Option<(String, usize)> {
    let mut places = (at..tokens.len()).filter(|place| !matches!(tokens[*place], Token::Whitespace(_)));
    let mut next = || places.next();
    let new = word(&tokens[next()?])? == "new";
    let point = tokens[next()?] == Token::Period;
    let column = word(&tokens[next()?])?;
    let sign = next()?;
    let assigns = matches!(tokens[sign], Token::Assignment | Token::Eq);
    (new && point && assigns).then_some((column, sign + 1))
}

fn end_of_statement(tokens: &[Token], from: usize) -> usize {
    (from..tokens.len()).find(|place| tokens[*place] == Token::SemiColon).unwrap_or(tokens.len())
}

fn expression(tokens: &[Token]) -> Assigned {
    let space = |token: &Token| matches!(token, Token::Whitespace(_));
    let text: String = (0..tokens.len())
        .filter(|at| !space(&tokens[*at]) || *at > 0 && !space(&tokens[at - 1]))
        .map(|at| tokens[at].to_string())
        .collect();
    let full: Vec<&Token> = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    let words = full.iter().filter_map(|token| word(token)).collect();
    let fields = full
        .windows(3)
        .filter(|three| word(three[0]).as_deref() == Some("new") && *three[1] == Token::Period);
    let fields = fields.filter_map(|three| word(three[2])).collect();
    Assigned { text: text.trim().to_owned(), words, fields }
}

/// A name as the server sees it: in lower case unless it is quoted.
fn word(token: &Token) -> Option<String> {
    let Token::Word(word) = token else { return None };
    Some(if word.quote_style.is_some() { word.value.clone() } else { word.value.to_lowercase() })
}

fn without_comment(token: Token) -> Token {
    match token {
        Token::Whitespace(_) => Token::Whitespace(Whitespace::Space),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{FillerColumn, FillerRow, fillings};

    fn column(name: &str, text_search: bool) -> FillerColumn {
        FillerColumn {
            name: name.to_owned(),
            quoted: name.to_owned(),
            text_search,
            text: !text_search,
            free: true,
        }
    }

    fn row(body: &str) -> FillerRow {
        FillerRow {
            relation: 1,
            name: "fill".to_owned(),
            update: "UPDATE ONLY public.doc".to_owned(),
            qualified: "public.doc".to_owned(),
            call: None,
            target: None,
            body: Some(body.to_owned()),
            columns: vec![column("title", false), column("slug", false), column("words", true)],
        }
    }

    fn filled(body: &str) -> Vec<(String, Option<String>)> {
        fillings(&row(body)).into_iter().map(|filling| (filling.column, filling.sql)).collect()
    }

    #[test]
    fn the_expression_of_an_assignment_is_repeated_in_an_update() {
        let body = "DECLARE n int; BEGIN -- the words; all of them
            IF TG_OP = 'INSERT' OR NEW.title = OLD.title THEN
              NEW.words := setweight(to_tsvector('english', coalesce(NEW.title, ';')), 'A') /* ; */ || ''::tsvector;
            END IF;
            new.updated_at = now();
            new.slug = lower(replace(new.title, ' ', '-'));
            RETURN NEW; END";

        assert_eq!(
            filled(body),
            [
                (
                    "slug".to_owned(),
                    Some(
                        "UPDATE ONLY public.doc AS new SET slug = lower(replace(new.title, ' ', '-'))"
                            .to_owned()
                    )
                ),
                (
                    "words".to_owned(),
                    Some(
                        "UPDATE ONLY public.doc AS new SET words = setweight(to_tsvector('english', \
                         coalesce(NEW.title, ';')), 'A') || ''::tsvector"
                            .to_owned()
                    )
                ),
            ]
        );
    }

    #[test]
    fn what_the_row_alone_does_not_tell_is_not_computed() {
        for body in [
            "BEGIN NEW.words := to_tsvector(NEW.title || now()); RETURN NEW; END",
            "DECLARE part text; BEGIN part := 'x'; NEW.words := to_tsvector(part); RETURN NEW; END",
            "BEGIN NEW.words := to_tsvector('a'); NEW.words := to_tsvector('b'); RETURN NEW; END",
            "BEGIN NEW.words := (SELECT x FROM y WHERE z = NEW.title); RETURN NEW; END",
        ] {
            assert_eq!(filled(body), [("words".to_owned(), None)], "{body}");
        }
        for body in [
            "BEGIN NEW.slug := trim(NEW.slug); RETURN NEW; END",
            "BEGIN NEW.title := random()::text; RETURN NEW; END",
            "BEGIN IF NEW.slug = NEW.title THEN RETURN NULL; END IF; RETURN NEW; END",
            "BEGIN $$ broken",
        ] {
            assert_eq!(filled(body), [], "{body}");
        }
    }

    #[test]
    fn a_function_of_the_server_fires_once_for_every_row() {
        let row = FillerRow {
            call: Some(
                "tsvector_update_trigger('words', 'pg_catalog.english', 'title', 'Sub Title')".to_owned(),
            ),
            target: Some("words".to_owned()),
            body: None,
            ..row("")
        };
        let sql = fillings(&row)[0].sql.clone().unwrap();

        assert!(sql.contains(
            "EXECUTE FUNCTION tsvector_update_trigger('words', 'pg_catalog.english', 'title', 'Sub Title');"
        ));
        assert!(
            sql.contains(r#"UPDATE ONLY public.doc SET "title" = "title", "Sub Title" = "Sub Title";"#),
            "{sql}"
        );
        assert!(sql.ends_with("ON public.doc"));
    }

    #[test]
    fn a_column_that_a_constraint_binds_is_left_as_it_was_drawn() {
        let mut row = row("BEGIN NEW.words := to_tsvector(NEW.title); RETURN NEW; END");
        row.columns[2].free = false;

        assert!(fillings(&row).is_empty());
    }
}
