use super::schema;
use crate::{
    config::{Config, Reference, ReferenceCondition, TableMode, TableSettings},
    finding::Severity,
    plan::{
        ColumnRole, LinkRole, Observed, Plan, PlanError, apply_references,
        explain::explain,
        propose::{candidates, pairs, table_of_type},
        target_rows,
    },
    schema::{ForeignKeyId, Schema, TableId},
};

fn plan(schema: &Schema, rows: &[u64]) -> Plan {
    Plan::build(schema, &Config::default(), rows).unwrap().0
}

fn shown(text: &str, rows: &[u64]) -> String {
    let schema = schema(text);
    let plan = plan(&schema, rows);
    explain(&schema, &plan, rows, &target_rows(&plan, rows, 1.0)).text()
}

fn with(tables: &[(&str, TableSettings)]) -> Config {
    let tables = tables.iter().map(|(name, settings)| ((*name).to_owned(), settings.clone())).collect();
    Config { tables, ..Config::default() }
}

fn mode(mode: TableMode) -> TableSettings {
    TableSettings { mode: Some(mode), ..TableSettings::default() }
}

fn context(columns: &[&str]) -> TableSettings {
    let context = Some(columns.iter().map(|column| (*column).to_owned()).collect());
    TableSettings { context, ..TableSettings::default() }
}

const SHOP: &str = "
    customers: *id, ^email!:text, name:text
    order_lines: *order_id > orders.id, *line, product_id! > products.id, amount
    orders: *id, customer_id! > customers.id, total
    products: *id, ^code!:text
    schema_migrations: *version:text
";

