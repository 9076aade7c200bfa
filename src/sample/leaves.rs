//! JSON documents like another one, in which one value has counted on: a key may be made of any part of them.

use std::ops::Range;

use super::candidates::counted_on;

/// Documents like `text`, each with one leaf changed: every leaf by one step, then every leaf by two, and so on. A
/// document without leaves has none.
pub(super) fn changed(text: String) -> impl Iterator<Item = String> {
    let leaves = leaves(&text);
    let steps = if leaves.is_empty() { 0..0 } else { 1..u64::MAX };
    steps.flat_map(move |n| leaves.iter().filter_map(|leaf| step(&text, leaf, n)).collect::<Vec<String>>())
}

fn step(text: &str, leaf: &Leaf, n: u64) -> Option<String> {
    let old = &text[leaf.at.clone()];
    let new = match old.parse::<i64>() {
        Ok(number) if !leaf.quoted => number.checked_add(i64::try_from(n).ok()?)?.to_string(),
        _ => match counted_on(old, n, true) {
            Some(counted) => counted,
            None if leaf.quoted => format!("{old} {n}"),
            None => return None,
        },
    };
    Some(format!("{}{new}{}", &text[..leaf.at.start], &text[leaf.at.end..]))
}

/// A string (what is between its quotes) or a number of a document.
struct Leaf {
    at: Range<usize>,
    quoted: bool,
}

/// The strings and numbers of a document, but for the names of members.
fn leaves(text: &str) -> Vec<Leaf> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let start = at + 1;
                let mut end = start;
                while end < bytes.len() && bytes[end] != b'"' {
                    end += if bytes[end] == b'\\' { 2 } else { 1 };
                }
                let end = end.min(bytes.len());
                at = (end + 1).min(bytes.len());
                let next = bytes[at..].iter().find(|byte| !byte.is_ascii_whitespace());
                if next != Some(&b':') {
                    found.push(Leaf { at: start..end, quoted: true });
                }
            }
            b'-' | b'0'..=b'9' => {
                let digits = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
                let length = bytes[at..].iter().take_while(|byte| digits(byte)).count();
                found.push(Leaf { at: at..at + length, quoted: false });
                at += length;
            }
            _ => at += 1,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::changed;

    #[test]
    fn every_value_counts_on_in_turn_and_names_stay() {
        let text = r#"{"a1": "P-9", "n": [9, -1.5], "c": {"x\"2": "Rome"}, "t": true, "e": null}"#;
        let all: Vec<String> = changed(text.to_owned()).take(8).collect();

        assert_eq!(all[0], text.replace("P-9", "P-9 1"));
        assert_eq!(all[1], text.replace("[9,", "[10,"));
        assert_eq!(all[2], text.replace("-1.5", "-1.6"));
        assert_eq!(all[3], text.replace("Rome", "Rome 1"));
        assert_eq!(all[5], text.replace("[9,", "[11,"));
        assert!(all.iter().all(|text| serde_json::from_str::<serde_json::Value>(text).is_ok()));
        assert_eq!(changed("{\"a\": null}".to_owned()).count(), 0);
        assert_eq!(changed("\"open".to_owned()).take(1).count(), 1);
    }
}
