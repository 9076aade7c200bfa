//! The rooms table, and what breaks it. Checked on planted violations below.

pub(crate) mod scan;

/// The rows of the table: a room and the rooms it may import, in order.
pub(crate) struct Rooms {
    rows: Vec<(String, Vec<String>)>,
}

impl Rooms {
    /// Reads the table that has the columns `room`, `one line` and `may import`.
    pub(crate) fn parse(document: &str) -> Self {
        let table = document
            .lines()
            .skip_while(|line| !line.starts_with("| room |"))
            .skip(2)
            .take_while(|line| line.starts_with('|'));
        let mut rows: Vec<(String, Vec<String>)> = Vec::new();
        for line in table {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [room, _, imports] = cells[..] else {
                panic!("a row of the table needs three cells: {line}")
            };
            let imports = match imports {
                "–" => Vec::new(),
                "all above" => rows.iter().map(|(name, _)| name.clone()).collect(),
                names => names.split_whitespace().map(str::to_owned).collect(),
            };
            rows.push((room.trim_matches('`').to_owned(), imports));
        }
        assert!(!rows.is_empty(), "ARCHITECTURE.md has no table of rooms");
        Self { rows }
    }

    /// All rooms, top to bottom.
    pub(crate) fn names(&self) -> Vec<String> {
        self.rows.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Rows that name a room which does not stand above them.
    pub(crate) fn upward_rows(&self) -> Vec<String> {
        let names = self.names();
        let mut wrong = Vec::new();
        for (index, (room, imports)) in self.rows.iter().enumerate() {
            for import in imports.iter().filter(|import| !names[..index].contains(*import)) {
                wrong.push(format!("{room} may not import {import}, which does not stand above it"));
            }
        }
        wrong
    }

    /// Imports of a file (its path below `src`) that the table does not allow.
    pub(crate) fn violations(&self, path: &str, text: &str) -> Vec<String> {
        let room = scan::room_of(path);
        if matches!(room, "lib" | "main") {
            return Vec::new();
        }
        let allowed = self.rows.iter().find(|(name, _)| name == room).map_or(&[][..], |(_, imports)| imports);
        let names = self.names();
        scan::imports(path, text, &names)
            .into_iter()
            .filter(|import| import.room != room && !allowed.contains(&import.room))
            .map(|import| format!("src/{path}:{}: {room} imports {}", import.line, import.room))
            .collect()
    }
}

mod planted {
    use super::{Rooms, scan};

    const TABLE: &str = "text\n\n| room | one line | may import |\n|---|---|---|\n| `seed` | a | – |\n\
        | `schema` | b | seed |\n| `db` | c | schema |\n| `cli` | d | all above |\n\nmore\n";

    fn violations(path: &str, text: &str) -> Vec<String> {
        Rooms::parse(TABLE).violations(path, text)
    }

    #[test]
    fn the_table_is_read_whole() {
        assert_eq!(Rooms::parse(TABLE).names(), ["seed", "schema", "db", "cli"]);
        assert_eq!(Rooms::parse(TABLE).upward_rows(), Vec::<String>::new());
    }

    #[test]
    fn a_row_that_names_a_lower_room_is_caught() {
        let turned = TABLE.replace("| seed |\n| `db`", "| db |\n| `db`");

        assert_eq!(Rooms::parse(&turned).upward_rows().len(), 1);
    }

    #[test]
    fn allowed_imports_pass() {
        assert!(violations("db/mod.rs", "use crate::{db::sql, schema::Table};\n").is_empty());
        assert!(violations("cli/a.rs", "use crate::db;\nfn f() { crate::seed::go() }\n").is_empty());
    }

    #[test]
    fn a_forbidden_use_is_caught_with_its_line() {
        assert_eq!(
            violations("schema/mod.rs", "//! Doc.\n\nuse crate::db::Source;\n"),
            ["src/schema/mod.rs:3: schema imports db"]
        );
    }

    #[test]
    fn a_forbidden_use_in_braces_is_caught() {
        let text = "use crate::{\n    schema::{Table, TableId},\n    seed,\n    cli::{self, Args},\n};\n";

        assert_eq!(
            violations("db/pg/mod.rs", text),
            ["src/db/pg/mod.rs:3: db imports seed", "src/db/pg/mod.rs:4: db imports cli",]
        );
    }

    #[test]
    fn a_forbidden_inline_path_is_caught() {
        assert_eq!(
            violations("seed.rs", "fn f(x: &crate::schema::Table) {}\n"),
            ["src/seed.rs:1: seed imports schema"]
        );
    }

    #[test]
    fn a_way_around_through_super_is_caught() {
        assert_eq!(violations("schema/mod.rs", "use super::db::connect;\n").len(), 1);
        assert_eq!(violations("schema/types.rs", "use super::super::db::connect;\n").len(), 1);
        assert!(violations("schema/types.rs", "use super::Table;\n").is_empty());
    }

    #[test]
    fn a_glob_of_the_whole_crate_is_caught() {
        assert_eq!(violations("db/mod.rs", "use crate::*;\n"), ["src/db/mod.rs:1: db imports *"]);
    }

    #[test]
    fn comments_texts_and_unit_tests_do_not_count() {
        let text = "/// See [`crate::cli::run`].\n/* crate::cli /* nested */ */\n\
            const A: &str = \"crate::cli \\\" crate::cli\"; const B: &str = r#\"crate::cli \" \"#;\n\
            #[cfg(test)]\nmod tests {\n    use crate::cli::run;\n    fn f() { '{'; }\n}\nuse crate::cli;\n";

        assert_eq!(violations("seed.rs", text), ["src/seed.rs:9: seed imports cli"]);
        assert!(violations("seed/tests.rs", "use crate::cli;").is_empty());
        assert!(violations("seed/tests/server.rs", "use crate::cli;").is_empty());
    }

    #[test]
    fn a_crate_or_macro_outside_its_room_is_caught() {
        let strays = |path: &str, text: &str| scan::strays(path, text, &["sqlx", "println!"], &["db"]);

        assert_eq!(strays("plan/mod.rs", "use sqlx::Row;\n"), ["src/plan/mod.rs:1: sqlx"]);
        assert_eq!(
            strays("plan/mod.rs", "fn f() {\n    println!(\"\");\n}\n"),
            ["src/plan/mod.rs:2: println!"]
        );
        assert!(strays("db/mod.rs", "use sqlx::Row;\n").is_empty());
        assert!(strays("plan/mod.rs", "// sqlx\nlet sqlx_like = 1; // println!\n").is_empty());
    }
}
