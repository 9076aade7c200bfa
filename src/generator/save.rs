//! A fitted generator taken apart for the model file, and put together again.

use std::collections::BTreeMap;

use candle_core::Error;
use serde::{Deserialize, Serialize};

use super::{
    GeneratorError, SavedGenerator, TableGenerator, Training, Weights, autoregressive::Fitted,
    network::Shape, settings::Settings, view::Kind,
};

#[derive(Serialize, Deserialize)]
struct Header {
    kind: Kind,
    settings: Settings,
    shape: Shape,
    #[serde(default)]
    training: Training,
}

/// Takes a generator apart.
pub(super) fn save(fitted: &Fitted) -> SavedGenerator {
    let header = Header {
        kind: fitted.kind,
        settings: fitted.settings.clone(),
        shape: fitted.shape.clone(),
        training: fitted.training,
    };
    let weights: BTreeMap<_, _> = fitted
        .weights
        .iter()
        .map(|(name, (shape, values))| {
            (name.clone(), Weights { shape: shape.clone(), values: values.clone() })
        })
        .collect();
    // Plain structs with string keys always have a JSON form.
    SavedGenerator { header: serde_json::to_value(header).unwrap_or_default(), weights }
}

/// Puts a saved generator together again.
///
/// # Errors
/// [`GeneratorError::Tensor`] if the header is not one of ours or a weight does not fit it.
pub fn load(saved: SavedGenerator) -> Result<Box<dyn TableGenerator>, GeneratorError> {
    let failed = |source| GeneratorError::Tensor { table: "(saved)".to_owned(), source };
    let header: Header = serde_json::from_value(saved.header).map_err(|error| failed(Error::wrap(error)))?;
    let weights =
        saved.weights.into_iter().map(|(name, weights)| (name, (weights.shape, weights.values))).collect();
    let mut fitted = Fitted::new(header.kind, header.settings, header.shape, weights).map_err(failed)?;
    fitted.training = header.training;
    Ok(Box::new(fitted))
}
