//! Rows per second of drawing a child table with sibling state: `cargo bench --bench sampling [-- ROWS [THREADS]]`.
//!
//! Ten columns (four categories, three numbers and a time of two sub-columns each, two booleans) under a parent
//! of six, families of about five rows, a network of the size chosen for 100,000 rows. It is trained for a few
//! steps only: the cost of a draw does not depend on what was learnt.

use std::{sync::Arc, time::Instant};

use dbsynth::{
    codec::{EncodedTable, SubColumn},
    conditioning::{Conditioning, Message, MessageSource, Per},
    data::Families,
    generator::{Autoregressive, GeneratorSpec, Settings, TrainingSet},
    progress::Silent,
    seed::Seed,
};
use rand::RngExt;

// As the binary does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROWS: usize = 100_000;
const TRAINING_ROWS: usize = 4_000;
const REPEATS: usize = 5;

fn category(name: &str, size: u16) -> SubColumn {
    SubColumn { name: name.to_owned(), size, scalars: Vec::new(), counts_children: false, one_hot: true }
}

fn line(name: &str, size: u16, one_hot: bool) -> SubColumn {
    let scalars = (0..size).map(|token| 4.0 * f32::from(token) / f32::from(size) - 2.0).collect();
    SubColumn { name: name.to_owned(), size, scalars, counts_children: false, one_hot }
}

fn child_columns() -> Vec<SubColumn> {
    let mut columns: Vec<SubColumn> =
        [("kind", 4), ("status", 7), ("channel", 15), ("product", 60)].map(|(n, s)| category(n, s)).into();
    for name in ["amount", "price", "weight", "created"] {
        columns.push(line(name, 64, true));
        columns.push(line(&format!("{name}.fine"), 33, false));
    }
    columns.extend(["paid", "returned"].map(|name| category(name, 2)));
    columns
}

fn parent_columns() -> Vec<SubColumn> {
    let mut columns: Vec<SubColumn> =
        [("region", 8), ("segment", 5), ("gender", 3), ("active", 2)].map(|(n, s)| category(n, s)).into();
    columns.extend([line("age", 64, true), line("income", 64, true), line("income.fine", 33, false)]);
    columns.push(line("orders", 12, true));
    columns
}

fn table(columns: Vec<SubColumn>, rows: usize, seed: u64) -> EncodedTable {
    let mut random = Seed(seed).stream("bench", 0);
    let mut table = EncodedTable::empty(rows);
    for column in columns {
        let tokens = (0..rows).map(|_| random.random_range(0..column.size)).collect();
        table.push(column, tokens);
    }
    table
}

fn conditioning(rows: usize) -> Conditioning {
    // 1 to 9 children, five on average.
    let mut random = Seed(7).stream("families", 0);
    let mut counts = Vec::new();
    let mut total = 0;
    while total < rows {
        let count = random.random_range(1..=9).min(rows - total);
        counts.push(count as u32);
        total += count;
    }
    let families = counts.len();
    let parent = MessageSource::Row {
        table: Arc::new(table(parent_columns(), families, 1)),
        index: (0..families as u32).collect(),
    };
    Conditioning {
        families: Families::from_counts(&counts),
        has_siblings: true,
        messages: vec![Message {
            name: "parent".to_owned(),
            per: Per::Family,
            via: None,
            copied: false,
            source: parent,
        }],
        given: None,
        running: None,
        avoided: None,
    }
}

/// Tensor operations must run on one thread each, as the command line does it: restarts this process if need be.
fn single_threaded_ops() -> std::io::Result<()> {
    if std::env::var_os("CANDLE_NUM_THREADS").is_some() {
        return Ok(());
    }
    let status = std::process::Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .envs([("CANDLE_NUM_THREADS", "1"), ("RAYON_NUM_THREADS", "1")])
        .status()?;
    std::process::exit(status.code().unwrap_or(1))
}

#[expect(clippy::print_stdout, reason = "a bench shows its result")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    single_threaded_ops()?;
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<usize>().ok());
    let rows = numbers.next().unwrap_or(ROWS);
    let threads =
        numbers.next().unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into));
    let columns = child_columns();
    let settings =
        Settings { max_steps: 10, max_epochs: 1, ..Settings::for_size(rows, rows / 5, columns.len()) };
    println!("{} sub-columns, hidden {}, context {}", columns.len(), settings.hidden, settings.context);
    let set = TrainingSet {
        name: "child".to_owned(),
        rows: table(columns, TRAINING_ROWS, 2),
        conditioning: conditioning(TRAINING_ROWS),
    };
    let fitted = Autoregressive { settings: Some(settings) }.fit(&set, Seed(1), &Silent)?;
    let given = conditioning(rows);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let mut best = f64::INFINITY;
    for _ in 0..REPEATS {
        let started = Instant::now();
        let drawn = pool.install(|| fitted.sample(&given, Seed(3), "child"))?;
        let seconds = started.elapsed().as_secs_f64();
        best = best.min(seconds);
        let sum: u64 = drawn.tokens.iter().flatten().map(|token| u64::from(*token)).sum();
        println!("{:.0} rows/s (sum of tokens {sum})", rows as f64 / seconds);
    }
    println!("best of {REPEATS}, {threads} threads: {:.0} rows/s", rows as f64 / best);
    Ok(())
}
