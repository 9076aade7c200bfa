//! What a text column means, and how new values of that meaning are written.
//!
//! [`detect`] reads a column's name and values and names its [`Meaning`]. A column that is a
//! [`Meaning::Category`] is modelled as tokens; every other one is written by a [`RowWriter`], which keeps the
//! shape of the values (masks, lengths, common words) and none of the values of a personal column.

mod array;
mod checksum;
mod column_name;
mod country;
mod country_table;
mod detect;
mod distinct;
mod gender;
mod geometry;
mod json;
mod language;
mod language_table;
mod mask;
mod meaning;
mod national_id;
mod opaque;
mod pattern;
mod persona;
mod quantiles;
mod row_writer;
mod span;
#[cfg(test)]
mod tests;
mod text;
mod told;
mod value_fit;
mod value_writer;

pub use detect::{Detected, detect, detect_by_name, detect_number, is_category, unlabelled};
pub use meaning::Meaning;
pub use row_writer::RowWriter;
pub use told::{Above, Told, says_country};

/// Rows that must share a literal (a word, a label, a key of a document) before it may be kept.
const SHARED_ROWS: usize = 5;
