//! Writes a database. MySQL has no transactional DDL, so everything is built in a side database
//! (`<target>__dbsynth_new`) and moved into place by one `RENAME TABLE` at the end.

use crate::{
    config::{DbUrl, TargetSettings},
    data::TableData,
    db::{Blueprint, DbError, DbErrorKind, Inventory, ScriptError, ServerIdentity, Session, Sink},
    finding::Finding,
    schema::{Schema, Table, TableName},
};

use super::{
    catalog::MARKER,
    collation,
    ddl::{ALTER_DATABASE, wanted_settings},
    grants, portable,
    road::Road,
    server::Connection,
    source::COMMON_SETTINGS,
    sql::{Fixture, fixture, identifier, literal},
    swap, user_sql, waiting,
};

/// Strict, but a zero date in a DEFAULT stays possible and 0 is a value like any other.
pub(super) const SQL_MODE: &str =
    "STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ALLOW_INVALID_DATES";
/// Where the load builds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Site {
    /// `begin` was not called yet.
    Nowhere,
    /// In a side database.
    Side(String),
    /// In the (empty) target itself, for want of the right to create databases.
    InPlace,
}

/// A view, trigger, routine or event to be made in the target once its tables are there.
pub(super) struct Later {
    /// What it is.
    pub(super) kind: Fixture,
    /// Its name.
    pub(super) name: String,
    /// The statement.
    pub(super) sql: String,
}

/// A database opened for writing.
pub(super) struct MySqlSink {
    url: DbUrl,
    limits: TargetSettings,
    pub(super) connection: Connection,
    place: Site,
    road: Road,
    later: Vec<Later>,
    /// Statements that bring the target's own character set and collation to what they are to be, and back.
    defaults: Option<[String; 2]>,
    findings: Vec<Finding>,
    /// Kept with the marker.
    note: Option<String>,
    /// True if what was built stays after a failure.
    keeps: bool,
}

impl MySqlSink {
    /// Connects; changes nothing.
    pub(super) fn open(url: &DbUrl, limits: &TargetSettings) -> Result<Self, DbError> {
        let mut connection = Connection::open(url)?;
        for setting in settings() {
            connection.run_as("set up the session", &setting)?;
        }
        connection.try_settings(&COMMON_SETTINGS);
        limit_locks(&mut connection, limits);
        connection.try_settings(if connection.server.mariadb {
            &[
                "max_statement_time = 0",
                "explicit_defaults_for_timestamp = 1",
                "system_versioning_alter_history = 'KEEP'",
                "innodb_strict_mode = 0",
            ]
        } else {
            &[
                "explicit_defaults_for_timestamp = 1",
                "restrict_fk_on_non_standard_key = 0",
                "sql_require_primary_key = 0",
                "sql_generate_invisible_primary_key = 0",
                "information_schema_stats_expiry = 0",
                "innodb_strict_mode = 0",
            ]
        });
        Ok(Self {
            url: url.clone(),
            limits: *limits,
            connection,
            place: Site::Nowhere,
            road: Road::new(),
            later: Vec::new(),
            defaults: None,
            findings: Vec::new(),
            note: None,
            keeps: false,
        })
    }

    fn target(&self) -> String {
        self.connection.server.database.clone()
    }

    /// The name of a database beside the target, within MySQL's 64 characters.
    fn beside(&self, suffix: &str) -> String {
        let room = 64 - suffix.chars().count();
        let stem: String = self.target().chars().take(room).collect();
        format!("{stem}{suffix}")
    }

    /// Makes the side database and tries, on empty tables, every right that the load and the swap will need: a right
    /// that is missing at the end would cost all the work.
    fn enter_side(&mut self, side: &str) -> Result<(), DbError> {
        self.make_side(side)?;
        let (target, trash) = (self.target(), self.beside("__dbsynth_old"));
        let tried = grants::try_tables(&mut self.connection, side)
            .and_then(|()| grants::try_move(&mut self.connection, side, &target))
            .and_then(|()| {
                let doing = "create a database for the old copy";
                self.connection.run_as(doing, &format!("CREATE DATABASE {}", identifier(&trash)))?;
                self.connection.run(&format!("DROP DATABASE {}", identifier(&trash))).map(|_| ())
            });
        if let Err(error) = tried {
            self.connection.run(&format!("DROP DATABASE IF EXISTS {}", identifier(side)))?;
            return Err(error);
        }
        self.place = Site::Side(side.to_owned());
        self.connection.run_as("enter the side database", &format!("USE {}", identifier(side)))?;
        Ok(())
    }

