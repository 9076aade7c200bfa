//! The words of a name, whatever the style: `customerId`, `CUSTOMER_ID` and `customer id` are the same two.

/// Plurals that no rule gives.
const IRREGULAR: [(&str, &str); 8] = [
    ("people", "person"),
    ("children", "child"),
    ("men", "man"),
    ("women", "woman"),
    ("indices", "index"),
    ("vertices", "vertex"),
    ("media", "medium"),
    ("data", "datum"),
];

/// Cuts a name into lower-case words.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before: Option<char> = None;
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        if !character.is_alphanumeric() {
            before = None;
            continue;
        }
        let after_small = before.is_some_and(|before| before.is_lowercase() || before.is_numeric());
        let before_small = before.is_some_and(char::is_uppercase)
            && characters.peek().is_some_and(|next| next.is_lowercase());
        let starts = before.is_none() || character.is_uppercase() && (after_small || before_small);
        if starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
        before = Some(character);
    }
    words
}

/// A name without its style.
pub(super) fn joined(name: &str) -> String {
    words(name).concat()
}

/// The words as one, the last in every number it may have.
pub(super) fn forms(words: &[String]) -> Vec<String> {
    let Some((last, first)) = words.split_last() else { return Vec::new() };
    let first = first.concat();
    let mut lasts = vec![last.clone()];
    lasts.extend(IRREGULAR.iter().filter(|(many, _)| many == last).map(|(_, one)| (*one).to_owned()));
    if let Some(stem) = last.strip_suffix("ies") {
        lasts.push(format!("{stem}y"));
    }
    if let Some(stem) = last.strip_suffix("es").filter(|stem| stem.len() > 1) {
        lasts.push(stem.to_owned());
    }
    if let Some(stem) = last.strip_suffix('s').filter(|stem| stem.len() > 1 && !stem.ends_with('s')) {
        lasts.push(stem.to_owned());
    }
    lasts.into_iter().map(|last| format!("{first}{last}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{forms, words};

    #[test]
    fn every_style_gives_the_same_words() {
        for name in ["order_line_id", "orderLineId", "ORDER_LINE_ID", "Order Line Id", "OrderLineID"] {
            assert_eq!(words(name), ["order", "line", "id"], "{name}");
        }
        assert_eq!(words("Blog::HTMLPost2"), ["blog", "html", "post2"]);
    }

    #[test]
    fn a_plural_has_its_singular_among_its_forms() {
        for (many, one) in [
            ("orders", "order"),
            ("categories", "category"),
            ("addresses", "address"),
            ("statuses", "status"),
            ("houses", "house"),
            ("people", "person"),
            ("boxes", "box"),
        ] {
            assert!(forms(&words(many)).contains(&one.to_owned()), "{many}");
        }
        assert_eq!(forms(&words("address")), ["address"]);
    }
}
