//! What the login may do: what it cannot see on a source, and what it lacks on a target, with the GRANT that helps.

use crate::{
    db::{DbError, DbErrorKind},
    finding::Finding,
};

use super::{
    lex::{Kind, tokens},
    server::Connection,
    sql::{identifier, literal},
};

/// What a load needs on the target and on the databases beside it.
const LOADING: &str = "SELECT, INSERT, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW, TRIGGER, \
                       CREATE ROUTINE, ALTER ROUTINE, EVENT";

/// One line of `SHOW GRANTS`.
#[derive(Debug, PartialEq, Eq)]
struct Grant {
    privileges: Vec<String>,
    /// The database, as a pattern of LIKE; `%` for all.
    database: String,
    /// False if it is about one table, column or routine.
    whole: bool,
}

/// Reads `GRANT SELECT, SHOW VIEW ON `shop`.* TO …`; none for a line that grants a role.
fn read(line: &str) -> Option<Grant> {
    let all: Vec<_> = tokens(line).into_iter().filter(|token| !token.is_blank()).collect();
    if !all.first()?.is_word("grant") {
        return None;
    }
    let mut depth = 0;
    let on = all.iter().position(|token| {
        depth += i32::from(token.is_symbol("(")) - i32::from(token.is_symbol(")"));
        depth == 0 && token.is_word("on")
    })?;
    let privileges = all[1..on]
        .split(|token| token.is_symbol(","))
        .map(|words| {
            let plain = words.iter().take_while(|token| token.kind == Kind::Word);
            plain.map(|token| token.text.to_uppercase()).collect::<Vec<_>>().join(" ")
        })
        // What is left of a list of columns.
        .filter(|privilege| !privilege.is_empty())
        .collect();
    let object = &all[on + 1..];
    let database = object.first()?;
    let database = if database.is_symbol("*") { "%".to_owned() } else { database.name()? };
    Some(Grant { privileges, database, whole: object.get(2).is_some_and(|token| token.is_symbol("*")) })
}