    /// Without a side database an empty target is filled itself.
    fn stay_in_place(&mut self, side: &str, refused: &DbError) -> Result<(), DbError> {
        let (target, trash) = (self.target(), self.beside("__dbsynth_old"));
        if !self.inventory()?.tables.is_empty() {
            let both = grants::pattern(&self.beside("__dbsynth_")) + "%";
            let refused = DbError::new(
                refused.kind,
                format!("{}; without it the tables in {target} cannot be replaced safely", refused.message),
            );
            return Err(grants::explain(&mut self.connection, &refused, &[grants::pattern(&target), both]));
        }
        if let Err(error) = grants::try_tables(&mut self.connection, &target) {
            return Err(match error.kind {
                DbErrorKind::Permission => {
                    grants::explain(&mut self.connection, &error, &[grants::pattern(&target)])
                }
                _ => error,
            });
        }
        self.place = Site::InPlace;
        self.connection.run(&format!("DROP TABLE IF EXISTS {}", identifier(MARKER)))?;
        self.connection.run(&format!("CREATE TABLE {} {MARKER_COLUMNS}", identifier(MARKER)))?;
        self.findings.push(
            Finding::warning("not-atomic", format!("the login may not create the database {side}"))
                .instead("the target, being empty, is filled in place: readers see it grow")
                .remedy(format!("grant CREATE, DROP, ALTER and INSERT on {side} and {trash}")),
        );
        Ok(())
    }

    fn make_side(&mut self, side: &str) -> Result<(), DbError> {
        let sql = format!("CREATE DATABASE {} {}", identifier(side), self.defaults_of_target()?);
        self.connection.run_as("create a side database", &sql)?;
        let marker = format!("{}.{}", identifier(side), identifier(MARKER));
        self.connection
            .run_as("mark the side database", &format!("CREATE TABLE {marker} {MARKER_COLUMNS}"))?;
        Ok(())
    }

    /// The target's character set and collation, as clauses of `CREATE` and `ALTER DATABASE`.
    fn defaults_of_target(&mut self) -> Result<String, DbError> {
        let found = self.connection.one(&format!(
            "SELECT DEFAULT_CHARACTER_SET_NAME AS charset, DEFAULT_COLLATION_NAME AS collation_name \
             FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {}",
            literal(&self.target())
        ))?;
        let (charset, collation) = (found.text("charset"), found.text("collation_name"));
        Ok(format!("CHARACTER SET = {charset} COLLATE = {collation}"))
    }

    /// Gives the database the source's character set and collation: routines and events take them for whatever
    /// names none. The target itself changes at the end, but the right to do so is tried here.
    fn adopt_defaults(&mut self, wanted: &str) -> Result<(), DbError> {
        let present = self.defaults_of_target()?;
        if present == wanted {
            return Ok(());
        }
        let of_target = format!("{ALTER_DATABASE}{} ", identifier(&self.target()));
        self.connection.run_as("change the database's character set", &format!("{of_target}{present}"))?;
        self.execute_portably(&format!("{ALTER_DATABASE}{wanted}"))?;
        // What the server made of it: a collation it does not know was replaced.
        let made = self
            .connection
            .one("SELECT @@character_set_database AS charset, @@collation_database AS collation_name")?;
        let made =
            format!("CHARACTER SET = {} COLLATE = {}", made.text("charset"), made.text("collation_name"));
        self.defaults = Some([format!("{of_target}{made}"), format!("{of_target}{present}")]);
        Ok(())
    }

