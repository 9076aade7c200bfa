//! One form for all the ways in which a server prints the same SQL.
//!
//! A server prints an expression from its parse tree, and reading back what it printed gives another tree: Postgres
//! moves casts into arrays and sets parentheses anew, MySQL names the character set of a literal. So casts,
//! parentheses, the case of words and blanks do not count. That takes a few different texts for the same, which a
//! copy of the very same text never is.

/// Words that continue the name of a type after a cast.
const TYPE_WORDS: [&str; 7] = ["varying", "precision", "without", "with", "time", "zone", "unsigned"];

/// Brings SQL into one form.
pub(super) fn canonical(sql: &str) -> String {
    let pieces = pieces(sql);
    let mut out = String::with_capacity(sql.len());
    let mut at = 0;
    while at < pieces.len() {
        let piece = pieces[at];
        if piece == "::" {
            let after = after_type(&pieces, at + 1);
            at = if is_named_after(&pieces[at + 1..after], &pieces[after..]) { after + 2 } else { after };
            continue;
        }
        if names_charset(&pieces[at..]) {
            at += 3;
            continue;
        }
        let introducer =
            piece.starts_with('_') && pieces.get(at + 1).is_some_and(|next| next.starts_with('\''));
        if !(introducer || piece == "(" || piece == ")") {
            if !out.is_empty() {
                out.push(' ');
            }
            if is_quoted(piece) { out.push_str(piece) } else { out.push_str(&piece.to_lowercase()) }
        }
        at += 1;
    }
    out
}

/// True for `AS int4` behind a cast to integer: Postgres names a column without a name after its cast, and prints that
/// name only once the view was made from its own print.
fn is_named_after(type_name: &[&str], rest: &[&str]) -> bool {
    let [word, name, ..] = rest else { return false };
    if !word.eq_ignore_ascii_case("as") {
        return false;
    }
    let words: Vec<&str> =
        type_name.iter().copied().filter(|piece| piece.starts_with(char::is_alphabetic)).collect();
    let written = words.join(" ").to_lowercase();
    let inner = match written.as_str() {
        "smallint" => "int2",
        "integer" => "int4",
        "bigint" => "int8",
        "real" => "float4",
        "double precision" => "float8",
        "boolean" => "bool",
        "character" => "bpchar",
        "character varying" => "varchar",
        "timestamp with time zone" => "timestamptz",
        "timestamp without time zone" => "timestamp",
        "time with time zone" => "timetz",
        "time without time zone" => "time",
        _ => words.last().copied().unwrap_or_default(),
    };
    name.trim_matches('"').eq_ignore_ascii_case(inner)
}

/// True for `CHARACTER SET utf8mb3` before `COLLATE utf8mb3_bin`, which says it again: MySQL prints both if both were
/// written, and else the collation alone.
fn names_charset(pieces: &[&str]) -> bool {
    let [character, set, charset, collate, collation, ..] = pieces else { return false };
    character.eq_ignore_ascii_case("character")
        && set.eq_ignore_ascii_case("set")
        && collate.eq_ignore_ascii_case("collate")
        && collation.to_lowercase().starts_with(&charset.to_lowercase())
}

/// The same SQL with the names between backquotes in lower case.
pub(super) fn folded(sql: &str) -> String {
    let fold = |piece: &str| if piece.starts_with('`') { piece.to_lowercase() } else { piece.to_owned() };
    raw_pieces(sql).map(fold).collect()
}

/// Cuts SQL at the places where `separator` (a symbol of one character) stands outside of quotes and parentheses.
pub(super) fn split_outside(sql: &str, separator: char) -> Vec<&str> {
    let (mut depth, mut start, mut offset) = (0_i32, 0, 0);
    let mut parts = Vec::new();
    for piece in raw_pieces(sql) {
        match piece {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ if depth == 0 && piece.starts_with(separator) && !is_quoted(piece) => {
                parts.push(sql[start..offset].trim());
                start = offset + piece.len();
            }
            _ => {}
        }
        offset += piece.len();
    }
    parts.push(sql[start..].trim());
    parts
}

/// The statement before, inside and after its first parentheses.
pub(super) fn around_list(sql: &str) -> Option<(&str, &str, &str)> {
    let (mut depth, mut open, mut offset) = (0_i32, None, 0);
    for piece in raw_pieces(sql) {
        match piece {
            "(" => {
                depth += 1;
                open = open.or(Some(offset));
            }
            ")" => {
                depth -= 1;
                if let (0, Some(open)) = (depth, open) {
                    return Some((
                        sql[..open].trim(),
                        sql[open + 1..offset].trim(),
                        sql[offset + 1..].trim(),
                    ));
                }
            }
            _ => {}
        }
        offset += piece.len();
    }
    None
}

