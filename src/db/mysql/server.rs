//! One connection and the facts about its server, asked once. MySQL and MariaDB are two flavours, not one.

use std::{str::FromStr, time::Duration};

use futures_util::TryStreamExt;
use indexmap::IndexMap;
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Decode, MySql, Row as _, ValueRef as _,
    mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow},
};

use crate::{
    config::DbUrl,
    db::{DbError, DbErrorKind, ServerIdentity, runtime::block_on},
};

use super::{error::wrap, sql::catalog_text};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// What is known about the server.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// True for MariaDB.
    pub(super) mariadb: bool,
    /// Major, minor, patch.
    pub(super) version: (u32, u32, u32),
    /// True if `LOAD DATA LOCAL` is allowed.
    #[cfg_attr(not(feature = "mysql-infile"), allow(dead_code, reason = "only LOAD DATA asks"))]
    pub(super) local_infile: bool,
    /// Longest statement, in bytes.
    pub(super) max_allowed_packet: usize,
    /// True if names of databases and tables ignore case (`lower_case_table_names` is not 0).
    pub(super) ignore_case: bool,
    /// The database of the URL, as the server writes it.
    pub(super) database: String,
    /// True if this connection is encrypted.
    #[cfg_attr(not(feature = "mysql-infile"), allow(dead_code, reason = "only LOAD DATA asks"))]
    pub(super) encrypted: bool,
    unique: String,
}

impl Server {
    /// For people: `MariaDB 10.11.6`.
    pub(super) fn title(&self) -> String {
        let (major, minor, patch) = self.version;
        let flavour = if self.mariadb { "MariaDB" } else { "MySQL" };
        format!("{flavour} {major}.{minor}.{patch}")
    }

    /// Which database of which server this is.
    pub(super) fn identity(&self) -> ServerIdentity {
        let database = if self.ignore_case { self.database.to_lowercase() } else { self.database.clone() };
        ServerIdentity { server: self.unique.clone(), database, version: self.title() }
    }
}

/// One row of an answer: texts by column label.
#[derive(Debug, Clone, Default)]
pub(super) struct Record(pub(super) IndexMap<String, Option<String>>);

impl Record {
    /// The text under a label, empty if null.
    pub(super) fn text(&self, label: &str) -> String {
        self.optional(label).unwrap_or_default()
    }

    /// The text under a label.
    pub(super) fn optional(&self, label: &str) -> Option<String> {
        self.0.get(label).cloned().flatten()
    }

    /// The text in the n-th column.
    pub(super) fn nth(&self, index: usize) -> Option<String> {
        self.0.get_index(index).and_then(|(_, value)| value.clone())
    }
}

/// The raw bytes of a value; with the text protocol these are the characters the server prints.
pub(super) fn raw_value(row: &MySqlRow, index: usize) -> Result<Option<&[u8]>, sqlx::Error> {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok(None);
    }
    <&[u8] as Decode<MySql>>::decode(value).map(Some).map_err(sqlx::Error::Decode)
}

/// An open connection.
pub(super) struct Connection {
    /// The driver's connection.
    pub(super) driver: MySqlConnection,
    /// Facts about the server.
    pub(super) server: Server,
}

/// Reads a URL into the driver's options.
pub(super) fn options(url: &DbUrl) -> Result<MySqlConnectOptions, DbError> {
    let options = MySqlConnectOptions::from_str(url.expose()).map_err(|_| {
        // The driver's text may quote a part of the URL, password included.
        DbError::new(
            DbErrorKind::Unreachable,
            format!("cannot use the URL {url}: an option of it is not valid"),
        )
    })?;
    Ok(options.pipes_as_concat(false).no_engine_substitution(false))
}

impl Connection {
    /// Connects to a target and asks the server about itself.
    pub(super) fn open(url: &DbUrl) -> Result<Self, DbError> {
        Self::open_with(url, options(url)?.disable_statement_logging())
    }

    /// Connects to a source. Its statements can be listened to, see `--show-sql`; they hold no values of rows.
    pub(super) fn open_source(url: &DbUrl, show_sql: bool) -> Result<Self, DbError> {
        let options = options(url)?;
        Self::open_with(url, if show_sql { options } else { options.disable_statement_logging() })
    }

    fn open_with(url: &DbUrl, options: MySqlConnectOptions) -> Result<Self, DbError> {
        let driver = block_on(async {
            match tokio::time::timeout(CONNECT_TIMEOUT, MySqlConnection::connect_with(&options)).await {
                Ok(connected) => connected.map_err(|error| match wrap(&format!("connect to {url}"), error) {
                    error if error.kind == DbErrorKind::Disconnected => {
                        DbError::new(DbErrorKind::Unreachable, error.message)
                    }
                    error => error,
                }),
                Err(_) => Err(DbError::new(
                    DbErrorKind::Unreachable,
                    format!("cannot connect to {url}: no answer in {} s", CONNECT_TIMEOUT.as_secs()),
                )),
            }
        })?;
        let placeholder = Server {
            mariadb: false,
            version: (0, 0, 0),
            local_infile: false,
            max_allowed_packet: 1 << 20,
            ignore_case: false,
            database: String::new(),
            encrypted: false,
            unique: String::new(),
        };
        let mut connection = Self { driver, server: placeholder };
        connection.server = connection.ask()?;
        Ok(connection)
    }

