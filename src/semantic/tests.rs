use std::{collections::BTreeSet, sync::Arc};

use arrow_array::{Array, ArrayRef, BinaryArray, StringArray, cast::AsArray};
use proptest::prelude::*;

use super::*;
use crate::{
    data::TableData,
    finding::Finding,
    privacy::Guard,
    schema::{Column, ColumnId, DataType, Table, TableName, UniqueKey},
    seed::{Seed, Stream},
};

const TEXT: DataType = DataType::Text { max_chars: None };

fn stream(block: u64) -> Stream {
    Seed(3).stream("semantic/tests", block)
}

fn table(name: &str, columns: &[(&str, DataType)]) -> Table {
    Table::new(
        TableName::bare(name),
        columns
            .iter()
            .map(|(name, data_type)| Column {
                native_type: "text".to_owned(),
                ..Column::new(*name, data_type.clone())
            })
            .collect(),
    )
}

fn strings<T: AsRef<str>>(values: &[T]) -> ArrayRef {
    Arc::new(values.iter().map(|value| Some(value.as_ref())).collect::<StringArray>())
}

fn meaning_of(table_name: &str, column: &str, values: &[String]) -> Meaning {
    detect(&table(table_name, &[(column, TEXT)]), ColumnId(0), &strings(values), None).meaning
}

/// Fits one column and writes `rows` values of it.
fn rewrite(
    (name, data_type, native): (&str, DataType, &str),
    meaning: Meaning,
    unique: bool,
    values: &[String],
    rows: usize,
) -> (Vec<Option<String>>, Vec<Finding>) {
    let mut table = table("things", &[(name, data_type)]);
    table.columns[0].native_type = native.to_owned();
    let data = TableData::new(vec![ColumnId(0)], vec![strings(values)], values.len());
    let (writer, findings) = RowWriter::fit(&table, &data, &[(ColumnId(0), meaning, unique)], Guard::rows(5));
    let half = rows / 2;
    let mut written = Vec::new();
    for (block, (first, length)) in [(0, half), (half, rows - half)].into_iter().enumerate() {
        let out = writer.write(&[(ColumnId(0), vec![true; length])], first as u64, &mut stream(block as u64));
        written.extend(out.arrays[0].as_string::<i32>().iter().map(|value| value.map(str::to_owned)));
    }
    (written, findings)
}

fn text_of(
    meaning: Meaning,
    unique: bool,
    max_chars: Option<u32>,
    values: &[String],
    rows: usize,
) -> Vec<String> {
    let data_type = DataType::Text { max_chars };
    rewrite(("c", data_type, "text"), meaning, unique, values, rows).0.into_iter().flatten().collect()
}

fn numbered(count: usize, write: impl Fn(usize) -> String) -> Vec<String> {
    (0..count).map(write).collect()
}

