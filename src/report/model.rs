//! What a model file keeps, as text.

use std::fmt::Write;

use crate::{
    model::{ColumnContents, Contents, Origin},
    privacy::{Kept, KeptKind},
};

use super::number::{count, plural};

/// Renders everything a model keeps of its source: settings, tables, columns, and every literal with its entities.
#[must_use]
pub fn contents(contents: &Contents) -> String {
    let Origin { version, seed, k, training_rows, generator, fingerprint, privacy } = &contents.origin;
    let mut out = format!("learned by dbsynth {version} from data of fingerprint {fingerprint}\n");
    let generator = format!("{generator:?}").to_lowercase();
    let rows = count(*training_rows);
    let _ = writeln!(out, "seed {seed}, k {k}, generator {generator}, at most {rows} rows of a table");
    let mut literals = 0_u64;
    if let Some(ledger) = privacy {
        let _ = write!(out, "{}", super::promise(ledger));
    }
    for table in &contents.tables {
        let mode = table.mode.word();
        let (rows, entities) = (plural(table.rows, "row"), entities(table.entities));
        let _ = writeln!(out, "\n{} ({mode}, {rows}, {entities} of {})", table.table, table.entity);
        for column in &table.columns {
            let _ = writeln!(out, "  {}", line(column));
            for kept in &column.kept {
                literals += 1;
                let _ = writeln!(out, "    {}", literal(kept));
            }
        }
        for kept in &table.rules {
            literals += 1;
            let _ = writeln!(out, "  {}", literal(kept));
        }
    }
    let _ = writeln!(out, "\n{} kept", plural(literals, "literal"));
    out
}

fn line(column: &ColumnContents) -> String {
    let ColumnContents { column: name, native_type, made, how, meaning, exempt, .. } = column;
    let how = how.as_ref().map_or_else(String::new, |how| format!(": {how}"));
    let meaning = meaning
        .as_ref()
        .map_or_else(String::new, |(meaning, score)| format!(", taken for {meaning} ({score:.2})"));
    let exempt = exempt.map_or_else(String::new, |why| format!(", not protected: {why}"));
    format!("{name} {native_type}, {}{how}{meaning}{exempt}", made.word())
}

fn literal(kept: &Kept) -> String {
    let entities = match (kept.entities, kept.kind) {
        (0, _) => String::new(),
        (n, KeptKind::Range | KeptKind::Rule) => format!("  (at least {})", entities(u64::from(n))),
        (n, _) => format!("  ({})", entities(u64::from(n))),
    };
    format!("{:6} {}{entities}", kept.kind.word(), kept.text.escape_debug())
}

fn entities(number: u64) -> String {
    if number == 1 { "1 entity".to_owned() } else { format!("{} entities", count(number)) }
}
