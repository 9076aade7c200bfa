//! Scripts of the user: many statements in one text. The server cuts and runs them; here they are only looked through,
//! to say where in the file something failed, and to refuse what would end the load's own transaction.

use futures_util::{Stream, StreamExt as _};
use sqlparser::{
    dialect::{Dialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect},
    tokenizer::{Token, Tokenizer, Word},
};

use crate::{
    db::{DbError, DbErrorKind},
    schema::DialectName,
};

/// Why a script failed, and where.
#[derive(Debug)]
pub struct ScriptError {
    /// Line of the statement (or of the mistake in it), from 1; `None` if that is not known.
    pub line: Option<usize>,
    /// What the server said.
    pub error: DbError,
}

impl From<DbError> for ScriptError {
    fn from(error: DbError) -> Self {
        Self { line: None, error }
    }
}

/// A statement of a script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Piece {
    /// Line of its first word.
    line: usize,
    /// Its words outside of quotes, in capitals.
    words: Vec<String>,
}

/// Words that begin or end a transaction.
const TRANSACTION: [&str; 6] = ["BEGIN", "START", "COMMIT", "END", "ABORT", "ROLLBACK"];

/// Refuses a script that cannot run inside a load: one that begins or ends a transaction where the load is one, one
/// that sends rows beside its statements.
///
/// # Errors
/// [`DbErrorKind::Unsupported`] with the line.
pub fn check_script(dialect: DialectName, sql: &str, in_load: bool) -> Result<(), ScriptError> {
    for piece in pieces(dialect, sql) {
        let word = |place: usize| piece.words.get(place).map_or("", String::as_str);
        let refuse = |message: &str| {
            let error = DbError::new(DbErrorKind::Unsupported, message);
            Err(ScriptError { line: Some(piece.line), error })
        };
        let to_savepoint = word(0) == "ROLLBACK" && piece.words.iter().any(|word| word == "TO");
        let prepares = word(0) == "PREPARE" && word(1) == "TRANSACTION";
        let of_transaction = TRANSACTION.contains(&word(0)) && !to_savepoint || prepares;
        // Each statement of a MySQL load is a transaction of its own.
        if in_load && dialect != DialectName::MySql && of_transaction {
            return refuse("the load is one transaction: a hook in it may neither begin nor end one");
        }
        if word(0) == "COPY" && piece.words.windows(2).any(|pair| pair == ["FROM", "STDIN"]) {
            return refuse("COPY … FROM STDIN is psql's own: use INSERT, or a command that calls psql");
        }
    }
    Ok(())
}

/// Waits for the statements of a script until one fails; `lift` says why, given how many were done before.
pub(super) async fn run_all<T>(
    mut results: impl Stream<Item = Result<T, sqlx::Error>> + Unpin,
    lift: impl Fn(usize, sqlx::Error) -> ScriptError,
) -> Result<(), ScriptError> {
    let mut done = 0;
    while let Some(result) = results.next().await {
        result.map_err(|error| lift(done, error))?;
        done += 1;
    }
    Ok(())
}

/// The line of the statement after so many that succeeded.
pub(super) fn line_of(dialect: DialectName, sql: &str, done: usize) -> Option<usize> {
    pieces(dialect, sql).get(done).map(|piece| piece.line)
}

/// The line of the character at a place, counted from 1 as servers do.
pub(super) fn line_at(sql: &str, position: usize) -> usize {
    1 + sql.chars().take(position.saturating_sub(1)).filter(|letter| *letter == '\n').count()
}