/// The first quoted name in SQL, without its quotes.
pub(super) fn first_quoted(sql: &str) -> Option<String> {
    pieces(sql).into_iter().find(|piece| piece.starts_with(['`', '"'])).map(unquoted)
}

/// A name without its quotes.
pub(super) fn unquoted(name: &str) -> String {
    for quote in ['"', '`'] {
        let inner = name.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner.replace(&format!("{quote}{quote}"), &quote.to_string());
        }
    }
    name.to_owned()
}

fn is_quoted(piece: &str) -> bool {
    piece.starts_with(['\'', '"', '`'])
}

/// The piece after the type that begins at `at`.
fn after_type(pieces: &[&str], mut at: usize) -> usize {
    let is = |at: usize, text: &str| pieces.get(at).is_some_and(|piece| *piece == text);
    at += 1;
    while is(at, ".") {
        at += 2;
    }
    loop {
        if pieces.get(at).is_some_and(|piece| TYPE_WORDS.iter().any(|word| piece.eq_ignore_ascii_case(word)))
        {
            at += 1;
        } else if is(at, "(")
            && pieces.get(at + 1).is_some_and(|piece| piece.bytes().all(|b| b.is_ascii_digit()))
        {
            while at < pieces.len() && !is(at, ")") {
                at += 1;
            }
            at += 1;
        } else if is(at, "[") && is(at + 1, "]") {
            at += 2;
        } else {
            return at;
        }
    }
}

/// The pieces of SQL without blanks.
fn pieces(sql: &str) -> Vec<&str> {
    raw_pieces(sql).filter(|piece| !piece.starts_with(char::is_whitespace)).collect()
}

/// Cuts SQL into blanks, words, quoted texts, `::` and single symbols; together they are the text again.
fn raw_pieces(sql: &str) -> impl Iterator<Item = &str> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let length = match first {
            '\'' | '"' | '`' => quoted_length(rest, first),
            _ if first.is_whitespace() => length_while(rest, char::is_whitespace),
            _ if is_word(first) => length_while(rest, is_word),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        let (piece, after) = rest.split_at(length);
        rest = after;
        Some(piece)
    })
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '$'
}

fn length_while(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|character| !belongs(character)).unwrap_or(text.len())
}

/// The length of a quoted text; a doubled quote stays inside, and so does one after a backslash in a literal.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\\'
            && quote == '\''
            && characters.peek().is_some_and(|(_, next)| *next == '\'' || *next == '\\')
        {
            characters.next();
        } else if character == quote {
            if characters.peek().is_some_and(|(_, next)| *next == quote) {
                characters.next();
            } else {
                return at + quote.len_utf8();
            }
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{around_list, canonical, first_quoted, split_outside};

    #[test]
    fn a_check_printed_twice_by_postgres_is_the_same() {
        let once =
            "((status)::text = ANY ((ARRAY['a'::character varying, 'b (x)'::character varying])::text[]))";
        let twice = "(status)::text = ANY (ARRAY[('a'::character varying)::text, ('b (x)'::character varying(20))::text])";

        assert_eq!(canonical(once), canonical(twice));
        assert_ne!(canonical(once), canonical(&twice.replace("'a'", "'c'")));
        assert_eq!(canonical("x::timestamp without time zone + 1"), "x + 1");
        assert_eq!(canonical("a::\"odd\".\"type\"[]"), "a");
    }

    #[test]
    fn only_what_is_quoted_keeps_its_case_and_blanks() {
        assert_eq!(
            canonical("Select  `A b`\n, 'X  y''Z' , _utf8mb4'q\\'s'"),
            "select `A b` , 'X  y''Z' , 'q\\'s'"
        );
    }

    #[test]
    fn a_character_set_that_its_collation_says_again_does_not_count() {
        let once = canonical("`a` varchar(9) COLLATE utf8mb3_bin NOT NULL");

        assert_eq!(canonical("`a` varchar(9) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin NOT NULL"), once);
        assert_ne!(canonical("`a` varchar(9) CHARACTER SET latin1 NOT NULL"), once);
    }

    #[test]
    fn lists_are_cut_outside_of_quotes_and_parentheses() {
        let (head, inside, tail) =
            around_list("CREATE TABLE t (a int(1), b text DEFAULT '),(', KEY `k` (a,b)) ENGINE=x").unwrap();

        assert_eq!((head, tail), ("CREATE TABLE t", "ENGINE=x"));
        assert_eq!(split_outside(inside, ','), ["a int(1)", "b text DEFAULT '),('", "KEY `k` (a,b)"]);
        assert_eq!(first_quoted("UNIQUE KEY `odd``name` (`a`)").as_deref(), Some("odd`name"));
    }
}
