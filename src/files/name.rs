//! File names for tables, which every file system takes.

use std::collections::BTreeSet;

use crate::schema::TableName;

/// Longest part of a name, in bytes: far below the 255 that file systems allow.
const LONGEST: usize = 100;

/// Names that Windows keeps for devices, whatever the ending.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// One file name per table, in their order: `orders.csv`, or `sales.orders.csv` outside of the schema `public`.
///
/// Letters and digits of ASCII, `_` and `-` stay; every other byte is written `%C3`. A name that differs from an earlier
/// one in case only gets a number: many file systems hold both to be one.
pub(super) fn file_names<'a>(
    tables: impl IntoIterator<Item = &'a TableName>,
    ending: &str,
    taken: &[&str],
) -> Vec<String> {
    let mut used: BTreeSet<String> = taken.iter().map(|name| name.to_lowercase()).collect();
    let mut names = Vec::new();
    for table in tables {
        let stem = stem(table);
        let mut name = format!("{stem}.{ending}");
        let mut number = 1;
        while !used.insert(name.to_lowercase()) {
            number += 1;
            name = format!("{stem}~{number}.{ending}");
        }
        names.push(name);
    }
    names
}

fn stem(table: &TableName) -> String {
    let name = encoded(&table.name);
    match table.namespace.as_deref() {
        Some(namespace) if namespace != "public" => format!("{}.{name}", encoded(namespace)),
        _ => name,
    }
}

fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let text = if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        if out.len() + text.len() > LONGEST {
            break;
        }
        out.push_str(&text);
    }
    let lower = out.to_ascii_lowercase();
    let numbered = lower.strip_prefix("com").or_else(|| lower.strip_prefix("lpt"));
    let port = numbered.is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit());
    // A leading dash is an option to many commands.
    if port || DEVICES.contains(&lower.as_str()) || lower.starts_with('-') || out.is_empty() {
        out.insert(0, '_');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::file_names;
    use crate::schema::TableName;

    fn names(tables: &[TableName]) -> Vec<String> {
        file_names(tables, "csv", &["load.csv"])
    }

    #[test]
    fn plain_names_stay_and_schemas_other_than_public_are_shown() {
        let tables = [
            TableName::qualified("public", "orders"),
            TableName::qualified("sales", "orders"),
            TableName::bare("order_lines-2"),
        ];

        assert_eq!(names(&tables), ["orders.csv", "sales.orders.csv", "order_lines-2.csv"]);
    }

    #[test]
    fn no_name_leaves_the_folder_or_is_a_device() {
        let tables = ["../etc/passwd", "a.b", "größe", "AUX", "com1", "-rf", "a b", ""].map(TableName::bare);
        let expected = [
            "%2E%2E%2Fetc%2Fpasswd.csv",
            "a%2Eb.csv",
            "gr%C3%B6%C3%9Fe.csv",
            "_AUX.csv",
            "_com1.csv",
            "_-rf.csv",
            "a%20b.csv",
            "_.csv",
        ];

        assert_eq!(names(&tables), expected);
    }

    #[test]
    fn names_that_differ_in_case_only_or_are_cut_alike_or_are_taken_get_a_number() {
        let long = "x".repeat(150);
        let tables = ["Orders", "orders", "ORDERS", &long, &format!("{long}y"), "load"].map(TableName::bare);
        let made = names(&tables);

        assert_eq!(made[..3], ["Orders.csv", "orders~2.csv", "ORDERS~3.csv"]);
        assert_eq!(made[4], format!("{}~2.csv", "x".repeat(100)));
        assert_eq!(made[5], "load~2.csv");
    }
}
