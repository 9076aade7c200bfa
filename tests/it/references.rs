//! Foreign keys that no catalog declares: proposed from names and values, accepted in `synth.toml`, honoured.

use std::{fmt::Write, path::Path};

use crate::support::{Engine, Scratch, dbsynth, dbsynth_in, engines};

/// Users, posts and photos, and comments on all three kinds of things, none of it declared. Hot posts get five comments,
/// others none; photos get one. Some comments are on videos, which have no table, and two are orphans.
fn forum(engine: Engine, name: &str) -> Scratch {
    let scratch = Scratch::new(engine, name);
    let mut sql = String::from(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, city VARCHAR(20) NOT NULL);\n\
         CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, hot INTEGER NOT NULL, comment INTEGER NOT NULL);\n\
         CREATE TABLE photos (id INTEGER PRIMARY KEY, width INTEGER NOT NULL);\n\
         CREATE TABLE comments (id INTEGER PRIMARY KEY, commentable_type VARCHAR(40), commentable_id INTEGER, \
         stars INTEGER NOT NULL, size INTEGER);\n",
    );
    let mut insert = |table: &str, rows: &[String]| {
        let _ = writeln!(sql, "INSERT INTO {table} VALUES {};", rows.join(", "));
    };
    let users: Vec<String> =
        (0..60).map(|n| format!("({}, '{}')", 1000 + n, ["Rome", "Oslo"][n % 2])).collect();
    // A number that is called like a table, and whose values are keys there, as small numbers are.
    let posts: Vec<String> =
        (0..80).map(|n| format!("({}, {}, {}, {})", 3 * n + 1, 1000 + n % 60, n % 2, 1 + n % 5)).collect();
    let photos: Vec<String> = (0..50).map(|n| format!("({}, {})", 5000 + n, 640 + 160 * (n % 3))).collect();
    let mut comments: Vec<String> = Vec::new();
    let mut comment = |kind: &str, id: Option<usize>, stars: usize| {
        let id = id.map_or("NULL".to_owned(), |id| id.to_string());
        comments.push(format!("({}, {kind}, {id}, {stars}, NULL)", comments.len() + 1));
    };
    for post in (0..80).filter(|n| n % 2 == 1) {
        for stars in 0..5 {
            comment("'Post'", Some(3 * post + 1), 4 + stars % 2);
        }
    }
    (0..50).for_each(|photo| comment("'App\\Models\\Photo'", Some(5000 + photo), 1));
    (0..30).for_each(|n| comment("'Comment'", Some(1 + 7 * n), 3));
    (0..20).for_each(|n| comment("'Video'", Some(900_000 + n), 2));
    (0..10).for_each(|_| comment("NULL", None, 2));
    (0..2).for_each(|n| comment("'Post'", Some(700_000 + n), 5));
    if engine == Engine::MySql {
        comments.iter_mut().for_each(|row| *row = row.replace('\\', "\\\\"));
    }
    insert("users", &users);
    insert("posts", &posts);
    insert("photos", &photos);
    insert("comments", &comments);
    scratch.run(&sql);
    scratch
}

const NAMES: [(&str, &str, Option<&str>); 4] = [
    ("posts(user_id)", "users(id)", None),
    ("comments(commentable_id)", "comments(id)", Some("commentable_type = 'Comment'")),
    ("comments(commentable_id)", "photos(id)", Some("commentable_type = 'App\\Models\\Photo'")),
    ("comments(commentable_id)", "posts(id)", Some("commentable_type = 'Post'")),
];

fn references() -> String {
    let mut toml = String::new();
    for (from, to, when) in NAMES {
        let _ = write!(toml, "[[references]]\nfrom = \"{from}\"\nto = \"{to}\"\n");
        if let Some(when) = when {
            let _ = writeln!(toml, "when = \"{}\"", when.replace('\\', "\\\\"));
        }
    }
    toml
}

fn folder(toml: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("synth.toml"), toml).unwrap();
    folder
}

/// Rows of comments of a type whose parent is not there.
fn orphans(database: &Scratch, kind: &str, parent: &str) -> i64 {
    database.number(&format!(
        "SELECT count(*) FROM comments c WHERE commentable_type {kind} AND commentable_id IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE p.id = c.commentable_id)"
    ))
}

