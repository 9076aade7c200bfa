//! Enumerations: one token per value, most frequent first.

use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{Array, ArrayRef, BooleanArray, StringArray};
use indexmap::IndexMap;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::{
    privacy::{Guard, Kept, Support},
    rules::Limit,
    schema::{Column, DataType},
    seed::Stream,
};

use super::{ColumnCodec, SubColumn, null::Nulls, reading};

/// Most values with a token of their own. Beyond it a softmax head costs more than the rare values are worth.
const MAX_VALUES: usize = 16_384;

/// Most values told by one token; more are told by a block of neighbours in the alphabet and a rank in it. Codes that
/// begin alike are often alike.
const DIRECT_MAX: usize = 1024;

/// Blocks: as many as have a one-hot of their own.
const BLOCKS: usize = SubColumn::MAX_ONE_HOT - 1;

/// A column of booleans, labels or enumerated text.
///
/// Values that too few entities have share one *protected* token; it decodes to a kept value, drawn in proportion to
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
    /// Distinct entities with each kept value.
    entities: Vec<u32>,
    /// True if a protected token follows the values.
    protected: bool,
    /// Running sums of the rows: where a draw in proportion lands.
    cumulative: Vec<u64>,
    /// Index of each block's first value; empty if there are no blocks.
    #[serde(default)]
    starts: Vec<u16>,
}

impl Categorical {
    /// Fits to booleans or text; a value needs enough entities under `guard` to be kept (labels of an enum type are
    /// always kept). `None` if the array is neither, or if nothing may be kept.
    #[must_use]
    pub fn fit(column: &Column, values: &ArrayRef, guard: Guard<'_>) -> Option<Self> {
        let counts = count(values, guard)?;
        let boolean = reading::booleans(values).is_some();
        let declared = boolean || matches!(column.data_type, DataType::Enum { .. });
        let least = if declared { 1 } else { guard.least().max(1) };
        let mut support: BTreeMap<String, u32> = BTreeMap::new();
        let mut kept: Vec<(String, u32)> = Vec::new();
        for (value, Support { rows, entities }) in
            counts.into_iter().filter(|(_, seen)| seen.entities >= least)
        {
            support.insert(value.to_owned(), entities as u32);
            kept.push((value.to_owned(), rows as u32));
        }
        if kept.is_empty() {
            kept = labels(&column.data_type);
        }
        if kept.is_empty() {
            return None;
        }
        kept.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        kept.truncate(MAX_VALUES);
        let starts = if kept.len() > DIRECT_MAX {
            kept.sort();
            starts(&kept)
        } else {
            Vec::new()
        };

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
        let sub_columns = if starts.is_empty() {
            vec![nulls.sub_column(&column.name, kept.len() + usize::from(protected), Vec::new())]
        } else {
            let ends = starts.iter().skip(1).copied().chain([kept.len() as u16]);
            let longest = starts.iter().zip(ends).map(|(start, end)| end - start).max().unwrap_or(0);
            let block = nulls.sub_column(&format!("{}.block", column.name), starts.len(), Vec::new());
            // The last rank is the protected one: any value of the block.
            let name = format!("{}.rank", column.name);
            vec![
                block,
                SubColumn {
                    name,
                    size: longest + 1,
                    scalars: Vec::new(),
                    counts_children: false,
                    one_hot: false,
                },
            ]
        };
        Some(Self {
            sub_columns,
            nulls,
            boolean,
            declared,
            entities: kept.iter().map(|(value, _)| support.get(value).copied().unwrap_or(0)).collect(),
            values: kept.into_iter().collect(),
            protected,
            cumulative,
            starts,
        })
    }

