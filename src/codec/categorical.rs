//! Enumerations: one token per value, most frequent first.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{Array, ArrayRef, BooleanArray, StringArray};
use indexmap::IndexMap;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::{
    rules::Limit,
    schema::{Column, DataType},
    seed::Stream,
};

use super::{ColumnCodec, SubColumn, null::Nulls, reading};

/// Most values with a token of their own. Beyond it a softmax head costs more than the rare values are worth.
const MAX_VALUES: usize = 4096;

/// A column of booleans, labels or enumerated text.
///
/// Values that too few rows have share one *protected* token; it decodes to a kept value, drawn in proportion to
/// how often each was seen, so no rare value ever comes out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Categorical {
    sub_columns: Vec<SubColumn>,
    nulls: Nulls,
    boolean: bool,
    /// True if the values are labels of the type, which are no one's data.
    declared: bool,
    /// Kept values (`true`, `false` for booleans) with the rows that had them; the token is the position.
    values: IndexMap<String, u32>,
    /// True if a protected token follows the values.
    protected: bool,
    /// Running sums of the rows: where a draw in proportion lands.
    cumulative: Vec<u64>,
}

impl Categorical {
    /// Fits to booleans or text; a value needs `protect_below` rows to be kept (labels of an enum type are always
    /// kept). `None` if the array is neither, or if nothing may be kept.
    #[must_use]
    pub fn fit(column: &Column, values: &ArrayRef, protect_below: u32) -> Option<Self> {
        let counts = count(values)?;
        let boolean = reading::booleans(values).is_some();
        let declared = boolean || matches!(column.data_type, DataType::Enum { .. });
        let least = if declared { 1 } else { protect_below.max(1) };
        let mut kept: Vec<(String, u32)> = counts
            .into_iter()
            .filter(|(_, rows)| *rows >= least)
            .map(|(value, rows)| (value.to_owned(), rows))
            .collect();
        if kept.is_empty() {
            kept = labels(&column.data_type);
        }
        if kept.is_empty() {
            return None;
        }
        kept.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        kept.truncate(MAX_VALUES);

        let nulls = Nulls::fit(values);
        // A boolean has no third value; text can always bring one that was never seen.
        let protected = !boolean;
        let mut sum = 0_u64;
        let cumulative = kept
            .iter()
            .map(|(_, rows)| {
                sum += u64::from(*rows);
                sum
            })
            .collect();
        let size = kept.len() + usize::from(protected);
        Some(Self {
            sub_columns: vec![nulls.sub_column(&column.name, size, Vec::new())],
            nulls,
            boolean,
            declared,
            values: kept.into_iter().collect(),
            protected,
            cumulative,
        })
    }

    pub(super) fn literals(&self) -> Vec<String> {
        if self.declared { Vec::new() } else { self.values.keys().cloned().collect() }
    }

    fn token(&self, value: &str) -> u16 {
        match self.values.get_index_of(value) {
            Some(index) => index as u16,
            None if self.protected => self.values.len() as u16,
            None => 0,
        }
    }

    fn allows(&self, limit: &Limit, value: &str) -> bool {
        if self.boolean { limit.allows_boolean(value == "true") } else { limit.allows_text(value) }
    }

    /// The values a limit lists that have no token of their own: the protected token stands for them.
    fn unseen<'a>(&self, limit: &'a Limit) -> Vec<&'a str> {
        match limit {
            Limit::Texts { only: Some(only), .. } if self.protected => only
                .iter()
                .map(String::as_str)
                .filter(|text| !self.values.contains_key(*text) && limit.allows_text(text))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The value a token stands for; the protected token draws a kept one.
    fn value(&self, token: u16, random: &mut Stream) -> &str {
        let index = usize::from(token);
        let index = if index < self.values.len() {
            index
        } else {
            let total = self.cumulative.last().copied().unwrap_or(1).max(1);
            let at = random.random_range(0..total);
            self.cumulative.partition_point(|sum| *sum <= at)
        };
        self.values.get_index(index).map_or("", |(value, _)| value.as_str())
    }
}

