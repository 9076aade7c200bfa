//! Documents to tokens and back, place by place.

use arrow_array::{Array, ArrayRef};
use serde_json::{Map, Number as JsonNumber, Value};

use crate::{codec::reading, data::template, seed::Stream};

use super::{
    moment::{Layout, day_micros},
    node::{
        List, Node, Number, Slot, State, Text, booleans, lengths_array, moments_array, numbers_array,
        texts_array,
    },
    part::{Cursor, draw_index},
};

/// Draws of another element where an array repeats none.
const TRIES: usize = 64;
/// Longest array decoded, whatever a model says.
const LENGTH_MAX: i64 = 1 << 14;

impl Node {
    /// Adds the tokens of every slot, sub-column by sub-column. Total: what was never seen has tokens too.
    pub(super) fn encode(&self, slots: &[Slot<'_>], out: &mut Vec<Vec<u16>>) {
        if self.told {
            let token = |slot: &Slot<'_>| {
                let state = match slot {
                    Slot::Here(value) => State::of(value),
                    Slot::Outside | Slot::Absent => State::Absent,
                };
                self.states.iter().position(|(other, _)| *other == state).unwrap_or(0) as u16
            };
            out.push(slots.iter().map(token).collect());
        }
        if let Some(part) = &self.boolean {
            part.encode(&booleans(slots), out);
        }
        if let Some(number) = &self.number {
            number.part.encode(&numbers_array(slots, number.whole), out);
        }
        match &self.text {
            Some(Text::Label(part)) => part.encode(&texts_array(slots), out),
            Some(Text::Moment(part, layout)) => part.encode(&moments_array(slots, layout), out),
            Some(Text::Written(_)) | None => {}
        }
        if let Some(list) = &self.list {
            list.length.encode(&lengths_array(slots), out);
            for place in 0..list.modelled {
                let elements: Vec<Slot<'_>> = slots
                    .iter()
                    .map(|slot| match slot {
                        Slot::Here(Value::Array(array)) => array.get(place).map_or(Slot::Outside, Slot::Here),
                        _ => Slot::Outside,
                    })
                    .collect();
                list.element.encode(&elements, out);
            }
        }
        for (key, field) in &self.fields {
            let below: Vec<Slot<'_>> = slots
                .iter()
                .map(|slot| match slot {
                    Slot::Here(Value::Object(object)) => object.get(key).map_or(Slot::Absent, Slot::Here),
                    _ => Slot::Outside,
                })
                .collect();
            field.encode(&below, out);
        }
    }

    /// Decodes one value per row where `needed`; `None` where the place is absent.
    pub(super) fn decode(
        &self,
        cursor: &mut Cursor<'_>,
        needed: &[bool],
        random: &mut Stream,
    ) -> Vec<Option<Value>> {
        let told = if self.told { cursor.take(1) } else { None };
        let weights: Vec<u32> = self.states.iter().map(|(_, count)| *count).collect();
        let mut states: Vec<usize> = match told {
            Some(tokens) => {
                tokens[0].iter().map(|token| usize::from(*token).min(weights.len() - 1)).collect()
            }
            None if weights.len() > 1 => {
                needed.iter().map(|needed| if *needed { draw_index(&weights, random) } else { 0 }).collect()
            }
            None => vec![0; needed.len()],
        };
        if self.folded {
            let read = self.leaf().and_then(|part| part.read(cursor, random));
            if let Some(read) = read {
                // The other kind is the first one: absent or null.
                for (row, state) in states.iter_mut().enumerate() {
                    *state = usize::from(read.is_valid(row));
                }
                return self.assemble(&states, needed, |row| self.scalar(&read, row));
            }
        }
        let wanted = |state: State| -> Vec<bool> {
            let at = self.states.iter().position(|(other, _)| *other == state);
            needed.iter().zip(&states).map(|(needed, here)| *needed && Some(*here) == at).collect()
        };
        let mut values: Vec<Option<Value>> = vec![None; needed.len()];
        let mut put = |array: &ArrayRef, wanted: &[bool]| {
            for (row, wanted) in wanted.iter().enumerate() {
                if *wanted {
                    values[row] = self.scalar(array, row);
                }
            }
        };
        if let Some(part) = &self.boolean {
            let wanted = wanted(State::Boolean);
            put(&part.values(cursor, &wanted, random), &wanted);
        }
        if let Some(number) = &self.number {
            let wanted = wanted(State::Number);
            put(&number.part.values(cursor, &wanted, random), &wanted);
        }
        match &self.text {
            Some(Text::Label(part) | Text::Moment(part, _)) => {
                let wanted = wanted(State::Text);
                put(&part.values(cursor, &wanted, random), &wanted);
            }
            Some(Text::Written(index)) => {
                for (row, wanted) in wanted(State::Text).into_iter().enumerate() {
                    if wanted {
                        values[row] = Some(Value::String(template::hole(*index)));
                    }
                }
            }
            None => {}
        }
        if let Some(list) = &self.list {
            for (row, array) in list.decode(cursor, &wanted(State::Array), random).into_iter().enumerate() {
                if let Some(array) = array {
                    values[row] = Some(Value::Array(array));
                }
            }
        }
        let objects = wanted(State::Object);
        for (row, wanted) in objects.iter().enumerate() {
            if *wanted {
                values[row] = Some(Value::Object(Map::with_capacity(self.fields.len())));
            }
        }
        for (key, field) in &self.fields {
            for (row, value) in field.decode(cursor, &objects, random).into_iter().enumerate() {
                if let (Some(Value::Object(object)), Some(value)) = (&mut values[row], value) {
                    object.insert(key.clone(), value);
                }
            }
        }
        self.assemble(&states, needed, |row| values[row].take())
    }

