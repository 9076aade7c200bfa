//! Rows per second beside the server's own clients:
//! `cargo bench --bench throughput -- SOURCE TARGET TABLE [--repeats 3] [--budget 60s] [--connections 2] [--until generate]`.
//!
//! - read: a scan into Arrow arrays, by one connection and by several, beside `COPY … TO STDOUT` by psql (`SELECT` by the mysql client, which sends rows as they come);
//! - read in order: as a run reads it, in the order of its key;
//! - write: those rows into a bare table, beside `\copy … FROM` by psql (`LOAD DATA LOCAL` by the mysql client); `not frozen` is without
//!   `COPY … FREEZE`, where the engine has it;
//! - generate and load: the table inside a run from a model of the whole database, from its first row to its last,
//!   beside the same client load.
//!
//! Both sides take turns in one run, so that their ratio holds on a busy machine; the median of the repeats is shown.
//! The target is overwritten: name one that holds nothing.

#![expect(clippy::print_stdout, reason = "a bench prints its numbers")]
#![expect(clippy::result_large_err, reason = "the library's own error, in closures that never fail")]

use std::{
    error::Error,
    fs::File,
    path::Path,
    process::{Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use dbsynth::{
    config::{AuditLevel, Config, DbUrl, SchemaMode, SourceSettings, parse_duration},
    data::TableData,
    db::{Database, Introspection, Phase, Scan, connect},
    pipeline,
    progress::{Event, Progress, Silent},
    schema::{ColumnId, DialectName, Table, TableId},
};

// As the binary does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn Error>>;

const BATCH_ROWS: usize = 20_000;
const CLIENT_TABLE: &str = "throughput_client";

fn main() -> Outcome<()> {
    if std::env::var_os("CANDLE_NUM_THREADS").is_none() {
        // As the binary does: tensor operations on one thread each.
        let mut again = Command::new(std::env::current_exe()?);
        again.args(std::env::args_os().skip(1)).env("CANDLE_NUM_THREADS", "1").env("RAYON_NUM_THREADS", "1");
        return if again.status()?.success() { Ok(()) } else { Err("the measurement failed".into()) };
    }
    let mut words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let repeats: usize = option(&mut words, "--repeats").map_or(Ok(3), |text| text.parse())?;
    let budget = option(&mut words, "--budget").unwrap_or_else(|| "60s".to_owned());
    let connections = option(&mut words, "--connections").map_or(Ok(2), |text| text.parse())?;
    let until = option(&mut words, "--until").unwrap_or_else(|| "generate".to_owned());
    let [source, target, table] = words.as_slice() else {
        return Err(
            "usage: SOURCE TARGET TABLE [--repeats N] [--budget TIME] [--connections N] [--until read|write]"
                .into(),
        );
    };
    let ends = (DbUrl::parse(source)?, DbUrl::parse(target)?);
    let (from, to) = (connect(&ends.0)?, connect(&ends.1)?);
    let there = from.source()?.introspect()?;
    let (id, found) = there
        .schema
        .iter()
        .find(|(_, known)| known.name.name == *table || known.name.to_string() == *table)
        .ok_or("no such table in the source")?;
    let client = Client::of(source, there.schema.dialect)?;
    let into = Client::of(target, there.schema.dialect)?;

    let folder = tempfile::tempdir()?;
    let csv = folder.path().join("rows.txt");
    let mut rows = Vec::new();
    let key = found.primary_key.as_ref().map(|key| key.columns.clone()).unwrap_or_default();
    let mut lines = Vec::new();
    for (what, order) in [("read", Vec::new()), ("read in order", key)] {
        let (mut one, mut several, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..repeats {
            for (most, times) in [(1, &mut one), (connections, &mut several)] {
                drop(std::mem::take(&mut rows));
                let started = Instant::now();
                rows = read(from.as_ref(), found, &order, most)?;
                times.push(started.elapsed());
            }
            theirs.push(client.read(found, &order, &csv)?);
        }
        lines.push((format!("{what}, one connection"), one, theirs.clone()));
        lines.push((format!("{what}, {connections} connections"), several, theirs));
    }
    let count: usize = rows.iter().map(|batch| batch.row_count).sum();
    println!(
        "| what | rows | dbsynth, rows/s | the server's client, rows/s | ratio |\n|---|---|---|---|---|"
    );
    for (what, mut ours, mut theirs) in lines {
        report(&what, count, &mut ours, &mut theirs);
    }
    if until == "read" {
        return Ok(());
    }

    let (mut ours, mut thawed, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..repeats {
        ours.push(write(to.as_ref(), &there, id, &rows, true)?);
        if there.schema.dialect == DialectName::Postgres {
            thawed.push(write(to.as_ref(), &there, id, &rows, false)?);
        }
        theirs.push(into.load(found, &csv)?);
    }
    drop(rows);
    report("write", count, &mut ours, &mut theirs);
    if !thawed.is_empty() {
        report("write, not frozen", count, &mut thawed, &mut theirs);
    }
    if until == "write" {
        return Ok(());
    }

    let model = folder.path().join("model.dbsynth");
    let config = Config {
        time_budget: Some(parse_duration(&budget)?),
        schema_mode: SchemaMode::Replace,
        ..Config::default()
    };
    let config =
        Config { audit: dbsynth::config::AuditSettings { level: AuditLevel::Off, ..config.audit }, ..config };
    pipeline::train(&ends.0, &model, &config, &mut |_| Ok(()), &Silent)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..repeats {
        let clock = Clock { table: found.name.to_string(), state: Mutex::default() };
        pipeline::generate(&model, &ends.1, &config, &mut |_| Ok(()), &clock)?;
        let state = clock.state.lock().map_err(|_| "a thread stopped")?;
        ours.push(state.took().ok_or("the table was not loaded")?);
        theirs.push(into.load(found, &csv)?);
    }
    report("generate and load", count, &mut ours, &mut theirs);
    Ok(())
}

/// Takes `--name value` out of the words.
fn option(words: &mut Vec<String>, name: &str) -> Option<String> {
    let place = words.iter().position(|word| word == name)?;
    words.remove(place);
    (place < words.len()).then(|| words.remove(place))
}

fn report(what: &str, rows: usize, ours: &mut [Duration], theirs: &mut [Duration]) {
    let median = |times: &mut [Duration]| {
        times.sort();
        rows as f64 / times[times.len() / 2].as_secs_f64()
    };
    let (ours, theirs) = (median(ours), median(theirs));
    println!("| {what} | {rows} | {ours:.0} | {theirs:.0} | {:.2} |", ours / theirs);
}

fn read(
    database: &dyn Database,
    table: &Table,
    order: &[ColumnId],
    connections: u32,
) -> Outcome<Vec<TableData>> {
    let settings = SourceSettings { max_connections: Some(connections), ..SourceSettings::default() };
    let mut source = database.source_with(&settings)?;
    let scan = Scan {
        columns: table.writable_columns(),
        order_by: order.to_vec(),
        batch_rows: BATCH_ROWS,
        exact: false,
    };
    let mut rows = Vec::new();
    source.scan(table, &scan, &mut |batch| {
        rows.push(batch);
        Ok(())
    })?;
    Ok(rows)
}

/// Loads rows into a table without keys, from the first to the commit.
fn write(
    database: &dyn Database,
    there: &Introspection,
    id: TableId,
    rows: &[TableData],
    frozen: bool,
) -> Outcome<Duration> {
    let table = there.schema.table(id);
    let mut sink = database.sink()?;
    sink.begin()?;
    if !frozen {
        // After somebody else's statement nothing is.
        sink.script("SELECT 1").map_err(|failed| failed.error)?;
    }
    for statement in &there.blueprint.statements {
        let wanted = statement.phase == Phase::Prepare
            || statement.phase == Phase::Table && statement.table == Some(id);
        if wanted {
            sink.execute(&statement.sql)?;
        }
    }
    let started = Instant::now();
    for batch in rows {
        sink.append(table, batch)?;
    }
    sink.finish_table(table)?;
    let took = started.elapsed();
    sink.commit()?;
    Ok(took)
}

/// When the rows of a table were generated and loaded: from the end of the table before it to its own.
struct Clock {
    table: String,
    state: Mutex<Times>,
}

#[derive(Default)]
struct Times {
    before: Option<Instant>,
    after: Option<Instant>,
}

impl Times {
    fn took(&self) -> Option<Duration> {
        Some(self.after?.duration_since(self.before?))
    }
}

impl Progress for Clock {
    fn event(&self, event: &Event) {
        let Ok(mut state) = self.state.lock() else { return };
        match event {
            Event::TableStarted { stage: "sample", table, .. } if *table == self.table => {
                state.before = Some(Instant::now());
            }
            Event::TableFinished { stage: "load", table } if *table == self.table => {
                state.after = Some(Instant::now());
            }
            _ => {}
        }
    }
}

/// The server's own client.
enum Client {
    Postgres { url: String },
    MySql { arguments: Vec<String> },
}

impl Client {
    fn of(url: &str, dialect: DialectName) -> Outcome<Self> {
        if dialect == DialectName::Postgres {
            return Ok(Self::Postgres { url: url.to_owned() });
        }
        let parts = url::Url::parse(url)?;
        let mut arguments = vec!["--local-infile=1".to_owned(), "--quick".to_owned(), "--batch".to_owned()];
        arguments.push(format!("--host={}", parts.host_str().unwrap_or("127.0.0.1")));
        arguments.push(format!("--port={}", parts.port().unwrap_or(3306)));
        arguments.push(format!("--user={}", parts.username()));
        arguments.extend(parts.password().map(|password| format!("--password={password}")));
        arguments.push(parts.path().trim_start_matches('/').to_owned());
        Ok(Self::MySql { arguments })
    }

    fn run(&self, sql: &str, out: Stdio) -> Outcome<()> {
        let status = match self {
            Self::Postgres { url } => Command::new("psql")
                .args(["-qX", "-v", "ON_ERROR_STOP=1", url, "-c", sql])
                .stdout(out)
                .status()?,
            Self::MySql { arguments } => {
                Command::new("mariadb").args(arguments).args(["-e", sql]).stdout(out).status()?
            }
        };
        if status.success() { Ok(()) } else { Err(format!("the client failed: {sql}").into()) }
    }

    /// Time of a read of the whole table; writes it to a file beforehand.
    fn read(&self, table: &Table, order: &[ColumnId], file: &Path) -> Outcome<Duration> {
        let columns = self.columns(table);
        let name = self.name(table);
        let sql = match self {
            Self::Postgres { .. } => format!("COPY (SELECT {columns} FROM {name}) TO STDOUT"),
            Self::MySql { .. } => format!("SELECT {columns} FROM {name}"),
        };
        if let (Self::MySql { .. }, false) = (self, file.exists()) {
            // Nulls as LOAD DATA reads them.
            let columns: Vec<String> = table
                .writable_columns()
                .iter()
                .map(|id| format!("IFNULL(`{0}`, '\\\\N')", table.column(*id).name))
                .collect();
            let arguments = match self {
                Self::MySql { arguments } => arguments.as_slice(),
                Self::Postgres { .. } => &[],
            };
            let sql = format!("SELECT {} FROM {name}", columns.join(", "));
            let arguments =
                arguments.iter().cloned().chain(["--raw".to_owned(), "--skip-column-names".to_owned()]);
            let raw = Self::MySql { arguments: arguments.collect::<Vec<_>>() };
            raw.run(&sql, File::create(file)?.into())?;
        } else if !file.exists() {
            self.run(&sql, File::create(file)?.into())?;
        }
        let key: Vec<String> = order.iter().map(|id| self.quote(&table.column(*id).name)).collect();
        let sql = match (key.is_empty(), self) {
            (true, _) => sql,
            (false, Self::Postgres { .. }) => {
                sql.replace(") TO STDOUT", &format!(" ORDER BY {}) TO STDOUT", key.join(", ")))
            }
            (false, Self::MySql { .. }) => format!("{sql} ORDER BY {}", key.join(", ")),
        };
        let started = Instant::now();
        self.run(&sql, Stdio::null())?;
        Ok(started.elapsed())
    }

    /// Time of a load of the file into a bare table; with the primary key where ours has it from the start, as MySQL's
    /// rows are stored by it.
    fn load(&self, table: &Table, file: &Path) -> Outcome<Duration> {
        let (columns, name) = (self.columns(table), self.name(table));
        self.run(&format!("DROP TABLE IF EXISTS {CLIENT_TABLE}"), Stdio::null())?;
        self.run(&format!("CREATE TABLE {CLIENT_TABLE} AS SELECT * FROM {name} WHERE 1 = 0"), Stdio::null())?;
        if let (Self::MySql { .. }, Some(key)) = (self, &table.primary_key) {
            let columns: Vec<String> =
                key.columns.iter().map(|id| self.quote(&table.column(*id).name)).collect();
            let sql = format!("ALTER TABLE {CLIENT_TABLE} ADD PRIMARY KEY ({})", columns.join(", "));
            self.run(&sql, Stdio::null())?;
        }
        let file = file.display();
        let sql = match self {
            Self::Postgres { .. } => format!("\\copy {CLIENT_TABLE} ({columns}) FROM '{file}'"),
            Self::MySql { .. } => {
                format!(
                    "LOAD DATA LOCAL INFILE '{file}' INTO TABLE {CLIENT_TABLE} CHARACTER SET utf8mb4 ({columns})"
                )
            }
        };
        let started = Instant::now();
        self.run(&sql, Stdio::null())?;
        let took = started.elapsed();
        // The next run must find nothing of ours.
        self.run(&format!("DROP TABLE {CLIENT_TABLE}"), Stdio::null())?;
        Ok(took)
    }

    fn quote(&self, name: &str) -> String {
        match self {
            Self::Postgres { .. } => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::MySql { .. } => format!("`{}`", name.replace('`', "``")),
        }
    }

    fn name(&self, table: &Table) -> String {
        match (self, &table.name.namespace) {
            (Self::Postgres { .. }, Some(namespace)) => {
                format!("{}.{}", self.quote(namespace), self.quote(&table.name.name))
            }
            _ => self.quote(&table.name.name),
        }
    }

    fn columns(&self, table: &Table) -> String {
        let names: Vec<String> =
            table.writable_columns().iter().map(|id| self.quote(&table.column(*id).name)).collect();
        names.join(", ")
    }
}
