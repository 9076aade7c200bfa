use std::{collections::BTreeSet, sync::Arc};

use arrow_array::{ArrayRef, BooleanArray, Int64Array, StringArray, cast::AsArray};

use super::*;
use crate::{
    schema::{Column, DataType, TableName},
    seed::Seed,
    semantic::RowWriter,
};

const TEXT: DataType = DataType::Text { max_chars: None };
const WHOLE: DataType = DataType::Integer { min: i64::MIN, max: i64::MAX };
const ROWS: usize = 120;

fn table(columns: &[(&str, DataType)]) -> Table {
    let columns = columns.iter().map(|(name, data_type)| Column::new(*name, data_type.clone()));
    Table::new(TableName::bare("people"), columns.collect())
}

fn texts(value: impl Fn(usize) -> String) -> ArrayRef {
    Arc::new((0..ROWS).map(|row| Some(value(row))).collect::<StringArray>())
}

fn name(row: usize) -> String {
    let gender = if row.is_multiple_of(2) { Gender::Woman } else { Gender::Man };
    gender.names()[row].to_owned()
}

fn data(arrays: Vec<ArrayRef>) -> TableData {
    TableData::new((0..arrays.len()).map(ColumnId).collect(), arrays, ROWS)
}

fn first_names(column: usize) -> [(ColumnId, Meaning, bool); 1] {
    [(ColumnId(column), Meaning::FirstName, false)]
}

/// Writes rows of `written` beside the learned columns of `data`, and gives one written column.
fn write(
    table: &Table,
    data: &TableData,
    written: &[(ColumnId, Meaning, bool)],
    column: usize,
) -> (RowWriter, StringArray) {
    let (writer, _) = RowWriter::fit(table, data, written, Guard::rows(5));
    let present: Vec<_> = written.iter().map(|(id, ..)| (*id, vec![true; ROWS])).collect();
    let mut random = Seed(1).stream("told/tests", 0);
    let rows = writer.complete(&present, &[], &writer.tell(data), 0, &mut random);
    let values = rows.column(ColumnId(column)).unwrap().as_string::<i32>().clone();
    (writer, values)
}

#[test]
fn a_given_name_fits_the_gender_of_its_row() {
    let whole: ArrayRef = Arc::new((0..ROWS).map(|row| Some((row % 2) as i64)).collect::<Int64Array>());
    let flags: ArrayRef =
        Arc::new((0..ROWS).map(|row| Some(row.is_multiple_of(2))).collect::<BooleanArray>());
    let cases = [
        ("gender", TEXT, texts(|row| ["F", "M"][row % 2].to_owned())),
        ("sexo", TEXT, texts(|row| ["M", "H"][row % 2].to_owned())),
        ("anrede", TEXT, texts(|row| ["Frau", "Herr"][row % 2].to_owned())),
        ("c7", TEXT, texts(|row| ["female", "male"][row % 2].to_owned())),
        ("sukupuoli_sex", TEXT, texts(|row| ["N", "M"][row % 2].to_owned())),
        ("sex", WHOLE, whole),
        ("is_female", DataType::Boolean, flags),
    ];
    for (column, data_type, labels) in cases {
        let table = table(&[("first_name", TEXT), (column, data_type)]);
        let rows = data(vec![texts(name), labels]);

        let (writer, names) = write(&table, &rows, &first_names(0), 0);

        assert_eq!(writer.followed(ColumnId(0)), [ColumnId(1)], "{column}");
        for row in 0..ROWS {
            let expected = if row.is_multiple_of(2) { Gender::Woman } else { Gender::Man };
            assert_eq!(Gender::of_name(names.value(row)), Some(expected), "{column} {}", names.value(row));
        }
    }
}

#[test]
fn names_that_do_not_fit_in_the_source_are_not_made_to_fit() {
    let table = table(&[("first_name", TEXT), ("gender", TEXT)]);
    // Every second name is of the other gender.
    let rows = data(vec![texts(|row| name(row / 2)), texts(|row| ["F", "M"][row % 2].to_owned())]);

    let tellers = Tellers::fit(&table, &rows, None, &first_names(0), Guard::rows(5));

    assert_eq!(tellers.leaders(ColumnId(0), &Meaning::FirstName), []);
}