#[test]
fn columns_mean_what_their_names_and_values_say() {
    let names = ["Mary Smith", "John Doe", "Ann-Marie O'Hara", "José García", "Robert Brown", "Linda Jones"];
    let cycle = |values: &[&str]| numbered(300, |row| values[row % values.len()].to_owned());
    let cases: Vec<(&str, &str, Vec<String>, Meaning)> = vec![
        ("orders", "status", cycle(&["new", "paid", "sent"]), Meaning::Category),
        ("customers", "email", numbered(50, |row| format!("user{row}@corp.com")), Meaning::Email),
        ("customers", "contact", numbered(50, |row| format!("user{row}@corp.com")), Meaning::Email),
        ("customers", "first_name", cycle(&["Mary", "John", "Linda"]), Meaning::FirstName),
        ("customers", "lastName", cycle(&["Smith", "Doe", "Jones"]), Meaning::LastName),
        ("customers", "name", cycle(&names), Meaning::FullName),
        ("products", "name", numbered(80, |row| format!("Blue Chair {row}")), Meaning::Title),
        ("suppliers", "name", numbered(80, |row| format!("Acme {row} Inc")), Meaning::Company),
        ("orders", "ship_to", cycle(&["Paris", "Rome", "Oslo"]), Meaning::Category),
        ("customers", "phone", numbered(80, |row| format!("030-00{:05}", row * 7)), Meaning::Phone),
        (
            "customers",
            "billing_address",
            numbered(80, |row| format!("{row} Main Street")),
            Meaning::StreetAddress,
        ),
        ("customers", "postal_code", numbered(300, |row| format!("{:05}", row * 17)), Meaning::PostalCode),
        ("users", "password_hash", numbered(50, |row| format!("{row:032x}")), Meaning::PasswordHash),
        ("users", "avatar_url", numbered(50, |row| format!("https://cdn.x.org/{row}.png")), Meaning::Url),
        ("sessions", "ip", numbered(50, |row| format!("93.184.{row}.{row}")), Meaning::IpAddress),
        ("sessions", "token", numbered(50, |row| format!("{:040x}", row * 7919)), Meaning::HexToken),
        (
            "sessions",
            "key",
            numbered(50, |row| format!("{row:08x}-1234-4abc-8def-{row:012x}")),
            Meaning::Uuid,
        ),
        (
            "invoices",
            "number",
            numbered(90, |row| format!("INV-{row:06}")),
            Meaning::Code { mask: "INV-####??".into() },
        ),
        (
            "posts",
            "slug",
            numbered(90, |row| format!("my-{}-number-{row}", persona::LOREM[row % 60])),
            Meaning::Slug,
        ),
        ("posts", "extra", numbered(50, |row| format!("{{\"a\":{row}}}")), Meaning::Json),
        ("posts", "body", numbered(50, |row| format!("<p>It is <b>{row}</b> today.</p>")), Meaning::Markup),
        (
            "posts",
            "comment",
            numbered(50, |row| format!("I have thought about it {row} times and still do not know.")),
            Meaning::FreeText,
        ),
        (
            "events",
            "day",
            numbered(300, |row| format!("{:02}/{:02}/20{:02}", row % 28 + 1, row % 12 + 1, row % 90)),
            Meaning::DateText,
        ),
        ("employees", "title", numbered(9, |row| format!("Sales Manager {row}")), Meaning::JobTitle),
        ("films", "title", numbered(9, |row| format!("Manager {row} Returns")), Meaning::Title),
        ("stores", "store_manager", numbered(9, |row| persona::LAST[row].to_owned()), Meaning::FullName),
        (
            "cards",
            "card_number",
            vec!["4111 1111 1111 1111".into(), "5500-0000-0000-0004".into()],
            Meaning::CreditCard,
        ),
        (
            "accounts",
            "iban",
            vec!["DE89370400440532013000".into(), "GB82WEST12345698765432".into()],
            Meaning::Iban,
        ),
        ("files", "path", numbered(60, |row| format!("/srv/data/{row}.csv")), Meaning::FilePath),
        ("measures", "raw", numbered(300, |row| format!("{}.{}", row * 3, row % 10)), Meaning::NumberText),
    ];

    for (table, column, values, expected) in cases {
        let found = meaning_of(table, column, &values);
        match (&found, &expected) {
            (Meaning::Code { mask }, Meaning::Code { .. }) => assert!(mask.starts_with("INV-0"), "{mask}"),
            _ => assert_eq!(found, expected, "{table}.{column}"),
        }
    }
}

#[test]
fn repeated_personal_values_are_never_a_category() {
    for (column, value) in [
        ("email", "a@b.org"),
        ("first_name", "Mary"),
        ("contact_name", "Mary Smith"),
        ("phone", "030 1234567"),
        ("password", "hunter2"),
        ("author", "Mary Smith"),
        ("address", "12 Main Street"),
    ] {
        let values =
            numbered(400, |row| if row % 4 == 0 { format!("{value}{}", row % 3) } else { value.to_owned() });

        let found = meaning_of("customers", column, &values);

        assert!(found.is_personal(), "{column}: {found:?}");
    }
}

