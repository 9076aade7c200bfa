//! What is learned of a table is handed over as soon as it is learned, so that a run that fails later need not learn
//! it again.

use crate::generator::{TableGenerator, TrainingSet};

/// What is learned of one table by training.
#[derive(Default)]
pub struct Networks {
    /// Generates the tokens of links.
    pub links: Option<Box<dyn TableGenerator>>,
    /// Generates attributes and child counts.
    pub rows: Option<Box<dyn TableGenerator>>,
    /// Seconds the training took.
    pub seconds: f64,
}

/// Everything that the networks of one table are learned from, but for the seed and the settings of a run.
#[derive(Debug, Clone, Copy)]
pub struct Lesson<'a> {
    /// The table.
    pub table: &'a str,
    /// What the network of links learns from.
    pub links: Option<&'a TrainingSet>,
    /// What the network of rows learns from.
    pub rows: Option<&'a TrainingSet>,
}

/// Keeps networks from run to run. Whatever goes wrong in keeping is its own affair: it never stops a run.
pub trait Keeper: Sync {
    /// Hears how many tables are going to be learned.
    fn expect(&self, tables: usize);

    /// Names a lesson: lessons of one name teach the same. `None` if nothing is kept.
    fn name(&self, lesson: Lesson<'_>) -> Option<String>;

    /// What was learned from the lesson of this name, if that is known and may be used.
    fn recall(&self, table: &str, name: &str) -> Option<Networks>;

    /// Keeps what was learned from the lesson of this name.
    fn keep(&self, table: &str, name: &str, networks: &Networks);
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unkept;

impl Keeper for Unkept {
    fn expect(&self, _: usize) {}

    fn name(&self, _: Lesson<'_>) -> Option<String> {
        None
    }

    fn recall(&self, _: &str, _: &str) -> Option<Networks> {
        None
    }

    fn keep(&self, _: &str, _: &str, _: &Networks) {}
}
