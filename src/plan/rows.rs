//! How many rows each table gets.

use crate::{config::TableMode, plan::Plan};

/// Estimates the rows to write per table, indexed by `TableId`: what the user asked for, else `scale` times the
/// real rows and at least one where there are any (a lookup scaled down to nothing would empty its children).
/// Copied tables keep their rows; empty and skipped ones have none.
#[must_use]
pub fn target_rows(plan: &Plan, real_rows: &[u64], scale: f64) -> Vec<u64> {
    plan.tables
        .iter()
        .map(|table| {
            let real = real_rows.get(table.table.0).copied().unwrap_or(0);
            match table.mode {
                TableMode::Copy => real,
                TableMode::Structure | TableMode::Skip => 0,
                TableMode::Synthesize => table.rows.unwrap_or_else(|| scaled(real, scale)),
            }
        })
        .collect()
}

fn scaled(real: u64, scale: f64) -> u64 {
    if real == 0 { 0 } else { ((real as f64 * scale).round() as u64).max(1) }
}
