use super::{escape_field, quote, write_float};
use crate::db::mysql::types::Form;

#[test]
fn a_load_data_field_hides_every_byte_that_would_end_it() {
    let mut out = Vec::new();

    escape_field("a\\b\tc\nd\re\0f'\"é".as_bytes(), &mut out);

    assert_eq!(String::from_utf8(out).unwrap(), "a\\\\b\\tc\\nd\\re\\0f'\"é");
}

#[test]
fn a_literal_cannot_be_left_by_its_text() {
    let mut out = Vec::new();

    quote(b"it's \\' end\0\r\n", &mut out);

    assert_eq!(String::from_utf8(out).unwrap(), "'it''s \\\\'' end\\0\\r\\n'");
}

#[test]
fn decimals_are_written_with_their_scale_and_floats_in_full() {
    let text = |value, form| {
        let mut out = String::new();
        write_float(value, form, &mut out);
        out
    };

    assert_eq!(text(0.1 + 0.2, Form::Decimal(10, 2)), "0.30");
    assert_eq!(text(-1234.5, Form::Decimal(10, 0)), "-1234");
    assert_eq!(text(1e36, Form::Decimal(65, 30)), format!("{}.{}", "9".repeat(35), "9".repeat(30)));
    assert_eq!(text(-1e3, Form::Decimal(2, 2)), "-0.99");
    assert_eq!(text(0.1, Form::Single), "0.1");
    assert_eq!(text(1e300, Form::Plain), "1e300");
    assert_eq!(text(0.1 + 0.2, Form::Plain).parse::<f64>().unwrap().to_bits(), (0.1_f64 + 0.2).to_bits());
}