#[test]
fn a_unique_column_is_never_a_category() {
    let mut table = table("countries", &[("status", TEXT)]);
    let key = |columns| UniqueKey {
        name: "k".to_owned(),
        columns,
        expressions: Vec::new(),
        predicate: None,
        nulls_not_distinct: false,
    };
    table.primary_key = Some(key(vec![ColumnId(0)]));

    let found = detect(&table, ColumnId(0), &strings(&["a", "a", "a", "a", "a"]), None);

    assert_ne!(found.meaning, Meaning::Category);
}

#[test]
fn the_users_word_decides() {
    let table = table("t", &[("c", TEXT)]);
    let values = strings(&["x"]);

    assert_eq!(detect(&table, ColumnId(0), &values, Some("full_name")).meaning, Meaning::FullName);
    assert_eq!(
        detect(&table, ColumnId(0), &values, Some("code:INV-####")).meaning,
        Meaning::Code { mask: "INV-####".to_owned() }
    );
    assert_eq!(Meaning::parse("no such thing"), None);
    assert_eq!(detect(&table, ColumnId(0), &values, Some("no such thing")).meaning, Meaning::Title);
}

#[test]
fn no_source_address_number_or_password_comes_out() {
    let emails = numbered(2000, |row| {
        format!("{}.{}@example.com", persona::FIRST[row], persona::LAST[row % 400]).to_lowercase()
    });
    let phones = numbered(2000, |row| format!("(030) 555-{row:04}"));
    let passwords = vec!["5f4dcc3b5aa765d61d8327deb882cf99".to_owned(); 200];
    for (meaning, values) in
        [(Meaning::Email, emails), (Meaning::Phone, phones), (Meaning::PasswordHash, passwords)]
    {
        let source: BTreeSet<&String> = values.iter().collect();

        for unique in [false, true] {
            let written = text_of(meaning.clone(), unique, None, &values, 3000);

            assert!(written.iter().all(|value| !source.contains(value)), "{meaning:?}");
        }
    }
}

#[test]
fn the_model_holds_no_personal_value() {
    let table = table("people", &[("name", TEXT), ("email", TEXT), ("phone", TEXT), ("note", TEXT)]);
    let rows = 200;
    let data = TableData::new(
        (0..4).map(ColumnId).collect(),
        vec![
            strings(&numbered(rows, |row| format!("Zebulon{row} Quixote"))),
            strings(&numbered(rows, |row| format!("zebulon{row}@quixote.net"))),
            strings(&numbered(rows, |row| format!("+49 30 901820{row:03}"))),
            strings(&numbered(rows, |row| format!("Called Mr Kowalski{row} about the delivery today."))),
        ],
        rows,
    );
    let columns = [Meaning::FullName, Meaning::Email, Meaning::Phone, Meaning::FreeText]
        .into_iter()
        .enumerate()
        .map(|(place, meaning)| (ColumnId(place), meaning, false))
        .collect::<Vec<_>>();

    let model = serde_json::to_string(&RowWriter::fit(&table, &data, &columns, Guard::rows(5)).0).unwrap();

    for secret in ["Zebulon", "zebulon", "quixote", "Quixote", "901820", "Kowalski", "kowalski"] {
        assert!(!model.contains(secret), "{secret} in {model}");
    }
    assert!(model.contains("delivery"));
}

#[test]
fn the_columns_of_a_row_agree() {
    let table = table("people", &[("first", TEXT), ("last", TEXT), ("email", TEXT)]);
    let none = strings::<&str>(&[]);
    let data = TableData::new((0..3).map(ColumnId).collect(), vec![none.clone(), none.clone(), none], 0);
    let meanings = [Meaning::FirstName, Meaning::LastName, Meaning::Email];
    let columns: Vec<_> = meanings.into_iter().enumerate().map(|(i, m)| (ColumnId(i), m, false)).collect();
    let (writer, _) = RowWriter::fit(&table, &data, &columns, Guard::rows(5));

    let rows = writer.write(&[(ColumnId(0), vec![true; 50])], 0, &mut stream(0));

    let column = |place: usize| rows.arrays[place].as_string::<i32>();
    for row in 0..50 {
        let name = format!("{}.{}", column(0).value(row), column(1).value(row)).to_lowercase();
        assert!(column(2).value(row).starts_with(&name));
        assert!(column(2).value(row).contains("@example."));
    }
}

