//! Reads as much Rust as it takes to see which rooms and crates a file names.

/// A room named by a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// The first segment after `crate::`.
    pub(crate) room: String,
    /// Line, from 1.
    pub(crate) line: usize,
}

/// The room a file (its path below `src`) belongs to: `db/pg/mod.rs` and `db.rs` are both `db`.
pub(crate) fn room_of(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// True for `tests.rs` and for whatever lies in a folder `tests`.
pub(crate) fn is_unit_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/")
}

/// Rooms named outside comments, texts and unit tests: `use crate::…`, inline `crate::…`, and `super::…`
/// where it leaves the room.
pub(crate) fn imports(path: &str, text: &str, rooms: &[String]) -> Vec<Import> {
    if is_unit_test(path) {
        return Vec::new();
    }
    let words = words(text);
    let depth = path.split('/').filter(|part| *part != "mod.rs").count();
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if words[at].text == "crate" && is(&words, at + 1, "::") && !is(&words, at.wrapping_sub(1), "::") {
            segments(&words, at + 2, &mut found);
        } else if words[at].text == "super"
            && is(&words, at + 1, "::")
            && !is(&words, at.wrapping_sub(1), "::")
        {
            let mut levels = 0;
            while is(&words, at, "super") && is(&words, at + 1, "::") {
                levels += 1;
                at += 2;
            }
            if levels >= depth {
                let mut outside = Vec::new();
                segments(&words, at, &mut outside);
                found.extend(outside.into_iter().filter(|import| rooms.contains(&import.room)));
            }
            continue;
        }
        at += 1;
    }
    found
}

/// Crates or macros (`name!`) named by a file outside the rooms that are their home.
pub(crate) fn strays(path: &str, text: &str, names: &[&str], homes: &[&str]) -> Vec<String> {
    if homes.contains(&room_of(path)) || is_unit_test(path) {
        return Vec::new();
    }
    let words = words(text);
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        for name in names {
            let hit = match name.strip_suffix('!') {
                Some(bare) => word.text == bare && is(&words, at + 1, "!"),
                None => word.text == *name && is(&words, at + 1, "::"),
            };
            if hit {
                found.push(format!("src/{path}:{}: {name}", word.line));
            }
        }
    }
    found
}

/// Collects the first segments of a path or of a group in braces that starts at `at`.
fn segments(words: &[Word], at: usize, found: &mut Vec<Import>) {
    let import = |word: &Word| Import { room: word.text.clone(), line: word.line };
    if !is(words, at, "{") {
        found.extend(words.get(at).map(import));
        return;
    }
    let mut level = 0_usize;
    let mut first = true;
    for word in &words[at..] {
        match word.text.as_str() {
            "{" => level += 1,
            "}" => level -= 1,
            "," if level == 1 => first = true,
            _ if level == 1 && first => {
                found.push(import(word));
                first = false;
            }
            _ => {}
        }
        if level == 0 {
            return;
        }
    }
}

struct Word {
    text: String,
    line: usize,
}

fn is(words: &[Word], at: usize, text: &str) -> bool {
    words.get(at).is_some_and(|word| word.text == text)
}

/// Splits a source into identifiers, `::` and single signs, without comments, texts and unit tests.
fn words(text: &str) -> Vec<Word> {
    let signs: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < signs.len() {
        let start = at;
        let sign = signs[at];
        let next = signs.get(at + 1).copied();
        if sign == '/' && next == Some('/') {
            while at < signs.len() && signs[at] != '\n' {
                at += 1;
            }
        } else if sign == '/' && next == Some('*') {
            at = after_block_comment(&signs, at);
        } else if sign == '"' {
            at = after_text(&signs, at);
        } else if sign == 'r' && matches!(next, Some('"' | '#')) && raw_text_hashes(&signs, at).is_some() {
            at = after_raw_text(&signs, at);
        } else if sign == '\'' {
            at = after_char_or_lifetime(&signs, at);
        } else if sign.is_alphanumeric() || sign == '_' {
            while at < signs.len() && (signs[at].is_alphanumeric() || signs[at] == '_') {
                at += 1;
            }
            words.push(Word { text: signs[start..at].iter().collect(), line });
        } else if sign == ':' && next == Some(':') {
            at += 2;
            words.push(Word { text: "::".to_owned(), line });
        } else {
            at += 1;
            if !sign.is_whitespace() {
                words.push(Word { text: sign.to_string(), line });
            }
        }
        line += signs[start..at].iter().filter(|sign| **sign == '\n').count();
    }
    without_unit_tests(words)
}

fn after_block_comment(signs: &[char], mut at: usize) -> usize {
    let mut level = 0;
    while at < signs.len() {
        match (signs[at], signs.get(at + 1)) {
            ('/', Some('*')) => (level, at) = (level + 1, at + 2),
            ('*', Some('/')) => (level, at) = (level - 1, at + 2),
            _ => at += 1,
        }
        if level == 0 {
            break;
        }
    }
    at
}

fn after_text(signs: &[char], mut at: usize) -> usize {
    at += 1;
    while at < signs.len() && signs[at] != '"' {
        at += if signs[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(signs.len())
}

fn raw_text_hashes(signs: &[char], at: usize) -> Option<usize> {
    let hashes = signs[at + 1..].iter().take_while(|sign| **sign == '#').count();
    (signs.get(at + 1 + hashes) == Some(&'"')).then_some(hashes)
}

fn after_raw_text(signs: &[char], at: usize) -> usize {
    let hashes = raw_text_hashes(signs, at).unwrap_or(0);
    let mut end = at + hashes + 2;
    while end < signs.len() {
        if signs[end] == '"'
            && signs[end + 1..].iter().take(hashes).filter(|sign| **sign == '#').count() == hashes
        {
            return end + 1 + hashes;
        }
        end += 1;
    }
    end
}

fn after_char_or_lifetime(signs: &[char], at: usize) -> usize {
    if signs.get(at + 1) == Some(&'\\') {
        let mut end = at + 3;
        while end < signs.len() && signs[end] != '\'' {
            end += 1;
        }
        return (end + 1).min(signs.len());
    }
    if signs.get(at + 2) == Some(&'\'') { at + 3 } else { at + 1 }
}

/// Drops `#[cfg(test)] mod … { … }` and `#[cfg(test)] mod tests;`.
fn without_unit_tests(words: Vec<Word>) -> Vec<Word> {
    const MARK: [&str; 8] = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if (0..MARK.len()).all(|offset| is(&words, at + offset, MARK[offset])) {
            at += MARK.len() + 1;
            let mut level = 0_usize;
            while at < words.len() {
                match words[at].text.as_str() {
                    "{" => level += 1,
                    "}" => level -= 1,
                    _ => {}
                }
                at += 1;
                if level == 0 {
                    break;
                }
            }
        } else {
            kept.push(Word { text: words[at].text.clone(), line: words[at].line });
            at += 1;
        }
    }
    kept
}
