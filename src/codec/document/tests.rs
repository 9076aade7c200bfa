//! Documents of every notation: total, valid, close in distribution, protected, equal after JSON, repeatable.

use std::{collections::BTreeSet, sync::Arc};

use arrow_array::{Array, ArrayRef, StringArray};
use proptest::prelude::*;
use rand::RngExt;
use serde_json::{Value, json};

use super::{Document, DocumentFit, WrittenTexts};
use crate::{
    codec::{Codec, ColumnCodec, reading},
    data::template,
    privacy::Guard,
    schema::{Column, DataType},
    seed::{Seed, Stream},
};

fn stream() -> Stream {
    Seed(3).stream("codec/document/test", 0)
}

fn texts(values: impl IntoIterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

fn category(_: &str, texts: &[&str]) -> bool {
    texts.iter().collect::<BTreeSet<_>>().len() * 5 <= texts.len()
}

fn fit(column: &Column, values: &ArrayRef, protect: u32) -> (Document, Vec<WrittenTexts>) {
    let json = matches!(column.data_type, DataType::Text { .. });
    let fit = Document::fit(column, values, json, Guard::rows(protect), &category).unwrap();
    (fit.codec, fit.written)
}

fn decode(codec: &impl ColumnCodec, tokens: &[Vec<u16>]) -> Vec<Option<String>> {
    let slices: Vec<&[u16]> = tokens.iter().map(Vec::as_slice).collect();
    let decoded = codec.decode(&slices, &mut stream());
    reading::texts(&decoded).unwrap().iter().map(|text| text.map(str::to_owned)).collect()
}

fn round(codec: &impl ColumnCodec, values: &ArrayRef) -> Vec<Option<String>> {
    decode(codec, &codec.encode(values))
}

fn typed(native: &str, data_type: DataType) -> Column {
    Column { native_type: native.to_owned(), ..Column::new("c", data_type) }
}

fn array_of(element: DataType) -> DataType {
    DataType::Array { element: Box::new(element) }
}

fn range_of(subtype: DataType, multi: bool) -> DataType {
    DataType::Range { subtype: Box::new(subtype), multi }
}

fn whole() -> DataType {
    DataType::Integer { min: i64::MIN, max: i64::MAX }
}

const TAGS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn event(row: u64) -> Value {
    let plan = ["free", "pro", "team"][row as usize % 3];
    let mut value = json!({
        "plan": plan,
        "seats": (row % 3) * 10 + row % 4,
        "active": row.is_multiple_of(2),
        "since": format!("2024-{:02}-{:02}T10:00:00Z", 1 + row % 12, 1 + row % 28),
        "tags": TAGS[..row as usize % 6],
        "owner": {"name": format!("Person Number{row}"), "age": 20 + row % 50},
        "price": (row % 977) as f64 / 4.0,
    });
    if row % 5 == 1 {
        value["note"] = json!(null);
    }
    value
}

/// Name, column and values of every notation.
fn columns() -> Vec<(&'static str, Column, ArrayRef)> {
    let n = 2000_u64;
    let some = |make: fn(u64) -> String| texts((0..n).map(|row| (row % 17 != 3).then(|| make(row))));
    vec![
        ("jsonb", typed("jsonb", DataType::Json), some(|row| event(row).to_string())),
        ("text", typed("text", DataType::Text { max_chars: None }), some(|row| event(row).to_string())),
        (
            "scalars",
            typed("json", DataType::Json),
            some(|row| if row % 2 == 0 { "3" } else { "\"x\"" }.to_owned()),
        ),
        (
            "whole array",
            typed("integer[]", array_of(whole())),
            some(|row| {
                format!(
                    "{{{}}}",
                    (0..row % 9).map(|i| (i * 3 + row % 5).to_string()).collect::<Vec<_>>().join(",")
                )
            }),
        ),
        (
            "text array",
            typed("text[]", array_of(DataType::Text { max_chars: None })),
            some(|row| ["{}", "{red}", "{red,\"dark blue\"}", "{green,NULL}"][row as usize % 4].to_owned()),
        ),
        (
            "dates",
            typed("date[]", array_of(DataType::Date)),
            some(|row| format!("{{2024-01-{:02}}}", 1 + row % 28)),
        ),
        (
            "nested",
            typed("integer[]", array_of(whole())),
            some(|row| format!("{{{{1,{}}},{{3,4}}}}", row % 7)),
        ),
        (
            "set",
            typed("set", DataType::Set { labels: vec!["a".into(), "b".into(), "c".into()] }),
            some(|row| ["", "a", "a,b", "b,c", "a,b,c"][row as usize % 5].to_owned()),
        ),
        (
            "bits",
            typed("bit(8)", DataType::Bits { length: Some(8) }),
            some(|row| format!("{:08b}", row % 256)),
        ),
        (
            "interval",
            typed("interval", DataType::Interval),
            some(|row| format!("{} days {:02}:30:00", 2 + row % 40, row % 24)),
        ),
        (
            "range",
            typed("int4range", range_of(whole(), false)),
            some(|row| format!("[{},{})", row % 100, row % 100 + 1 + row % 9)),
        ),
        (
            "time range",
            typed("tstzrange", range_of(DataType::Timestamp { zoned: true }, false)),
            some(|row| {
                format!(
                    "[\"2024-01-{:02} 08:00:00+00\",\"2024-01-{:02} 09:15:00+00\")",
                    1 + row % 28,
                    1 + row % 28
                )
            }),
        ),
        (
            "multirange",
            typed("datemultirange", range_of(DataType::Date, true)),
            some(|row| format!("{{[2024-01-{:02},2024-02-01),[2024-03-01,2024-03-05)}}", 1 + row % 28)),
        ),
        (
            "inet",
            typed("inet", DataType::Inet),
            some(|row| if row % 3 == 0 { "fe80::1".into() } else { format!("8.8.{}.4", row % 200) }),
        ),
        ("cidr", typed("cidr", DataType::Inet), some(|row| format!("8.8.{}.0/24", row % 200))),
    ]
}

#[test]
fn every_notation_decodes_to_itself_from_any_tokens() {
    for (name, column, values) in columns() {
        for protect in [0, 5] {
            let (codec, _) = fit(&column, &values, protect);
            let mut random = stream();
            let tokens: Vec<Vec<u16>> = codec
                .sub_columns()
                .iter()
                .map(|s| (0..300).map(|_| random.random_range(0..s.size)).collect())
                .collect();

            for text in decode(&codec, &tokens).iter().flatten() {
                assert!(codec.syntax.read(&text.replace('\u{10FFFE}', "")).is_some(), "{name}: {text}");
            }
        }
    }
}

#[test]
fn tokens_stay_in_their_vocabulary_for_values_never_seen() {
    let all = columns();
    for (name, column, values) in &all {
        let (codec, _) = fit(column, values, 5);
        for (_, _, other) in &all {
            let tokens = codec.encode(other);
            assert_eq!(tokens.len(), codec.sub_columns().len(), "{name}");
            for (tokens, sub_column) in tokens.iter().zip(codec.sub_columns()) {
                assert_eq!(tokens.len(), other.len(), "{name}");
                assert!(tokens.iter().all(|token| *token < sub_column.size), "{name}");
                assert!(
                    sub_column.scalars.is_empty() || sub_column.scalars.len() == usize::from(sub_column.size)
                );
            }
        }
    }
}

#[test]
fn what_repeats_comes_back_exactly() {
    for (name, column, values) in columns() {
        if matches!(name, "jsonb" | "text" | "inet" | "cidr" | "interval") {
            continue;
        }
        let (codec, _) = fit(&column, &values, 0);
        let texts = reading::texts(&values).unwrap();
        let back = round(&codec, &values);
        let same =
            (0..values.len()).filter(|row| back[*row].as_deref() == texts.iter().nth(*row).unwrap()).count();
        // Array elements behind the fourth follow their distribution only.
        let least = if name == "whole array" { 0.5 } else { 1.0 };
        assert!(same as f64 >= least * values.len() as f64, "{name}: {same} of {} came back", values.len());
    }
}

#[test]
fn nulls_keys_kinds_and_numbers_of_a_document_survive() {
    for (name, column, values) in columns().into_iter().take(2) {
        let (codec, written) = fit(&column, &values, 5);
        let back = round(&codec, &values);

        assert_eq!(written.iter().map(|text| text.name.as_str()).collect::<Vec<_>>(), ["name"], "{name}");
        for (row, text) in back.iter().enumerate() {
            let real = event(row as u64);
            assert_eq!(text.is_none(), row % 17 == 3);
            let Some(text) = text else { continue };
            let value: Value = serde_json::from_str(text).unwrap();
            for key in ["plan", "seats", "active", "note"] {
                assert_eq!(value.get(key), real.get(key), "{name}: {key} of {text}");
            }
            // An element that few draws bring up may be missing where none is repeated.
            let length = |value: &Value| value["tags"].as_array().unwrap().len();
            assert!(length(&real) - length(&value) <= 1, "{text}");
            assert!(
                value["tags"].as_array().unwrap().iter().all(|tag| "abcdef".contains(tag.as_str().unwrap()))
            );
            assert!(value["price"].as_f64().unwrap() * 4.0 % 1.0 == 0.0, "{text}");
            assert!(value["since"].as_str().unwrap().ends_with("T10:00:00Z"), "{text}");
            assert!(template::has_hole(value["owner"]["name"].as_str().unwrap()));
        }
    }
}

#[test]
fn no_rare_key_label_or_personal_text_is_kept() {
    let values = texts((0..500).map(|row| {
        let mut value =
            json!({"kind": if row == 7 { "only Eve" } else { "usual" }, "mail": format!("p{row}@corp.io")});
        if row == 9 {
            value["secret of Bob"] = json!(1);
        }
        Some(value.to_string())
    }));
    let (codec, written) = fit(&typed("jsonb", DataType::Json), &values, 5);

    let stored = serde_json::to_string(&codec).unwrap();
    for hidden in ["only Eve", "secret of Bob", "corp.io"] {
        assert!(!stored.contains(hidden), "{hidden}");
    }
    assert_eq!(written.len(), 1);
    let literals = Codec::Document(Box::new(codec)).kept();
    for kept in ["kind", "mail", "usual"] {
        assert!(literals.iter().any(|literal| literal.text == kept), "{kept}");
    }
}

#[test]
fn addresses_of_the_source_never_come_out() {
    for (name, column, values) in columns().into_iter().filter(|(name, ..)| matches!(*name, "inet" | "cidr"))
    {
        let (codec, _) = fit(&column, &values, 5);
        for (text, real) in round(&codec, &values).iter().zip(reading::texts(&values).unwrap()) {
            assert_eq!(text.is_some(), real.is_some());
            let (Some(text), Some(real)) = (text, real) else { continue };
            assert!(text.starts_with("10.") || text.starts_with("2001:db8:"), "{name}: {text}");
            assert_eq!(text.contains(':'), real.contains(':'));
            assert_eq!(text.ends_with("/24"), real.ends_with("/24"));
        }
    }
}

#[test]
fn json_brings_every_document_codec_back() {
    for (name, column, values) in columns() {
        for protect in [0, 5] {
            let codec = Codec::Document(Box::new(fit(&column, &values, protect).0));
            let text = serde_json::to_string(&codec).unwrap();
            let back: Codec = serde_json::from_str(&text).unwrap();

            assert_eq!(codec, back, "{name}");
            assert_eq!(text, serde_json::to_string(&back).unwrap(), "{name}");
            assert_eq!(round(&codec, &values), round(&back, &values), "{name}");
        }
    }
}

#[test]
fn a_document_never_outgrows_its_column() {
    let column = typed("varchar(40)", DataType::Text { max_chars: Some(40) });
    let values = texts((0..400).map(|row| {
        let (a, b) =
            if row % 2 == 0 { ("x", "long label number one") } else { ("long label number two", "y") };
        Some(format!("{{\"a\":\"{a}\",\"b\":\"{b}\"}}"))
    }));
    let (codec, _) = fit(&column, &values, 0);
    let mut random = stream();
    let tokens: Vec<Vec<u16>> = codec
        .sub_columns()
        .iter()
        .map(|s| (0..300).map(|_| random.random_range(0..s.size)).collect())
        .collect();

    assert!(decode(&codec, &tokens).iter().flatten().all(|text| text.chars().count() <= 40));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|n| serde_json::Number::from_f64(n).map_or(Value::Null, Value::Number)),
        "[a-c\u{10FFFE}\"\\\\{}, ]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-c]{0,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_documents_decode_to_valid_json(all in proptest::collection::vec(any_json(), 1..40), protect in 0_u32..4) {
        let values = texts(all.iter().map(|value| Some(value.to_string())));
        if let Some(DocumentFit { codec, .. }) = Document::fit(&typed("json", DataType::Json), &values, false, Guard::rows(protect), &category) {
            for text in round(&codec, &values).iter().flatten() {
                prop_assert!(serde_json::from_str::<Value>(text).is_ok(), "{}", text);
            }
            let stored = serde_json::to_string(&codec).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Document>(&stored).unwrap(), &codec);
        }
    }

    #[test]
    fn odd_texts_never_panic(all in proptest::collection::vec(".{0,12}|[\\[({]?[0-9a-f:,./ -]{0,12}[\\])}]?", 1..30)) {
        for (_, column, _) in columns() {
            let values = texts(all.iter().cloned().map(Some));
            if let Some(DocumentFit { codec, .. }) = Document::fit(&column, &values, true, Guard::OFF, &category) {
                round(&codec, &values);
            }
        }
    }
}
