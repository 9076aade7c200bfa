//! What was seen at one place of documents, and which codecs its values get.

use std::{collections::BTreeSet, sync::Arc};

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    codec::SubColumn,
    privacy::{Guard, Kept, KeptKind},
    schema::{Column, DataType},
};

use super::{moment::Layout, part::Part, syntax::Syntax};

/// Deepest nesting described.
const DEPTH_MAX: usize = 8;
/// Most keys of an object described.
const KEYS_MAX: usize = 200;
/// Most sub-columns of the elements of an array, and most first elements modelled one by one.
const ELEMENT_BUDGET: usize = 12;
/// Texts kept for the writer of one place.
const WRITTEN_MAX: usize = 20_000;

/// What one document, or one element, has at a place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slot<'a> {
    /// There is no object or array around the place.
    Outside,
    /// The object around it has no such key.
    Absent,
    /// A value.
    Here(&'a Value),
}

/// The kinds of value a place can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Absent,
    Null,
    Boolean,
    Number,
    Text,
    Array,
    Object,
}

impl State {
    const ALL: [Self; 7] =
        [Self::Absent, Self::Null, Self::Boolean, Self::Number, Self::Text, Self::Array, Self::Object];

    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }

    fn of_slot(slot: Slot<'_>) -> Option<Self> {
        match slot {
            Slot::Outside => None,
            Slot::Absent => Some(Self::Absent),
            Slot::Here(value) => Some(Self::of(value)),
        }
    }
}

/// One place of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::codec) struct Node {
    pub(super) name: String,
    /// Distinct entities that have its key, if it is under one.
    pub(super) entities: u32,
    /// Kinds that enough entities have, with how often; never empty.
    pub(super) states: Vec<(State, u32)>,
    /// True if a sub-column says which kind it is.
    pub(super) told: bool,
    /// True if the null token of the one leaf says so instead.
    pub(super) folded: bool,
    pub(super) boolean: Option<Part>,
    pub(super) number: Option<Number>,
    pub(super) text: Option<Text>,
    pub(super) list: Option<Box<List>>,
    /// Keys that enough entities have.
    pub(super) fields: Vec<(String, Node)>,
}

/// Numbers of a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Number {
    pub(super) part: Part,
    pub(super) whole: bool,
    /// True if whole values are written as `1.0`.
    pub(super) pointed: bool,
}

/// Texts of a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Text {
    Label(Part),
    Moment(Part, Layout),
    /// Text number so many of the document, written elsewhere.
    Written(usize),
}

/// Arrays of a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct List {
    pub(super) length: Part,
    /// First elements with sub-columns of their own; those behind follow what was counted.
    pub(super) modelled: usize,
    pub(super) element: Node,
    /// True if no array repeats an element.
    pub(super) distinct: bool,
    /// True if every array is ascending.
    pub(super) sorted: bool,
}

/// Texts that are to be written elsewhere: where they stand, and what they look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenTexts {
    /// The key above them.
    pub name: String,
    /// Values of the source.
    pub values: Vec<String>,
    /// The entity that has each of them.
    pub owners: Vec<u32>,
}

/// How to fit.
pub(super) struct Fitting<'a> {
    /// Distinct entities that must share what is kept.
    pub(super) least: usize,
    /// Says whether texts under a name are labels that may be kept.
    pub(super) is_category: &'a dyn Fn(&str, &[&str]) -> bool,
    /// The notation of the place, which says what its leaves may be.
    pub(super) shape: &'a Syntax,
    /// First elements of an array that may have sub-columns.
    pub(super) elements: usize,
    /// Sub-columns left.
    pub(super) budget: usize,
    pub(super) written: Vec<WrittenTexts>,
    /// Keys left out.
    pub(super) rare_keys: usize,
}

impl Node {
    /// A place with these kinds of values and nothing known of them.
    fn bare(name: &str, states: Vec<(State, u32)>) -> Self {
        Self {
            name: name.to_owned(),
            entities: 0,
            states,
            told: false,
            folded: false,
            boolean: None,
            number: None,
            text: None,
            list: None,
            fields: Vec::new(),
        }
    }