    fn ask(&mut self) -> Result<Server, DbError> {
        let facts = self.one(
            "SELECT VERSION() AS version, @@version_comment AS comment, @@local_infile AS local_infile, \
             @@max_allowed_packet AS packet, @@lower_case_table_names AS lower, DATABASE() AS db, \
             CONCAT_WS(':', @@hostname, @@port, @@datadir, @@server_id) AS place",
        )?;
        let text = facts.text("version");
        let mariadb = format!("{text} {}", facts.text("comment")).to_lowercase().contains("mariadb");
        let version = parse_version(&text);
        let minimum = if mariadb { (10, 2, 22) } else { (8, 0, 0) };
        if version < minimum {
            let wanted = "dbsynth needs MySQL 8 or MariaDB 10.5, or newer";
            return Err(DbError::new(
                DbErrorKind::Unsupported,
                format!("the server is version {text}: {wanted}"),
            ));
        }
        // MariaDB has no server_uuid; a server there is told by where it runs and keeps its files.
        let unique = if mariadb {
            format!("{}:{text}", facts.text("place"))
        } else {
            self.one("SELECT @@server_uuid AS id")?.text("id")
        };
        let cipher = self.one("SHOW SESSION STATUS LIKE 'Ssl_cipher'").ok().and_then(|row| row.nth(1));
        Ok(Server {
            mariadb,
            version,
            local_infile: facts.text("local_infile") == "1",
            max_allowed_packet: facts.text("packet").parse().unwrap_or(1 << 20),
            ignore_case: facts.text("lower") != "0",
            database: facts.text("db"),
            encrypted: cipher.is_some_and(|cipher| !cipher.is_empty()),
            unique,
        })
    }

    /// Runs a statement.
    pub(super) fn run(&mut self, sql: &str) -> Result<u64, DbError> {
        self.run_as("run a statement", sql)
    }

    /// Runs a statement; `doing` names it in an error.
    pub(super) fn run_as(&mut self, doing: &str, sql: &str) -> Result<u64, DbError> {
        let driver = &mut self.driver;
        block_on(async {
            let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(driver).await;
            done.map(|done| done.rows_affected()).map_err(|error| wrap(doing, error))
        })
    }

    /// Runs settings that not every server has or allows; refusals do not matter.
    pub(super) fn try_settings(&mut self, settings: &[&str]) {
        for setting in settings {
            if let Err(error) = self.run(&format!("SET SESSION {setting}")) {
                tracing::debug!(setting, %error, "session setting refused");
            }
        }
    }

    /// Runs a query and keeps its whole answer.
    pub(super) fn records(&mut self, sql: &str) -> Result<Vec<Record>, DbError> {
        let driver = &mut self.driver;
        block_on(async {
            let mut rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch(driver);
            let mut records = Vec::new();
            while let Some(row) = rows.try_next().await.map_err(|error| wrap("run a query", error))? {
                records.push(record(&row).map_err(|error| wrap("read an answer", error))?);
            }
            Ok(records)
        })
    }

    /// Runs a query and keeps its first row; no row is an empty record.
    pub(super) fn one(&mut self, sql: &str) -> Result<Record, DbError> {
        Ok(self.records(sql)?.into_iter().next().unwrap_or_default())
    }

    /// Runs a query that returns one number.
    pub(super) fn count(&mut self, sql: &str) -> Result<u64, DbError> {
        let text = self.one(sql)?.nth(0).unwrap_or_default();
        // SUM() of integers comes back as `12` or, from a decimal, as `12.0`.
        let whole = text.split('.').next().unwrap_or_default();
        if whole.is_empty() {
            return Ok(0);
        }
        whole.parse().map_err(|_| DbError::new(DbErrorKind::Other, "a count did not return a number"))
    }
}

fn record(row: &MySqlRow) -> Result<Record, sqlx::Error> {
    let mut fields = IndexMap::new();
    for (index, column) in row.columns().iter().enumerate() {
        let value = raw_value(row, index)?.map(catalog_text);
        fields.insert(column.name().to_owned(), value);
    }
    Ok(Record(fields))
}

/// Reads `10.11.6-MariaDB-1`, `8.0.36`, `5.5.5-10.3.2-MariaDB`.
pub(super) fn parse_version(text: &str) -> (u32, u32, u32) {
    // Old MariaDB servers put `5.5.5-` in front so that replication clients accept them.
    let text = text.strip_prefix("5.5.5-").filter(|rest| rest.contains("MariaDB")).unwrap_or(text);
    let number = text.split(|c: char| c != '.' && !c.is_ascii_digit()).next().unwrap_or_default();
    let mut parts = number.split('.').map(|part| part.parse().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    (part(), part(), part())
}