    fn assemble(
        &self,
        states: &[usize],
        needed: &[bool],
        mut value: impl FnMut(usize) -> Option<Value>,
    ) -> Vec<Option<Value>> {
        let one = |(row, needed): (usize, &bool)| match self.states.get(states[row]).map(|(state, _)| state) {
            _ if !needed => None,
            Some(State::Absent) | None => None,
            Some(State::Null) => Some(Value::Null),
            Some(_) => value(row),
        };
        needed.iter().enumerate().map(one).collect()
    }

    /// The part of a place that holds one kind of leaf.
    fn leaf(&self) -> Option<&super::part::Part> {
        match &self.text {
            Some(Text::Label(part) | Text::Moment(part, _)) => Some(part),
            _ => self.number.as_ref().map(|number| &number.part).or(self.boolean.as_ref()),
        }
    }

    /// Reads a decoded leaf.
    fn scalar(&self, array: &ArrayRef, row: usize) -> Option<Value> {
        if array.is_null(row) {
            return None;
        }
        if let Some(flags) = reading::booleans(array) {
            return Some(Value::Bool(flags.value(row)));
        }
        if let Some(numbers) = reading::integers(array) {
            return Some(Value::from(numbers.value(row)));
        }
        if let Some(numbers) = reading::floats(array) {
            return self.number.as_ref().map(|number| number.value(numbers.value(row)));
        }
        if let Some(texts) = reading::texts(array) {
            return Some(Value::from(texts.value(row)));
        }
        let Some(Text::Moment(_, layout)) = &self.text else { return None };
        if let Some(days) = reading::dates(array) {
            return Some(Value::from(Layout::Day.print(day_micros(days.value(row)))));
        }
        reading::timestamps(array).map(|stamps| Value::from(layout.print(stamps.value(row))))
    }
}

impl Number {
    /// A float as the source writes such numbers.
    fn value(&self, value: f64) -> Value {
        if value.fract() == 0.0 && !self.pointed && value.abs() < 9e15 {
            return Value::from(value as i64);
        }
        JsonNumber::from_f64(value).map_or(Value::Null, Value::Number)
    }
}

impl List {
    fn decode(
        &self,
        cursor: &mut Cursor<'_>,
        needed: &[bool],
        random: &mut Stream,
    ) -> Vec<Option<Vec<Value>>> {
        let lengths = self.length.values(cursor, needed, random);
        let lengths = reading::integers(&lengths);
        let length = |row: usize| {
            let there = needed[row] && lengths.is_some_and(|lengths| lengths.is_valid(row));
            if there {
                lengths.map_or(0, |lengths| lengths.value(row).clamp(0, LENGTH_MAX)) as usize
            } else {
                0
            }
        };
        let mut arrays: Vec<Option<Vec<Value>>> = needed.iter().map(|needed| needed.then(Vec::new)).collect();
        for place in 0..self.modelled {
            let wanted: Vec<bool> = (0..needed.len()).map(|row| length(row) > place).collect();
            for (row, value) in self.element.decode(cursor, &wanted, random).into_iter().enumerate() {
                if let (true, Some(array)) = (wanted[row], &mut arrays[row]) {
                    array.push(value.unwrap_or(Value::Null));
                }
            }
        }
        let more: Vec<usize> =
            (0..needed.len()).map(|row| length(row).saturating_sub(self.modelled)).collect();
        let total = more.iter().sum();
        let mut rest = self.element.decode(&mut Cursor::none(), &vec![true; total], random).into_iter();
        for (array, more) in arrays.iter_mut().zip(more) {
            if let Some(array) = array {
                array.extend(rest.by_ref().take(more).map(|value| value.unwrap_or(Value::Null)));
                self.mend(array, random);
            }
        }
        arrays
    }

    /// Makes an array what every array of the source is: without repetition, ascending.
    fn mend(&self, array: &mut Vec<Value>, random: &mut Stream) {
        if self.distinct {
            let mut kept: Vec<Value> = Vec::with_capacity(array.len());
            for value in array.drain(..) {
                let mut value = Some(value);
                for _ in 0..TRIES {
                    // Holes are filled each with a text of its own.
                    let again = value.as_ref().is_none_or(|v| kept.contains(v) && !is_hole(v));
                    if !again {
                        break;
                    }
                    value = self.element.decode(&mut Cursor::none(), &[true], random).pop().flatten();
                }
                kept.extend(value.filter(|value| is_hole(value) || !kept.contains(value)));
            }
            *array = kept;
        }
        if self.sorted {
            array.sort_by(|a, b| rank(a).partial_cmp(&rank(b)).unwrap_or(std::cmp::Ordering::Equal));
        }
    }
}

fn is_hole(value: &Value) -> bool {
    value.as_str().is_some_and(template::has_hole)
}

/// What arrays are sorted by: numbers by size, texts by their characters, anything else not at all.
fn rank(value: &Value) -> (f64, &str) {
    (value.as_f64().unwrap_or(0.0), value.as_str().unwrap_or(""))
}

/// True if two neighbours of an array are in order, and of a kind that has one.
pub(super) fn ordered(a: &Value, b: &Value) -> bool {
    let same = (a.is_number() && b.is_number()) || (a.is_string() && b.is_string());
    same && rank(a) <= rank(b)
}

/// True if an array of plain values repeats none of them.
pub(super) fn all_different(array: &[Value]) -> bool {
    let plain = array.iter().all(|value| value.is_string() || value.is_number());
    let mut texts: Vec<String> = array.iter().map(Value::to_string).collect();
    texts.sort_unstable();
    plain && texts.windows(2).all(|pair| pair[0] != pair[1])
}
