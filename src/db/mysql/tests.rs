//! Without a server: reading what servers print. With one: [`live`].

mod live;
mod rights;

use std::collections::BTreeSet;

use super::{
    calendar, collation,
    ddl::{self, CreateTable, ItemKind, Parts},
    error,
    lex::tokens,
    server::parse_version,
    sql::{self, Fixture, Home},
    types::NativeType,
};
use crate::schema::DataType;

fn home(objects: &[&str]) -> Home {
    Home {
        database: "shop".to_owned(),
        objects: objects.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(),
        ignore_case: false,
    }
}

#[test]
fn tokens_joined_are_the_input() {
    for text in [
        "CREATE TABLE `a``b` (`x` int DEFAULT 'it''s \\' ok' COMMENT \"q\") -- end\n/*!80016 x */",
        "5--1 # rest",
        "`unclosed 'text",
        "é ü _utf8mb4'x'",
        "'unclosed \\",
        "/* open",
    ] {
        let joined: String = tokens(text).iter().map(|token| token.text).collect();

        assert_eq!(joined, text);
    }
}

#[test]
fn versions_of_both_flavours_are_read() {
    assert_eq!(parse_version("8.0.36-0ubuntu0.22.04.1"), (8, 0, 36));
    assert_eq!(parse_version("10.11.6-MariaDB-1:10.11.6+maria~deb12"), (10, 11, 6));
    assert_eq!(parse_version("5.5.5-10.3.2-MariaDB"), (10, 3, 2));
    assert_eq!(parse_version("26.1"), (26, 1, 0));
}

#[test]
fn types_keep_their_range() {
    let parse = |text| NativeType::parse(text).data_type().unwrap();

    assert_eq!(parse("tinyint(4)"), DataType::Integer { min: -128, max: 127 });
    assert_eq!(parse("mediumint unsigned"), DataType::Integer { min: 0, max: 16_777_215 });
    assert_eq!(parse("bigint(20) unsigned zerofill"), DataType::Integer { min: 0, max: i64::MAX });
    assert_eq!(parse("bigint"), DataType::Integer { min: i64::MIN, max: i64::MAX });
    assert_eq!(parse("decimal(10,2) unsigned"), DataType::Decimal { precision: Some(10), scale: Some(2) });
    assert_eq!(parse("datetime(3) /* mariadb-5.3 */"), DataType::Timestamp { zoned: false });
    assert_eq!(parse("bit(5)"), DataType::Bits { length: Some(5) });
    assert_eq!(parse("varchar(20) /*M!100301 COMPRESSED*/"), DataType::Text { max_chars: Some(20) });
    assert_eq!(parse("year(4)"), DataType::Integer { min: 1901, max: 2155 });
    assert_eq!(NativeType::parse("point srid 4326").srid, Some(4326));
    assert_eq!(NativeType::parse("timestamp(6)").fraction_digits(), 6);
    assert_eq!(NativeType::parse("hyperloglog(3)").data_type(), None);
}

#[test]
fn labels_may_hold_commas_quotes_and_parentheses() {
    let DataType::Enum { labels } =
        NativeType::parse("enum('a,b','it''s','x\\\\y','(','')").data_type().unwrap()
    else {
        panic!("an enum")
    };

    assert_eq!(labels, ["a,b", "it's", "x\\y", "(", ""]);
}

#[test]
fn mysql_expressions_lose_one_level_of_escapes_and_their_introducers() {
    let clause = r"(`a` in (_utf8mb4\'x\',_utf8mb4\'it\\\'s\'))";

    assert_eq!(sql::unescape(clause), r"(`a` in ('x','it\'s'))");
}

#[test]
fn collations_of_the_other_flavour_keep_their_sensitivity() {
    let text = "`a` varchar(9) COLLATE utf8mb4_0900_ai_ci DEFAULT 'utf8mb4_0900_ai_ci', `b` text COLLATE utf8mb4_0900_as_cs";

    let (sql, replaced) = collation::translate(text, true);

    assert_eq!(
        sql,
        "`a` varchar(9) COLLATE utf8mb4_unicode_520_ci DEFAULT 'utf8mb4_0900_ai_ci', `b` text COLLATE utf8mb4_bin"
    );
    assert_eq!(replaced.len(), 2);
    assert!(collation::translate(text, false).1.is_empty());
}

#[test]
fn only_enclosing_parentheses_are_removed() {
    assert_eq!(sql::without_outer_parentheses("((`a` > 1))"), "`a` > 1");
    assert_eq!(sql::without_outer_parentheses("(`a`) or (`b`)"), "(`a`) or (`b`)");
    assert_eq!(sql::without_outer_parentheses("(')' = `a`)"), "')' = `a`");
}

