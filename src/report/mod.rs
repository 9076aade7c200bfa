//! Renders results for people. Nothing here prints: every function returns the text.

mod audit;
mod content;
pub mod html;
pub mod model;
mod number;
mod privacy;
mod promise;
mod table;
pub mod text;
mod verdict;

pub use audit::audit;

#[cfg(test)]
mod tests;

pub use content::{FoundRule, Measured, Report, RunFacts, RunSetting};
pub use privacy::PrivacyCheck;
pub use promise::{promise, split};
pub use verdict::{Answer, Light, Verdict};