    /// Writes rows by INSERT whatever the server allows; the tests compare both roads.
    #[cfg(test)]
    pub(super) fn forbid_infile(&mut self) {
        self.road.forbid_infile();
    }

    /// Runs a statement; if the server does not know a collation because it is of the other flavour, runs it
    /// again with the nearest one.
    fn execute_portably(&mut self, sql: &str) -> Result<(), DbError> {
        let Err(refused) = make(&mut self.connection, sql) else { return Ok(()) };
        let (translated, replaced) = collation::translate(sql, self.connection.server.mariadb);
        if replaced.is_empty() || make(&mut self.connection, &translated).is_err() {
            return self.execute_reduced(&translated, refused);
        }
        for (from, to) in replaced {
            let what = format!("{} has no collation {from}", self.connection.server.title());
            let finding = Finding::warning("collation-replaced", what).instead(format!("{to} is used"));
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
        Ok(())
    }

    /// Tries a refused table again without what only the source's machine has.
    fn execute_reduced(&mut self, sql: &str, refused: DbError) -> Result<(), DbError> {
        for attempt in portable::attempts(sql, &refused.message) {
            if make(&mut self.connection, &attempt.sql).is_ok() {
                let finding = Finding::warning("table-reduced", refused.message);
                self.findings.push(finding.instead(format!("made without {}", attempt.lost)));
                return Ok(());
            }
        }
        Err(refused)
    }

    fn roll_back(&mut self) -> Result<(), DbError> {
        self.road.close();
        match std::mem::replace(&mut self.place, Site::Nowhere) {
            Site::Nowhere => Ok(()),
            Site::Side(_) if self.keeps => swap::mark(&mut self.connection, &self.later, None),
            Site::Side(side) => {
                self.connection.run(&format!("DROP DATABASE IF EXISTS {}", identifier(&side)))?;
                Ok(())
            }
            Site::InPlace => {
                swap::drop_everything(&mut self.connection)?;
                match self.defaults.take() {
                    Some([_, present]) => self.connection.run(&present).map(|_| ()),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Columns of the table in which dbsynth notes what it made.
pub(super) const MARKER_COLUMNS: &str = "(name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY, version VARCHAR(32) NOT NULL, \
     note LONGTEXT CHARACTER SET utf8mb4) \
     COMMENT = 'tables made by dbsynth; it will not replace others'";

/// A table that somebody reads cannot move: for so long it is waited for.
fn limit_locks(connection: &mut Connection, limits: &TargetSettings) {
    let seconds = limits.lock_seconds();
    connection.try_settings(&[
        &format!("lock_wait_timeout = {seconds}"),
        &format!("innodb_lock_wait_timeout = {seconds}"),
    ]);
}

/// Statements that prepare a session for bulk loading.
fn settings() -> Vec<String> {
    vec![
        "SET NAMES utf8mb4".to_owned(),
        format!("SET SESSION sql_mode = '{SQL_MODE}'"),
        "SET SESSION time_zone = '+00:00'".to_owned(),
        "SET SESSION foreign_key_checks = 0".to_owned(),
        "SET SESSION unique_checks = 0".to_owned(),
        // A connection waits while other tables are generated.
        "SET SESSION wait_timeout = 86400".to_owned(),
        "SET SESSION net_read_timeout = 3600".to_owned(),
    ]
}

impl Session for MySqlSink {
    fn identity(&mut self) -> Result<ServerIdentity, DbError> {
        Ok(self.connection.server.identity())
    }

    fn count(&mut self, sql: &str) -> Result<u64, DbError> {
        self.connection.count(sql)
    }
}

impl Sink for MySqlSink {
    fn inventory(&mut self) -> Result<Inventory, DbError> {
        let target = literal(&self.target());
        let found = self.connection.records(&format!(
            "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = {target} ORDER BY TABLE_NAME"
        ))?;
        let mut names: Vec<String> = found.iter().map(|row| row.text("name")).collect();
        let marked = names.iter().any(|name| name == MARKER);
        names.retain(|name| name != MARKER);
        let mut made_by_dbsynth = false;
        if marked {
            let marker = format!("{}.{}", identifier(&self.target()), identifier(MARKER));
            let listed = self.connection.records(&format!("SELECT name FROM {marker}"));
            // Some other table of that name is no marker.
            let listed: Vec<String> = listed.unwrap_or_default().iter().map(|row| row.text("name")).collect();
            made_by_dbsynth = names.iter().all(|name| listed.contains(name));
        }
        let ignores_case = self.connection.server.ignore_case;
        let tables = names.into_iter().map(TableName::bare).collect();
        Ok(Inventory { tables, made_by_dbsynth, ignores_case })
    }

    fn begin(&mut self) -> Result<(), DbError> {
        let lock = format!("dbsynth:{}", self.beside("__dbsynth_new"));
        let lock: String = lock.chars().take(64).collect();
        // A run that has just ended may still be saying goodbye to the server: wait for it a moment.
        if self.connection.count(&format!("SELECT GET_LOCK({}, 3)", literal(&lock)))? != 1 {
            let text = format!("another dbsynth is loading {} right now", self.target());
            return Err(DbError::new(DbErrorKind::Refused, text));
        }
        let side = self.beside("__dbsynth_new");
        for stale in [side.clone(), self.beside("__dbsynth_old")] {
            swap::drop_if_ours(&mut self.connection, &stale)?;
        }
        match self.enter_side(&side) {
            Err(error) if error.kind == DbErrorKind::Permission => self.stay_in_place(&side, &error),
            entered => entered,
        }
    }

    fn execute(&mut self, sql: &str) -> Result<(), DbError> {
        if let Some(wanted) = sql.strip_prefix(ALTER_DATABASE) {
            return self.adopt_defaults(wanted);
        }
        let Some((kind, name)) = fixture(sql) else {
            return self.execute_portably(sql);
        };
        // What cannot move between databases is made here as a trial, and made again where it belongs by
        // `commit`. Events are not tried: they might run.
        if matches!(self.place, Site::Side(_)) && kind != Fixture::Event {
            make(&mut self.connection, sql)?;
        }
        self.later.push(Later { kind, name, sql: sql.to_owned() });
        Ok(())
    }

    fn append(&mut self, table: &Table, rows: &TableData) -> Result<(), DbError> {
        let database = match &self.place {
            Site::Side(side) => side.clone(),
            _ => self.target(),
        };
        self.findings.extend(self.road.choose(&self.url, &self.connection, &database, &settings()));
        self.road.append(&mut self.connection, table, rows)
    }

    fn numbers(&mut self, sql: &str) -> Result<Vec<u64>, DbError> {
        let rows = self.connection.records(sql)?;
        let mut numbers: Vec<u64> = rows.iter().filter_map(|row| row.nth(0)?.parse().ok()).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn end_trial(&mut self, staging: &TableName) -> Result<(), DbError> {
        let sql = format!("DROP TABLE IF EXISTS {}", identifier(&staging.name));
        self.connection.run(&sql)?;
        Ok(())
    }

    fn finish_table(&mut self, _: &Table) -> Result<(), DbError> {
        // Every statement commits by itself; nothing is buffered here.
        Ok(())
    }

    fn set_sequences(&mut self, schema: &Schema, blueprint: &Blueprint) -> Result<(), DbError> {
        for sequence in &blueprint.sequences {
            let table = schema.table(sequence.table);
            let column = table.column(sequence.column);
            if column.auto_increment {
                // The inserts themselves raised the counter.
                continue;
            }
            let increment = self.connection.one(&format!("SELECT increment FROM {}", sequence.name))?;
            let edge = if increment.text("increment").starts_with('-') { "MIN" } else { "MAX" };
            let (name, from) = (identifier(&column.name), identifier(&table.name.name));
            let last = self.connection.one(&format!("SELECT {edge}({name}) AS last FROM {from}"))?;
            if let Some(last) = last.optional("last") {
                // SETVAL never goes backwards, so a sequence shared by columns ends past the largest.
                self.connection.records(&format!("SELECT SETVAL({}, {last}, 1)", sequence.name))?;
            }
        }
        let present = swap::tables(&mut self.connection)?;
        for (_, table) in schema.iter().filter(|(_, table)| present.contains(&table.name.name)) {
            self.connection.records(&format!("ANALYZE TABLE {}", identifier(&table.name.name)))?;
        }
        Ok(())
    }

    fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }

    fn script(&mut self, sql: &str) -> Result<(), ScriptError> {
        let home = self.side().unwrap_or_else(|| self.target());
        let ran = user_sql::run_script(&mut self.connection, sql);
        self.connection.run(&format!("USE {}", identifier(&home)))?;
        for setting in settings() {
            self.connection.run_as("set up the session", &setting)?;
        }
        limit_locks(&mut self.connection, &self.limits);
        ran
    }

    fn side(&self) -> Option<String> {
        match &self.place {
            Site::Side(side) => Some(side.clone()),
            _ => None,
        }
    }

    fn keep_failed(&mut self) -> Option<String> {
        self.keeps = true;
        Some(format!("database {}", self.beside("__dbsynth_new")))
    }

    fn remember(&mut self, note: String) {
        self.note = Some(note);
    }

    fn recall(&mut self) -> Result<Option<String>, DbError> {
        let target = self.target();
        user_sql::read_note(&mut self.connection, &target)
    }

    fn commit(mut self: Box<Self>) -> Result<(), DbError> {
        self.road.close();
        let later = std::mem::take(&mut self.later);
        let note = self.note.take();
        swap::mark(&mut self.connection, &later, note.as_deref())?;
        if let Site::Side(side) = self.place.clone() {
            let (target, trash) = (self.target(), self.beside("__dbsynth_old"));
            let swapped = swap::swap(&mut self.connection, &side, &target, &trash, &later);
            let obsolete = swapped
                .map_err(|error| waiting::explain(&mut self.connection, &target, &self.limits, error))?;
            self.place = Site::Nowhere;
            let adopted = match &self.defaults {
                Some([wanted, _]) => self.connection.run(wanted).map(|_| ()),
                None => Ok(()),
            };
            let finished = adopted
                .and_then(|()| swap::requalify_defaults(&mut self.connection, &side))
                .and_then(|()| swap::finish(&mut self.connection, &later))
                .and_then(|()| swap::drop_views(&mut self.connection, &obsolete));
            for done in [side, trash] {
                self.connection.run(&format!("DROP DATABASE IF EXISTS {}", identifier(&done)))?;
            }
            return finished;
        }
        self.place = Site::Nowhere;
        swap::finish(&mut self.connection, &later)
    }
}

/// Runs a statement in the session it asks for: a view, trigger, routine or event keeps the one it was made in.
pub(super) fn make(connection: &mut Connection, sql: &str) -> Result<(), DbError> {
    let wanted = wanted_settings(sql);
    for setting in &wanted {
        assign(connection, setting);
    }
    let made = connection.run_as("run a statement", sql);
    if !wanted.is_empty() {
        for setting in settings() {
            connection.run_as("set up the session", &setting)?;
        }
    }
    made.map(|_| ())
}

/// Sets a variable of the session. The flavours know different flags of `sql_mode`, and different collations: what
/// this server does not know is left out.
fn assign(connection: &mut Connection, setting: &str) {
    if connection.run(&format!("SET SESSION {setting}")).is_ok() {
        return;
    }
    let Some(flags) = setting.strip_prefix("sql_mode = ") else { return };
    let mut known = Vec::new();
    for flag in flags.trim_matches('\'').split(',') {
        if connection.run(&format!("SET SESSION sql_mode = {}", literal(flag))).is_ok() {
            known.push(flag);
        }
    }
    if let Err(error) = connection.run(&format!("SET SESSION sql_mode = {}", literal(&known.join(",")))) {
        tracing::debug!(setting, %error, "session setting refused");
    }
}

impl Drop for MySqlSink {
    fn drop(&mut self) {
        if let Err(error) = self.roll_back() {
            tracing::warn!(%error, "could not remove the unfinished load");
        }
    }
}
