//! The `.dbsynth` file: one safetensors file. Its metadata holds one JSON document, its tensors the networks'
//! weights. Any safetensors reader opens it; only this room knows the inner names.

mod verbatim;

use std::{collections::BTreeMap, fs, path::Path};

use safetensors::{SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};

use crate::{
    db::Blueprint,
    error::Error,
    evaluate::Audit,
    generator::{SavedGenerator, TableGenerator, Weights, load as load_generator},
    model::{Model, Origin, TableFacts, TableModel},
    model_file::verbatim::Verbatim,
    plan::Plan,
    schema::Schema,
};

/// Version of the format; a file of another version is refused.
const VERSION: u32 = 2;
/// Key of the JSON document in the metadata.
const DOCUMENT: &str = "dbsynth";

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

/// Writes a model, and what an audit of it said, to `path`, through a temporary file beside it.
///
/// # Errors
/// [`Error::ModelFile`] if the file cannot be written.
pub fn save(model: &Model, audit: Option<&Audit>, path: &Path) -> Result<(), Error> {
    let mut weights: BTreeMap<String, Weights> = BTreeMap::new();
    let mut take = |prefix: String, generator: Option<&dyn TableGenerator>| {
        generator.map(|generator| {
            let SavedGenerator { header, weights: own } = generator.save();
            weights.extend(own.into_iter().map(|(name, tensor)| (format!("{prefix}/{name}"), tensor)));
            header
        })
    };
    let tables = model
        .tables
        .iter()
        .enumerate()
        .map(|(index, table)| {
            table.as_ref().map(|table| TableDocument {
                facts: table.facts.clone(),
                links: take(format!("{index}/links"), table.link_generator.as_deref()),
                rows: take(format!("{index}/rows"), table.row_generator.as_deref()),
                copied: table.copied.as_ref().map(Verbatim::from_rows),
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
    let failed = |reason: String| Error::ModelFile { path: path.display().to_string(), reason };
    let text = serde_json::to_string(&document).map_err(|error| failed(error.to_string()))?;
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = weights
        .into_iter()
        .map(|(name, tensor)| {
            let bytes = tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name, tensor.shape, bytes)
        })
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, bytes)| {
            TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes).map(|view| (name.clone(), view))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| failed(error.to_string()))?;
    let metadata = std::iter::once((DOCUMENT.to_owned(), text)).collect();
    let file = safetensors::serialize(views, Some(metadata)).map_err(|error| failed(error.to_string()))?;
    let partial = path.with_extension("dbsynth-partial");
    fs::write(&partial, file)
        .and_then(|()| fs::rename(&partial, path))
        .map_err(|error| failed(error.to_string()))
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
    let foreign = || failed("it is no dbsynth model".to_owned());
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|_| foreign())?;
    let text = header.metadata().as_ref().and_then(|map| map.get(DOCUMENT)).ok_or_else(foreign)?;
    let version: serde_json::Value = serde_json::from_str(text).map_err(|error| failed(error.to_string()))?;
    if version["version"] != serde_json::json!(VERSION) {
        let found = &version["version"];
        return Err(failed(format!(
            "it has format version {found}, this dbsynth reads {VERSION}: train it again"
        )));
    }
    let document: Document = serde_json::from_value(version).map_err(|error| failed(error.to_string()))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| failed(error.to_string()))?;
    let mut weights: BTreeMap<String, Weights> = BTreeMap::new();
    for (name, view) in tensors.tensors() {
        let values = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        weights.insert(name, Weights { shape: view.shape().to_vec(), values });
    }
    let assemble = |prefix: String, header: Option<serde_json::Value>| {
        header
            .map(|header| {
                let own = weights
                    .iter()
                    .filter_map(|(name, tensor)| {
                        let name = name.strip_prefix(&prefix)?.strip_prefix('/')?;
                        Some((name.to_owned(), tensor.clone()))
                    })
                    .collect();
                load_generator(SavedGenerator { header, weights: own })
            })
            .transpose()
    };
    let tables = document
        .tables
        .into_iter()
        .enumerate()
        .map(|(index, table)| {
            table
                .map(|table| -> Result<TableModel, Error> {
                    Ok(TableModel {
                        facts: table.facts,
                        link_generator: assemble(format!("{index}/links"), table.links)?,
                        row_generator: assemble(format!("{index}/rows"), table.rows)?,
                        copied: table.copied.map(Verbatim::into_rows),
                        completed: Vec::new(),
                    })
                })
                .transpose()
        })
        .collect::<Result<_, Error>>()?;
    let Document { schema, blueprint, plan, origin, audit, .. } = document;
    Ok((Model { schema, blueprint, plan, origin, tables }, audit))
}
