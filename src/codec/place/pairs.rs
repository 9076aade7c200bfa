//! Which columns are coordinates of one place.

use arrow_array::{Array, ArrayRef};

use crate::{
    codec::reading,
    schema::{Column, ColumnId},
};

/// Finds which two columns of floats are a latitude and a longitude: by their names (alike but for that word) and by
/// the range of their values. Returns (first, second) pairs; no column is in two.
#[must_use]
pub fn coordinate_pairs(columns: &[(ColumnId, &Column, &ArrayRef)]) -> Vec<(ColumnId, ColumnId)> {
    let inside = |values: &ArrayRef, most: f64| {
        reading::floats(values).is_some_and(|floats| {
            floats.null_count() < floats.len() && floats.iter().flatten().all(|value| value.abs() <= most)
        })
    };
    let mut pairs = Vec::new();
    for (latitude, column, values) in columns {
        let Some(rest) = without_word(&column.name, &["latitude", "lat"]) else { continue };
        if !inside(values, 90.0) {
            continue;
        }
        let longitude = columns.iter().find(|(id, other, values)| {
            id != latitude
                && inside(values, 180.0)
                && without_word(&other.name, &["longitude", "long", "lng", "lon"]).as_ref() == Some(&rest)
        });
        if let Some((longitude, ..)) = longitude {
            let (a, b) = (*latitude.min(longitude), *latitude.max(longitude));
            if !pairs.iter().any(|(x, y)| [*x, *y].iter().any(|id| *id == a || *id == b)) {
                pairs.push((a, b));
            }
        }
    }
    pairs
}

/// The other words of a column's name, if one of `words` (or a word that ends so: `pickupLat`) is in it.
fn without_word(name: &str, words: &[&str]) -> Option<Vec<String>> {
    let mut parts: Vec<String> = Vec::new();
    let mut before = ' ';
    for character in name.chars() {
        if !character.is_alphanumeric() {
            parts.push(String::new());
        } else {
            if parts.is_empty() || (character.is_uppercase() && before.is_lowercase()) {
                parts.push(String::new());
            }
            if let Some(last) = parts.last_mut() {
                last.extend(character.to_lowercase());
            }
        }
        before = character;
    }
    let at = parts.iter().position(|part| words.contains(&part.as_str()))?;
    parts.remove(at);
    parts.retain(|part| !part.is_empty());
    Some(parts)
}
