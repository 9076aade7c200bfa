//! Fidelity of every method on whole data sets, in one table per set.
//!
//! ```text
//! cargo bench --bench fidelity -- SET… [--holdout URL] [--seeds 1,2,3] [--methods relational,…]
//!                                      [--write docs/benchmarks.md] [--keep FOLDER]
//! ```
//!
//! A set is a database URL, or a folder of CSVs with `relations.json`: `{"primary_keys": {"t": ["id"]},
//! "foreign_keys": [["child", ["col"], "parent", ["col"]]], "categorical": {"t": ["col"]}}`. A folder may instead
//! hold such folders: `train`, `holdout` (real rows no method saw) and `published/NAME` (what other methods made of
//! `train`); the holdout and the published ones get a row of their own, scored the same way.

mod csv;
mod load;
mod sheet;

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use dbsynth::{
    config::{Ablation, AuditLevel, Config, DbUrl, GeneratorKind, LinkMethod},
    evaluate::Categories,
    pipeline,
    progress::Silent,
    seed::Seed,
};

use sheet::{Measured, Sheet};

// As the binary does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error>;

/// A way to generate: what it sets in the default configuration.
struct Method {
    name: &'static str,
    set: fn(&mut Config),
}

const METHODS: &[Method] = &[
    Method { name: "relational", set: |_| {} },
    Method { name: "independent", set: |config| config.generator = GeneratorKind::Independent },
    Method { name: "flattened", set: |config| config.generator = GeneratorKind::Flattened },
    Method { name: "iid-children", set: |config| config.ablation = Some(Ablation::IidChildren) },
    Method { name: "parent-only", set: |config| config.ablation = Some(Ablation::ParentOnly) },
    Method { name: "no-siblings", set: |config| config.ablation = Some(Ablation::NoSiblings) },
    Method { name: "no-noise", set: |config| config.ablation = Some(Ablation::NoNoise) },
    Method { name: "no-cohorts", set: |config| config.ablation = Some(Ablation::NoCohorts) },
    Method { name: "coarse-tokens", set: |config| config.ablation = Some(Ablation::CoarseTokens) },
    Method { name: "links-stubs", set: |config| config.links = LinkMethod::Stubs },
    Method { name: "unprotected", set: unprotected },
    Method { name: "k-20", set: |config| config.privacy.k = 20 },
];

/// Keeps what one entity has, and learns from all of them.
fn unprotected(config: &mut Config) {
    config.privacy.k = 1;
    config.audit.level = AuditLevel::Off;
}

/// What the words of the command line say.
struct Options {
    sets: Vec<String>,
    holdout: Option<String>,
    seeds: Vec<u64>,
    methods: Vec<&'static Method>,
    write: Option<PathBuf>,
    keep: Option<PathBuf>,
}

impl Options {
    fn parse(words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self {
            sets: Vec::new(),
            holdout: None,
            seeds: vec![1],
            methods: METHODS.iter().collect(),
            write: None,
            keep: None,
        };
        let mut words = words.filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--holdout" => options.holdout = Some(value()?),
                "--seeds" => {
                    options.seeds = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                "--methods" => {
                    let find =
                        |name: &str| METHODS.iter().find(|method| method.name == name).ok_or(name.to_owned());
                    let found: Result<Vec<_>, String> = value()?.split(',').map(find).collect();
                    options.methods = found.map_err(|name| {
                        let known: Vec<&str> = METHODS.iter().map(|method| method.name).collect();
                        format!("{name} is none of the methods {}", known.join(", "))
                    })?;
                }
                "--write" => options.write = Some(value()?.into()),
                "--keep" => options.keep = Some(value()?.into()),
                _ if word.starts_with("--") => return Err(format!("{word} is not known").into()),
                _ => options.sets.push(word),
            }
        }
        if options.sets.is_empty() {
            return Err(
                "say which set to measure: a folder of CSVs with relations.json, or a database URL".into()
            );
        }
        Ok(options)
    }
}

/// The databases of one set.
struct Databases {
    name: String,
    train: DbUrl,
    holdout: Option<DbUrl>,
    published: Vec<(String, DbUrl)>,
    categories: Categories,
}