#[test]
fn labels_that_only_names_explain_are_kept_and_listed_from_k_entities_on() {
    let table = table(&[("first_name", TEXT), ("sex", TEXT)]);
    let label = |row: usize| if row == 0 { "secret".to_owned() } else { ["zena", "muz"][row % 2].to_owned() };
    let rows = data(vec![texts(name), texts(label)]);

    let tellers = Tellers::fit(&table, &rows, None, &first_names(0), Guard::rows(5));

    let kept: Vec<String> = tellers.kept(ColumnId(1)).into_iter().map(|kept| kept.text).collect();
    assert_eq!(kept, ["muz", "zena"]);
    assert!(!serde_json::to_string(&tellers).unwrap().contains("secret"));
}

#[test]
fn names_that_must_differ_differ_and_still_fit() {
    let table = table(&[("first_name", TEXT), ("gender", TEXT), ("email", TEXT)]);
    let labels = texts(|row| ["f", "m", "x"][row % 3].to_owned());
    let gendered = |row: usize| match row % 3 {
        0 => Gender::Woman.names()[row].to_owned(),
        1 => Gender::Man.names()[row].to_owned(),
        _ => gender::NEUTRAL[row].to_owned(),
    };
    let rows = data(vec![texts(gendered), labels, texts(|row| format!("{row}@example.org"))]);
    let written = [(ColumnId(0), Meaning::FirstName, true), (ColumnId(2), Meaning::Email, false)];

    let (_, names) = write(&table, &rows, &written, 0);
    let (_, addresses) = write(&table, &rows, &written, 2);

    let distinct: BTreeSet<&str> = names.iter().flatten().collect();
    assert_eq!(distinct.len(), ROWS);
    for row in 0..ROWS {
        let expected = [Some(Gender::Woman), Some(Gender::Man), None][row % 3];
        assert_eq!(Gender::of_name(names.value(row)), expected, "{}", names.value(row));
        assert!(
            addresses.value(row).starts_with(&names.value(row).to_lowercase()),
            "{}",
            addresses.value(row)
        );
    }
}

#[test]
fn a_countrys_name_its_code_and_the_phone_of_a_row_agree() {
    const PLACES: [&str; 4] = ["DE", "US", "PT", "XX"];
    let table = table(&[("country_code", TEXT), ("country", TEXT), ("phone", TEXT), ("iban", TEXT)]);
    let phone = |row: usize| {
        let calling = ["+49", "+1", "+351", "+00"][row % 4];
        format!("{calling} 30 {:07}", row * 7919 % 9_999_999)
    };
    let country = |row: usize| Country::read(PLACES[row % 4]).map_or("Nowhere", Country::name).to_owned();
    let account = |row: usize| format!("{}21 {row:020}", PLACES[row % 4]);
    let rows =
        data(vec![texts(|row| PLACES[row % 4].to_owned()), texts(country), texts(phone), texts(account)]);
    let written = [
        (ColumnId(1), Meaning::Country, false),
        (ColumnId(2), Meaning::Phone, false),
        (ColumnId(3), Meaning::Iban, false),
    ];

    let (writer, names) = write(&table, &rows, &written, 1);
    let (_, phones) = write(&table, &rows, &written, 2);
    let (_, accounts) = write(&table, &rows, &written, 3);

    assert!((1..4).all(|column| writer.followed(ColumnId(column)) == [ColumnId(0)]));
    for row in (0..ROWS).filter(|row| row % 4 != 3) {
        let code = PLACES[row % 4];
        let country = Country::read(code).unwrap();
        assert_eq!(names.value(row), country.name());
        assert_eq!(country.rings(phones.value(row)), Some(true), "{}", phones.value(row));
        // The United States have no such numbers.
        assert!(code == "US" || accounts.value(row).starts_with(code), "{}", accounts.value(row));
    }
    let real: BTreeSet<String> = (0..ROWS).map(phone).collect();
    assert!(phones.iter().flatten().all(|written| !real.contains(written)));
}

