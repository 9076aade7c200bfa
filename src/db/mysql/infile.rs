//! `LOAD DATA LOCAL INFILE` from memory. sqlx lacks the protocol, so this one path uses `mysql_async`, on a
//! connection of its own. No file is ever read: a hostile server that asks for one gets our rows instead.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use mysql_async::{Conn, OptsBuilder, SslOpts, prelude::Queryable as _};
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use tokio::sync::mpsc;

use crate::{
    config::DbUrl,
    db::{DbError, DbErrorKind, runtime::block_on},
};

use super::{
    error::{kind_of, redact, server_error},
    server::{Server, options},
};

/// Bytes per packet of rows; servers accept 1 MB at the least that anyone sets.
pub(super) const PACKET_BYTES: usize = 256 << 10;

/// Packets that may wait for the server.
const WAITING: usize = 16;

/// Where lines of text are handed in, packet by packet.
pub(super) struct Packets(mpsc::Sender<Vec<u8>>);

/// Where they arrive.
pub(super) struct Arriving(mpsc::Receiver<Vec<u8>>);

/// A way for the lines of one statement; it ends when the sender is dropped.
pub(super) fn packets() -> (Packets, Arriving) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Packets(sender), Arriving(receiver))
}

impl Packets {
    /// Waits until there is room for a packet; false if the statement is over.
    pub(super) fn send(&self, lines: Vec<u8>) -> bool {
        self.0.blocking_send(lines).is_ok()
    }
}

/// A connection that loads from memory.
pub(super) struct Infile {
    connection: Conn,
}

impl Infile {
    /// Connects to `database` on the server of the URL.
    pub(super) fn open(
        url: &DbUrl,
        server: &Server,
        database: &str,
        settings: &[String],
    ) -> Result<Self, DbError> {
        let builder =
            driver_options(url, &options(url)?, server)?.db_name(Some(database)).init(settings.to_vec());
        let connection = block_on(async {
            Conn::new(builder).await.map_err(|error| wrap("connect for bulk loading", &error))
        })?;
        Ok(Self { connection })
    }

    /// Loads the lines of text that arrive; fails if the server changed or skipped a row. `first_row` numbers the rows in messages.
    pub(super) fn load(
        &mut self,
        statement: &str,
        arriving: Arriving,
        rows: u64,
        place: &Place<'_>,
    ) -> Result<(), DbError> {
        let connection = &mut self.connection;
        let doing = format!("load table {}", place.table);
        block_on(async {
            let Arriving(mut arriving) = arriving;
            connection.set_infile_handler(async move {
                // Each piece becomes one packet, which must stay below the server's max_allowed_packet: a long line
                // takes several.
                let pieces = stream::poll_fn(move |context| arriving.poll_recv(context)).flat_map(|lines| {
                    let lines = Bytes::from(lines);
                    let cuts = (0..lines.len()).step_by(PACKET_BYTES);
                    stream::iter(cuts.map(move |at| Ok(lines.slice(at..lines.len().min(at + PACKET_BYTES)))))
                });
                Ok(pieces.boxed())
            });
            let outcome = connection.query_drop(statement).await;
            // A statement that was refused never asked for them: whoever sends must not wait for ever.
            connection.set_infile_handler(async { Ok(stream::empty().boxed()) });
            outcome.map_err(|error| wrap(&doing, &error))?;
            let (written, warnings) = (connection.affected_rows(), connection.get_warnings());
            if warnings == 0 && written == rows {
                return Ok(());
            }
            // LOCAL turns errors into warnings: a changed value must not pass for the right one.
            let shown: Vec<(String, u16, String)> =
                connection.query("SHOW WARNINGS LIMIT 20").await.map_err(|error| wrap(&doing, &error))?;
            // A warning about the statement as a whole (a deprecated engine …) changed no row.
            let worst = shown.into_iter().find(|(level, number, message)| {
                let about_rows = message.contains(" at row ") || kind_of(*number) == DbErrorKind::Constraint;
                level == "Error" || level != "Note" && about_rows
            });
            match worst {
                Some((_, number, message)) => Err(refused(number, &message, place)),
                None if written != rows => {
                    let text = format!("cannot {doing}: the server took {written} of {rows} rows");
                    Err(DbError::new(DbErrorKind::Constraint, text))
                }
                None => Ok(()),
            }
        })
    }

