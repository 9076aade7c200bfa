//! Phrases, sentences and marked-up text: lengths and common words learned, order invented.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{distinct, pattern, persona, quantiles::Quantiles};
use crate::{
    privacy::{Guard, Kept, KeptKind},
    seed::Stream,
};

/// Words kept, most shared first.
const WORDS_MAX: usize = 4_000;
/// Fewer shared words than this do not make texts: filler words join them.
const WORDS_MIN: usize = 40;
/// Rows whose words are counted.
const ROWS_MAX: usize = 50_000;
/// Tags that may wrap a sentence.
const BLOCKS: &[&str] = &["p", "div", "li", "h1", "h2", "h3", "h4", "blockquote", "span", "td"];
/// Tags that may wrap a word.
const INLINE: &[&str] = &["b", "i", "em", "strong", "code", "u", "a"];

/// How words are capitalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Case {
    /// As invented.
    Mixed,
    /// All capitals.
    Upper,
    /// No capitals.
    Lower,
    /// The first letter of each word.
    Title,
    /// The first letter of each sentence.
    Sentence,
}

impl Case {
    /// The case nearly all values are in.
    pub(super) fn of(values: &[&str]) -> Self {
        // Chinese, say, has neither.
        let is_cased = |c: char| c.is_lowercase() || c.is_uppercase();
        let lettered: Vec<&str> =
            values.iter().copied().filter(|value| value.chars().any(is_cased)).collect();
        let share = |passes: fn(&str) -> bool| pattern::share(&lettered, passes);
        if lettered.is_empty() {
            Self::Mixed
        } else if share(|text| !text.chars().any(char::is_lowercase)) >= 0.9 {
            Self::Upper
        } else if share(|text| !text.chars().any(char::is_uppercase)) >= 0.9 {
            Self::Lower
        } else {
            Self::Mixed
        }
    }

    /// Puts a text into this case.
    pub(super) fn apply(self, text: &str) -> String {
        match self {
            Self::Upper => text.to_uppercase(),
            Self::Lower => text.to_lowercase(),
            Self::Mixed | Self::Title | Self::Sentence => text.to_owned(),
        }
    }
}

/// What texts of a column look like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TextModel {
    /// Length in characters.
    lengths: Quantiles,
    /// Words of a sentence; `None` for phrases.
    sentence: Option<Quantiles>,
    /// Words that enough entities use, with the running sum of their weights.
    words: Vec<(String, f64)>,
    /// Distinct entities with each of the first words; those behind are fillers.
    shared: Vec<u32>,
    case: Case,
    /// Share of the texts that end with a full stop.
    stops: f64,
    /// Chance that a line ends after a sentence.
    breaks: f64,
    /// Tag that wraps sentences, and share of words inside an inline tag with that tag.
    block: Option<String>,
    inline: Option<(String, f64)>,
    /// Distinct words that spell a row's index, where the column is unique.
    spelling: Vec<String>,
}

impl TextModel {
    /// Learns from values; `sentences` for free text, `markup` for text with tags.
    pub(super) fn fit(
        values: &[&str],
        guard: Guard<'_>,
        (sentences, markup): (bool, bool),
        max_chars: Option<usize>,
    ) -> Self {
        let step = values.len().div_ceil(ROWS_MAX).max(1);
        let sample: Vec<&str> = values.iter().step_by(step).copied().collect();
        let owners: Vec<u32> = (0..values.len()).step_by(step).map(|row| guard.owner(row)).collect();
        let guard = Guard::entities(&owners, guard.least() as u32);
        let lengths = sample.iter().map(|text| text.chars().count() as f64).enumerate();
        let lengths = Quantiles::fit(lengths, guard).unwrap_or_else(|| Quantiles::constant(20.0));
        let plain: Vec<String> =
            if markup { sample.iter().map(|text| without_tags(text)).collect() } else { Vec::new() };
        let plain: Vec<&str> =
            if markup { plain.iter().map(String::as_str).collect() } else { sample.clone() };
        let per_sentence = plain
            .iter()
            .enumerate()
            .flat_map(|(row, text)| text.split(['.', '!', '?', '\n']).map(move |sentence| (row, sentence)))
            .map(|(row, sentence)| (row, sentence.split_whitespace().count() as f64))
            .filter(|(_, count)| *count > 0.0);
        let sentence = (sentences || markup)
            .then(|| Quantiles::fit(per_sentence, guard).unwrap_or_else(|| Quantiles::constant(8.0)));
        let (words, shared) = vocabulary(&plain, guard, sentence.is_none());
        let case = match Case::of(&plain) {
            Case::Mixed if sentence.is_some() => Case::Sentence,
            Case::Mixed if title_share(&plain) > 0.6 => Case::Title,
            Case::Mixed => Case::Sentence,
            other => other,
        };
        let sentences_seen: usize = plain.iter().map(|text| text.matches(['.', '!', '?']).count() + 1).sum();
        let lines: usize = plain.iter().map(|text| text.matches('\n').count()).sum();
        Self {
            spelling: spelling(&words, max_chars),
            stops: pattern::share(&plain, |text| text.trim_end().ends_with(['.', '!', '?'])),
            breaks: (lines as f64 / sentences_seen.max(1) as f64).min(0.5),
            block: markup.then(|| shared_tag(&sample, guard, BLOCKS)).flatten(),
            inline: markup.then(|| inline(&sample, guard)).flatten(),
            lengths,
            sentence,
            words,
            shared,
            case,
        }
    }