#[test]
fn written_names_and_codes_of_countries_agree_without_a_learned_column() {
    let table = table(&[("country", TEXT), ("country_code", TEXT), ("iso3", TEXT)]);
    let long = |row: usize| Country::at(row).code(3).to_owned();
    let short = |row: usize| Country::at(row).code(2).to_owned();
    let rows = data(vec![texts(|row| Country::at(row).name().to_owned()), texts(short), texts(long)]);
    for unique in [false, true] {
        let written: Vec<_> = (0..3).map(|column| (ColumnId(column), Meaning::Country, unique)).collect();
        let columns: Vec<StringArray> =
            (0..3).map(|column| write(&table, &rows, &written, column).1).collect();
        for row in 0..ROWS {
            let country = Country::read(columns[0].value(row)).unwrap();
            assert_eq!(columns[1].value(row), country.code(2));
            assert_eq!(columns[2].value(row), country.code(3));
        }
    }
}

const PLACES: [&str; 4] = ["DE", "FR", "IT", "US"];
const SOURCE_LASTS: [&str; 4] = ["Quendt", "Zorvath", "Blixby", "Tchalk"];

/// People with a learned gender and country, and written names and addresses of mail; `accent` ends every name of the
/// first rows.
fn people(accent: &str, accented: usize) -> (Table, TableData, [(ColumnId, Meaning, bool); 3]) {
    let columns = ["country", "gender", "first_name", "last_name", "email"];
    let table = table(&columns.map(|column| (column, TEXT)));
    let end = |row: usize| if row < accented { accent } else { "" };
    let rows = data(vec![
        texts(|row| PLACES[row / 2 % 4].to_owned()),
        texts(|row| ["F", "M"][row % 2].to_owned()),
        texts(|row| format!("{}{}", name(row), end(row))),
        texts(|row| format!("{}{}", SOURCE_LASTS[row % 4], end(row))),
        texts(|row| format!("{row}@example.org")),
    ]);
    let written = [
        (ColumnId(2), Meaning::FirstName, false),
        (ColumnId(3), Meaning::LastName, false),
        (ColumnId(4), Meaning::Email, false),
    ];
    (table, rows, written)
}

fn language(row: usize) -> Option<&'static crate::semantic::language::Language> {
    Country::read(PLACES[row / 2 % 4]).and_then(crate::semantic::language::Language::of)
}

#[test]
fn names_are_of_the_country_and_the_gender_of_their_row() {
    let (table, rows, written) = people("é", ROWS);

    let (writer, firsts) = write(&table, &rows, &written, 2);
    let (_, lasts) = write(&table, &rows, &written, 3);
    let (_, addresses) = write(&table, &rows, &written, 4);

    assert_eq!(writer.followed(ColumnId(2)), [ColumnId(1), ColumnId(0)]);
    assert_eq!(writer.followed(ColumnId(3)), [ColumnId(0)]);
    let mut accents = 0;
    for row in 0..ROWS {
        let (first, last) = (firsts.value(row), lasts.value(row));
        let gender = if row.is_multiple_of(2) { Gender::Woman } else { Gender::Man };
        match language(row) {
            Some(language) => {
                assert!(language.given(Some(gender)).unwrap().contains(&first), "{first}");
                assert!(language.lasts.contains(&last), "{last}");
            }
            None => assert_eq!(Gender::of_name(first), Some(gender), "{first}"),
        }
        accents += usize::from(!first.is_ascii() || !last.is_ascii());
        assert!(addresses.value(row).is_ascii(), "{}", addresses.value(row));
        let plain = crate::semantic::language::handle;
        let address = format!("{}.{}", plain(first), plain(last));
        assert!(addresses.value(row).starts_with(&address), "{}: {first} {last}", addresses.value(row));
    }
    assert!(accents > 5, "{accents}");
}

#[test]
fn accents_and_scripts_are_written_only_where_enough_entities_show_them() {
    for (accent, accented, plain) in [("", 0, true), ("é", 4, true), ("é", 5, false), ("花", 4, true)] {
        let (table, rows, written) = people(accent, accented);
        let (_, lasts) = write(&table, &rows, &written, 3);
        let is_plain = lasts.iter().flatten().all(str::is_ascii);
        assert_eq!(is_plain, plain, "{accent} {accented}");
    }
    let japanese = |accented| {
        let (table, mut rows, written) = people("花", accented);
        rows.set(ColumnId(0), texts(|_| "JP".to_owned()));
        let (_, lasts) = write(&table, &rows, &written, 3);
        let (_, addresses) = write(&table, &rows, &written, 4);
        assert!(addresses.iter().flatten().all(str::is_ascii));
        lasts.iter().flatten().filter(|last| !last.is_ascii()).count()
    };
    assert_eq!(japanese(4), 0);
    assert_eq!(japanese(ROWS), ROWS);
}

