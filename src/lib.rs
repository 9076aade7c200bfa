//! dbsynth clones a database as synthetic data.

pub mod codec;
pub mod conditioning;
pub mod config;
pub mod data;
pub mod db;
pub mod error;
pub mod evaluate;
pub mod files;
pub mod finding;
pub mod generator;
pub mod load;
pub mod model;
pub mod model_file;
pub mod nn;
pub mod normal;
pub mod parts;
pub mod pipeline;
pub mod plan;
pub mod privacy;
pub mod private;
pub mod progress;
pub mod report;
pub mod rules;
pub mod sample;
pub mod schema;
pub mod seed;
pub mod semantic;
pub mod snapshot;
pub mod state;
pub mod structure;
pub mod verify;

pub mod cli;