    /// The words of the source it keeps.
    pub(super) fn kept(&self) -> Vec<Kept> {
        let words = self.words.iter().zip(&self.shared);
        words.map(|((word, _), n)| Kept::value(word.clone(), *n).as_kind(KeptKind::Word)).collect()
    }

    /// Writes a text of at most `max` characters; with an `index`, a different one for every index.
    pub(super) fn write(&self, index: Option<u64>, max: Option<usize>, random: &mut Stream) -> String {
        if let Some(index) = index {
            return self.write_distinct(index, max, random);
        }
        let target = self.lengths.draw_count(random).max(1).min(max.unwrap_or(usize::MAX));
        let text = if self.sentence.is_some() {
            self.sentences(target, random)
        } else {
            self.phrase(target, random)
        };
        if max.is_some_and(|max| text.chars().count() > max) {
            // Tags cut in half would be no markup: a plain beginning of it.
            let plain = without_tags(&text);
            return distinct::cut(plain.trim(), max).trim_end().to_owned();
        }
        text
    }

    fn phrase(&self, target: usize, random: &mut Stream) -> String {
        let mut text = String::new();
        let mut length = 0;
        loop {
            let word = self.word(random);
            let chars = word.chars().count() + usize::from(length > 0);
            if length > 0 && length + chars > target + 2 {
                break;
            }
            if length > 0 {
                text.push(' ');
            }
            text.push_str(&match self.case {
                Case::Title => capitalised(word),
                Case::Sentence if length == 0 => capitalised(word),
                case => case.apply(word),
            });
            length += chars;
            if length >= target {
                break;
            }
        }
        if random.random_bool(self.stops.clamp(0.0, 1.0)) {
            text.push('.');
        }
        text
    }

    fn sentences(&self, target: usize, random: &mut Stream) -> String {
        let mut text = String::new();
        let mut length = 0;
        while length < target {
            let count = self.sentence.as_ref().map_or(8, |words| words.draw_count(random)).max(1);
            let mut sentence = String::new();
            let mut chars = length;
            for place in 0..count {
                let word = self.word(random);
                chars += word.chars().count() + 1;
                // The last sentence ends where the text does.
                if place > 0 && chars > target {
                    break;
                }
                if place > 0 {
                    sentence.push(' ');
                }
                let word = if place == 0 && self.case == Case::Sentence {
                    capitalised(word)
                } else {
                    self.case.apply(word)
                };
                match &self.inline {
                    Some((tag, share)) if random.random_bool(share.clamp(0.0, 1.0)) => {
                        sentence.push_str(&format!("<{tag}>{word}</{tag}>"));
                    }
                    _ => sentence.push_str(&word),
                }
            }
            if length + sentence.chars().count() < target
                && (self.stops > 0.5 || length > 0 || chars < target)
            {
                sentence.push('.');
            }
            if let Some(tag) = &self.block {
                sentence = format!("<{tag}>{sentence}</{tag}>");
            }
            if !text.is_empty() {
                text.push(if random.random_bool(self.breaks.clamp(0.0, 1.0)) { '\n' } else { ' ' });
            }
            text.push_str(&sentence);
            length = text.chars().count();
        }
        text
    }

    /// Words that spell the index; the index itself where no words fit.
    fn write_distinct(&self, index: u64, max: Option<usize>, random: &mut Stream) -> String {
        if self.spelling.len() >= 16 {
            let words = distinct::spell(index, &self.spelling);
            let text: Vec<String> = words.into_iter().map(capitalised).collect();
            let text = match self.case {
                Case::Title | Case::Mixed => text.join(" "),
                Case::Sentence => capitalised(&text.join(" ").to_lowercase()),
                case => case.apply(&text.join(" ")),
            };
            if max.is_none_or(|max| text.chars().count() <= max) {
                return text;
            }
        }
        let base = self.case.apply(&capitalised(self.word(random)));
        distinct::numbered(&base, " ", index, max)
    }

    fn word(&self, random: &mut Stream) -> &str {
        let total = self.words.last().map_or(0.0, |(_, sum)| *sum);
        let place = random.random::<f64>() * total;
        let found = self.words.partition_point(|(_, sum)| *sum <= place);
        self.words.get(found).map_or("word", |(word, _)| word.as_str())
    }
}

/// What was seen of a word.
#[derive(Default)]
struct Seen {
    rows: usize,
    capital: usize,
    entities: u32,
    last: Option<u32>,
}