#[test]
fn names_that_must_differ_stay_as_they_are_whatever_the_country() {
    let (table, rows, mut written) = people("é", ROWS);
    written[1].2 = true;

    let (writer, lasts) = write(&table, &rows, &written, 3);

    assert_eq!(writer.followed(ColumnId(3)), []);
    assert_eq!(lasts.iter().flatten().collect::<BTreeSet<_>>().len(), ROWS);

    // In a key of several columns as well, where short lists soon have no pair left.
    let (mut table, rows, written) = people("é", ROWS);
    table.unique_keys.push(crate::schema::UniqueKey {
        name: "one".to_owned(),
        columns: vec![ColumnId(2), ColumnId(3)],
        expressions: Vec::new(),
        predicate: None,
        nulls_not_distinct: false,
    });
    let (writer, _) = write(&table, &rows, &written, 3);
    assert_eq!(writer.followed(ColumnId(3)), []);
}

#[test]
fn a_country_of_the_row_goes_before_an_ancestors() {
    let (with_country, rows, written) = people("", 0);
    let above = || {
        let above = Above { path: vec![ForeignKeyId(0)], from: ColumnId(1) };
        Some((above, texts(|_| "FR".to_owned())))
    };

    let own = Tellers::fit(&with_country, &rows, above(), &written, Guard::rows(5));
    assert_eq!(own.leaders(ColumnId(3), &Meaning::LastName), [ColumnId(0)]);
    assert_eq!(own.above(), None);

    let without = table(&["town", "gender", "first_name", "last_name", "email"].map(|name| (name, TEXT)));
    let mut rows = rows;
    rows.set(ColumnId(0), texts(|row| format!("Town {row}")));
    let theirs = Tellers::fit(&without, &rows, above(), &written, Guard::rows(5));
    assert_eq!(theirs.leaders(ColumnId(3), &Meaning::LastName), [Above::COLUMN]);
    rows.set(Above::COLUMN, texts(|_| "FR".to_owned()));
    assert!(theirs.tell(&rows).iter().all(|told| told.country == Country::read("FR")));
}

#[test]
fn names_fit_a_country_that_is_written_beside_them() {
    let table = table(&[("country", TEXT), ("full_name", TEXT), ("street", TEXT)]);
    let rows = data(vec![
        texts(|row| Country::at(row).name().to_owned()),
        texts(|row| format!("{} {}ñ", name(row), SOURCE_LASTS[row % 4])),
        texts(|row| format!("{row} Quendt Street")),
    ]);
    let written = [
        (ColumnId(0), Meaning::Country, false),
        (ColumnId(1), Meaning::FullName, false),
        (ColumnId(2), Meaning::StreetAddress, false),
    ];

    let (_, countries) = write(&table, &rows, &written, 0);
    let (writer, names) = write(&table, &rows, &written, 1);
    let (_, streets) = write(&table, &rows, &written, 2);

    assert_eq!(writer.followed(ColumnId(1)), [ColumnId(0)]);
    let mut seen = 0;
    for row in 0..ROWS {
        let country = Country::read(countries.value(row)).unwrap();
        let Some(language) = crate::semantic::language::Language::of(country) else { continue };
        if language.script() != crate::semantic::language::Script::Latin {
            assert!(names.value(row).is_ascii(), "{}", names.value(row));
            continue;
        }
        seen += 1;
        let plain = crate::semantic::language::plain;
        let ends = |last: &&str| plain(names.value(row)).ends_with(&format!(" {}", plain(last)));
        assert!(language.lasts.iter().any(ends), "{}", names.value(row));
        assert!(
            !streets.value(row).contains(['#', '{']) && streets.value(row).is_ascii(),
            "{}",
            streets.value(row)
        );
    }
    assert!(seen > 10, "{seen}");
}
