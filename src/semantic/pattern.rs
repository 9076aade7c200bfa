//! What the values themselves look like.

use std::{net::IpAddr, sync::LazyLock};

use chrono::{NaiveDate, NaiveDateTime};
use regex::Regex;

use super::{checksum, persona};

macro_rules! pattern {
    ($name:ident, $source:literal, $what:literal) => {
        #[doc = $what]
        pub(super) fn $name(text: &str) -> bool {
            // An invalid pattern would match nothing; the tests below name each one.
            static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($source).ok());
            PATTERN.as_ref().is_some_and(|pattern| pattern.is_match(text))
        }
    };
}

pattern!(is_email, r"^[^@\s]{1,64}@[^@\s]+\.[^@\s.]{2,}$", "An e-mail address.");
pattern!(
    is_uuid,
    r"^\{?[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}\}?$",
    "A UUID, hyphens optional."
);
pattern!(is_hyphenated, r"^\{?[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-", "A UUID with hyphens.");
pattern!(is_url, r"^(?i:https?|ftp)://\S+$|^www\.\S+\.\S+$", "A web address.");
pattern!(is_markup, r"(?s)</[a-zA-Z][a-zA-Z0-9]*>|<(?:br|hr|img|p|input)\b[^>]*>", "Text with tags.");
pattern!(is_hex, r"^(?:0x)?(?:[0-9a-f]{16,}|[0-9A-F]{16,})$", "Sixteen or more hexadecimal digits.");
pattern!(is_base64, r"^[A-Za-z0-9+/_-]{20,}={0,2}$", "Base64 of twenty or more characters.");
pattern!(
    is_password_hash,
    r"^\$(?:2[abxy]?|argon2(?:i|d|id)|1|5|6|y|P|S|pbkdf2[a-z0-9-]*|scrypt)\$|^pbkdf2_|^\{S?SHA|^scrypt:|^SCRAM-SHA",
    "A password hash in one of the usual notations."
);
pattern!(
    is_phone,
    r"^\+?[0-9(][0-9 ()./-]{5,22}[0-9](?: ?(?:x|ext\.?) ?[0-9]{1,6})?$",
    "A telephone number."
);
pattern!(is_slug, r"^[a-z0-9]+(?:-[a-z0-9]+)+$", "Lower-case words joined by hyphens.");
pattern!(
    is_path,
    r"^(?:[A-Za-z]:\\|\.{0,2}/)?(?:[^\s/\\]+[/\\])+[^\s/\\]*$|^[^\s/\\]+\.[a-z0-9]{2,4}$",
    "A path or a file's name."
);
pattern!(is_domain, r"^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$", "A host name.");
pattern!(is_number, r"^[+-]?(?:[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?$", "A number.");
pattern!(is_person_name, r"^\p{Lu}[\p{L}'.-]*(?: \p{L}[\p{L}'.-]*){1,3}$", "Two to four capitalised words.");

pattern!(
    is_firm,
    r"(?i)\b(?:inc|ltd|llc|co|corp|gmbh|ag|kg|s\.?a|s\.?l|plc|bv|nv|oy|ab|as|sarl|srl|spa|company|corporation|group|imports?|stores?|brothers|and sons|industries|holdings?)\b\.?$",
    "A company's name, by its legal form."
);

pattern!(
    is_address,
    r"(?i)^(?:[0-9]{1,5}[a-z]?,? (?:\p{L}[\p{L}'.-]* ){1,4}(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|way|place|pl|square|terrace|highway|hwy)\b|[0-9]{1,4}(?: bis)?,? (?:rue|avenue|boulevard|place|chemin|allée|quai) \p{L}|(?:calle|c/|avenida|av\.|plaza|paseo|via|viale|piazza|corso|rua|praça) \p{L}.* [0-9]{1,5}\b|\p{L}[\p{L} .-]*(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|straat|laan|gatan|vägen|gade|vej) ?[0-9]{1,4}\b)",
    "Street and number."
);

/// An IP address, with a prefix length or not.
pub(super) fn is_ip(text: &str) -> bool {
    let address = text.split_once('/').map_or(text, |(address, _)| address);
    address.parse::<IpAddr>().is_ok()
}

/// A JSON object or array.
pub(super) fn is_json(text: &str) -> bool {
    let text = text.trim_start();
    (text.starts_with('{') || text.starts_with('['))
        && serde_json::from_str::<serde_json::Value>(text).is_ok()
}

/// A payment card number.
pub(super) fn is_card(text: &str) -> bool {
    checksum::luhn_is_valid(text)
}

/// A bank account number.
pub(super) fn is_iban(text: &str) -> bool {
    checksum::iban_is_valid(text)
}

/// A frequent given name.
pub(super) fn is_first_name(text: &str) -> bool {
    static SORTED: LazyLock<Vec<String>> = LazyLock::new(|| sorted(&persona::FIRST));
    SORTED.binary_search(&text.to_lowercase()).is_ok()
}

/// A person's name that begins with a frequent given name.
pub(super) fn is_full_name(text: &str) -> bool {
    is_person_name(text) && text.split(' ').next().is_some_and(is_first_name)
}

fn sorted(names: &[&'static str]) -> Vec<String> {
    let mut names: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    names.sort_unstable();
    names
}

/// Formats of dates kept as text; the ones with a time first.
const DATES: &[&str] = &[
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%dT%H:%M:%S%.f+00:00",
    "%Y-%m-%d %H:%M:%S%.f+00:00",
    "%Y-%m-%d %H:%M:%S%.f+00",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%Y%m%d",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %B %Y",
    "%d %b %Y",
];

/// Seconds since 1970 of a date in one of the known formats.
pub(super) fn parse_date(text: &str, format: &str) -> Option<i64> {
    let text = text.trim();
    let time = NaiveDateTime::parse_from_str(text, format)
        .ok()
        .or_else(|| NaiveDate::parse_from_str(text, format).ok()?.and_hms_opt(0, 0, 0))?;
    let seconds = time.and_utc().timestamp();
    // Years 1000 to 2999: eight digits that are no date seldom pass for one.
    (-30_610_224_000..32_503_680_000).contains(&seconds).then_some(seconds)
}

/// The format that (nearly) all values are in.
pub(super) fn date_format(values: &[&str]) -> Option<&'static str> {
    DATES
        .iter()
        .copied()
        .find(|format| !values.is_empty() && share(values, |text| parse_date(text, format).is_some()) >= 0.95)
}

/// Share of the values that pass; 0 without any.
pub(super) fn share(values: &[&str], passes: impl Fn(&str) -> bool) -> f64 {
    values.iter().filter(|value| passes(value)).count() as f64 / values.len().max(1) as f64
}