/// Words of enough entities, with running weights, and how many entities have each; filler words, which no entity has,
/// where too few are shared.
fn vocabulary(texts: &[&str], guard: Guard<'_>, phrases: bool) -> (Vec<(String, f64)>, Vec<u32>) {
    let mut rows = BTreeMap::<String, Seen>::new();
    // Entity by entity, so that another one is seen where the last one was not the same.
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|row| guard.owner(*row));
    for row in order {
        let (text, owner) = (texts[row], guard.owner(row));
        let mut seen = BTreeSet::new();
        for (place, raw) in text.split_whitespace().enumerate() {
            let word = raw.trim_matches(|c: char| !c.is_alphanumeric());
            // Digits, addresses and the like are no words.
            let plain = word.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '-');
            if word.is_empty() || !plain || word.chars().count() > 30 || !seen.insert(word.to_lowercase()) {
                continue;
            }
            let entry = rows.entry(word.to_lowercase()).or_default();
            entry.rows += 1;
            entry.entities += u32::from(entry.last.replace(owner) != Some(owner));
            let capital = place > 0 && word.chars().next().is_some_and(char::is_uppercase);
            entry.capital += usize::from(capital);
        }
    }
    let mut shared: Vec<(String, usize, u32)> = rows
        .into_iter()
        .filter(|(_, seen)| seen.entities as usize >= guard.least())
        .map(|(word, Seen { rows, capital, entities, .. })| {
            // A word that keeps its capital inside sentences is a proper noun.
            let proper = !phrases && capital * 10 > rows * 8;
            (if proper { capitalised(&word) } else { word }, rows, entities)
        })
        .collect();
    shared.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    shared.truncate(WORDS_MAX);
    let total: usize = shared.iter().map(|(_, rows, _)| *rows).sum();
    let missing = 1.0 - shared.len() as f64 / WORDS_MIN as f64;
    let entities: Vec<u32> = shared.iter().map(|(.., entities)| *entities).collect();
    let mut sum = 0.0;
    let mut words: Vec<(String, f64)> = shared
        .into_iter()
        .map(|(word, rows, _)| {
            sum += rows as f64;
            (word, sum)
        })
        .collect();
    if missing > 0.0 {
        // The fewer words are shared, the more fill in.
        let filler: Vec<String> = if phrases {
            persona::THING.clone()
        } else {
            persona::LOREM.iter().map(|word| (*word).to_owned()).collect()
        };
        let weight = (missing * total as f64).max(1.0) / filler.len() as f64;
        words.extend(filler.into_iter().map(|word| {
            sum += weight;
            (word, sum)
        }));
    }
    (words, entities)
}

/// Distinct words (ignoring case) short enough that two of them fit the column.
fn spelling(words: &[(String, f64)], max_chars: Option<usize>) -> Vec<String> {
    let longest = max_chars.map_or(12, |max| (max.saturating_sub(1) / 2).min(12));
    let mut seen = BTreeSet::new();
    words
        .iter()
        .map(|(word, _)| word.to_lowercase())
        .chain(persona::THING.iter().cloned())
        .filter(|word| (2..=longest).contains(&word.chars().count()) && seen.insert(word.clone()))
        .collect()
}

fn title_share(texts: &[&str]) -> f64 {
    let words = texts.iter().flat_map(|text| text.split_whitespace().skip(1));
    let lettered: Vec<&str> = words.filter(|word| word.starts_with(char::is_alphabetic)).collect();
    if lettered.is_empty() {
        return 1.0;
    }
    pattern::share(&lettered, |word| word.starts_with(char::is_uppercase))
}

/// The text without what stands between angle brackets.
fn without_tags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut inside = false;
    for character in text.chars() {
        match character {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                plain.push(' ');
            }
            other if !inside => plain.push(other),
            _ => {}
        }
    }
    plain
        .split_inclusive(char::is_whitespace)
        .filter(|part| !part.trim().is_empty() || part.contains('\n'))
        .collect()
}

fn shared_tag(texts: &[&str], guard: Guard<'_>, tags: &[&str]) -> Option<String> {
    let entities = |tag: &str| {
        let open = [format!("<{tag}>"), format!("<{tag} ")];
        let has = |row: &usize| open.iter().any(|open| texts[*row].contains(open.as_str()));
        guard.distinct((0..texts.len()).filter(has))
    };
    let (tag, count) = tags.iter().map(|tag| (*tag, entities(tag))).max_by_key(|(_, count)| *count)?;
    (count >= guard.least().max(1)).then(|| tag.to_owned())
}

fn inline(texts: &[&str], guard: Guard<'_>) -> Option<(String, f64)> {
    let tag = shared_tag(texts, guard, INLINE)?;
    let open = format!("<{tag}");
    let tags: usize = texts.iter().map(|text| text.matches(open.as_str()).count()).sum();
    let words: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
    Some((tag, (tags as f64 / words.max(1) as f64).min(0.2)))
}

/// The word with a capital first letter.
pub(super) fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