#[test]
fn the_database_is_removed_where_it_qualifies_and_nowhere_else() {
    let rewrite = |text: &str| home(&["t", "v", "f"]).unqualify(text);

    assert_eq!(rewrite("select `shop`.`t`.`a` from `shop`.`t`"), "select `t`.`a` from `t`");
    assert_eq!(rewrite("select `shop`.`f`(1), 'shop.t', `x`.`shop`"), "select `f`(1), 'shop.t', `x`.`shop`");
    assert_eq!(rewrite("insert into shop.t values (1)"), "insert into t values (1)");
    assert_eq!(rewrite("select `other`.`t`.`a`"), "select `other`.`t`.`a`");
    assert_eq!(rewrite("nextval(`shop`.`t`)"), "nextval(`t`)");
}

#[test]
fn a_table_called_like_its_database_keeps_qualifying_its_columns() {
    let rewrite = |text: &str| home(&["shop", "id"]).unqualify(text);

    assert_eq!(
        rewrite("select `shop`.`id` from `shop`.`shop` join `shop`.`id`"),
        "select `shop`.`id` from `shop` join `id`"
    );
}

#[test]
fn the_definer_goes_and_the_security_stays() {
    let view = "CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`%` SQL SECURITY DEFINER VIEW `v` AS select 1";

    assert_eq!(
        sql::without_definer(view),
        "CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `v` AS select 1"
    );
    assert_eq!(sql::without_definer("CREATE VIEW v AS select 1"), "CREATE VIEW v AS select 1");
}

#[test]
fn what_cannot_move_between_databases_is_recognised() {
    let found = |text| sql::fixture(text);

    assert_eq!(
        found("CREATE SQL SECURITY INVOKER VIEW `a b` AS select 1"),
        Some((Fixture::View, "a b".to_owned()))
    );
    assert_eq!(
        found("/* x */ create or replace trigger t before insert on y for each row set @a=1"),
        Some((Fixture::Trigger, "t".to_owned()))
    );
    assert_eq!(
        found("CREATE FUNCTION IF NOT EXISTS `f`(a int) returns int return 1"),
        Some((Fixture::Function, "f".to_owned()))
    );
    assert_eq!(found("CREATE TABLE `view` (`trigger` int)"), None);
    assert_eq!(found("ALTER TABLE t ADD KEY (view)"), None);
}