    pub(super) fn kept(&self) -> Vec<Kept> {
        if self.declared {
            return Vec::new();
        }
        self.values.keys().zip(&self.entities).map(|(value, n)| Kept::value(value.clone(), *n)).collect()
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

    /// Rows that had one of the values with a token of their own.
    pub(super) fn kept_rows(&self) -> usize {
        self.values.values().map(|rows| *rows as usize).sum()
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

    /// Block and rank of a value; one never seen is any value of the middle row's block.
    fn ranked(&self, value: &str) -> (u16, u16) {
        let any = self.sub_columns.get(1).map_or(0, |sub_column| sub_column.size - 1);
        let (index, rank) = match self.values.get_index_of(value) {
            Some(index) => (index, None),
            None => {
                let half = self.cumulative.last().copied().unwrap_or(0) / 2;
                (self.cumulative.partition_point(|sum| *sum < half), Some(any))
            }
        };
        let block = self.starts.partition_point(|start| usize::from(*start) <= index).max(1) - 1;
        (block as u16, rank.unwrap_or(index as u16 - self.starts[block]))
    }

    /// The value of a block and rank; a rank beyond the block draws one of its values.
    fn value_of(&self, block: u16, rank: u16, random: &mut Stream) -> &str {
        let block = usize::from(block).min(self.starts.len() - 1);
        let start = usize::from(self.starts[block]);
        let end = self.starts.get(block + 1).map_or(self.values.len(), |end| usize::from(*end));
        let mut index = start + usize::from(rank);
        if index >= end {
            let below = if start == 0 { 0 } else { self.cumulative[start - 1] };
            let at = random.random_range(below..self.cumulative[end - 1].max(below + 1));
            index = self.cumulative.partition_point(|sum| *sum <= at).clamp(start, end - 1);
        }
        self.values.get_index(index).map_or("", |(value, _)| value.as_str())
    }

    /// The values of a block.
    fn block(&self, block: usize) -> std::ops::Range<usize> {
        let start = self.starts.get(block).map_or(0, |start| usize::from(*start));
        start..self.starts.get(block + 1).map_or(self.values.len(), |end| usize::from(*end))
    }

    /// As [`ColumnCodec::shares`], where a value has two tokens.
    fn shares_of_ranks(&self, limit: &Limit, before: &[u16]) -> Vec<f32> {
        let rows = |values: std::ops::Range<usize>, all: bool| -> f32 {
            let values = values.filter_map(|index| self.values.get_index(index));
            let left = values.filter(|(value, _)| all || self.allows(limit, value));
            left.map(|(_, rows)| *rows as f32).sum()
        };
        let null = |token: u16| self.nulls.is_null(token, self.sub_columns[0].size);
        let share =
            |values: std::ops::Range<usize>| rows(values.clone(), false) / rows(values, true).max(1.0);
        match before.first() {
            None => (0..self.sub_columns[0].size)
                .map(|token| match (null(token), *limit == Limit::Null) {
                    (false, false) => share(self.block(usize::from(token))),
                    (null, wanted) => f32::from(u8::from(null && wanted)),
                })
                .collect(),
            Some(block) if null(*block) => vec![1.0; usize::from(self.sub_columns[1].size)],
            Some(block) => {
                let values = self.block(usize::from(*block));
                // The last rank draws any value of the block, whatever the limit.
                let ranks = 0..self.sub_columns[1].size - 1;
                ranks
                    .map(|rank| {
                        let index = values.start + usize::from(rank);
                        if values.contains(&index) { share(index..index + 1) } else { 0.0 }
                    })
                    .chain([0.0])
                    .collect()
            }
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

/// Cuts sorted values into blocks of about equal numbers of rows, none more than twice as long as the mean.
fn starts(kept: &[(String, u32)]) -> Vec<u16> {
    let total: u64 = kept.iter().map(|(_, rows)| u64::from(*rows)).sum();
    let longest = 2 * kept.len().div_ceil(BLOCKS);
    let mut starts = vec![0];
    let (mut sum, mut first) = (0_u64, 0);
    for (index, (_, rows)) in kept.iter().enumerate() {
        let full = sum * 2 * BLOCKS as u64 >= total * 2 * starts.len() as u64 * 11 / 10;
        if index > first && (full && starts.len() < BLOCKS / 2 || index - first >= longest) {
            starts.push(index as u16);
            first = index;
        }
        sum += u64::from(*rows);
    }
    starts
}

/// How widely each distinct value is shared. `None` if the array is neither boolean nor text.
fn count<'a>(values: &'a ArrayRef, guard: Guard<'_>) -> Option<BTreeMap<&'a str, Support>> {
    if let Some(booleans) = reading::booleans(values) {
        let word = |value: bool| if value { "true" } else { "false" };
        let known = booleans.iter().enumerate().filter_map(|(row, value)| Some((word(value?), row)));
        return Some(guard.support(known));
    }
    let texts = reading::texts(values)?;
    Some(guard.support(texts.iter().enumerate().filter_map(|(row, text)| Some((text?, row)))))
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
        if !self.starts.is_empty() {
            let any = self.sub_columns[1].size - 1;
            let (blocks, ranks) = match reading::texts(column) {
                Some(texts) => {
                    texts.iter().map(|value| value.map_or((null, any), |value| self.ranked(value))).unzip()
                }
                None => (vec![null; column.len()], vec![any; column.len()]),
            };
            return vec![blocks, ranks];
        }
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
        let values = tokens[0].iter().enumerate().map(|(row, token)| {
            (!self.nulls.is_null(*token, size)).then(|| match tokens.get(1) {
                Some(ranks) if !self.starts.is_empty() => self.value_of(*token, ranks[row], random),
                _ => self.value(*token, random),
            })
        });
        if self.boolean {
            Arc::new(BooleanArray::from(
                values.map(|value| value.map(|text| text == "true")).collect::<Vec<_>>(),
            ))
        } else {
            Arc::new(StringArray::from_iter(values))
        }
    }

    fn shares(&self, limit: &Limit, before: &[u16]) -> Vec<f32> {
        if !self.starts.is_empty() {
            return self.shares_of_ranks(limit, before);
        }
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
        if self.boolean || *limit == Limit::Null || !self.starts.is_empty() {
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