/// Rows per distinct value. `None` if the array is neither boolean nor text.
fn count(values: &ArrayRef) -> Option<BTreeMap<&str, u32>> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    if let Some(booleans) = reading::booleans(values) {
        for value in booleans.iter().flatten() {
            *counts.entry(if value { "true" } else { "false" }).or_default() += 1;
        }
    } else {
        for value in reading::texts(values)?.iter().flatten() {
            *counts.entry(value).or_default() += 1;
        }
    }
    Some(counts)
}

/// What a type itself says about its values, where the rows say nothing that may be kept.
fn labels(data_type: &DataType) -> Vec<(String, u32)> {
    match data_type {
        DataType::Enum { labels } | DataType::Set { labels } => {
            labels.iter().map(|label| (label.clone(), 1)).collect()
        }
        DataType::Boolean => vec![("false".to_owned(), 1), ("true".to_owned(), 1)],
        _ => Vec::new(),
    }
}

impl ColumnCodec for Categorical {
    fn sub_columns(&self) -> &[SubColumn] {
        &self.sub_columns
    }

    fn encode(&self, column: &ArrayRef) -> Vec<Vec<u16>> {
        let null = self.nulls.token(self.sub_columns[0].size);
        let tokens = if let Some(booleans) = reading::booleans(column) {
            let (yes, no) = (self.token("true"), self.token("false"));
            booleans.iter().map(|value| value.map_or(null, |value| if value { yes } else { no })).collect()
        } else if let Some(texts) = reading::texts(column) {
            texts.iter().map(|value| value.map_or(null, |value| self.token(value))).collect()
        } else {
            vec![self.token(""); column.len()]
        };
        vec![tokens]
    }

    fn decode(&self, tokens: &[&[u16]], random: &mut Stream) -> ArrayRef {
        let size = self.sub_columns[0].size;
        let values = tokens[0]
            .iter()
            .map(|token| (!self.nulls.is_null(*token, size)).then(|| self.value(*token, random)));
        if self.boolean {
            Arc::new(BooleanArray::from(
                values.map(|value| value.map(|text| text == "true")).collect::<Vec<_>>(),
            ))
        } else {
            Arc::new(StringArray::from_iter(values))
        }
    }

    fn shares(&self, limit: &Limit, _before: &[u16]) -> Vec<f32> {
        let size = self.sub_columns[0].size;
        let share = |token: u16| {
            if self.nulls.is_null(token, size) || *limit == Limit::Null {
                let both = self.nulls.is_null(token, size) && *limit == Limit::Null;
                return f32::from(u8::from(both));
            }
            match self.values.get_index(usize::from(token)) {
                Some((value, _)) => f32::from(u8::from(self.allows(limit, value))),
                None if matches!(limit, Limit::Texts { only: Some(_), .. }) => {
                    f32::from(u8::from(!self.unseen(limit).is_empty()))
                }
                None => {
                    let left = self.values.iter().filter(|(value, _)| self.allows(limit, value));
                    let left: u64 = left.map(|(_, rows)| u64::from(*rows)).sum();
                    left as f32 / self.cumulative.last().copied().unwrap_or(1).max(1) as f32
                }
            }
        };
        (0..size).map(share).collect()
    }

    fn decode_within(&self, tokens: &[&[u16]], limit: &Limit, random: &mut Stream) -> ArrayRef {
        let size = self.sub_columns[0].size;
        if self.boolean || *limit == Limit::Null {
            return self.decode(tokens, random);
        }
        let unseen = self.unseen(limit);
        let left: Vec<(&str, u64)> = {
            let left = self.values.iter().filter(|(value, _)| self.allows(limit, value));
            left.map(|(value, rows)| (value.as_str(), u64::from(*rows))).collect()
        };
        let total: u64 = left.iter().map(|(_, rows)| rows).sum();
        let values = tokens[0].iter().map(|token| {
            if self.nulls.is_null(*token, size) {
                return None;
            }
            if let Some((value, _)) = self.values.get_index(usize::from(*token)) {
                return Some(value.as_str());
            }
            if !unseen.is_empty() {
                return Some(unseen[random.random_range(0..unseen.len())]);
            }
            let mut at = random.random_range(0..total.max(1));
            let drawn = left.iter().find(|(_, rows)| {
                let here = at < *rows;
                at = at.saturating_sub(*rows);
                here
            });
            Some(drawn.map_or("", |(value, _)| *value))
        });
        Arc::new(StringArray::from_iter(values))
    }
}