const CREATE: &str = "CREATE TABLE `or``der (1)` (
  `id` int(11) NOT NULL,
  `n` bigint unsigned NOT NULL AUTO_INCREMENT,
  `key` enum('a,b','),') DEFAULT 'it''s, AUTO_INCREMENT=3',
  `v` int(11) GENERATED ALWAYS AS (`id` * (2 + 1)) VIRTUAL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u` (`key`(3),`id`),
  KEY `counter` (`n`),
  FULLTEXT KEY `f` (`key`) /*!50100 WITH PARSER `ngram` */ ,
  CONSTRAINT `fk` FOREIGN KEY (`id`) REFERENCES `par,ent` (`id`) ON DELETE CASCADE,
  CONSTRAINT `far` FOREIGN KEY (`id`) REFERENCES `db2`.`t` (`id`),
  CONSTRAINT `c` CHECK (`id` > 0)
) ENGINE=InnoDB AUTO_INCREMENT=57 DEFAULT CHARSET=utf8mb4 COMMENT='AUTO_INCREMENT=57'
/*!50100 PARTITION BY HASH (`id`) */";

#[test]
fn a_create_table_is_cut_at_its_own_commas() {
    let kinds: Vec<ItemKind> =
        CreateTable::parse(CREATE).unwrap().items.into_iter().map(|item| item.kind).collect();

    let column = |name: &str, auto_increment| ItemKind::Column { name: name.to_owned(), auto_increment };
    let far = ItemKind::ForeignKey { database: Some("db2".to_owned()), parent: "t".to_owned() };
    let near = ItemKind::ForeignKey { database: None, parent: "par,ent".to_owned() };
    assert_eq!(
        kinds,
        [
            column("id", false),
            column("n", true),
            column("key", false),
            column("v", false),
            ItemKind::PrimaryKey,
            ItemKind::Unique,
            ItemKind::Index,
            ItemKind::Index,
            near,
            far,
            ItemKind::Other,
        ]
    );
}

#[test]
fn the_bare_table_keeps_the_counters_index_but_not_the_counter() {
    let Parts { bare, unique, index, foreign, .. } = CreateTable::parse(CREATE).unwrap().split();

    assert!(bare.contains("KEY `counter` (`n`)"), "{bare}");
    assert!(bare.contains("CHECK (`id` > 0)"), "{bare}");
    assert!(bare.contains("ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='AUTO_INCREMENT=57'"), "{bare}");
    assert!(bare.contains("PARTITION BY HASH"), "{bare}");
    assert!(!bare.contains("FOREIGN KEY") && !bare.contains("UNIQUE"), "{bare}");
    assert_eq!((unique.len(), index.len(), foreign.len()), (1, 1, 2));
}

#[test]
fn dates_survive_and_dates_with_some_zero_part_are_refused() {
    let mut out = String::new();

    for text in ["1970-01-01", "2024-02-29", "1000-12-31", "9999-12-31", "0000-00-00"] {
        out.clear();
        calendar::write_date(i64::from(calendar::read_date(text).unwrap()), &mut out);
        assert_eq!(out, text);
    }
    assert_eq!(calendar::read_date("2024-00-10"), None);
    assert_eq!(calendar::read_date("2023-02-29"), None);
}

#[test]
fn times_beyond_a_day_and_before_zero_survive() {
    let mut out = String::new();

    for (text, digits) in
        [("-838:59:59.000000", 6), ("838:59:59", 0), ("00:00:00.125", 3), ("-00:00:01.50", 2)]
    {
        out.clear();
        calendar::write_time(calendar::read_time(text).unwrap(), digits, &mut out);
        assert_eq!(out, text);
    }
    assert_eq!(calendar::read_timestamp("1969-12-31 23:59:59.999999"), Some(-1));
}

#[test]
fn messages_name_keys_and_columns_but_no_values() {
    let shown = error::redact("Duplicate entry 'ann@example.com' for key 'email'");

    assert_eq!(shown, "Duplicate entry … for key 'email'");
    assert_eq!(
        error::redact("Incorrect integer value: 's3cret' for column `db`.`t`.`a` at row 1"),
        "Incorrect integer value: … for column `db`.`t`.`a` at row 1"
    );
}

#[test]
fn a_binary_default_of_mariadb_becomes_a_hexadecimal_literal() {
    let printed = b"`a` binary(2) DEFAULT 'A\xFF' COMMENT 'it''s', `b` binary(3) DEFAULT '\\\\''\xFE'";

    assert_eq!(
        sql::catalog_text(printed),
        "`a` binary(2) DEFAULT x'41FF' COMMENT 'it''s', `b` binary(3) DEFAULT x'5C27FE'"
    );
}

#[test]
fn a_statement_carries_the_session_it_was_made_in() {
    let settings =
        ["sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES'".to_owned(), "time_zone = 'SYSTEM'".to_owned()];
    let sql = ddl::under(&settings, "CREATE PROCEDURE `p`() SELECT 1");

    assert_eq!(ddl::wanted_settings(&sql), settings);
    assert_eq!(sql::fixture(&sql), Some((sql::Fixture::Procedure, "p".to_owned())));
    assert!(ddl::wanted_settings("/* a comment */ CREATE TABLE t (a int)").is_empty());
}

#[test]
fn keys_without_overlaps_come_after_the_rows() {
    let create = "CREATE TABLE `r` (\n  `room` int NOT NULL,\n  PERIOD FOR `stay` (`a`, `b`),\n  PRIMARY KEY (`room`,`stay` WITHOUT OVERLAPS)\n) ENGINE=InnoDB";
    let Parts { bare, period, .. } = CreateTable::parse(create).unwrap().split();

    assert!(bare.contains("PERIOD FOR") && !bare.contains("PRIMARY KEY"));
    assert_eq!(period[0].sql, "PRIMARY KEY (`room`,`stay` WITHOUT OVERLAPS)");
}

#[test]
fn no_value_of_a_row_is_in_an_error() {
    let error = error::server_error("run a statement", 1062, "Duplicate entry 'Ann-1' for key 'people.name'");

    assert!(!error.message.contains("Ann") && error.message.contains("'people.name'"), "{error}");
}

#[test]
fn names_in_double_quotes_are_names_in_what_ansi_quotes_made() {
    let sql = "CREATE DEFINER=\"root\"@\"localhost\" FUNCTION \"my \"\"f\"() RETURNS int RETURN (SELECT 1 FROM \"shop\".\"t\")";

    assert_eq!(sql::fixture(sql), Some((Fixture::Function, "my \"f".to_owned())));
    assert!(home(&["t"]).unqualify(sql).ends_with("FROM \"t\")"));
    assert!(!sql::without_definer(sql).contains("root"));
}