#[test]
fn unique_values_differ_across_blocks_even_ignoring_case() {
    let meanings: Vec<(Meaning, Option<u32>, Vec<String>)> = vec![
        (Meaning::FirstName, None, numbered(50, |row| persona::FIRST[row].to_owned())),
        (Meaning::FullName, Some(30), vec![]),
        (Meaning::UserName, Some(12), vec![]),
        (Meaning::Email, Some(40), vec![]),
        (Meaning::Phone, None, numbered(90, |row| format!("030-{:07}", row * 7919))),
        (Meaning::City, Some(20), vec![]),
        (Meaning::Country, None, vec![]),
        (Meaning::Company, Some(40), vec![]),
        (Meaning::JobTitle, None, vec![]),
        (Meaning::StreetAddress, None, vec![]),
        (Meaning::Url, Some(60), vec![]),
        (Meaning::DomainName, Some(30), vec![]),
        (Meaning::Uuid, None, vec![]),
        (Meaning::HexToken, None, numbered(50, |row| format!("{:032x}", row * 7919))),
        (Meaning::CreditCard, None, vec![]),
        (Meaning::Iban, None, vec![]),
        (Meaning::Slug, Some(30), vec![]),
        (Meaning::FilePath, Some(40), vec![]),
        (Meaning::Code { mask: String::new() }, Some(10), numbered(90, |row| format!("INV-{row:06}"))),
        (Meaning::Code { mask: String::new() }, Some(6), numbered(90, |row| format!("A{row:02}"))),
        (Meaning::Title, None, numbered(90, |row| format!("Great Thing {row}"))),
        (Meaning::Title, Some(3), numbered(90, |row| format!("{}BC", row % 10))),
        (Meaning::FreeText, Some(50), vec![]),
        (Meaning::NumberText, None, numbered(90, |row| row.to_string())),
        (Meaning::DateText, None, numbered(90, |row| format!("2020-01-{:02}", row % 28 + 1))),
        (Meaning::IpAddress, None, vec![]),
    ];
    for (meaning, max, values) in meanings {
        let written = text_of(meaning.clone(), true, max, &values, 5000);

        let distinct: BTreeSet<String> = written.iter().map(|value| value.to_lowercase()).collect();
        assert_eq!(distinct.len(), 5000, "{meaning:?} {max:?} {:?}", &written[..5]);
        let longest = written.iter().map(|value| value.chars().count()).max().unwrap();
        assert!(max.is_none_or(|max| longest <= max as usize), "{meaning:?} {longest}");
    }
}

#[test]
fn an_enum_type_gets_its_own_labels_only() {
    let labels: Vec<String> = ["x", "y", "z"].map(str::to_owned).to_vec();
    for unique in [false, true] {
        let data_type = DataType::Enum { labels: labels.clone() };

        let (written, _) = rewrite(("e", data_type, "e"), Meaning::Title, unique, &labels, 3);

        assert!(written.iter().flatten().all(|label| labels.contains(label)));
        assert!(!unique || written.iter().collect::<BTreeSet<_>>().len() == 3);
    }
}

#[test]
fn a_code_that_all_rows_share_is_not_repeated() {
    let written =
        text_of(Meaning::Code { mask: String::new() }, false, None, &vec!["X-4711".to_owned(); 90], 50);

    assert!(written.iter().all(|code| code != "X-4711" && code.len() == 6 && &code[1..2] == "-"));
}

