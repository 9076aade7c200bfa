//! Renders results for people. Nothing here prints: every function returns the text.

mod audit;
pub mod model;
mod number;
mod table;
pub mod text;

pub use audit::audit;

#[cfg(test)]
mod tests;
