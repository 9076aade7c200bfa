//! What to try when a server refuses the table of another: options that only the source's machine has are left out.

use super::lex::{Kind, Token, tokens};

/// A statement to try instead of the refused one, and what it gives up.
pub(super) struct Attempt {
    /// The statement.
    pub(super) sql: String,
    /// What the copy will lack, for people.
    pub(super) lost: String,
}

/// Options of a table that need a key, a plugin or a place of the machine, and whether a value follows.
const OPTIONS: [&str; 8] = [
    "encryption",
    "encrypted",
    "encryption_key_id",
    "compression",
    "page_compressed",
    "page_compression_level",
    "tablespace",
    "connection",
];

/// Ways around the refusal of a `CREATE TABLE`, the mildest first.
pub(super) fn attempts(sql: &str, error: &str) -> Vec<Attempt> {
    let all = tokens(sql);
    if !all.first().is_some_and(|token| token.is_word("create")) || !sql.contains('(') {
        return Vec::new();
    }
    let mut found = Vec::new();
    let (bare, lost) = without_options(&all);
    if !lost.is_empty() {
        found.push(Attempt { sql: bare.clone(), lost: format!("the options {}", lost.join(", ")) });
    }
    if let Some((sql, engine)) = with_innodb(&bare) {
        found.push(Attempt { sql, lost: format!("the engine {engine}") });
    }
    // 3750: the server asks for a primary key in every table. This one is what it would add by itself.
    if error.contains("(error 3750)")
        && let Some((head, body)) = sql.split_once('(')
        && !all.iter().any(|token| token.is_word("auto_increment"))
    {
        let key = "`my_row_id` bigint unsigned NOT NULL AUTO_INCREMENT /*!80023 INVISIBLE */ PRIMARY KEY";
        found.push(Attempt {
            sql: format!("{head}(\n  {key},{body}"),
            lost: "being without a primary key (it got an invisible one)".to_owned(),
        });
    }
    found
}

fn without_options(all: &[Token<'_>]) -> (String, Vec<String>) {
    let mut kept = String::new();
    let mut lost = Vec::new();
    let mut at = 0;
    while at < all.len() {
        let token = &all[at];
        // `/*!50100 TABLESPACE `x` */`
        let hidden = token.kind == Kind::Comment
            && token.text.starts_with("/*!")
            && ["TABLESPACE", "ENCRYPTION", "COMPRESSION"].iter().any(|word| token.text.contains(word))
            && !token.text.contains("PARTITION");
        if hidden {
            lost.push(
                token
                    .text
                    .trim_start_matches("/*!")
                    .trim_end_matches("*/")
                    .trim_start_matches(|c: char| c.is_ascii_digit())
                    .trim()
                    .to_owned(),
            );
            at += 1;
            continue;
        }
        let name = token.name().unwrap_or_default().to_lowercase();
        let next = (at + 1..all.len()).find(|next| !all[*next].is_blank());
        let value = next
            .filter(|next| all[*next].is_symbol("="))
            .and_then(|equals| (equals + 1..all.len()).find(|next| !all[*next].is_blank()));
        match value.filter(|_| OPTIONS.contains(&name.as_str())) {
            Some(value) => {
                lost.push(name.to_uppercase());
                at = value + 1;
            }
            None => {
                kept.push_str(token.text);
                at += 1;
            }
        }
    }
    (kept, lost)
}

/// The statement with InnoDB for whatever engine it names.
fn with_innodb(sql: &str) -> Option<(String, String)> {
    let all = tokens(sql);
    let engine = all.iter().rposition(|token| token.is_word("engine"))?;
    let named = (engine + 1..all.len()).find(|at| all[*at].kind == Kind::Word)?;
    if all[named].is_word("innodb") {
        return None;
    }
    let text = |range: std::ops::Range<usize>| all[range].iter().map(|token| token.text).collect::<String>();
    let sql = format!("{}InnoDB{}", text(0..named), text(named + 1..all.len()));
    Some((sql, all[named].text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::attempts;

    #[test]
    fn options_of_the_machine_are_given_up_before_the_engine() {
        let sql = "CREATE TABLE `t` (\n  `compression` int NOT NULL DEFAULT '1',\n  `x` varchar(9) DEFAULT 'ENCRYPTION=1'\n) /*!50100 TABLESPACE `fast` */ ENGINE=ROCKSDB COMPRESSION='zlib' ENCRYPTION='Y' COMMENT='c'";
        let found = attempts(sql, "cannot run a statement: no (error 1286)");

        let [options, engine] = &found[..] else { panic!() };
        assert!(options.sql.contains("`compression` int") && options.sql.contains("'ENCRYPTION=1'"));
        assert!(options.sql.ends_with(")  ENGINE=ROCKSDB   COMMENT='c'"), "{}", options.sql);
        assert_eq!(options.lost, "the options TABLESPACE `fast`, COMPRESSION, ENCRYPTION");
        assert!(engine.sql.contains("ENGINE=InnoDB") && engine.lost == "the engine ROCKSDB");
    }

    #[test]
    fn a_server_that_asks_for_primary_keys_gets_an_invisible_one() {
        let found = attempts("CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB", "no (error 3750)");

        assert_eq!(found.len(), 1);
        assert!(found[0].sql.starts_with("CREATE TABLE `t` (\n  `my_row_id` bigint"));
        assert!(found[0].sql.ends_with("PRIMARY KEY,\n  `a` int\n) ENGINE=InnoDB"));
    }
}