#[test]
fn markup_closes_what_it_opens_and_keeps_its_size() {
    let values = numbered(300, |row| {
        format!(
            "<p>The answer to question {row} is <code>maybe</code> today.</p>\n<p>Some more words follow here.</p>"
        )
    });

    let written = text_of(Meaning::Markup, false, Some(120), &values, 300);

    for text in &written {
        for tag in ["p", "code"] {
            assert_eq!(
                text.matches(&format!("<{tag}>")).count(),
                text.matches(&format!("</{tag}>")).count(),
                "{text}"
            );
        }
    }
    let mean = written.iter().map(|text| text.chars().count()).sum::<usize>() / written.len();
    assert!((70..=120).contains(&mean), "{mean}");
    let tagged = written.iter().filter(|text| text.contains("<p>")).count();
    assert!(tagged > 100, "{tagged} {:?}", &written[..5]);
}

#[test]
fn free_text_has_the_length_and_the_words_of_the_source() {
    let values =
        numbered(400, |row| format!("The parcel {row} came late. We were not amused at all, and said so."));

    let written = text_of(Meaning::FreeText, false, None, &values, 200);

    let mean = written.iter().map(|text| text.chars().count()).sum::<usize>() as f64 / 200.0;
    assert!((55.0..85.0).contains(&mean), "{mean}");
    assert!(written.iter().filter(|text| text.contains("parcel") || text.contains("amused")).count() > 60);
    assert!(written.iter().all(|text| text.starts_with(|c: char| c.is_uppercase())));
}

#[test]
fn blank_texts_stay_as_frequent_as_they_were() {
    let values = numbered(400, |row| if row % 4 == 0 { String::new() } else { format!("Great Thing {row}") });

    let written = text_of(Meaning::Title, false, None, &values, 2000);

    let blank = written.iter().filter(|value| value.is_empty()).count();
    assert!((400..600).contains(&blank), "{blank}");
}

#[test]
fn no_identity_number_comes_out() {
    let values = numbered(900, |row| format!("{:03}-{:02}-{:04}", row, row % 90 + 10, row * 11));
    let table = "people";
    let meaning = meaning_of(table, "ssn", &values);
    assert!(matches!(meaning, Meaning::Code { .. }), "{meaning:?}");

    let (written, _) = rewrite(("ssn", TEXT, "text"), meaning, false, &values, 5000);

    let source: BTreeSet<&String> = values.iter().collect();
    assert!(written.iter().flatten().all(|value| !source.contains(value) && value.len() == 11));
}

#[test]
fn three_letter_country_codes_stay_three_letters_and_distinct() {
    let values = numbered(239, |row| {
        let letter = |place: usize| char::from(b'A' + (row / 26_usize.pow(place as u32) % 26) as u8);
        [letter(0), letter(1), letter(2)].iter().collect()
    });

    let written = text_of(Meaning::Title, true, Some(3), &values, 2000);

    assert_eq!(written.iter().collect::<BTreeSet<_>>().len(), 2000);
    assert!(written.iter().all(|code| code.chars().count() == 3));
}

#[test]
fn numbers_with_check_digits_pass_their_check() {
    for index in [true, false] {
        let cards = text_of(Meaning::CreditCard, index, None, &[], 100);
        let ibans =
            text_of(Meaning::Iban, index, None, &vec!["FR7630006000011234567890189".to_owned(); 6], 100);

        assert!(cards.iter().all(|card| checksum::luhn_is_valid(card)));
        assert!(ibans.iter().all(|iban| checksum::iban_is_valid(iban) && iban.starts_with("FR")));
    }
    assert!(checksum::iban_is_valid("GB82 WEST 1234 5698 7654 32"));
    assert!(!checksum::iban_is_valid("GB83WEST12345698765432"));
}

#[test]
fn uuids_are_of_version_four() {
    for value in text_of(Meaning::Uuid, false, None, &[], 50) {
        assert!(pattern::is_uuid(&value));
        assert_eq!(&value[14..15], "4");
        assert!("89ab".contains(&value[19..20]));
    }
}

