//! How rows travel to the server: `LOAD DATA LOCAL` from memory where it is allowed, else multi-row `INSERT`.

use std::collections::BTreeMap;
#[cfg(feature = "mysql-infile")]
use std::thread;

use crate::{
    config::DbUrl,
    data::TableData,
    db::{DbError, DbErrorKind},
    finding::Finding,
    schema::Table,
};

#[cfg(feature = "mysql-infile")]
use super::infile::{Infile, PACKET_BYTES, Packets, Place, packets};
use super::{
    bulk::{Rows, Spelling},
    server::Connection,
    sql::identifier,
};

/// Room for the last line of a packet, in bytes.
#[cfg(feature = "mysql-infile")]
const LINE_ROOM: usize = 4 << 10;
/// Rows per `INSERT`.
const INSERT_ROWS: usize = 1_000;
/// Text per `INSERT`, in bytes; servers allow 16 MB unless told otherwise.
const INSERT_BYTES: usize = 4 << 20;

/// The way rows take; it is chosen when the first rows arrive.
pub(super) struct Road {
    choice: Choice,
    written: BTreeMap<String, u64>,
}

enum Choice {
    Open,
    #[cfg(feature = "mysql-infile")]
    Infile(Infile),
    Insert,
}

impl Road {
    /// No way is chosen yet.
    pub(super) fn new() -> Self {
        Self { choice: Choice::Open, written: BTreeMap::new() }
    }

    /// Takes `INSERT` whatever the server allows; the tests compare both ways.
    #[cfg(test)]
    pub(super) fn forbid_infile(&mut self) {
        self.choice = Choice::Insert;
    }

    /// Chooses the way into `database`; a slow one is a finding.
    #[cfg(feature = "mysql-infile")]
    pub(super) fn choose(
        &mut self,
        url: &DbUrl,
        connection: &Connection,
        database: &str,
        settings: &[String],
    ) -> Option<Finding> {
        if !matches!(self.choice, Choice::Open) {
            return None;
        }
        self.choice = Choice::Insert;
        let slow = "rows are inserted, two to three times slower";
        if !connection.server.local_infile {
            return Some(
                Finding::note("slow-load", "the server forbids LOAD DATA LOCAL")
                    .instead(slow)
                    .remedy("set local_infile = 1 on the target server"),
            );
        }
        match Infile::open(url, &connection.server, database, settings) {
            Ok(infile) => {
                self.choice = Choice::Infile(infile);
                None
            }
            Err(error) => {
                let what = format!("no connection for bulk loading: {error}");
                Some(Finding::note("slow-load", what).instead(slow))
            }
        }
    }

    /// Without the driver for `LOAD DATA LOCAL` there is one way only.
    #[cfg(not(feature = "mysql-infile"))]
    pub(super) fn choose(&mut self, _: &DbUrl, _: &Connection, _: &str, _: &[String]) -> Option<Finding> {
        self.choice = Choice::Insert;
        None
    }

    /// Writes rows.
    pub(super) fn append(
        &mut self,
        connection: &mut Connection,
        table: &Table,
        rows: &TableData,
    ) -> Result<(), DbError> {
        let prepared = Rows::new(table, rows)?;
        match &mut self.choice {
            #[cfg(feature = "mysql-infile")]
            Choice::Infile(infile) => {
                let before = self.written.get(&table.name.name).copied().unwrap_or(0);
                load(infile, connection, table, &prepared, before)?;
            }
            _ => insert(connection, table, &prepared)?,
        }
        *self.written.entry(table.name.name.clone()).or_default() += rows.row_count as u64;
        Ok(())
    }

    /// Ends the bulk connection, if there is one.
    pub(super) fn close(&mut self) {
        #[cfg(feature = "mysql-infile")]
        if let Choice::Infile(infile) = std::mem::replace(&mut self.choice, Choice::Insert) {
            infile.close();
        }
    }
}

#[cfg(feature = "mysql-infile")]
fn load(
    infile: &mut Infile,
    connection: &Connection,
    table: &Table,
    rows: &Rows<'_>,
    before: u64,
) -> Result<(), DbError> {
    let statement = format!(
        "LOAD DATA LOCAL INFILE 'dbsynth' INTO TABLE {} CHARACTER SET utf8mb4 \
         FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' {}",
        identifier(&table.name.name),
        rows.field_list(&connection.server)
    );
    if rows.row_count == 0 {
        return Ok(());
    }
    let place = Place { table: &table.name.name, before };
    let (packets, arriving) = packets();
    // The server takes in what is written while the next rows are being written.
    thread::scope(|scope| {
        scope.spawn(move || write_packets(rows, &packets));
        infile.load(&statement, arriving, rows.row_count as u64, &place)
    })
}

/// Writes all rows into packets, until they are done or nobody takes them any more.
#[cfg(feature = "mysql-infile")]
fn write_packets(rows: &Rows<'_>, packets: &Packets) {
    let mut scratch = String::new();
    let mut lines = Vec::with_capacity(PACKET_BYTES);
    for row in 0..rows.row_count {
        rows.write_line(row, &mut scratch, &mut lines);
        if lines.len() + LINE_ROOM >= PACKET_BYTES || row + 1 == rows.row_count {
            let full = std::mem::replace(&mut lines, Vec::with_capacity(PACKET_BYTES));
            if !packets.send(full) {
                return;
            }
        }
    }
}

fn insert(connection: &mut Connection, table: &Table, rows: &Rows<'_>) -> Result<(), DbError> {
    let head = format!("INSERT INTO {} ({}) VALUES ", identifier(&table.name.name), rows.column_list());
    let most = (connection.server.max_allowed_packet / 2).min(INSERT_BYTES);
    let spelling = Spelling::of(&connection.server);
    let mut scratch = String::new();
    let mut next = 0;
    while next < rows.row_count {
        let mut statement = head.clone().into_bytes();
        let first = next;
        while next < rows.row_count && next - first < INSERT_ROWS && (statement.len() < most || next == first)
        {
            if next > first {
                statement.push(b',');
            }
            rows.write_tuple(&spelling, next, &mut scratch, &mut statement);
            next += 1;
        }
        let statement = String::from_utf8(statement)
            .map_err(|_| DbError::new(DbErrorKind::Other, "a row is not valid UTF-8"))?;
        connection.run_as(&format!("load table {}", table.name), &statement)?;
    }
    Ok(())
}