    /// Closes the connection.
    pub(super) fn close(self) {
        let closed = block_on(async {
            self.connection.disconnect().await.map_err(|error| wrap("disconnect", &error))
        });
        if let Err(error) = closed {
            tracing::debug!(%error, "bulk connection did not close cleanly");
        }
    }
}

/// Where rows go, for messages.
pub(super) struct Place<'a> {
    /// The table.
    pub(super) table: &'a str,
    /// Rows of this table written before.
    pub(super) before: u64,
}

fn refused(number: u16, message: &str, place: &Place<'_>) -> DbError {
    let row = message.rsplit_once("at row ").and_then(|(_, row)| row.trim().parse::<u64>().ok());
    let row = row.map_or_else(String::new, |row| format!("row {}: ", place.before + row));
    // A bad value (1265, 1366 …) is the fault of the data, like a broken constraint.
    let kind = match kind_of(number) {
        DbErrorKind::Other => DbErrorKind::Constraint,
        kind => kind,
    };
    let text = redact(message.rsplit_once(" at row ").map_or(message, |(text, _)| text));
    DbError::new(kind, format!("cannot load table {}: {row}{text} (error {number})", place.table))
}

fn wrap(doing: &str, error: &mysql_async::Error) -> DbError {
    match error {
        mysql_async::Error::Server(server) => server_error(doing, server.code, &server.message),
        mysql_async::Error::Io(_) => {
            DbError::new(DbErrorKind::Disconnected, format!("cannot {doing}: {error}"))
        }
        _ => DbError::new(DbErrorKind::Other, format!("cannot {doing}: the bulk driver refused")),
    }
}

/// Says the same to `mysql_async` as the URL says to sqlx.
fn driver_options(
    url: &DbUrl,
    parsed: &MySqlConnectOptions,
    server: &Server,
) -> Result<OptsBuilder, DbError> {
    let unusable =
        |_| DbError::new(DbErrorKind::Unsupported, format!("the bulk driver cannot use the URL {url}"));
    let full = url::Url::parse(url.expose()).map_err(|error| unusable(error.to_string()))?;
    let password = full.password().map(decode_percent);
    let option = |wanted: [&str; 2]| {
        full.query_pairs()
            .find(|(key, _)| wanted.contains(&key.as_ref()))
            .map(|(_, value)| value.into_owned())
    };
    let mut builder = OptsBuilder::default()
        .ip_or_hostname(parsed.get_host())
        .tcp_port(parsed.get_port())
        .user(Some(parsed.get_username()))
        .pass(password)
        .prefer_socket(false)
        .stmt_cache_size(0);
    if let Some(socket) = parsed.get_socket() {
        return Ok(builder.socket(Some(socket.display().to_string())));
    }
    if server.encrypted {
        let mode = parsed.get_ssl_mode();
        let verifies = matches!(mode, MySqlSslMode::VerifyCa | MySqlSslMode::VerifyIdentity);
        let mut tls = SslOpts::default()
            .with_danger_accept_invalid_certs(!verifies)
            .with_danger_skip_domain_validation(!matches!(mode, MySqlSslMode::VerifyIdentity));
        if let Some(authority) = option(["ssl-ca", "sslca"]) {
            tls = tls.with_root_certs(vec![std::path::PathBuf::from(authority).into()]);
        }
        builder = builder.ssl_opts(Some(tls));
    }
    Ok(builder)
}

fn decode_percent(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            plain.push(byte);
            at += 3;
        } else {
            plain.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}
