//! MySQL and MariaDB each have collations the other lacks: `utf8mb4_0900_ai_ci`, `utf8mb4_uca1400_ai_ci`.

use super::lex::{Kind, tokens};

/// Rewrites the collations that a server of the other flavour does not know to the nearest it has. Returns
/// the SQL and the pairs replaced; nothing replaced is an empty list.
pub(super) fn translate(sql: &str, mariadb: bool) -> (String, Vec<(String, &'static str)>) {
    let mut replaced: Vec<(String, &'static str)> = Vec::new();
    let rewritten = tokens(sql)
        .iter()
        .map(|token| {
            let nearest = (token.kind == Kind::Word).then(|| nearest(token.text, mariadb)).flatten();
            let Some(nearest) = nearest else { return token.text };
            let pair = (token.text.to_owned(), nearest);
            if !replaced.contains(&pair) {
                replaced.push(pair);
            }
            nearest
        })
        .collect();
    (rewritten, replaced)
}

/// The nearest collation of the target's flavour: sensitivity to case and accent is kept, because
/// uniqueness depends on it; the order of letters may differ in rare languages.
fn nearest(name: &str, mariadb: bool) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let parts: Vec<&str> = name.split('_').collect();
    let has = |part: &str| parts.contains(&part);
    if mariadb && has("utf8mb4") && has("0900") {
        // MariaDB tells accents apart only where it tells case apart as well, before its version 10.10.
        return Some(if has("ci") && !has("as") { "utf8mb4_unicode_520_ci" } else { "utf8mb4_bin" });
    }
    if !mariadb && has("uca1400") {
        return Some(match (has("utf8mb3"), has("ci"), has("as")) {
            (true, true, _) => "utf8mb3_unicode_ci",
            (true, false, _) => "utf8mb3_bin",
            (false, true, false) => "utf8mb4_0900_ai_ci",
            (false, true, true) => "utf8mb4_0900_as_ci",
            (false, false, _) => "utf8mb4_0900_as_cs",
        });
    }
    None
}