/// Cuts a script at its semicolons, but not inside quotes, comments and bodies of `CREATE`.
fn pieces(dialect: DialectName, sql: &str) -> Vec<Piece> {
    let grammar: &dyn Dialect = match dialect {
        DialectName::Postgres => &PostgreSqlDialect {},
        DialectName::MySql => &MySqlDialect {},
        DialectName::Sqlite => &SQLiteDialect {},
    };
    let mut tokens = Vec::new();
    // What cannot be read is left to the server; what stands before it is known.
    let _ = Tokenizer::new(grammar, sql).tokenize_with_location_into_buf(&mut tokens);
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    let mut pieces = Vec::new();
    let mut piece = Piece::default();
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate() {
        if token.token == Token::SemiColon && depth == 0 {
            if piece.line > 0 {
                pieces.push(std::mem::take(&mut piece));
            }
            continue;
        }
        if piece.line == 0 {
            piece.line = usize::try_from(token.span.start.line).unwrap_or(1);
        }
        let Some(word) = bare_word(&token.token) else { continue };
        if piece.words.first().is_some_and(|first| first == "CREATE") {
            let next = tokens.get(place + 1).and_then(|token| bare_word(&token.token)).unwrap_or_default();
            let ends = piece.words.last().is_some_and(|last| last == "END");
            match word.as_str() {
                "BEGIN" => depth += 1,
                "CASE" if depth > 0 && !ends => depth += 1,
                "END" if !["IF", "LOOP", "WHILE", "REPEAT", "FOR"].contains(&next.as_str()) => {
                    depth = depth.saturating_sub(1);
                }
                _ => {}
            }
        }
        piece.words.push(word);
    }
    if piece.line > 0 {
        pieces.push(piece);
    }
    pieces
}

fn bare_word(token: &Token) -> Option<String> {
    match token {
        Token::Word(Word { value, quote_style: None, .. }) => Some(value.to_uppercase()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{check_script, line_at, line_of, pieces};
    use crate::schema::DialectName::{MySql, Postgres, Sqlite};

    #[test]
    fn quotes_comments_and_bodies_hide_their_semicolons() {
        let sql = "-- one; two\nSELECT ';', $$a;b$$;\n\n/* ; */ CREATE FUNCTION f() RETURNS int\n\
                   BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;\nSELECT 3";
        let lines: Vec<usize> = pieces(Postgres, sql).iter().map(|piece| piece.line).collect();
        assert_eq!(lines, [2, 4, 6]);

        let sql = "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n UPDATE a SET b = 1;\n SELECT 1;\nEND;\nDELETE FROM a;";
        assert_eq!(
            (line_of(Sqlite, sql, 0), line_of(Sqlite, sql, 1), line_of(Sqlite, sql, 2)),
            (Some(1), Some(5), None)
        );

        let sql = "CREATE PROCEDURE p() BEGIN\n IF 1 THEN SELECT 1; END IF;\n CASE 1 WHEN 1 THEN SELECT 2; END CASE;\nEND;\nSELECT `;`";
        assert_eq!(line_of(MySql, sql, 1), Some(5));
    }

    #[test]
    fn a_script_in_a_load_may_not_touch_its_transaction() {
        let at = |dialect, sql| check_script(dialect, sql, true).map_err(|refused| refused.line);

        assert_eq!(at(Postgres, "SELECT 1;\nCOMMIT;"), Err(Some(2)));
        assert_eq!(at(Sqlite, "begin;\nSELECT 1;end"), Err(Some(1)));
        assert_eq!(at(Postgres, "SAVEPOINT a;\nROLLBACK TO SAVEPOINT a;\nSELECT 'COMMIT'"), Ok(()));
        assert_eq!(
            at(Postgres, "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; SELECT 1"),
            Ok(())
        );
        assert_eq!(at(MySql, "START TRANSACTION; DELETE FROM a; COMMIT"), Ok(()));
        assert_eq!(at(Postgres, "\n\nCOPY a FROM STDIN;"), Err(Some(3)));
        assert!(check_script(Postgres, "BEGIN; SELECT 1; COMMIT", false).is_ok());
    }

    #[test]
    fn places_are_counted_in_characters() {
        assert_eq!((line_at("é\nb", 1), line_at("é\nb", 3)), (1, 2));
    }
}
