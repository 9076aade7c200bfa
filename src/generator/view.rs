//! How much of the conditioning a generator looks at: the difference between the method and its baselines.

use serde::{Deserialize, Serialize};

use crate::conditioning::{Conditioning, Message, MessageSource, Per};

/// Which generator it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// All messages and the siblings.
    Autoregressive,
    /// Nothing: each row by itself.
    Independent,
    /// The direct parent's row, joined on as flat columns.
    Flattened,
}

impl Kind {
    /// Returns what this generator sees of `given`.
    pub(super) fn view(self, given: &Conditioning) -> Conditioning {
        match self {
            Self::Autoregressive => given.clone(),
            Self::Independent => Conditioning {
                families: given.families.clone(),
                has_siblings: false,
                messages: Vec::new(),
                given: None,
            },
            Self::Flattened => Conditioning {
                families: given.families.clone(),
                has_siblings: false,
                messages: given
                    .messages
                    .iter()
                    .find(|message| is_direct_parent(message))
                    .cloned()
                    .into_iter()
                    .collect(),
                given: None,
            },
        }
    }
}

fn is_direct_parent(message: &Message) -> bool {
    message.per == Per::Family && message.via.is_none() && matches!(message.source, MessageSource::Row { .. })
}
