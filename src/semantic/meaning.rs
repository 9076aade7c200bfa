//! What the values of a text column are.

use serde::{Deserialize, Serialize};

/// What the values of a column mean. In `synth.toml` a user writes the snake-case name: `email`, `full_name`, …
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// Few repeated labels: modelled as tokens, not written.
    Category,
    /// A given name.
    FirstName,
    /// A family name.
    LastName,
    /// A person's whole name.
    FullName,
    /// A login name.
    UserName,
    /// An e-mail address.
    Email,
    /// A telephone or fax number.
    Phone,
    /// Street and number, or a whole postal address.
    StreetAddress,
    /// A town.
    City,
    /// A state, province or region.
    State,
    /// A country.
    Country,
    /// A postal code.
    PostalCode,
    /// A company's name.
    Company,
    /// A job title.
    JobTitle,
    /// A web address.
    Url,
    /// A host name.
    DomainName,
    /// An IP address in a text column.
    IpAddress,
    /// A UUID.
    Uuid,
    /// Hexadecimal or Base64 digits without meaning: digests, session keys, tokens.
    HexToken,
    /// A password, in clear or hashed.
    PasswordHash,
    /// A payment card number (Luhn).
    CreditCard,
    /// An international bank account number.
    Iban,
    /// The number of an identity paper, with the check digits of its country.
    NationalId,
    /// When a person was born.
    BirthDate,
    /// A place, or a part of one: latitude, longitude.
    Coordinates,
    /// Lower-case words joined by hyphens.
    Slug,
    /// A path of files or of a web server.
    FilePath,
    /// Codes of a fixed shape. `#` stands for a digit, `^` for an upper-case letter, `?` for a lower-case
    /// letter, `*` for any of them, everything else for itself; empty means: learn it.
    Code {
        /// The most frequent shape, for people.
        mask: String,
    },
    /// A short phrase that names a thing.
    Title,
    /// Sentences.
    FreeText,
    /// HTML or XML text.
    Markup,
    /// A JSON document.
    Json,
    /// Numbers kept as text.
    NumberText,
    /// Dates kept as text.
    DateText,
    /// Raw bytes.
    Bytes,
    /// A duration in the server's text form.
    Interval,
    /// An address or network of the server's own type.
    Inet,
    /// A bit string.
    Bits,
    /// A comma-joined subset of labels.
    Set,
    /// An array in the server's text form.
    Array,
    /// A range in the server's text form.
    Range,
    /// A shape: WKT, or the server's own geometric types.
    Geometry,
    /// A type of the server that dbsynth does not know.
    Opaque,
}

impl Meaning {
    /// Reads what a user wrote in `synth.toml`; `code:INV-####` gives a mask.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(mask) = text.strip_prefix("code:") {
            return Some(Self::Code { mask: mask.to_owned() });
        }
        if text == "code" {
            return Some(Self::Code { mask: String::new() });
        }
        serde_json::from_value(serde_json::Value::String(text.to_ascii_lowercase().replace('-', "_"))).ok()
    }

    /// Says it as a user writes it in `synth.toml`.
    #[must_use]
    pub fn word(&self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(word)) => word,
            _ => "code".to_owned(),
        }
    }

    /// True if a value of this meaning can point at a person or open a door: no such value is ever kept.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        matches!(
            self,
            Self::FirstName
                | Self::LastName
                | Self::FullName
                | Self::UserName
                | Self::Email
                | Self::Phone
                | Self::StreetAddress
                | Self::IpAddress
                | Self::HexToken
                | Self::PasswordHash
                | Self::CreditCard
                | Self::Iban
                | Self::NationalId
                | Self::BirthDate
                | Self::Coordinates
                | Self::FreeText
                | Self::Markup
        )
    }
}
