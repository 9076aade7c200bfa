//! The `.dbsynth` file: one safetensors file. Its metadata holds one JSON document, its tensors the networks'
//! weights. Any safetensors reader opens it; only this room knows the inner names. What an unfinished run keeps of
//! single tables and of its model has the same form.

mod tensors;
mod verbatim;

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    db::Blueprint,
    error::Error,
    evaluate::Audit,
    generator::{SavedGenerator, TableGenerator, Weights, load as load_generator},
    model::{Model, Networks, Origin, TableFacts, TableModel},
    model_file::verbatim::Verbatim,
    plan::Plan,
    schema::Schema,
};

/// Version of the format; a file of another version is refused.
const VERSION: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    schema: Schema,
    blueprint: Blueprint,
    plan: Plan,
    origin: Origin,
    tables: Vec<Option<TableDocument>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audit: Option<Audit>,
}

#[derive(Serialize, Deserialize)]
struct TableDocument {
    facts: TableFacts,
    links: Option<serde_json::Value>,
    rows: Option<serde_json::Value>,
    copied: Option<Verbatim>,
}

/// The networks of one table.
#[derive(Serialize, Deserialize)]
struct NetworksDocument {
    version: u32,
    links: Option<serde_json::Value>,
    rows: Option<serde_json::Value>,
    seconds: f64,
}

/// Writes a model, and what an audit of it said, to `path`, through a temporary file beside it.
///
/// # Errors
/// [`Error::ModelFile`] if the file cannot be written.
pub fn save(model: &Model, audit: Option<&Audit>, path: &Path) -> Result<(), Error> {
    let failed = |reason: String| Error::ModelFile { path: path.display().to_string(), reason };
    let file = pack(model, audit, true).map_err(failed)?;
    let partial = path.with_extension("dbsynth-partial");
    fs::write(&partial, file)
        .and_then(|()| fs::rename(&partial, path))
        .map_err(|error| failed(error.to_string()))
}

/// The bytes of a model's file without the rows of copied tables, for an unfinished run.
///
/// # Errors
/// A sentence, if it has no such form.
pub fn model_without_rows(model: &Model) -> Result<Vec<u8>, String> {
    pack(model, None, false)
}

/// Reads what [`model_without_rows`] wrote; copied tables have no rows.
///
/// # Errors
/// A sentence that says what is wrong with the bytes.
pub fn read_model(bytes: &[u8]) -> Result<Model, String> {
    unpack(bytes).map(|(model, _)| model)
}

fn pack(model: &Model, audit: Option<&Audit>, with_rows: bool) -> Result<Vec<u8>, String> {
    let mut weights = BTreeMap::new();
    let tables = model
        .tables
        .iter()
        .enumerate()
        .map(|(index, table)| {
            table.as_ref().map(|table| TableDocument {
                facts: table.facts.clone(),
                links: take_apart(&mut weights, &format!("{index}/links"), table.link_generator.as_deref()),
                rows: take_apart(&mut weights, &format!("{index}/rows"), table.row_generator.as_deref()),
                copied: table.copied.as_ref().filter(|_| with_rows).map(Verbatim::from_rows),
            })
        })
        .collect();
    let document = Document {
        version: VERSION,
        schema: model.schema.clone(),
        blueprint: model.blueprint.clone(),
        plan: model.plan.clone(),
        origin: model.origin.clone(),
        tables,
        audit: audit.cloned(),
    };
    tensors::write(&document, weights)
}

/// The bytes of a file that holds the networks of one table.
///
/// # Errors
/// A sentence, if they have no such form.
pub fn pack_networks(networks: &Networks) -> Result<Vec<u8>, String> {
    let mut weights = BTreeMap::new();
    let document = NetworksDocument {
        version: VERSION,
        links: take_apart(&mut weights, "links", networks.links.as_deref()),
        rows: take_apart(&mut weights, "rows", networks.rows.as_deref()),
        seconds: networks.seconds,
    };
    tensors::write(&document, weights)
}

/// Reads what [`pack_networks`] wrote.
///
/// # Errors
/// A sentence that says what is wrong with the bytes.
pub fn read_networks(bytes: &[u8]) -> Result<Networks, String> {
    let (document, weights) = tensors::read(bytes)?;
    let document: NetworksDocument = this_version(document)?;
    Ok(Networks {
        links: assemble(&weights, "links", document.links)?,
        rows: assemble(&weights, "rows", document.rows)?,
        seconds: document.seconds,
    })
}

/// Reads a model.
///
/// # Errors
/// [`Error::ModelFile`] if the file cannot be read or is no model of this version.
pub fn load(path: &Path) -> Result<Model, Error> {
    load_audited(path).map(|(model, _)| model)
}

/// Reads a model, and what the audit said when it was made.
///
/// # Errors
/// As [`load`].
pub fn load_audited(path: &Path) -> Result<(Model, Option<Audit>), Error> {
    let failed = |reason: String| Error::ModelFile { path: path.display().to_string(), reason };
    let bytes = fs::read(path).map_err(|error| failed(error.to_string()))?;
    unpack(&bytes).map_err(failed)
}

fn unpack(bytes: &[u8]) -> Result<(Model, Option<Audit>), String> {
    let (document, weights) = tensors::read(bytes)?;
    let document: Document = this_version(document)?;
    let tables = document
        .tables
        .into_iter()
        .enumerate()
        .map(|(index, table)| {
            table
                .map(|table| -> Result<TableModel, String> {
                    Ok(TableModel {
                        facts: table.facts,
                        link_generator: assemble(&weights, &format!("{index}/links"), table.links)?,
                        row_generator: assemble(&weights, &format!("{index}/rows"), table.rows)?,
                        copied: table.copied.map(Verbatim::into_rows),
                        completed: Vec::new(),
                        uniques: None,
                    })
                })
                .transpose()
        })
        .collect::<Result<_, String>>()?;
    let Document { schema, blueprint, plan, origin, audit, .. } = document;
    Ok((Model { schema, blueprint, plan, origin, tables }, audit))
}

/// A document of this version of the format.
fn this_version<D: serde::de::DeserializeOwned>(document: serde_json::Value) -> Result<D, String> {
    let found = &document["version"];
    if *found != serde_json::json!(VERSION) {
        return Err(format!("it has format version {found}, this dbsynth reads {VERSION}: train it again"));
    }
    serde_json::from_value(document).map_err(|error| error.to_string())
}

/// Adds a generator's tensors under `prefix` and returns its header.
fn take_apart(
    weights: &mut BTreeMap<String, Weights>,
    prefix: &str,
    generator: Option<&dyn TableGenerator>,
) -> Option<serde_json::Value> {
    generator.map(|generator| {
        let SavedGenerator { header, weights: own } = generator.save();
        weights.extend(own.into_iter().map(|(name, tensor)| (format!("{prefix}/{name}"), tensor)));
        header
    })
}

/// Puts the generator together whose tensors stand under `prefix`.
fn assemble(
    weights: &BTreeMap<String, Weights>,
    prefix: &str,
    header: Option<serde_json::Value>,
) -> Result<Option<Box<dyn TableGenerator>>, String> {
    let Some(header) = header else { return Ok(None) };
    let own = weights
        .iter()
        .filter_map(|(name, tensor)| {
            let name = name.strip_prefix(prefix)?.strip_prefix('/')?;
            Some((name.to_owned(), tensor.clone()))
        })
        .collect();
    load_generator(SavedGenerator { header, weights: own }).map(Some).map_err(|error| error.to_string())
}
