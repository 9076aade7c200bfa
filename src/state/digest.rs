//! Names for what a network is learned from, and for rows that were read: the same name for the same content.
//!
//! They tell two states of a source apart, they keep no secret. Hash: `std`'s own, with fixed keys; it may change with
//! the compiler, and then everything is learned again.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use arrow_array::{Array, ArrayRef, cast::AsArray, types};
use arrow_schema::DataType as ArrowType;
use serde::Serialize;

use crate::{
    codec::EncodedTable,
    conditioning::{Conditioning, MessageSource, Per},
    config::{AuditSettings, Config, StateFolder},
    data::TableData,
    db::Blueprint,
    generator::TrainingSet,
    model::Lesson,
    plan::Plan,
    schema::{ForeignKeyId, Schema, TableId},
    seed::fingerprint,
    snapshot::Snapshot,
};

/// The settings that decide what is learned from given rows.
pub(super) fn of_settings(config: &Config) -> String {
    let mut known = config.clone();
    // None of these reaches the learning of a table; what is said about tables shows in the rows it learns from.
    known.scale = 1.0;
    known.conditions.clear();
    known.tables.clear();
    known.references.clear();
    known.only_tables.clear();
    known.exclude_tables.clear();
    known.audit = AuditSettings::default();
    known.threads = None;
    known.memory = None;
    known.schema_mode = Config::default().schema_mode;
    known.keep_failed = false;
    known.on_drift = Config::default().on_drift;
    known.source = Config::default().source;
    known.target = Config::default().target;
    known.hooks = Config::default().hooks;
    known.identities.clear();
    known.strict = false;
    known.evidence = false;
    known.state = StateFolder::Unset;
    known.resume = false;
    for entity in &mut known.privacy.entities {
        entity.place = None;
    }
    of_json(&(env!("CARGO_PKG_VERSION"), known))
}

/// A source as its catalog and its counts show it, and every setting that decides what is learned of it.
pub(super) fn of_source(
    config: &Config,
    (schema, plan, blueprint): (&Schema, &Plan, &Blueprint),
    (real_rows, used_parents): (&[u64], &BTreeMap<(TableId, ForeignKeyId), u64>),
) -> String {
    let mut schema = schema.clone();
    // The server guesses anew whenever it likes.
    for table in &mut schema.tables {
        table.estimated_rows = None;
    }
    let mut plan = plan.clone();
    for table in &mut plan.tables {
        table.rows = None;
    }
    let used: Vec<_> = used_parents.iter().collect();
    // How many rows are written is no matter of learning, nor is an entry that says only that.
    let said: Vec<_> = (config.tables.iter())
        .filter(|(_, table)| table.mode.is_some() || !table.columns.is_empty())
        .map(|(name, table)| (name, table.mode, &table.columns))
        .collect();
    of_json(&(of_settings(config), &config.audit, said, (&schema, &plan, blueprint), (real_rows, used)))
}

fn of_json(value: &impl Serialize) -> String {
    // Plain data always has a JSON form.
    fingerprint(&serde_json::to_vec(value).unwrap_or_default())
}

/// The bytes of a file.
pub(super) fn of_bytes(bytes: &[u8]) -> String {
    name(|digest| digest.write(bytes))
}

/// What the networks of a table are learned from, under settings of this name.
pub(super) fn of_lesson(settings: &str, lesson: Lesson<'_>) -> String {
    name(|digest| {
        settings.hash(digest);
        for set in [lesson.links, lesson.rows] {
            set.is_some().hash(digest);
            if let Some(set) = set {
                training_set(set, digest);
            }
        }
    })
}

/// Every row of a snapshot.
pub(super) fn of_rows(snapshot: &Snapshot) -> String {
    name(|digest| {
        for table in &snapshot.tables {
            table.is_some().hash(digest);
            let Some(table) = table else { continue };
            table.total_rows.hash(digest);
            rows(&table.data, digest);
            table.families.offsets.hash(digest);
            (table.parent_count, &table.known_families, &table.present).hash(digest);
            (&table.fan_out, &table.dangling, table.orphan_share.to_bits()).hash(digest);
            for links in &table.links {
                links.parent.hash(digest);
            }
        }
    })
}

fn name(write: impl FnOnce(&mut DefaultHasher)) -> String {
    let mut digest = DefaultHasher::new();
    write(&mut digest);
    format!("{:016x}", digest.finish())
}

fn training_set(set: &TrainingSet, digest: &mut DefaultHasher) {
    set.name.hash(digest);
    encoded(&set.rows, digest);
    // What is to be avoided matters when rows are drawn, not before.
    let Conditioning { families, has_siblings, messages, given, running, avoided: _ } = &set.conditioning;
    families.offsets.hash(digest);
    (has_siblings, running.is_some()).hash(digest);
    messages.len().hash(digest);
    for message in messages {
        (&message.name, message.per == Per::Row, message.via).hash(digest);
        match &message.source {
            MessageSource::Row { table, index } => {
                encoded(table, digest);
                index.hash(digest);
            }
            MessageSource::Pool { table, families, index } => {
                encoded(table, digest);
                (&families.offsets, index).hash(digest);
            }
        }
    }
    given.is_some().hash(digest);
    if let Some(given) = given {
        encoded(given, digest);
    }
}

fn encoded(table: &EncodedTable, digest: &mut DefaultHasher) {
    for column in &table.sub_columns {
        (&column.name, column.size, column.one_hot, column.scalars.len()).hash(digest);
        for scalar in &column.scalars {
            scalar.to_bits().hash(digest);
        }
    }
    (&table.tokens, table.row_count).hash(digest);
}

fn rows(data: &TableData, digest: &mut DefaultHasher) {
    data.row_count.hash(digest);
    for (id, values) in data.columns.iter().zip(&data.arrays) {
        id.0.hash(digest);
        array(values, digest);
    }
    for (id, texts) in &data.exact {
        id.0.hash(digest);
        array(texts, digest);
    }
}

fn array(values: &ArrayRef, digest: &mut DefaultHasher) {
    if let Some(nulls) = values.nulls() {
        for valid in nulls {
            digest.write_u8(u8::from(valid));
        }
    }
    match values.data_type() {
        ArrowType::Boolean => {
            for value in values.as_boolean() {
                value.hash(digest);
            }
        }
        ArrowType::Int64 => values.as_primitive::<types::Int64Type>().values().hash(digest),
        ArrowType::Float64 => {
            for value in values.as_primitive::<types::Float64Type>().values() {
                digest.write_u64(value.to_bits());
            }
        }
        ArrowType::Date32 => values.as_primitive::<types::Date32Type>().values().hash(digest),
        ArrowType::Time64(_) => {
            values.as_primitive::<types::Time64MicrosecondType>().values().hash(digest);
        }
        ArrowType::Timestamp(_, _) => {
            values.as_primitive::<types::TimestampMicrosecondType>().values().hash(digest);
        }
        ArrowType::Binary => {
            for value in values.as_binary::<i32>() {
                value.hash(digest);
            }
        }
        _ => {
            for value in values.as_string::<i32>() {
                value.hash(digest);
            }
        }
    }
}
