//! What protection counts and what it costs.

mod accountant;

pub use accountant::{AccountError, Accountant, Guarantee, Mechanism};
