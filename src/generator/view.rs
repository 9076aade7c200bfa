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
    /// The direct parent's row and the tokens decided before.
    IidChildren,
    /// The same and the siblings.
    ParentOnly,
    /// All messages, no siblings.
    NoSiblings,
}

impl Kind {
    /// Returns what this generator sees of `given`.
    pub(super) fn view(self, given: &Conditioning) -> Conditioning {
        match self {
            Self::Autoregressive => given.clone(),
            Self::Independent => {
                Conditioning { avoided: given.avoided.clone(), ..Conditioning::free(given.families.clone()) }
            }
            Self::Flattened => Conditioning { has_siblings: false, given: None, ..parent_only(given) },
            Self::IidChildren => Conditioning { has_siblings: false, ..parent_only(given) },
            Self::ParentOnly => parent_only(given),
            Self::NoSiblings => Conditioning { has_siblings: false, ..given.clone() },
        }
    }
}

fn parent_only(given: &Conditioning) -> Conditioning {
    Conditioning {
        families: given.families.clone(),
        has_siblings: given.has_siblings,
        messages: given
            .messages
            .iter()
            .find(|message| is_direct_parent(message))
            .cloned()
            .into_iter()
            .collect(),
        given: given.given.clone(),
        running: given.running.clone(),
        avoided: given.avoided.clone(),
    }
}

fn is_direct_parent(message: &Message) -> bool {
    message.per == Per::Family && message.via.is_none() && matches!(message.source, MessageSource::Row { .. })
}