    /// Fits to what the rows have at a place. `owners` says which entity each slot is of: a kind or key of too few
    /// entities is left out. `None` if nothing is left.
    pub(super) fn fit(
        name: &str,
        slots: &[Slot<'_>],
        owners: &[u32],
        depth: usize,
        fitting: &mut Fitting<'_>,
    ) -> Option<Self> {
        let least = fitting.least.max(1);
        let guard = Guard::entities(owners, fitting.least as u32);
        let mut states = Vec::new();
        for state in State::ALL {
            let here = || (0..slots.len()).filter(|at| State::of_slot(slots[*at]) == Some(state));
            let count = here().count() as u32;
            let deep = matches!(state, State::Array | State::Object) && depth >= DEPTH_MAX;
            if count > 0 && !deep && guard.distinct(here()) >= least {
                states.push((state, count));
            }
        }
        let mut node = Self::bare(name, states);
        let has = |state: State, node: &Self| node.states.iter().any(|(other, _)| *other == state);
        // Leaves first on trial: a place without a keepable value loses that kind.
        if has(State::Text, &node) {
            node.text = Text::choose(name, slots, guard, fitting);
        }
        let scalar = |state: State| match state {
            State::Boolean | State::Number => true,
            State::Text => !matches!(node.text, Some(Text::Written(_))),
            _ => false,
        };
        node.folded = match node.states.as_slice() {
            [(State::Absent | State::Null, _), (other, _)] => scalar(*other),
            _ => false,
        } && fitting.budget > 0;
        if node.states.len() > 1 && !node.folded && fitting.budget > 0 {
            node.told = true;
            fitting.budget -= 1;
        }
        if has(State::Boolean, &node) {
            let values = booleans(slots);
            let column = Column::new(name, DataType::Boolean);
            node.boolean = Part::fit(&column, &values, guard.with_least(1), &mut fitting.budget);
        }
        if has(State::Number, &node) {
            node.number = Number::fit(name, slots, guard, fitting);
        }
        if let Some(text) = node.text.take() {
            node.text = text.fitted(slots, &mut fitting.budget);
        }
        if has(State::Array, &node) {
            node.list = List::fit(name, slots, owners, depth, fitting).map(Box::new);
        }
        if has(State::Object, &node) {
            node.fields = fields(slots, owners, depth, fitting);
        }
        let (boolean, number, text, list) =
            (node.boolean.is_some(), node.number.is_some(), node.text.is_some(), node.list.is_some());
        node.states.retain(|(state, _)| match state {
            State::Boolean => boolean,
            State::Number => number,
            State::Text => text,
            State::Array => list,
            State::Absent | State::Null | State::Object => true,
        });
        if node.states.len() < 2 {
            node.folded = false;
        }
        (!node.states.is_empty()).then_some(node)
    }

    /// The sub-columns of the place and of all below it. `suffix` tells the elements of an array apart.
    pub(in crate::codec) fn sub_columns(&self, suffix: &str, out: &mut Vec<SubColumn>) {
        let mut add = |more: &[SubColumn]| {
            out.extend(more.iter().map(|s| SubColumn { name: format!("{}{suffix}", s.name), ..s.clone() }));
        };
        if self.told {
            let size = self.states.len().max(1) as u16;
            let name = format!("{}.kind", self.name);
            add(&[SubColumn { name, size, scalars: Vec::new(), counts_children: false, one_hot: size > 1 }]);
        }
        self.boolean.iter().for_each(|part| add(part.sub_columns()));
        self.number.iter().for_each(|number| add(number.part.sub_columns()));
        match &self.text {
            Some(Text::Label(part) | Text::Moment(part, _)) => add(part.sub_columns()),
            Some(Text::Written(_)) | None => {}
        }
        if let Some(list) = &self.list {
            add(list.length.sub_columns());
            for place in 0..list.modelled {
                list.element.sub_columns(&format!("{suffix}[{place}]"), out);
            }
        }
        for (_, field) in &self.fields {
            field.sub_columns(suffix, out);
        }
    }

    /// True if it is one text to be written, and nothing else: no document at all.
    pub(in crate::codec) fn is_unlearned(&self) -> bool {
        matches!(self.text, Some(Text::Written(_)))
            && self.states.iter().all(|(state, _)| matches!(state, State::Absent | State::Text))
    }

    /// Every key and value of the source kept here and below.
    pub(in crate::codec) fn kept(&self, out: &mut Vec<Kept>) {
        self.boolean.iter().for_each(|part| out.extend(part.kept()));
        self.number.iter().for_each(|number| out.extend(number.part.kept()));
        match &self.text {
            Some(Text::Label(part) | Text::Moment(part, _)) => out.extend(part.kept()),
            Some(Text::Written(_)) | None => {}
        }
        if let Some(list) = &self.list {
            out.extend(list.length.kept());
            list.element.kept(out);
        }
        for (key, field) in &self.fields {
            out.push(Kept::value(key.clone(), field.entities).as_kind(KeptKind::Key));
            field.kept(out);
        }
    }
}

fn fields(
    slots: &[Slot<'_>],
    owners: &[u32],
    depth: usize,
    fitting: &mut Fitting<'_>,
) -> Vec<(String, Node)> {
    // Entities with each key, in the order keys are first seen.
    let mut keys: IndexMap<&str, BTreeSet<u32>> = IndexMap::new();
    for (slot, owner) in slots.iter().zip(owners) {
        let Slot::Here(Value::Object(object)) = slot else { continue };
        for key in object.keys() {
            keys.entry(key).or_default().insert(*owner);
        }
    }
    // A key of few documents may be data (a map keyed by name): it is left out.
    let least = fitting.least.max(1);
    let seen = keys.len();
    keys.retain(|_, owners| owners.len() >= least);
    fitting.rare_keys += seen - keys.len().min(KEYS_MAX);
    let keys: Vec<(String, u32)> =
        keys.iter().take(KEYS_MAX).map(|(key, owners)| ((*key).to_owned(), owners.len() as u32)).collect();
    keys.into_iter()
        .filter_map(|(key, entities)| {
            let below: Vec<Slot<'_>> = slots
                .iter()
                .map(|slot| match slot {
                    Slot::Here(Value::Object(object)) => object.get(&key).map_or(Slot::Absent, Slot::Here),
                    _ => Slot::Outside,
                })
                .collect();
            let shape = fitting.shape;
            fitting.shape = shape.field(&key);
            let node = Node::fit(&key, &below, owners, depth + 1, fitting);
            fitting.shape = shape;
            Some((key, Node { entities, ..node? }))
        })
        .collect()
}

impl Number {
    fn fit(name: &str, slots: &[Slot<'_>], guard: Guard<'_>, fitting: &mut Fitting<'_>) -> Option<Self> {
        let numbers = || {
            slots.iter().filter_map(|slot| match slot {
                Slot::Here(Value::Number(number)) => Some(number),
                _ => None,
            })
        };
        let whole = numbers().all(serde_json::Number::is_i64);
        let fractionless = |number: &serde_json::Number| number.as_f64().is_some_and(|n| n.fract() == 0.0);
        let pointed = numbers().any(|number| number.is_f64() && fractionless(number));
        let leaf = fitting.shape.leaf();
        let declared = leaf.filter(|_| whole || !matches!(leaf, Some(DataType::Integer { .. })));
        let data_type = match declared {
            Some(
                declared @ (DataType::Integer { .. } | DataType::Decimal { .. } | DataType::Float { .. }),
            ) if matches!(declared, DataType::Integer { .. }) == whole => declared.clone(),
            _ if whole => DataType::Integer { min: i64::MIN, max: i64::MAX },
            _ => DataType::Float { single: false },
        };
        let values = numbers_array(slots, whole);
        let column = Column::new(name, data_type);
        let part = Part::fit(&column, &values, guard, &mut fitting.budget)?;
        Some(Self { part, whole, pointed: !whole && pointed })
    }
}

impl Text {
    /// Decides what texts are; labels and moments take their sub-columns later.
    fn choose(name: &str, slots: &[Slot<'_>], guard: Guard<'_>, fitting: &mut Fitting<'_>) -> Option<Self> {
        let here = slots.iter().enumerate().filter_map(|(at, slot)| match slot {
            Slot::Here(Value::String(text)) => Some((text.as_str(), guard.owner(at))),
            _ => None,
        });
        let (texts, owners): (Vec<&str>, Vec<u32>) = here.unzip();
        if let Some(layout) = Layout::fit(&texts) {
            let data_type =
                if layout == Layout::Day { DataType::Date } else { DataType::Timestamp { zoned: false } };
            let values = moments_array(slots, &layout);
            let column = Column::new(name, data_type);
            if let Some(part) = Part::fit(&column, &values, guard, &mut 0) {
                return Some(Self::Moment(part, layout));
            }
        }
        let declared = matches!(fitting.shape.leaf(), Some(DataType::Enum { .. }));
        // Any text will not do where the server reads it as something else.
        let only_labels = declared || !fitting.shape.is_free();
        if only_labels || (fitting.is_category)(name, &texts) {
            let data_type = match fitting.shape.leaf() {
                Some(labels @ DataType::Enum { .. }) => labels.clone(),
                _ => DataType::Text { max_chars: None },
            };
            let column = Column::new(name, data_type);
            if let Some(part) = Part::fit(&column, &texts_array(slots), guard, &mut 0) {
                return Some(Self::Label(part));
            }
        }
        if only_labels {
            return None;
        }
        let step = texts.len().div_ceil(WRITTEN_MAX).max(1);
        let values = texts.iter().step_by(step).map(|text| (*text).to_owned()).collect();
        let owners = owners.into_iter().step_by(step).collect();
        fitting.written.push(WrittenTexts { name: name.to_owned(), values, owners });
        Some(Self::Written(fitting.written.len() - 1))
    }

    fn fitted(self, slots: &[Slot<'_>], budget: &mut usize) -> Option<Self> {
        Some(match self {
            Self::Label(part) => Self::Label(part.budgeted(&texts_array(slots), budget)?),
            Self::Moment(part, layout) => {
                let values = moments_array(slots, &layout);
                Self::Moment(part.budgeted(&values, budget)?, layout)
            }
            written @ Self::Written(_) => written,
        })
    }
}

impl List {
    fn fit(
        name: &str,
        slots: &[Slot<'_>],
        owners: &[u32],
        depth: usize,
        fitting: &mut Fitting<'_>,
    ) -> Option<Self> {
        let guard = Guard::entities(owners, fitting.least as u32);
        let column = Column::new(format!("{name}.length"), DataType::Integer { min: 0, max: i64::MAX });
        let length = Part::fit(&column, &lengths_array(slots), guard, &mut fitting.budget)?;
        let mut of_elements = Vec::new();
        let mut elements = Vec::new();
        let (mut distinct, mut sorted, mut longest) = (true, true, 0);
        for (slot, owner) in slots.iter().zip(owners) {
            let Slot::Here(Value::Array(array)) = slot else { continue };
            longest = longest.max(array.len());
            of_elements.extend(std::iter::repeat_n(*owner, array.len()));
            elements.extend(array.iter().map(Slot::Here));
            sorted &= array.windows(2).all(|pair| super::run::ordered(&pair[0], &pair[1]));
            distinct &= array.len() < 2 || super::run::all_different(array);
        }
        let repeats = longest > 1;
        let left = fitting.budget;
        fitting.budget = left.min(ELEMENT_BUDGET);
        let shape = fitting.shape;
        fitting.shape = shape.element();
        let element = Node::fit(name, &elements, &of_elements, depth + 1, fitting);
        fitting.shape = shape;
        fitting.budget = left;
        // Arrays that are always empty have no element to describe: a null that is never asked for.
        let element = element.unwrap_or_else(|| Node::bare(name, vec![(State::Null, 1)]));
        let mut sub_columns = Vec::new();
        element.sub_columns("", &mut sub_columns);
        let modelled = match sub_columns.len() {
            0 => 0,
            width => (left / width).min(fitting.elements).min(longest),
        };
        fitting.budget -= modelled * sub_columns.len();
        Some(Self { length, modelled, element, distinct: distinct && repeats, sorted: sorted && repeats })
    }
}

pub(super) fn booleans(slots: &[Slot<'_>]) -> ArrayRef {
    let read = |slot: &Slot<'_>| if let Slot::Here(value) = slot { value.as_bool() } else { None };
    Arc::new(slots.iter().map(read).collect::<BooleanArray>())
}

pub(super) fn numbers_array(slots: &[Slot<'_>], whole: bool) -> ArrayRef {
    if whole {
        let read = |slot: &Slot<'_>| if let Slot::Here(value) = slot { value.as_i64() } else { None };
        Arc::new(slots.iter().map(read).collect::<Int64Array>())
    } else {
        let read = |slot: &Slot<'_>| if let Slot::Here(value) = slot { value.as_f64() } else { None };
        Arc::new(slots.iter().map(read).collect::<Float64Array>())
    }
}

fn text_of<'a>(slot: &Slot<'a>) -> Option<&'a str> {
    if let Slot::Here(value) = slot { value.as_str() } else { None }
}

pub(super) fn texts_array(slots: &[Slot<'_>]) -> ArrayRef {
    Arc::new(slots.iter().map(text_of).collect::<StringArray>())
}

pub(super) fn moments_array(slots: &[Slot<'_>], layout: &Layout) -> ArrayRef {
    let micros = slots.iter().map(|slot| text_of(slot).and_then(|text| layout.parse(text)));
    if *layout == Layout::Day {
        let days = micros.map(|micros| micros.map(|micros| micros.div_euclid(86_400_000_000) as i32));
        Arc::new(days.collect::<Date32Array>())
    } else {
        Arc::new(micros.collect::<TimestampMicrosecondArray>())
    }
}

pub(super) fn lengths_array(slots: &[Slot<'_>]) -> ArrayRef {
    let read = |slot: &Slot<'_>| match slot {
        Slot::Here(Value::Array(array)) => Some(array.len() as i64),
        _ => None,
    };
    Arc::new(slots.iter().map(read).collect::<Int64Array>())
}
