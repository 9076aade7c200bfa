//! `dbsynth init SOURCE`: a commented synth.toml for a schema.

use std::{fmt::Write, path::Path};

use super::{Setting, config_path, example_target};
use crate::{
    cli::{args::InitArgs, render, terminal},
    config::DbUrl,
    error::Error,
    pipeline::{self, Exploration, Planned},
    plan::{ColumnRole, explain::grouped},
    schema::{Storage, Table},
};

/// The default file with its comments, which the new file takes over.
const DEFAULT: &str = include_str!("../../../synth.toml");

pub(super) fn run(args: &InitArgs, setting: &Setting<'_>) -> Result<u8, Error> {
    let path = config_path(setting.globals);
    if path.exists() && !args.force {
        let shown = path.display();
        return Err(Error::Usage(format!("{shown} is there already; --force overwrites it")));
    }
    let source = setting.source(&args.source)?;
    let planned = pipeline::explore(&source, &setting.config, Exploration::default())?;
    let name = if args.source.contains(':') { "prod" } else { &args.source };
    write(&path, &text(name, &source, &planned))?;
    let code = setting.conclude(&planned.findings);
    terminal::say(&format!("wrote {}", path.display()));
    let target = example_target(source.dialect());
    setting.say(&format!("next: dbsynth plan {name}, then: dbsynth clone {name} {target}"));
    Ok(code)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|source| Error::File {
        action: "write",
        path: path.display().to_string(),
        source,
    })
}

/// The text of the new file: the source by name, the defaults, and every table commented out.
pub(in crate::cli) fn text(name: &str, source: &DbUrl, planned: &Planned) -> String {
    let mut out = String::from(
        "# What dbsynth should do with this database. Delete what you do not need: everything is optional.\n\
         # The source is only ever read. ${NAME} reads the environment.\n\n",
    );
    let _ = writeln!(out, "[source.{}]\nurl = {}\n", key(name), quoted(&source.to_template("SOURCE_URL")));
    out.push_str(
        "# A target on another machine is written only if its entry allows it.\n#\n\
         # [target.staging]\n# url = \"${STAGING_URL?export STAGING_URL first}\"\n# allow_write = true\n\n",
    );
    // From `[clone]` on, the default file says it all; its examples for tables are replaced by the real ones.
    let clone = DEFAULT.find("[clone]").map_or("", |start| &DEFAULT[start..]);
    let clone = clone.find("# [tables.").map_or(clone, |end| &clone[..end]);
    let roots = render::explanation(planned).entities;
    let roots: Vec<String> =
        roots.iter().filter(|root| !root.tables.is_empty()).map(|root| quoted(&root.root)).collect();
    if roots.is_empty() {
        out.push_str(clone);
    } else {
        // The roots found, in the place of the example.
        out.push_str(&clone.replace("[\"customers\"]", &format!("[{}]", roots.join(", "))));
    }
    for (id, table) in planned.schema.iter() {
        let rows = planned.real_rows.get(id.0).copied().unwrap_or(0);
        let plan = planned.plan.table(id);
        let _ = writeln!(out, "# [tables.{}]  # {} rows", key(&table.name.to_string()), grouped(rows));
        let _ = writeln!(out, "# mode = \"{}\"", plan.mode.word());
        if let Some(context) = plan.context {
            let columns = &table.foreign_keys[context.0].columns;
            let columns: Vec<String> = columns.iter().map(|id| quoted(&table.column(*id).name)).collect();
            let _ = writeln!(out, "# context = [{}]", columns.join(", "));
        }
        let texts = text_columns(table, &plan.columns);
        if !texts.is_empty() {
            let _ = writeln!(out, "# text columns: {}", texts.join(", "));
        }
        out.push_str("#\n");
    }
    out.push_str("# Foreign keys the catalog does not declare.");
    if planned.proposals.is_empty() {
        out.push_str("\n#\n# [[references]]\n# from = \"comments(post_id)\"\n# to = \"posts(id)\"\n");
    } else {
        out.push_str(" These are found by names and values.\n#\n");
        for line in render::references(&planned.proposals).lines() {
            out.push_str(format!("# {line}").trim_end());
            out.push('\n');
        }
    }
    out
}

fn text_columns(table: &Table, roles: &[ColumnRole]) -> Vec<String> {
    let named = table.columns.iter().zip(roles).filter(|(column, role)| {
        column.data_type.storage() == Storage::Text
            && matches!(role, ColumnRole::Attribute | ColumnRole::KeyAttribute)
    });
    named.map(|(column, _)| column.name.clone()).collect()
}

/// A TOML key, quoted where it must be.
fn key(name: &str) -> String {
    let bare = |character: char| character.is_ascii_alphanumeric() || character == '_' || character == '-';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

/// A TOML string on one line; JSON's escapes are among TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
