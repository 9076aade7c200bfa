//! Renders results for people. Nothing here prints: every function returns the text.

pub mod model;
mod number;
mod table;
pub mod text;

#[cfg(test)]
mod tests;
