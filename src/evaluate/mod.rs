//! Fidelity scores of a synthetic database against the real one.

use serde::Serialize;

/// The scores. Definitions are in `docs/benchmarks.md`.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Scorecard {}