#[test]
fn a_shop_is_planned_parents_first() {
    insta::assert_snapshot!(shown(SHOP, &[1_000, 12_000, 5_000, 80, 7]), @r#"
    stratum 1
      customers          synthesize  1,000 → 1,000 rows
      products           synthesize  80 → 80 rows
      schema_migrations  copy        7 → 7 rows  (bookkeeping of a migration framework)
    stratum 2
      orders             synthesize  5,000 → 5,000 rows
                           along customer_id → customers
    stratum 3
      order_lines        synthesize  12,000 → 12,000 rows
                           along order_id → orders
                           link  product_id → products
    entities
      customers          each row with its orders, order_lines
      products           each row
    "#);
}

#[test]
fn a_cycle_is_cut_at_its_nullable_edge_that_points_back() {
    let text = "
        departments: *id, head_id > employees.id
        employees: *id, department_id > departments.id, manager_id > employees.id
    ";
    insta::assert_snapshot!(shown(text, &[10, 500]), @r#"
    stratum 1
      departments  synthesize  10 → 10 rows
                     later head_id → employees (closes a cycle: filled once both exist)
    stratum 2
      employees    synthesize  500 → 500 rows
                     link  department_id → departments
                     self  manager_id → employees (a forest)
    entities
      departments  each row
      employees    each row
    "#);
}

#[test]
fn a_cycle_is_not_cut_where_the_key_of_a_row_is_its_parents() {
    let schema = schema(
        "
        a: *b_id! > b.id deferrable
        b: *id, a_id! > a.b_id
    ",
    );
    let plan = plan(&schema, &[10, 10]);

    assert_eq!(plan.tables[0].links, [LinkRole::Context]);
    assert_eq!(plan.tables[1].links, [LinkRole::Deferred]);
}

#[test]
fn a_cycle_without_a_nullable_edge_is_cut_at_the_deferrable_one() {
    let schema = schema(
        "
        a: *id, b_id! > b.id
        b: *id, a_id! > a.id deferrable
    ",
    );
    let plan = plan(&schema, &[10, 10]);

    assert_eq!(plan.tables[0].links, [LinkRole::Context]);
    assert_eq!(plan.tables[1].links, [LinkRole::Deferred]);
}

#[test]
fn a_ring_of_three_loses_one_edge_only() {
    let schema = schema(
        "
        a: *id, c_id > c.id
        b: *id, a_id! > a.id
        c: *id, b_id! > b.id
    ",
    );
    let plan = plan(&schema, &[]);

    let roles: Vec<LinkRole> = plan.tables.iter().map(|table| table.links[0]).collect();
    assert_eq!(roles, [LinkRole::Deferred, LinkRole::Context, LinkRole::Context]);
    assert_eq!(plan.strata, [[TableId(0)], [TableId(1)], [TableId(2)]]);
}

#[test]
fn one_cut_is_preferred_to_two() {
    let schema = schema(
        "
        devices: *id, firmware_id > packages.id, software_id > packages.id
        packages: *id, device_id > devices.id
        ",
    );
    let plan = plan(&schema, &[]);

    assert_eq!(plan.tables[0].links, [LinkRole::Link, LinkRole::Link]);
    assert_eq!(plan.tables[1].links, [LinkRole::Deferred]);
}

#[test]
fn the_json_of_a_plan_speaks_in_names() {
    let schema = schema("a: *id\nb: *id, a_id! > a.id");
    let plan = plan(&schema, &[5, 20]);

    let json = serde_json::to_value(explain(&schema, &plan, &[5, 20], &[10, 40])).unwrap();

    let line = &json["strata"][1][0];
    assert_eq!((line["table"].as_str(), line["target_rows"].as_u64()), (Some("b"), Some(40)));
    assert_eq!(line["foreign_keys"][0]["role"], "link");
    assert_eq!(line["columns"][1]["role"], "foreign_key");
}

#[test]
fn several_keys_to_one_parent_have_one_context() {
    let schema = schema(
        "
        cities: *id
        flights: *id, from_id! > cities.id, to_id! > cities.id
    ",
    );
    assert_eq!(plan(&schema, &[50, 400]).tables[1].links, [LinkRole::Context, LinkRole::Link]);
}

#[test]
fn an_invoice_line_belongs_to_its_invoice_not_to_its_track() {
    let schema = schema(
        "
        invoice: *id
        invoice_line: *id, invoice_id! > invoice.id, track_id! > track.id
        track: *id
    ",
    );
    assert_eq!(plan(&schema, &[412, 2_240, 3_503]).tables[1].context, Some(ForeignKeyId(0)));
}

#[test]
fn a_lookup_is_no_context() {
    let schema = schema(
        "
        kinds: *id
        posts: *id, kind_id! > kinds.id
    ",
    );
    assert_eq!(plan(&schema, &[8, 60_000]).tables[1].context, None);
    assert_eq!(plan(&schema, &[800, 60_000]).tables[1].context, Some(ForeignKeyId(0)));
}

#[test]
fn a_nullable_key_is_context_only_if_seen_to_be_full() {
    let schema = schema(
        "
        stores: *id
        visits: *id, store_id > stores.id
    ",
    );
    let full = Observed {
        real_rows: vec![40, 900],
        full: [(TableId(1), ForeignKeyId(0))].into(),
        ..Observed::default()
    };

    assert_eq!(plan(&schema, &[40, 900]).tables[1].context, None);
    let seen = Plan::build_observed(&schema, &Config::default(), &full).unwrap().0;
    assert_eq!(seen.tables[1].context, Some(ForeignKeyId(0)));
}

#[test]
fn the_users_context_holds_and_a_wrong_one_names_those_that_would_do() {
    let schema = schema(SHOP);
    let chosen = |columns: &[&str]| Plan::build(&schema, &with(&[("order_lines", context(columns))]), &[]);

    assert_eq!(chosen(&["product_id"]).unwrap().0.tables[1].context, Some(ForeignKeyId(1)));
    assert_eq!(chosen(&[]).unwrap().0.tables[1].context, None);
    assert!(matches!(
        chosen(&["amount"]),
        Err(PlanError::BadContext { usable, .. }) if usable == ["order_id", "product_id"]
    ));
}

#[test]
fn columns_have_the_roles_their_keys_give_them() {
    use ColumnRole::{Attribute, ForeignKey, Generated, KeyAttribute, SurrogateKey};
    let mut schema = schema(SHOP);
    schema.tables[2].columns[2].generated = Some("1".to_owned());

    let plan = plan(&schema, &[]);

    assert_eq!(plan.tables[0].columns, [SurrogateKey, KeyAttribute, Attribute]);
    assert_eq!(plan.tables[1].columns, [ForeignKey, KeyAttribute, ForeignKey, Attribute]);
    assert_eq!(plan.tables[2].columns, [SurrogateKey, ForeignKey, Generated]);
    assert_eq!(plan.tables[4].columns, [KeyAttribute]);
}

#[test]
fn rows_that_need_a_parent_without_rows_are_not_made() {
    let schema = schema(SHOP);
    let config = Config { exclude_tables: vec!["cust*".to_owned()], ..Config::default() };

    let (plan, findings) = Plan::build(&schema, &config, &[]).unwrap();

    let modes: Vec<TableMode> = plan.tables.iter().map(|table| table.mode).collect();
    use TableMode::{Copy, Skip, Structure, Synthesize};
    assert_eq!(modes, [Skip, Structure, Structure, Synthesize, Copy]);
    assert_eq!(plan.tables[2].links, [LinkRole::Dangling]);
    assert_eq!(findings.iter().filter(|finding| finding.severity == Severity::Warning).count(), 2);
    assert_eq!(target_rows(&plan, &[9, 9, 9, 9, 9], 2.0), [0, 0, 0, 18, 9]);
}

#[test]
fn a_copy_needs_copied_parents() {
    let schema = schema(SHOP);
    let lone = Plan::build(&schema, &with(&[("public.orders", mode(TableMode::Copy))]), &[]);
    let both = with(&[("orders", mode(TableMode::Copy)), ("customers", mode(TableMode::Copy))]);

    assert!(matches!(lone, Err(PlanError::CopyWithoutParent { parent, .. }) if parent == "customers"));
    let plan = Plan::build(&schema, &both, &[]).unwrap().0;
    assert_eq!(plan.tables[2].links, [LinkRole::Link]);
    assert_eq!(plan.tables[1].context, Some(ForeignKeyId(0)));
}

#[test]
fn names_that_match_nothing_are_errors_with_the_nearest_names() {
    let schema = schema(SHOP);
    let unknown = Config { exclude_tables: vec!["ordrs".to_owned()], ..Config::default() };
    let mut typo = TableSettings::default();
    typo.columns.insert("emial".to_owned(), "email".to_owned());

    assert!(matches!(
        Plan::build(&schema, &unknown, &[]),
        Err(PlanError::UnknownTable { nearest, .. }) if nearest == ["orders"]
    ));
    assert!(matches!(
        Plan::build(&schema, &with(&[("customers", typo)]), &[]),
        Err(PlanError::UnknownColumn { nearest, .. }) if nearest == ["email"]
    ));
}

#[test]
fn two_names_of_one_table_may_agree_but_not_disagree() {
    let schema = schema(SHOP);
    let said = |first, second| with(&[("orders", mode(first)), ("public.orders", mode(second))]);

    assert!(Plan::build(&schema, &said(TableMode::Structure, TableMode::Structure), &[]).is_ok());
    assert!(matches!(
        Plan::build(&schema, &said(TableMode::Structure, TableMode::Skip), &[]),
        Err(PlanError::Contradiction { setting: "mode", .. })
    ));
}

#[test]
fn an_entry_for_one_table_goes_before_a_pattern() {
    let schema = schema("log_a: *id\nlog_b: *id\nother: *id");
    let config = with(&[("log_*", mode(TableMode::Structure)), ("log_b", mode(TableMode::Skip))]);

    let modes: Vec<TableMode> =
        Plan::build(&schema, &config, &[]).unwrap().0.tables.iter().map(|table| table.mode).collect();

    assert_eq!(modes, [TableMode::Structure, TableMode::Skip, TableMode::Synthesize]);
}

#[test]
fn a_nullable_key_to_another_table_is_worth_a_question() {
    let schema = schema(
        "
        a: *id, next > a.id
        b: *id, a_id > a.id, other_id! > a.id
        ",
    );
    assert_eq!(Observed::questions(&schema), [(TableId(1), ForeignKeyId(0))]);
}

#[test]
fn a_name_in_two_namespaces_must_be_qualified() {
    let mut schema = schema("a: *id\nb: *id");
    schema.tables[0].name = crate::schema::TableName::qualified("x", "users");
    schema.tables[1].name = crate::schema::TableName::qualified("y", "users");

    let config = |name: &str| Config { exclude_tables: vec![name.to_owned()], ..Config::default() };
    assert!(matches!(
        Plan::build(&schema, &config("users"), &[]),
        Err(PlanError::AmbiguousTable { candidates, .. }) if candidates == ["x.users", "y.users"]
    ));
    assert_eq!(Plan::build(&schema, &config("y.users"), &[]).unwrap().0.tables[1].mode, TableMode::Skip);
}

#[test]
fn undeclared_references_join_the_graph() {
    let mut schema = schema(
        "
        comments: *id, post_id!
        posts: *id, title:text
    ",
    );
    let reference = |child: &str, column: &str, key: &str| Reference {
        child: child.to_owned(),
        columns: vec![column.to_owned()],
        parent: "posts".to_owned(),
        parent_columns: vec![key.to_owned()],
        ..Reference::default()
    };

    assert!(apply_references(&mut schema, &[reference("comments", "post_id", "id")]).unwrap().is_empty());
    let again = apply_references(&mut schema, &[reference("comments", "post_id", "id")]).unwrap();

    assert_eq!(again[0].code, "reference-declared");
    assert!(!schema.tables[0].foreign_keys[0].validated);
    assert_eq!(plan(&schema, &[]).tables[0].links, [LinkRole::Context]);
    for wrong in [reference("coments", "post_id", "id"), reference("comments", "post", "id")] {
        assert!(apply_references(&mut schema, &[wrong]).is_err());
    }
    assert!(matches!(
        apply_references(&mut schema, &[reference("comments", "id", "title")]),
        Err(PlanError::BadReference { .. })
    ));
}

fn conditional(from: &str, column: &str, to: &str, when: &str, value: &str) -> Reference {
    Reference {
        child: from.to_owned(),
        columns: vec![column.to_owned()],
        parent: to.to_owned(),
        parent_columns: vec!["id".to_owned()],
        when: Some(ReferenceCondition { column: when.to_owned(), values: vec![value.to_owned()] }),
        place: Some("synth.toml:7".to_owned()),
    }
}

#[test]
fn a_reference_that_binds_some_rows_waits_for_their_values_and_is_no_context() {
    let mut schema = schema(
        "
        comments: *id, about_type:text, about_id!
        photos: *id
        posts: *id
    ",
    );
    let to = |table: &str, value: &str| conditional("comments", "about_id", table, "about_type", value);
    let references =
        [to("posts", "Post"), to("photos", "Photo"), to("comments", "Comment"), to("posts", "Post")];

    let findings = apply_references(&mut schema, &references).unwrap();
    let plan = plan(&schema, &[100, 10, 20]);

    let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["reference-declared"]);
    let names: Vec<&str> = schema.tables[0].foreign_keys.iter().map(|fk| fk.name.as_str()).collect();
    assert_eq!(
        names,
        ["comments_about_id_comments_fkey", "comments_about_id_photos_fkey", "comments_about_id_posts_fkey"]
    );
    let planned = plan.table(TableId(0));
    assert_eq!(planned.links, [LinkRole::SelfReference, LinkRole::Conditional, LinkRole::Conditional]);
    assert_eq!(planned.context, None);
    assert_eq!(planned.columns[2], ColumnRole::Attribute);
    let shown = explain(&schema, &plan, &[], &[]).text();
    assert!(shown.contains("about_id → posts when about_type = 'Post'"), "{shown}");
}

#[test]
fn a_condition_that_cannot_decide_is_refused_with_its_place() {
    let text = "
        comments: *id, about_type:text, about_id, post_id > posts.id
        posts: *id
    ";
    for (column, when, reason) in [
        ("about_id", "about_id", "one of those that refer"),
        ("post_id", "about_type", "binds all rows"),
        ("about_id", "missing", "does not have"),
    ] {
        let mut schema = schema(text);
        let error = apply_references(&mut schema, &[conditional("comments", column, "posts", when, "Post")]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains("synth.toml:7"), "{error}");
    }
}

#[test]
fn a_condition_on_rows_that_are_made_anew_is_told() {
    let mut schema = schema(
        "
        posts: *id
        tagged: *id, type_id! > types.id, object_id!
        types: *id, model:text
    ",
    );
    apply_references(&mut schema, &[conditional("tagged", "object_id", "posts", "type_id", "7")]).unwrap();
    let told = |config: &Config| {
        let (_, findings) = Plan::build(&schema, config, &[]).unwrap();
        findings.iter().any(|finding| finding.code == "reference-type-renumbered")
    };

    assert!(told(&Config::default()));
    assert!(!told(&with(&[("types", mode(TableMode::Copy))])));
}

#[test]
fn names_propose_references_in_every_style_and_only_to_their_own_table() {
    let schema = schema(
        "
        app_invoice: *id
        categories: *id, parent_id, category_parent
        customers: *id, ^email:text
        lines: *orderId, *line, invoice_id, category_id, customer_no:text, id_customer, billing_customer_id, amount
        orders: *id, customerId, person_id, customer
        people: *id, address_id
        wards: *ward_code:text
        visits: *id, ward_code:text, done
    ",
    );

    let shown: Vec<String> = candidates(&schema)
        .iter()
        .map(|one| {
            let (child, parent) = (schema.table(one.child), schema.table(one.key.parent));
            let (column, key) = (child.column(one.key.columns[0]), parent.column(one.key.parent_columns[0]));
            format!("{}.{} {}.{} {}", child.name, column.name, parent.name, key.name, one.strength)
        })
        .collect();

    assert_eq!(
        shown,
        [
            "categories.parent_id categories.id 1",
            "categories.category_parent categories.id 1",
            "lines.orderId orders.id 3",
            "lines.invoice_id app_invoice.id 2",
            "lines.category_id categories.id 3",
            "lines.id_customer customers.id 3",
            "lines.billing_customer_id customers.id 2",
            "orders.customerId customers.id 3",
            "orders.person_id people.id 3",
            "orders.customer customers.id 2",
            "visits.ward_code wards.ward_code 3",
        ]
    );
}

#[test]
fn a_type_names_a_table_whatever_its_namespace() {
    let schema = schema("admin_users: *id\nblog_posts: *id\npeople: *id\nphotos: *id\nusers: *id");
    let name = |value: &str| table_of_type(&schema, value).map(|id| schema.table(id).name.to_string());

    for (value, table) in [
        ("Photo", "photos"),
        ("App\\Models\\Photo", "photos"),
        ("Admin::User", "admin_users"),
        ("Crm::User", "users"),
        ("person", "people"),
        ("blog.post", "blog_posts"),
        ("Post", "blog_posts"),
    ] {
        assert_eq!(name(value).as_deref(), Some(table), "{value}");
    }
    assert_eq!(name("Video"), None);
    assert_eq!(name(""), None);
}

#[test]
fn pairs_of_type_and_id_are_seen_until_a_reference_covers_them() {
    let mut schema = schema(
        "
        comments: *id, commentable_type:text, commentable_id, type:text, owner_class:text, owner_id
        posts: *id
    ",
    );
    let ids = |schema: &Schema| -> Vec<usize> { pairs(schema).iter().map(|pair| pair.id_column.0).collect() };

    assert_eq!(ids(&schema), [2, 5]);
    assert!(candidates(&schema).is_empty());
    apply_references(&mut schema, &[conditional("comments", "owner_id", "posts", "owner_class", "Post")])
        .unwrap();
    assert_eq!(ids(&schema), [2]);
}

#[test]
fn the_chart_quotes_whatever_a_name_holds() {
    let mut schema = schema(
        "
        a: *id
        b: *id, a_id! > a.id
    ",
    );
    schema.tables[0].name.name = "od\"d <na#me>".to_owned();
    let plan = plan(&schema, &[5, 50]);

    insta::assert_snapshot!(explain(&schema, &plan, &[5, 50], &[5, 50]).mermaid(), @r#"
    flowchart LR
      subgraph s0["stratum 1"]
        t0["od#quot;d #lt;na#35;me#gt;<br/>5"]
      end
      subgraph s1["stratum 2"]
        t1["b<br/>50"]
      end
      t0 -->|"a_id"| t1
    "#);
}

#[test]
fn rows_follow_scale_and_what_was_asked() {
    let schema = schema("a: *id\nb: *id\nc: *id");
    let mut config = with(&[("b", TableSettings { rows: Some(7), ..TableSettings::default() })]);
    config.scale = 0.1;

    let plan = Plan::build(&schema, &config, &[]).unwrap().0;

    assert_eq!(target_rows(&plan, &[3, 100, 0], 0.1), [1, 7, 0]);
    assert_eq!(target_rows(&plan, &[3, 100, 0], 10.0), [30, 7, 0]);
}

#[test]
fn readings_of_a_sensor_are_a_series_however_many_and_rows_of_a_category_are_none() {
    let context = |columns: &str, sensors: u64| {
        let text = format!("reading: *id, {columns}\n sensor: *id\n unit: *id");
        plan(&schema(&text), &[100_000, sensors, 4]).tables[0].context
    };
    let of_sensor = Some(crate::schema::ForeignKeyId(0));

    assert_eq!(context("sensor_id! > sensor.id, read_on:date!", 60), of_sensor);
    assert_eq!(context("sensor_id! > sensor.id, read_on:date!, unit_id! > unit.id", 60), of_sensor);
    assert_eq!(context("sensor_id! > sensor.id, read_on:date", 60), None, "some rows have no time");
    assert_eq!(context("sensor_id! > sensor.id, value", 60), None, "a category");
    assert_eq!(context("sensor_id! > sensor.id, read_on:date!", 6), None, "a lookup");
}