/// True if a name fits a pattern of LIKE with backslash as escape, as grants write databases.
fn fits(pattern: &str, name: &str) -> bool {
    fn rest(pattern: &[char], name: &[char]) -> bool {
        match pattern {
            [] => name.is_empty(),
            ['%', more @ ..] => (0..=name.len()).any(|at| rest(more, &name[at..])),
            ['_', more @ ..] => !name.is_empty() && rest(more, &name[1..]),
            ['\\', plain, more @ ..] | [plain, more @ ..] => {
                name.first() == Some(plain) && rest(more, &name[1..])
            }
        }
    }
    rest(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
}

/// The login, as a GRANT writes it: `'user'@'host'`.
fn login(connection: &mut Connection) -> Result<String, DbError> {
    let who = connection.one("SELECT CURRENT_USER() AS who")?.text("who");
    let (user, host) = who.rsplit_once('@').unwrap_or((&who, "%"));
    Ok(format!("{}@{}", literal(user), literal(host)))
}

/// Says what kinds of objects the login cannot see in the source. The server hides them without a word.
pub(super) fn unseen(connection: &mut Connection) -> Result<Vec<Finding>, DbError> {
    let role =
        connection.one("SELECT CURRENT_ROLE() AS role").map(|row| row.text("role")).unwrap_or_default();
    let using = if connection.server.mariadb || role.is_empty() || role == "NONE" {
        "SHOW GRANTS".to_owned()
    } else {
        format!("SHOW GRANTS FOR CURRENT_USER() USING {role}")
    };
    let Ok(lines) = connection.records(&using) else { return Ok(Vec::new()) };
    let grants: Vec<Grant> = lines.iter().filter_map(|line| read(&line.nth(0)?)).collect();
    let database = connection.server.database.clone();
    let may = |privileges: &[&str], everywhere: bool| {
        grants.iter().filter(|grant| grant.whole && fits(&grant.database, &database)).any(|grant| {
            (!everywhere || grant.database == "%")
                && grant
                    .privileges
                    .iter()
                    .any(|held| held.starts_with("ALL") || privileges.contains(&held.as_str()))
        })
    };
    // Nothing understood, nothing claimed.
    if !may(&["SELECT"], false) {
        return Ok(Vec::new());
    }
    let routines = may(&["CREATE ROUTINE", "ALTER ROUTINE", "EXECUTE", "SHOW CREATE ROUTINE"], false)
        || may(&["SELECT", "SHOW_ROUTINE"], true);
    let hidden = [
        ("triggers", "TRIGGER", may(&["TRIGGER"], false)),
        ("events", "EVENT", may(&["EVENT"], false)),
        ("routines", if connection.server.mariadb { "EXECUTE" } else { "SHOW_ROUTINE" }, routines),
    ];
    let login = login(connection)?;
    let scope = |privilege: &str| {
        if privilege == "SHOW_ROUTINE" { "*".to_owned() } else { identifier(&database) }
    };
    let unseen = hidden.into_iter().filter(|(_, _, seen)| !seen).map(|(what, privilege, _)| {
        Finding::note("hidden-objects", format!("the login may not see {what}"))
            .instead("if there are any, the copy lacks them")
            .remedy(format!("GRANT {privilege} ON {}.* TO {login}", scope(privilege)))
    });
    Ok(unseen.collect())
}

/// Explains a refusal on the target: names the database and the GRANT.
pub(super) fn explain(connection: &mut Connection, error: &DbError, patterns: &[String]) -> DbError {
    let login = login(connection).unwrap_or_else(|_| "the login".to_owned());
    let lines: Vec<String> = patterns
        .iter()
        .map(|pattern| format!("GRANT {LOADING} ON {}.* TO {login}", identifier(pattern)))
        .collect();
    DbError::new(DbErrorKind::Permission, format!("{}; this helps: {}", error.message, lines.join("; ")))
}

/// A database as a GRANT takes it: its name is a pattern.
pub(super) fn pattern(database: &str) -> String {
    database.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%")
}

/// Tries in a database what a load does there, and takes it back.
pub(super) fn try_tables(connection: &mut Connection, database: &str) -> Result<(), DbError> {
    let name = |table: &str| format!("{}.{}", identifier(database), identifier(table));
    let (parent, child) = (name("_dbsynth_try"), name("_dbsynth_try_child"));
    let steps = [
        format!("CREATE TABLE {parent} (id INT NOT NULL PRIMARY KEY)"),
        format!("CREATE TABLE {child} (id INT NOT NULL PRIMARY KEY, parent INT)"),
        format!("ALTER TABLE {child} ADD KEY parent (parent)"),
        format!("INSERT INTO {parent} VALUES (1)"),
        format!("SELECT id FROM {parent}"),
        format!("ALTER TABLE {child} ADD FOREIGN KEY (parent) REFERENCES {parent} (id)"),
        format!("DELETE FROM {parent}"),
    ];
    let done = steps.iter().try_for_each(|sql| {
        connection.records(sql).map(|_| ()).map_err(|error| {
            DbError::new(error.kind, format!("the login lacks a right on {database}: {}", error.message))
        })
    });
    let dropped = connection.run(&format!("DROP TABLE IF EXISTS {child}, {parent}")).map(|_| ());
    done.and(dropped)
}

/// Tries whether a table can move from one database to another and back.
pub(super) fn try_move(connection: &mut Connection, side: &str, target: &str) -> Result<(), DbError> {
    let place = |database: &str| format!("{}.{}", identifier(database), identifier("_dbsynth_try"));
    let (here, there) = (place(side), place(target));
    connection.run(&format!("CREATE TABLE {here} (id INT NOT NULL PRIMARY KEY)"))?;
    let moved = connection
        .run(&format!("RENAME TABLE {here} TO {there}"))
        .and_then(|_| connection.run(&format!("RENAME TABLE {there} TO {here}")))
        .map(|_| ())
        .map_err(|error| {
            DbError::new(error.kind, format!("the login lacks a right on {target}: {}", error.message))
        });
    for left in [here, there] {
        if let Err(error) = connection.run(&format!("DROP TABLE IF EXISTS {left}")) {
            tracing::debug!(%error, "could not remove a table of a trial");
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::{Grant, fits, read};

    #[test]
    fn a_grant_is_read_with_its_scope() {
        let grant = |privileges: &[&str], database: &str, whole| {
            let privileges = privileges.iter().map(|privilege| (*privilege).to_owned()).collect();
            Some(Grant { privileges, database: database.to_owned(), whole })
        };
        let cases = [
            (
                "GRANT SELECT, SHOW VIEW ON `shop`.* TO `me`@`%`",
                grant(&["SELECT", "SHOW VIEW"], "shop", true),
            ),
            (
                "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION",
                grant(&["ALL PRIVILEGES"], "%", true),
            ),
            (
                "GRANT SELECT (`a`, `on`), INSERT ON `s`.`t` TO `me`@`%`",
                grant(&["SELECT", "INSERT"], "s", false),
            ),
            ("GRANT `reader`@`%` TO `me`@`%`", None),
        ];
        for (line, expected) in cases {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn a_database_fits_its_pattern() {
        assert!(fits("shop\\_eu", "shop_eu") && !fits("shop\\_eu", "shopxeu"));
        assert!(fits("shop%", "shop__dbsynth_new") && fits("sh_p", "shop") && !fits("shop", "shops"));
    }
}
