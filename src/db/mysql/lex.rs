//! A careful tokenizer for the SQL that MySQL and MariaDB print: it never changes what it does not understand.
//! Joining the texts of all tokens gives the input back, byte for byte.

/// What a [`Token`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name in backticks.
    Quoted,
    /// A bare word or number.
    Word,
    /// A string in single or double quotes.
    Text,
    /// A comment, also an executable one (`/*!80016 … */`).
    Comment,
    /// White space.
    Space,
    /// Any other character.
    Symbol,
}

/// A slice of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// What it is.
    pub(super) kind: Kind,
    /// Its text, quotes included.
    pub(super) text: &'a str,
}

impl Token<'_> {
    /// True for this bare word, whatever its case.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// True for this character.
    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }

    /// True for white space and comments.
    pub(super) fn is_blank(&self) -> bool {
        matches!(self.kind, Kind::Space | Kind::Comment)
    }

    /// The name this token stands for, if it can be one.
    pub(super) fn name(&self) -> Option<String> {
        match self.kind {
            Kind::Quoted => {
                let inner = self.text.strip_prefix('`').unwrap_or(self.text);
                Some(inner.strip_suffix('`').unwrap_or(inner).replace("``", "`"))
            }
            Kind::Word => Some(self.text.to_owned()),
            _ => None,
        }
    }

    /// The name this token stands for where names may also stand in double quotes: in an object that was made under
    /// `ANSI_QUOTES`, which servers print that way.
    pub(super) fn ansi_name(&self) -> Option<String> {
        let quoted =
            (self.kind == Kind::Text).then(|| self.text.strip_prefix('"')?.strip_suffix('"')).flatten();
        quoted.map(|inner| inner.replace("\"\"", "\"")).or_else(|| self.name())
    }
}

/// Cuts SQL into tokens.
pub(super) fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = measure(rest, first);
        let (text, tail) = rest.split_at(length);
        found.push(Token { kind, text });
        rest = tail;
    }
    found
}

fn measure(rest: &str, first: char) -> (Kind, usize) {
    let span = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    let to_line_end = || rest.find('\n').unwrap_or(rest.len());
    match first {
        '`' => (Kind::Quoted, quoted_length(rest, '`', false)),
        '\'' | '"' => (Kind::Text, quoted_length(rest, first, true)),
        '#' => (Kind::Comment, to_line_end()),
        '-' if is_dash_comment(rest) => (Kind::Comment, to_line_end()),
        '/' if rest.starts_with("/*") => (Kind::Comment, rest.find("*/").map_or(rest.len(), |end| end + 2)),
        c if c.is_whitespace() => (Kind::Space, span(char::is_whitespace)),
        c if is_word_char(c) => (Kind::Word, span(is_word_char)),
        c => (Kind::Symbol, c.len_utf8()),
    }
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii() && !c.is_whitespace()
}

fn is_dash_comment(rest: &str) -> bool {
    // MySQL wants a blank after the dashes: `5--1` is arithmetic.
    rest.strip_prefix("--").is_some_and(|tail| tail.is_empty() || tail.starts_with(char::is_whitespace))
}

fn quoted_length(rest: &str, quote: char, backslash: bool) -> usize {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if backslash && c == '\\' {
            characters.next();
        } else if c == quote {
            match characters.peek() {
                Some((_, next)) if *next == quote => {
                    characters.next();
                }
                _ => return at + c.len_utf8(),
            }
        }
    }
    rest.len()
}
