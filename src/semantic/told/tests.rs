use std::sync::Arc;

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

        assert_eq!(writer.leader(ColumnId(0)), Some(ColumnId(1)), "{column}");
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

    let tellers = Tellers::fit(&table, &rows, &first_names(0), Guard::rows(5));

    assert_eq!(tellers.leader(ColumnId(0), &Meaning::FirstName), None);
}

#[test]
fn labels_that_only_names_explain_are_kept_and_listed_from_k_entities_on() {
    let table = table(&[("first_name", TEXT), ("sex", TEXT)]);
    let label = |row: usize| if row == 0 { "secret".to_owned() } else { ["zena", "muz"][row % 2].to_owned() };
    let rows = data(vec![texts(name), texts(label)]);

    let tellers = Tellers::fit(&table, &rows, &first_names(0), Guard::rows(5));

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

    assert!((1..4).all(|column| writer.leader(ColumnId(column)) == Some(ColumnId(0))));
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