impl Databases {
    /// Opens a set; folders are loaded into SQLite files in `work`.
    fn open(set: &str, holdout: Option<&str>, work: &Path) -> Result<Self, Failure> {
        let folder = Path::new(set);
        if !folder.is_dir() {
            let holdout = holdout.map(DbUrl::parse).transpose()?;
            let train = DbUrl::parse(set)?;
            let name = train.to_string();
            return Ok(Self { name, train, holdout, published: Vec::new(), categories: Categories::new() });
        }
        let canonical = folder.canonicalize()?;
        let name = canonical.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let whole = folder.join("train").is_dir();
        let train = if whole { folder.join("train") } else { folder.to_owned() };
        let relations = load::Relations::read(&train)?;
        let load = |part: &str, folder: &Path, keys: bool| -> Result<DbUrl, Failure> {
            load::to_sqlite(folder, &relations, keys, &work.join(format!("{name}.{part}.sqlite")))
        };
        let held_out = folder.join("holdout");
        let holdout = match holdout {
            Some(url) => Some(DbUrl::parse(url)?),
            None if whole && held_out.is_dir() => Some(load("holdout", &held_out, false)?),
            None => None,
        };
        let mut published = Vec::new();
        if whole && folder.join("published").is_dir() {
            for method in load::folders(&folder.join("published"))? {
                let label = method.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
                // Others' outputs may break their keys.
                published.push((label.clone(), load(&label, &method, false)?));
            }
        }
        let train = load("train", &train, true)?;
        Ok(Self { name, train, holdout, published, categories: relations.categories() })
    }

    fn score(&self, synthetic: &DbUrl, calibrated: bool, seed: u64) -> Result<Measured, Failure> {
        let config = Config { seed: Seed(seed), ..Config::default() };
        let holdout = self.holdout.as_ref().filter(|_| calibrated);
        let card = pipeline::evaluate(&self.train, synthetic, holdout, &config, &self.categories)?;
        Ok(Measured::new(&card))
    }

    #[expect(clippy::result_large_err, reason = "a bench runs once; the error is the library's")]
    fn run(&self, method: &Method, seed: u64, work: &Path) -> Result<Measured, Failure> {
        let file = work.join(format!("{}.{}.{seed}.sqlite", self.name.replace(['/', ':'], "_"), method.name));
        if file.exists() {
            std::fs::remove_file(&file)?;
        }
        let target = DbUrl::parse(&format!("sqlite:{}", file.display()))?;
        let mut config = Config { seed: Seed(seed), ..Config::default() };
        (method.set)(&mut config);
        let run = pipeline::clone(&self.train, &target, &config, &mut |_| Ok(()), &Silent)?;
        if run.proof.violations() > 0 {
            return Err(format!(
                "{} of {}: {} rows in violation",
                method.name,
                self.name,
                run.proof.violations()
            )
            .into());
        }
        Ok(self.score(&target, true, seed)?.with_times(&run.load))
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

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench shows its result")]
fn main() -> Result<(), Failure> {
    single_threaded_ops()?;
    let options = Options::parse(std::env::args().skip(1))?;
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let scratch = tempfile::tempdir()?;
    let work = options.keep.as_deref().unwrap_or(scratch.path());
    std::fs::create_dir_all(work)?;
    for set in &options.sets {
        let started = Instant::now();
        let databases = Databases::open(set, options.holdout.as_deref(), work)?;
        let mut sheet = Sheet::new(&databases.name);
        for method in &options.methods {
            let mut runs = Vec::new();
            for seed in &options.seeds {
                runs.push(databases.run(method, *seed, work)?);
                eprintln!(
                    "{} {} seed {seed}: {:.0} s",
                    databases.name,
                    method.name,
                    started.elapsed().as_secs_f64()
                );
            }
            sheet.add(method.name, runs);
        }
        for (name, published) in &databases.published {
            sheet.add(
                &format!("{name} (published)"),
                vec![databases.score(published, true, options.seeds[0])?],
            );
        }
        if let Some(holdout) = &databases.holdout {
            sheet.add("real holdout", vec![databases.score(holdout, false, options.seeds[0])?]);
        }
        println!("{}", sheet.render());
        if let Some(file) = &options.write {
            sheet.write(file)?;
        }
    }
    Ok(())
}
