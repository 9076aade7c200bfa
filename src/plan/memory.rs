//! About how much memory a run needs, from the plan alone: widths of columns are guesses.

use serde::Serialize;

use super::{ColumnRole, Plan};
use crate::{
    config::TableMode,
    schema::{Column, Schema, Storage, Table, TableId},
};

/// The program with its networks, buffers and threads.
const BASE: u64 = 200 << 20;
/// Bytes of a value in memory; texts, with what is kept beside them.
const NUMBER: u64 = 8;
const TEXT: u64 = 48;
/// Bytes of the tokens of a value, about: a column has two or three, of two bytes.
const TOKENS: u64 = 6;
/// How often tokens and values lie in memory while a network learns from them: as read, as encoded, as the audit and
/// the evidence see them.
const WHILE_LEARNING: u64 = 4;
/// How often a table's values lie in memory while it is generated: as drawn, as repaired, on their way.
const WHILE_GENERATING: u64 = 3;
/// Bytes of a link to a parent row.
const LINK: u64 = 4;
/// Rows of a table from which on it is generated in blocks, and rows of two of those.
const IN_BLOCKS: u64 = 1 << 17;

/// About how many bytes of memory a run needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MemoryEstimate {
    /// While it reads and learns; `None` if it does not.
    #[serde(rename = "learning_bytes", skip_serializing_if = "Option::is_none")]
    pub learning: Option<u64>,
    /// While it generates.
    #[serde(rename = "generating_bytes")]
    pub generating: u64,
}

impl MemoryEstimate {
    /// The larger of both.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.generating.max(self.learning.unwrap_or(0))
    }
}

/// Bytes needed to learn from at most `training_rows` rows of each table.
#[must_use]
pub fn memory_to_learn(schema: &Schema, plan: &Plan, real_rows: &[u64], training_rows: u64) -> u64 {
    let tables = schema.iter().map(|(id, table)| {
        let real = real_rows.get(id.0).copied().unwrap_or(0);
        let rows = match plan.table(id).mode {
            TableMode::Synthesize => real.min(training_rows),
            TableMode::Copy => real,
            TableMode::Structure | TableMode::Skip => 0,
        };
        rows.saturating_mul(row_bytes(table, plan, id) * WHILE_LEARNING)
    });
    tables.fold(BASE, u64::saturating_add)
}

/// Bytes needed to generate some rows of each table. Large tables are taken to come in blocks.
#[must_use]
pub fn memory_to_generate(schema: &Schema, plan: &Plan, target_rows: &[u64]) -> u64 {
    let rows = |id: TableId| target_rows.get(id.0).copied().unwrap_or(0);
    let is_read = |id: TableId| schema.foreign_keys().any(|(_, _, fk)| fk.parent == id);
    let kept = schema.iter().map(|(id, table)| {
        let tokens =
            if is_read(id) || rows(id) < IN_BLOCKS { tokens_of(table, plan, id) + NUMBER } else { 0 };
        rows(id).saturating_mul(tokens + LINK * table.foreign_keys.len() as u64)
    });
    let in_work = schema.iter().map(|(id, table)| {
        rows(id).min(IN_BLOCKS).saturating_mul(row_bytes(table, plan, id) * WHILE_GENERATING)
    });
    kept.fold(BASE, u64::saturating_add).saturating_add(in_work.max().unwrap_or(0))
}

/// Bytes of a row: values, tokens, links.
fn row_bytes(table: &Table, plan: &Plan, id: TableId) -> u64 {
    let values: u64 = table.iter().map(|(_, column)| value_bytes(column)).sum();
    values + tokens_of(table, plan, id) + LINK * table.foreign_keys.len() as u64
}

fn tokens_of(table: &Table, plan: &Plan, id: TableId) -> u64 {
    let learned = |role: &ColumnRole| matches!(role, ColumnRole::Attribute | ColumnRole::KeyAttribute);
    let columns =
        table.iter().filter(|(column, _)| plan.table(id).columns.get(column.0).is_some_and(learned));
    TOKENS * columns.count() as u64
}

fn value_bytes(column: &Column) -> u64 {
    match column.data_type.storage() {
        Storage::Text | Storage::Bytes => TEXT,
        _ => NUMBER,
    }
}