#[test]
fn documents_keep_their_shape_and_lose_rare_keys() {
    let values = numbered(200, |row| {
        let mut text = format!("{{\"id\":{row},\"price\":{}.5,\"tags\":[\"red\",\"blue\"]", row % 9);
        if row == 7 {
            text.push_str(",\"Zebulon Quixote\":true");
        }
        text + "}"
    });

    let (written, _) = rewrite(("doc", DataType::Json, "jsonb"), Meaning::Json, false, &values, 100);

    for text in written.into_iter().flatten() {
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        let object = document.as_object().unwrap();
        assert_eq!(object.keys().collect::<Vec<_>>(), ["id", "price", "tags"]);
        assert!(document["price"].as_f64().unwrap() <= 9.0);
        assert!(document["tags"].as_array().unwrap().iter().all(|tag| tag == "red" || tag == "blue"));
    }
}

#[test]
fn arrays_are_quoted_as_postgres_does() {
    let element = DataType::Array { element: Box::new(TEXT) };
    let values =
        numbered(
            100,
            |row| if row % 2 == 0 { r#"{"a b","c\"d",e}"#.to_owned() } else { "{NULL,e}".to_owned() },
        );

    let (written, _) = rewrite(("labels", element, "text[]"), Meaning::Array, false, &values, 100);

    let labels = ["a b", "c\"d", "e"];
    for text in written.into_iter().flatten() {
        let parsed = array::parse(&text).unwrap();
        assert!(parsed.iter().flatten().all(|label| labels.contains(&label.as_str())), "{text}");
    }
    assert_eq!(array::parse(r"{}"), Some(vec![]));
    assert_eq!(array::parse(r#"[0:1]={"",NULL}"#), Some(vec![Some(String::new()), None]));
}

#[test]
fn values_of_server_types_keep_their_form() {
    let other = DataType::Other;
    let one = |data_type: &DataType, native: &str, meaning: Meaning, value: &str| {
        let values = vec![value.to_owned(); 30];
        rewrite(("c", data_type.clone(), native), meaning, false, &values, 2).0[0].clone().unwrap_or_default()
    };

    assert_eq!(one(&other, "int4range", Meaning::Range, "[3,10)"), "[3,10)");
    assert_eq!(
        one(&other, "daterange", Meaning::Range, "[2020-01-01,2020-02-01)"),
        "[2020-01-01,2020-02-01)"
    );
    assert_eq!(one(&other, "point", Meaning::Geometry, "(1.5,2)"), "(1.5,2)");
    assert_eq!(one(&other, "geometry(Point,4326)", Meaning::Geometry, "POINT(3 4)"), "SRID=4326;POINT(3 4)");
    assert_eq!(one(&other, "geometry", Meaning::Geometry, "POINT(3 4)"), "POINT(3 4)");
    assert_eq!(
        one(&DataType::Interval, "interval", Meaning::Interval, "1 mon 3 days 04:05:06"),
        "1 mons 3 days 04:05:06"
    );
    assert_eq!(one(&DataType::Bits { length: Some(4) }, "bit(4)", Meaning::Bits, "1010"), "1010");
    assert_eq!(one(&other, "xml", Meaning::Opaque, "<a>secret</a>"), "<doc/>");
    assert_eq!(one(&other, "hstore", Meaning::Opaque, "\"a\"=>\"b\""), "");
    assert!(one(&DataType::Inet, "inet", Meaning::Inet, "8.8.8.8").starts_with("10."));
    assert!(!one(&DataType::Inet, "inet", Meaning::Inet, "8.8.8.8/32").contains('/'));
    assert!(one(&DataType::Inet, "inet", Meaning::Inet, "8.8.8.8/24").ends_with("/24"));
    assert!(one(&DataType::Inet, "macaddr", Meaning::Inet, "aa:bb:cc:00:11:22").starts_with("02:00:00:"));
}

#[test]
fn an_unknown_type_is_a_finding_and_null() {
    let values = vec!["???".to_owned()];

    let (written, findings) = rewrite(("c", DataType::Other, "mytype"), Meaning::Opaque, false, &values, 2);

    assert_eq!(written, vec![None, None]);
    assert_eq!(findings[0].code, "opaque-type");
    assert!(findings[0].remedy.is_some() && findings[0].instead.is_some());
}

#[test]
fn bytes_keep_their_lengths_and_nulls_stay_null() {
    let mut table = table("t", &[("b", DataType::Bytes { max_bytes: Some(8) })]);
    table.columns[0].native_type = "binary(8)".to_owned();
    let values: ArrayRef = Arc::new(BinaryArray::from_iter_values([[1_u8; 8], [2; 8]]));
    let data = TableData::new(vec![ColumnId(0)], vec![values.clone()], 2);
    let meaning = detect(&table, ColumnId(0), &values, None).meaning;
    let (writer, _) = RowWriter::fit(&table, &data, &[(ColumnId(0), meaning, true)], Guard::rows(5));

    let out = writer.write(&[(ColumnId(0), vec![true, false, true])], 0, &mut stream(0));

    let bytes = out.arrays[0].as_binary::<i32>();
    assert_eq!(bytes.value(0).len(), 8);
    assert!(bytes.is_null(1));
    assert_ne!(bytes.value(0), bytes.value(2));
}

#[test]
fn the_same_stream_gives_the_same_rows_after_a_round_trip_of_the_model() {
    let table = table("t", &[("title", TEXT), ("mail", TEXT)]);
    let values = numbered(60, |row| format!("The Great Thing {row}"));
    let data = TableData::new(vec![ColumnId(0), ColumnId(1)], vec![strings(&values), strings(&values)], 60);
    let columns = [(ColumnId(0), Meaning::Title, false), (ColumnId(1), Meaning::Email, true)];
    let (writer, _) = RowWriter::fit(&table, &data, &columns, Guard::rows(5));
    let copy: RowWriter = serde_json::from_str(&serde_json::to_string(&writer).unwrap()).unwrap();

    let draw = |writer: &RowWriter| writer.write(&[(ColumnId(0), vec![true; 40])], 7, &mut stream(1)).arrays;

    assert_eq!(draw(&writer), draw(&copy));
}

fn any_meaning() -> impl Strategy<Value = Meaning> {
    prop::sample::select(vec![
        "category",
        "first_name",
        "last_name",
        "full_name",
        "user_name",
        "email",
        "phone",
        "street_address",
        "city",
        "state",
        "country",
        "postal_code",
        "company",
        "job_title",
        "url",
        "domain_name",
        "ip_address",
        "uuid",
        "hex_token",
        "password_hash",
        "credit_card",
        "iban",
        "slug",
        "file_path",
        "code",
        "title",
        "free_text",
        "markup",
        "json",
        "number_text",
        "date_text",
        "bytes",
        "interval",
        "inet",
        "bits",
        "set",
        "array",
        "range",
        "geometry",
        "opaque",
    ])
    .prop_map(|name| Meaning::parse(name).unwrap())
}

proptest! {
    #[test]
    fn whatever_the_values_nothing_panics_and_no_limit_is_broken(
        meaning in any_meaning(),
        values in prop::collection::vec("\\PC{0,12}|[A-Z]{2}[0-9]{3}|(日本|ü|ß){1,4}", 0..40),
        max in prop::option::of(1_u32..40),
        unique: bool,
    ) {
        let written = text_of(meaning, unique, max, &values, 20);

        for value in &written {
            prop_assert!(max.is_none_or(|max| value.chars().count() <= max as usize), "{value}");
            prop_assert!(!value.contains('\0'));
        }
    }

    #[test]
    fn detection_always_answers(values in prop::collection::vec(prop::option::of("\\PC{0,20}"), 0..40), name in "[a-z_]{1,20}") {
        let array: ArrayRef = Arc::new(values.into_iter().collect::<StringArray>());

        let found = detect(&table("t", &[(&name, TEXT)]), ColumnId(0), &array, None);

        prop_assert!((0.0..=1.0).contains(&found.score));
    }

    #[test]
    fn permutations_do_not_repeat(size in 1_u64..3000) {
        let all: BTreeSet<u64> = (0..size).map(|index| distinct::permute(index, size)).collect();

        prop_assert_eq!(all.len() as u64, size);
    }
}
