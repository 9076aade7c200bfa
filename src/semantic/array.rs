//! Arrays in Postgres's text form: `{a,"b c",NULL}`.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{
    detect,
    meaning::Meaning,
    quantiles::Quantiles,
    value_writer::{Cell, ColumnShape, ValueWriter},
};
use crate::{
    data::template::array_element,
    privacy::{Guard, Kept},
    schema::DataType,
    seed::Stream,
};

/// Arrays looked at.
const ARRAYS_MAX: usize = 20_000;

/// How long arrays are, and what is in them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ArrayShape {
    length: Quantiles,
    /// Share of null elements.
    nulls: f64,
    element: Element,
    /// Longest element in characters, where declared.
    #[serde(default)]
    longest: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Element {
    /// Share of true.
    Boolean(f64),
    /// Numbers with so many decimals.
    Number(Quantiles, usize),
    Written(Box<ValueWriter>),
    /// No element type we can write: arrays stay empty.
    Unknown,
}

impl ArrayShape {
    pub(super) fn fit(name: &str, element: &DataType, values: &[&str], guard: Guard<'_>) -> Self {
        let step = values.len().div_ceil(ARRAYS_MAX).max(1);
        let sample = values.iter().enumerate().step_by(step);
        let arrays: Vec<(usize, Vec<Option<String>>)> =
            sample.filter_map(|(row, text)| Some((row, parse(text)?))).collect();
        let lengths = arrays.iter().map(|(row, array)| (*row, array.len() as f64));
        // Where too few have arrays to tell how long they are, one element is what most conditions ask for.
        let some = arrays.iter().any(|(_, array)| !array.is_empty());
        let length = Quantiles::fit(lengths, guard)
            .unwrap_or_else(|| Quantiles::constant(if some { 1.0 } else { 0.0 }));
        let all: usize = arrays.iter().map(|(_, array)| array.len()).sum();
        let known = arrays.iter().flat_map(|(row, array)| array.iter().map(move |text| (*row, text)));
        let known = known.filter_map(|(row, text)| Some((text.as_deref()?, guard.owner(row))));
        let (elements, owners): (Vec<&str>, Vec<u32>) = known.unzip();
        let guard = Guard::entities(&owners, guard.least() as u32);
        let nulls = (all - elements.len()) as f64 / all.max(1) as f64;
        let written = |meaning: &Meaning| {
            let shape = ColumnShape { data_type: element, ..ColumnShape::text(name) };
            Element::Written(Box::new(ValueWriter::fit(meaning, &shape, &elements, guard)))
        };
        let longest = match element {
            DataType::Text { max_chars } => max_chars.map(|chars| chars as usize),
            _ => None,
        };
        let element = match element {
            _ if elements.is_empty() => Element::Unknown,
            DataType::Boolean => {
                Element::Boolean(super::pattern::share(&elements, |text| text == "t" || text == "true"))
            }
            DataType::Integer { .. } | DataType::Decimal { .. } | DataType::Float { .. } => {
                let decimals =
                    elements.iter().map(|text| text.split_once('.').map_or(0, |(_, d)| d.len())).max();
                let whole = matches!(element, DataType::Integer { .. });
                let numbers = elements.iter().enumerate();
                let numbers =
                    Quantiles::fit(numbers.filter_map(|(at, text)| Some((at, text.parse().ok()?))), guard);
                let decimals = if whole { 0 } else { decimals.unwrap_or(0).min(12) };
                Element::Number(numbers.unwrap_or_else(|| Quantiles::constant(0.0)), decimals)
            }
            DataType::Enum { .. } => written(&Meaning::Category),
            DataType::Text { .. } => written(&detect::detect_text("", name, &elements, false).meaning),
            DataType::Uuid => written(&Meaning::Uuid),
            DataType::Json => written(&Meaning::Json),
            DataType::Inet => written(&Meaning::Inet),
            DataType::Interval => written(&Meaning::Interval),
            DataType::Bits { .. } => written(&Meaning::Bits),
            DataType::Date | DataType::Timestamp { .. }
                if super::pattern::date_format(&elements).is_some() =>
            {
                written(&Meaning::DateText)
            }
            _ => Element::Unknown,
        };
        Self { length, nulls, element, longest }
    }

    /// What it keeps of the source; a range has so many entities behind it.
    pub(super) fn kept(&self, least: u32) -> Vec<Kept> {
        match &self.element {
            Element::Number(numbers, decimals) => {
                vec![numbers.kept(least, &|number| format!("{number:.decimals$}"))]
            }
            Element::Written(writer) => writer.kept(least),
            Element::Boolean(_) | Element::Unknown => Vec::new(),
        }
    }

    /// True if arrays stay empty because nothing is known about their elements.
    pub(super) fn is_unknown(&self) -> bool {
        self.element == Element::Unknown && self.length.largest() > 0.0
    }

    pub(super) fn write(&self, cell: &Cell<'_>, random: &mut Stream) -> String {
        let length = if self.element == Element::Unknown { 0 } else { self.length.draw_count(random) };
        let mut elements = Vec::with_capacity(length);
        for place in 0..length {
            let null = random.random_bool(self.nulls.clamp(0.0, 1.0));
            // The first element carries what makes a row different.
            let index = cell.index.filter(|_| place == 0);
            let text = match &self.element {
                Element::Boolean(share) => {
                    Some(if random.random_bool(share.clamp(0.0, 1.0)) { "t" } else { "f" }.to_owned())
                }
                Element::Number(numbers, decimals) => Some(
                    index.map_or_else(|| format!("{:.decimals$}", numbers.draw(random)), |i| i.to_string()),
                ),
                Element::Written(writer) => writer.write(&Cell { index, max: self.longest, ..*cell }, random),
                Element::Unknown => None,
            };
            elements
                .push(text.filter(|_| !null).map_or_else(|| "NULL".to_owned(), |text| array_element(&text)));
        }
        format!("{{{}}}", elements.join(","))
    }
}

/// The elements of an array, nested ones in one line; `None` if it is no array.
pub(super) fn parse(text: &str) -> Option<Vec<Option<String>>> {
    // Arrays that do not start at 1 print their bounds first: `[0:2]={1,2,3}`.
    let body = text.find('{').map(|start| &text[start..]).filter(|body| body.ends_with('}'))?;
    let mut elements = Vec::new();
    let mut current = String::new();
    let mut was_quoted = false;
    let mut characters = body.chars();
    let mut finish = |current: &mut String, was_quoted: &mut bool| {
        if *was_quoted || !current.is_empty() {
            let null = !*was_quoted && current.eq_ignore_ascii_case("null");
            elements.push((!null).then(|| current.clone()));
        }
        current.clear();
        *was_quoted = false;
    };
    while let Some(character) = characters.next() {
        match character {
            '{' => {}
            '}' | ',' => finish(&mut current, &mut was_quoted),
            '"' => {
                was_quoted = true;
                loop {
                    match characters.next()? {
                        '"' => break,
                        '\\' => current.push(characters.next()?),
                        other => current.push(other),
                    }
                }
            }
            '\\' => current.push(characters.next()?),
            other => current.push(other),
        }
    }
    Some(elements)
}
