use std::sync::Arc;

use arrow_array::Int64Array;

use super::*;
use crate::schema::{Column, TableName};

fn meaning(table: &str, column: &str, value: impl Fn(usize) -> String) -> Meaning {
    let values: Vec<String> = (0..60).map(value).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    detect_text(table, column, &values, false).meaning
}

#[test]
fn personal_columns_are_known_by_their_names_in_other_languages() {
    let word = |row: usize| format!("Zor{}", ["vath", "lin", "mek", "tan"][row % 4]);
    let phrase = |row: usize| format!("Zor{row} Kal{}", row * 7);
    let number = |row: usize| format!("{:09}", row * 7_654_321 % 1_000_000_000);
    for (column, expected) in [
        ("prénom", Meaning::FirstName),
        ("VORNAME", Meaning::FirstName),
        ("nom_de_famille", Meaning::LastName),
        ("apellidos", Meaning::LastName),
        ("Familienname", Meaning::LastName),
        ("etternavn", Meaning::LastName),
        ("nombre", Meaning::FirstName),
        ("nom", Meaning::LastName),
    ] {
        assert_eq!(meaning("personen", column, word), expected, "{column}");
    }
    for (column, expected) in [
        ("nombre", Meaning::FullName),
        ("nombre_completo", Meaning::FullName),
        ("Kontoinhaber", Meaning::FullName),
        ("domicilio", Meaning::StreetAddress),
        ("contraseña", Meaning::PasswordHash),
    ] {
        assert_eq!(meaning("empleados", column, phrase), expected, "{column}");
    }
    for column in ["teléfono", "celular", "telefoonnummer", "móvil", "Rufnummer", "telemóvel"] {
        assert_eq!(meaning("kunden", column, number), Meaning::Phone, "{column}");
    }
}

#[test]
fn addresses_are_known_by_their_values() {
    let cases: [fn(usize) -> String; 5] = [
        |row| format!("{} Zorvath Hill Street", row + 1),
        |row| format!("{} rue Zorvath", row + 1),
        |row| format!("Zorvathstraße {}", row + 1),
        |row| format!("Calle Zorvath {}", row + 1),
        |row| format!("Via Zorvath, {}", row + 1),
    ];
    for value in cases {
        assert_eq!(meaning("x", "c1", value), Meaning::StreetAddress, "{}", value(7));
    }
    assert_ne!(meaning("x", "c1", |row| format!("Model {row} of the street lamp")), Meaning::StreetAddress);
}

#[test]
fn whole_numbers_that_identify_somebody_are_no_amounts() {
    let detected = |column: &str, value: &dyn Fn(i64) -> i64| {
        let integer = DataType::Integer { min: i64::MIN, max: i64::MAX };
        let table = Table::new(TableName::bare("people"), vec![Column::new(column, integer)]);
        let values: ArrayRef = Arc::new((0..60).map(|row| Some(value(row))).collect::<Int64Array>());
        detect_number(&table, ColumnId(0), &values).map(|found| found.meaning)
    };
    let card = |row: i64| {
        let stem = 453_900_000_000_000 + row * 7_919_113;
        let digits: Vec<u32> = stem.to_string().chars().filter_map(|c| c.to_digit(10)).collect();
        stem * 10 + i64::from(crate::semantic::checksum::luhn_check_digit(&digits))
    };

    assert_eq!(detected("n1", &card), Some(Meaning::CreditCard));
    assert_eq!(detected("phone", &|row| 15_550_000_000 + row * 7919), Some(Meaning::Phone));
    assert!(matches!(detected("ssn", &|row| 123_000_000 + row * 7919), Some(Meaning::Code { .. })));
    assert_eq!(detected("revenue", &|row| 15_550_000_000 + row * 7919), None);
    assert_eq!(detected("phone", &|row| row % 5), None, "few and short");
    assert_eq!(detected("phone", &|row| 15_550_000_000 + row % 5), None, "they repeat");
}
