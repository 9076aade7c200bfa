//! A JSON document and named tensors as the bytes of one safetensors file.

use std::collections::BTreeMap;

use safetensors::{SafeTensors, tensor::TensorView};
use serde::Serialize;

use crate::generator::Weights;

/// Key of the JSON document in the metadata.
const DOCUMENT: &str = "dbsynth";

/// The bytes of a file.
pub(super) fn write(
    document: &impl Serialize,
    weights: BTreeMap<String, Weights>,
) -> Result<Vec<u8>, String> {
    let text = serde_json::to_string(document).map_err(|error| error.to_string())?;
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
        .map_err(|error| error.to_string())?;
    let metadata = std::iter::once((DOCUMENT.to_owned(), text)).collect();
    safetensors::serialize(views, Some(metadata)).map_err(|error| error.to_string())
}

/// The document and the tensors of a file.
pub(super) fn read(bytes: &[u8]) -> Result<(serde_json::Value, BTreeMap<String, Weights>), String> {
    let foreign = || "it is no dbsynth model".to_owned();
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|_| foreign())?;
    let text = header.metadata().as_ref().and_then(|map| map.get(DOCUMENT)).ok_or_else(foreign)?;
    let document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let mut weights = BTreeMap::new();
    for (name, view) in tensors.tensors() {
        let values = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        weights.insert(name, Weights { shape: view.shape().to_vec(), values });
    }
    Ok((document, weights))
}
