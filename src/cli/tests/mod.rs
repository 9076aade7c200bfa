//! What the user sees: help texts, diagnostics, results. Golden files lie in `snapshots`.

mod diagnostics;
mod help;
mod results;
mod schedule;