fn what_names_and_values_suggest_is_proposed(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let source = forum(engine, &format!("proposed_{engine:?}").to_lowercase());

    let shown = dbsynth(&["inspect", source.text(), "--json"]).exits(0).json();

    let proposals: Vec<(&str, &str, Option<&str>, i64, i64)> = shown["proposals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let number = |name: &str| one[name].as_i64().unwrap();
            let text = |name: &str| one[name].as_str();
            (text("from").unwrap(), text("to").unwrap(), text("when"), number("values"), number("orphans"))
        })
        .collect();
    let expected: Vec<_> = NAMES
        .iter()
        .zip([(80, 0), (30, 0), (50, 0), (202, 2)])
        .map(|((from, to, when), (values, orphans))| (*from, *to, *when, values, orphans))
        .collect();
    let mut sorted = proposals.clone();
    sorted.sort_by_key(|one| (one.2.is_some(), one.1));
    assert_eq!(sorted, expected);
}

fn rows_that_a_type_binds_get_a_parent_of_that_table(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("references_{engine:?}_{end}").to_lowercase();
    let (source, target) = (forum(engine, &name("source")), Scratch::new(engine, &name("target")));
    let folder = folder(&references());
    let run = |arguments: &[&str]| dbsynth_in(folder.path(), arguments);

    let plan = run(&["plan", source.text(), "--json"]).exits(0).json().to_string();
    assert!(plan.contains(r#""role":"conditional""#) && plan.contains("commentable_type = 'Post'"), "{plan}");
    let summary = run(&["clone", source.text(), target.text(), "--json"]).exits(0).json();

    let conditional = summary["lines"].as_array().is_none()
        && summary["proof"]["lines"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|line| line["kind"] == "foreign_key")
            .count()
            == NAMES.len();
    assert!(conditional, "{summary}");
    // As many of each type as in the source, more or less; none of them an orphan.
    for (kind, parent, least) in
        [("= 'Post'", "posts", 120), ("LIKE 'App%'", "photos", 25), ("= 'Comment'", "comments", 12)]
    {
        let rows = target.number(&format!("SELECT count(*) FROM comments WHERE commentable_type {kind}"));
        assert!(rows >= least, "{rows} rows {kind}");
        assert_eq!(orphans(&target, kind, parent), 0, "{kind}");
    }
    let lost = "SELECT count(*) FROM comments WHERE commentable_type = 'Video' AND commentable_id IS NULL";
    let videos = target.number("SELECT count(*) FROM comments WHERE commentable_type = 'Video'");
    assert!(videos > 5 && target.number(lost) * 4 < videos, "rows without a reference lose their values");
    // Comments go to hot posts: the number of children is learnt along the reference.
    let cold = target.number(
        "SELECT count(*) FROM comments c JOIN posts p ON p.id = c.commentable_id \
         WHERE commentable_type = 'Post' AND hot = 0",
    );
    let all = target.number("SELECT count(*) FROM comments WHERE commentable_type = 'Post'");
    assert!(cold * 5 < all, "{cold} of {all} comments are on cold posts");
    // No comment answers itself, directly or in a circle of two.
    let circles = "SELECT count(*) FROM comments a JOIN comments b ON b.id = a.commentable_id \
                   WHERE a.commentable_type = 'Comment' AND (a.id = b.id OR (b.commentable_type = 'Comment' AND b.commentable_id = a.id))";
    assert_eq!(target.number(circles), 0);

    run(&["verify", target.text(), "--source", source.text()]).exits(0);
    let scored = run(&["evaluate", source.text(), target.text(), "--json"]).exits(0).json();
    let followed: Vec<&str> =
        scored["fan_outs"].as_array().unwrap().iter().map(|link| link["parent"].as_str().unwrap()).collect();
    for (_, to, _) in NAMES {
        assert!(followed.contains(&to.split('(').next().unwrap()), "{followed:?}");
    }
    target.run("UPDATE comments SET commentable_id = 123456 WHERE commentable_type = 'Post'");
    let shown = run(&["verify", target.text()]).exits(1).stdout;
    assert!(shown.contains("comments_commentable_id_posts_fkey"), "{shown}");
    // What no reference binds is nobody's orphan.
    assert!(!shown.contains("comments_commentable_id_photos_fkey"), "{shown}");
}

macro_rules! on_every_engine {
    ($($test:ident: $postgres:ident, $mysql:ident, $sqlite:ident;)*) => {$(
        #[test]
        fn $postgres() {
            $test(Engine::Postgres);
        }

        #[test]
        fn $mysql() {
            $test(Engine::MySql);
        }

        #[test]
        fn $sqlite() {
            $test(Engine::Sqlite);
        }
    )*};
}

on_every_engine! {
    what_names_and_values_suggest_is_proposed: proposed_on_postgres, proposed_on_mysql, proposed_on_sqlite;
    rows_that_a_type_binds_get_a_parent_of_that_table: honoured_on_postgres, honoured_on_mysql, honoured_on_sqlite;
}

#[test]
fn a_new_file_holds_the_proposals_commented_out_and_they_can_be_used_as_they_are() {
    let source = forum(Engine::Sqlite, "proposals_of_init");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("synth.toml");

    dbsynth_in(folder.path(), &["init", source.text()]).exits(0);
    let text = std::fs::read_to_string(&path).unwrap();
    let start = text.find("# Foreign keys the catalog does not declare.").unwrap();
    assert!(text[start..].contains("# when = \"commentable_type = 'App\\\\Models\\\\Photo'\""), "{text}");
    let is_toml =
        |line: &&str| ["# [[", "# from", "# to", "# when"].iter().any(|start| line.starts_with(start));
    let uncommented: Vec<&str> = text[start..].lines().filter(is_toml).map(|line| &line[2..]).collect();
    std::fs::write(&path, uncommented.join("\n")).unwrap();

    let plan = dbsynth_in(folder.path(), &["plan", source.text()]).exits(0).stdout;
    assert_eq!(plan.matches(" when commentable_type = ").count(), 3, "{plan}");
}

#[test]
fn generic_relations_of_django_go_by_the_table_of_content_types() {
    let source = Scratch::new(Engine::Sqlite, "content_types");
    let mut sql = String::from(
        "CREATE TABLE django_content_type (id INTEGER PRIMARY KEY, app_label TEXT NOT NULL, model TEXT NOT NULL, \
         UNIQUE (app_label, model));\n\
         CREATE TABLE blog_post (id INTEGER PRIMARY KEY, hot INTEGER);\n\
         CREATE TABLE blog_page (id INTEGER PRIMARY KEY, hot INTEGER);\n\
         CREATE TABLE tagged (id INTEGER PRIMARY KEY, content_type_id INTEGER NOT NULL REFERENCES django_content_type (id), \
         object_id INTEGER NOT NULL, weight INTEGER NOT NULL);\n\
         INSERT INTO django_content_type VALUES (7, 'blog', 'post'), (9, 'blog', 'page');\n",
    );
    for n in 0..40 {
        let _ = writeln!(sql, "INSERT INTO blog_post VALUES ({}, {});", 100 + n, n % 3);
        let _ = writeln!(sql, "INSERT INTO blog_page VALUES ({}, {});", 500 + n, n % 3);
        let _ = writeln!(
            sql,
            "INSERT INTO tagged VALUES ({n}, 7, {}, 1), ({}, 9, {}, 2);",
            100 + n,
            100 + n,
            500 + n
        );
    }
    source.run(&sql);
    let target = Scratch::new(Engine::Sqlite, "content_types_target");

    let shown = dbsynth(&["inspect", source.text()]).exits(0).stdout;
    let toml = &shown[shown.find("[[references]]").unwrap()..];
    assert!(toml.contains("when = \"content_type_id = '7'\"") && toml.contains("mode = \"copy\""), "{toml}");
    let folder = folder(toml);
    dbsynth_in(folder.path(), &["clone", source.text(), target.text()]).exits(0);

    let lost = "SELECT count(*) FROM tagged t WHERE (content_type_id = 7 AND NOT EXISTS (SELECT 1 FROM blog_post p WHERE p.id = object_id)) \
                OR (content_type_id = 9 AND NOT EXISTS (SELECT 1 FROM blog_page p WHERE p.id = object_id))";
    assert_eq!(target.number(lost), 0);
    assert_eq!(target.number("SELECT count(*) FROM tagged WHERE content_type_id NOT IN (7, 9)"), 0);
}

#[test]
fn a_reference_that_makes_no_sense_is_refused_with_its_line() {
    let source = forum(Engine::Sqlite, "bad_references");
    for (toml, complaint) in [
        ("from = \"comments(commentable_id)\"\nto = \"posts(id)\"\nwhen = \"kind = 'Post'\"", "synth.toml:2"),
        (
            "from = \"comments(commentable_id)\"\nto = \"posts(id)\"\nwhen = \"commentable_type like 'P%'\"",
            "synth.toml:4",
        ),
        ("from = \"comments(commentable_id)\"\nto = \"posts(hot)\"", "synth.toml:2"),
        ("from = \"comments(nowhere)\"\nto = \"posts(id)\"", "synth.toml:2"),
        ("from = \"comments(id)\"\nto = \"nowhere(id)\"", "synth.toml:2"),
    ] {
        let folder = folder(&format!("[[references]]\n{toml}\n"));
        let run = dbsynth_in(Path::new(folder.path()), &["plan", source.text()]).exits(2);
        assert!(run.stderr.contains(complaint), "{}", run.stderr);
    }
}
