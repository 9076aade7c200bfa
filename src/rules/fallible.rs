//! Which expressions of a schema may fail: a server refuses a row for which it cannot compute them.

use sqlparser::{
    dialect::GenericDialect,
    tokenizer::{Token, Tokenizer, Word},
};

use crate::schema::{DataType, Table};

/// Words before a parenthesis that call nothing.
const WORDS: [&str; 27] = [
    "and", "or", "not", "in", "any", "all", "some", "case", "when", "then", "else", "between", "like",
    "ilike", "is", "from", "for", "array", "row", "over", "where", "select", "values", "as", "collate", "on",
    "varying",
];

/// Functions that have a value for every argument, if only null.
const TOTAL: &[&str] = &[
    "abs",
    "array_length",
    "ascii",
    "bit_length",
    "btrim",
    "cardinality",
    "ceil",
    "ceiling",
    "char_length",
    "character_length",
    "coalesce",
    "concat",
    "concat_ws",
    "crc32",
    "date_part",
    "date_trunc",
    "extract",
    "floor",
    "glob",
    "greatest",
    "hex",
    "if",
    "ifnull",
    "iif",
    "initcap",
    "instr",
    "isnull",
    "lcase",
    "least",
    "left",
    "length",
    "locate",
    "lower",
    "ltrim",
    "max",
    "md5",
    "min",
    "nullif",
    "octet_length",
    "position",
    "quarter",
    "replace",
    "reverse",
    "right",
    "round",
    "rtrim",
    "setweight",
    "sha1",
    "sha2",
    "sign",
    "soundex",
    "starts_with",
    "strpos",
    "substr",
    "substring",
    "to_tsvector",
    "trim",
    "trunc",
    "typeof",
    "ucase",
    "upper",
    "varchar",
    "character",
    "char",
    "numeric",
    "decimal",
    "year",
    "month",
    "day",
    "dayofmonth",
    "hour",
    "minute",
    "similarity",
    "regexp_replace",
    "substring_index",
    "json_valid",
];

/// Types that any value can be cast to.
const TEXTS: [&str; 9] =
    ["text", "varchar", "character", "char", "bpchar", "name", "citext", "nchar", "json_text"];

/// True if there may be rows of this table that the server refuses because the expression has no value for them: a cast
/// of a text, a document that is none, a division, a function that is not known here.
#[must_use]
pub fn may_fail(table: &Table, expression: &str) -> bool {
    let tokens = Tokenizer::new(&GenericDialect {}, expression).with_unescape(false).tokenize();
    let Ok(mut tokens) = tokens else { return true };
    tokens.retain(|token| !matches!(token, Token::Whitespace(_)));
    (0..tokens.len()).any(|at| fails_at(table, &tokens, at))
}

fn fails_at(table: &Table, tokens: &[Token], at: usize) -> bool {
    let next = tokens.get(at + 1);
    match &tokens[at] {
        Token::Word(word) if next == Some(&Token::LParen) => {
            let name = word.value.to_lowercase();
            let inside = &tokens[at + 1..closing(tokens, at + 1)];
            match name.as_str() {
                "cast" | "convert" => mentions(table, inside, is_free) && !to_text(inside),
                name if word.quote_style.is_none() && WORDS.contains(&name) => false,
                // What names the type of a cast was judged with the cast.
                _ if at > 0 && tokens[at - 1] == Token::DoubleColon => false,
                name if name.starts_with("json") => mentions(table, inside, is_text),
                name => !TOTAL.contains(&name),
            }
        }
        Token::DoubleColon => {
            let text = matches!(next, Some(Token::Word(word)) if TEXTS.contains(&word.value.to_lowercase().as_str()));
            !text && mentions(table, operand(tokens, at), is_free)
        }
        Token::Arrow | Token::LongArrow => mentions(table, operand(tokens, at), is_text),
        Token::Div | Token::Mod => {
            !matches!(next, Some(Token::Number(number, _)) if number.parse::<f64>().is_ok_and(|number| number != 0.0))
        }
        _ => false,
    }
}

/// The place of the parenthesis that closes the one at `open`, or the end.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_i32;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}

/// What stands before an operator: a word, a literal, or what parentheses or brackets hold.
fn operand(tokens: &[Token], operator: usize) -> &[Token] {
    let mut depth = 0_i32;
    for at in (0..operator).rev() {
        match &tokens[at] {
            Token::RParen | Token::RBracket => depth += 1,
            Token::LParen | Token::LBracket => depth -= 1,
            _ => {}
        }
        if depth <= 0 {
            return &tokens[at..operator];
        }
    }
    &tokens[..operator]
}

/// True if the type behind the last AS takes any value.
fn to_text(tokens: &[Token]) -> bool {
    let is = |token: &Token, wanted: &[&str]| matches!(token, Token::Word(word) if wanted.contains(&word.value.to_lowercase().as_str()));
    let last = tokens.iter().rposition(|token| is(token, &["as"]));
    last.and_then(|last| tokens.get(last + 1)).is_some_and(|token| is(token, &TEXTS))
}

fn mentions(table: &Table, tokens: &[Token], wanted: fn(&DataType) -> bool) -> bool {
    tokens.iter().any(|token| match token {
        Token::Word(Word { value, .. }) => {
            table.find(value).is_some_and(|column| wanted(&table.column(column).data_type))
        }
        _ => false,
    })
}

/// True for types whose values may be anything.
fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Text { .. } | DataType::Bytes { .. } | DataType::Other)
}

fn is_free(data_type: &DataType) -> bool {
    is_text(data_type) || matches!(data_type, DataType::Json)
}

#[cfg(test)]
mod tests {
    use super::may_fail;
    use crate::schema::{Column, DataType, Table, TableName};

    fn table() -> Table {
        let text = || DataType::Text { max_chars: None };
        let number = || DataType::Integer { min: 0, max: 100 };
        let columns = vec![
            Column::new("code", text()),
            Column::new("n", number()),
            Column::new("m", number()),
            Column::new("doc", DataType::Json),
        ];
        Table::new(TableName::bare("t"), columns)
    }

    #[test]
    fn casts_of_texts_divisions_and_unknown_functions_may_fail() {
        for expression in [
            "(code)::integer",
            "CAST(code AS date)",
            "cast(`code` as signed)",
            "((doc ->> 'a'::text))::numeric(10,2)",
            "json_extract(code, '$.a')",
            "code ->> '$.a'",
            "to_date(code, 'YYYYMMDD'::text)",
            "n / m",
            "own_function(n)",
        ] {
            assert!(may_fail(&table(), expression), "{expression}");
        }
    }

    #[test]
    fn what_has_a_value_for_every_row_does_not_fail() {
        for expression in [
            "lower((code)::text)",
            "(n)::numeric > (0)::numeric",
            "(code)::character varying(10)",
            "code = ANY (ARRAY['a'::text, 'b'::text])",
            "to_tsvector('english'::regconfig, COALESCE(code, ''::text))",
            "json_extract(doc, '$.a')",
            "(doc ->> 'a'::text)",
            "n / 100",
            "cast(n as char)",
            "deleted_at IS NULL",
        ] {
            assert!(!may_fail(&table(), expression), "{expression}");
        }
    }
}
