//! What the role may not do, said before anything is done, with the GRANT that would help.

use serde::Deserialize;
use sqlx::PgConnection;

use super::{
    server::ask,
    sql::{quote, quote_table},
};
use crate::{
    db::{DbError, DbErrorKind},
    schema::{Schema, Table, TableName},
};

/// Tables listed in a message.
const NAMES_SHOWN: usize = 20;

/// A table that cannot be read whole.
#[derive(Debug, Clone, Deserialize)]
struct Unreadable {
    namespace: String,
    name: String,
    role: String,
    no_schema: bool,
    no_table: bool,
    /// Row-level security would hide rows.
    filtered: bool,
}

/// What bars the role from a target.
#[derive(Debug, Clone, Deserialize)]
struct NotWritable {
    role: String,
    database: String,
    standby: bool,
    may_create: bool,
    /// Schemas it may not make anything in.
    closed: Vec<String>,
    /// Other roles that own what is there.
    owners: Vec<String>,
}

/// Refuses tables that cannot be read, or not all of their rows.
pub(super) async fn check_reading(connection: &mut PgConnection, tables: &[&Table]) -> Result<(), DbError> {
    let mut barred: Vec<Unreadable> = ask(connection, include_str!("catalog/unreadable.sql")).await?;
    barred.retain(|row| {
        let name = TableName::qualified(&row.namespace, &row.name);
        tables.iter().any(|table| table.name == name)
    });
    match unreadable(&barred) {
        Some(message) => Err(DbError::new(DbErrorKind::Permission, message)),
        None => Ok(()),
    }
}

/// Refuses a target that the role cannot write `schema` to.
pub(super) async fn check_writing(connection: &mut PgConnection, schema: &Schema) -> Result<(), DbError> {
    let found: Vec<NotWritable> = ask(connection, include_str!("catalog/not_writable.sql")).await?;
    let wanted =
        |name: &String| schema.tables.iter().any(|table| table.name.namespace.as_ref() == Some(name));
    match found.first().and_then(|found| not_writable(found, wanted)) {
        Some((kind, message)) => Err(DbError::new(kind, message)),
        None => Ok(()),
    }
}

fn unreadable(barred: &[Unreadable]) -> Option<String> {
    let role = quote(&barred.first()?.role);
    let names = |keep: &dyn Fn(&&Unreadable) -> bool| -> Vec<String> {
        barred
            .iter()
            .filter(keep)
            .map(|row| quote_table(&TableName::qualified(&row.namespace, &row.name)))
            .collect()
    };
    let mut schemas: Vec<String> =
        barred.iter().filter(|row| row.no_schema).map(|row| quote(&row.namespace)).collect();
    schemas.dedup();
    let ungranted = names(&|row| row.no_table);
    let filtered = names(&|row| row.filtered && !row.no_schema);
    let mut parts = Vec::new();
    if !schemas.is_empty() || !ungranted.is_empty() {
        let what = names(&|row| row.no_schema || row.no_table);
        let mut grants = Vec::new();
        if !schemas.is_empty() {
            grants.push(format!("GRANT USAGE ON SCHEMA {} TO {role}", schemas.join(", ")));
        }
        if !ungranted.is_empty() {
            grants.push(format!("GRANT SELECT ON {} TO {role}", ungranted.join(", ")));
        }
        parts.push(format!("the role {role} may not read {}; {}", shown(&what), grants.join("; ")));
    }
    if !filtered.is_empty() {
        parts.push(format!(
            "row-level security hides rows of {} from the role {role}; ALTER ROLE {role} BYPASSRLS, or read as a role \
             that sees them all",
            shown(&filtered)
        ));
    }
    Some(format!("{}; or leave them out with --exclude", parts.join("; ")))
}

fn not_writable(found: &NotWritable, wanted: impl Fn(&String) -> bool) -> Option<(DbErrorKind, String)> {
    let (role, database) = (quote(&found.role), quote(&found.database));
    if found.standby {
        let message = format!("{database} is on a standby, which cannot be written: name its primary");
        return Some((DbErrorKind::Refused, message));
    }
    let mut grants = Vec::new();
    if !found.may_create {
        grants.push(format!("GRANT CREATE ON DATABASE {database} TO {role}"));
    }
    let closed: Vec<String> =
        found.closed.iter().filter(|name| wanted(name)).map(|name| quote(name)).collect();
    if !closed.is_empty() {
        grants.push(format!("GRANT USAGE, CREATE ON SCHEMA {} TO {role}", closed.join(", ")));
    }
    if !grants.is_empty() {
        let message = format!("the role {role} may not create in {database}; {}", grants.join("; "));
        return Some((DbErrorKind::Permission, message));
    }
    let owners: Vec<String> = found.owners.iter().map(|name| quote(name)).collect();
    (!owners.is_empty()).then(|| {
        let message = format!(
            "{database} holds what belongs to {0}, and the role {role} may not replace it; connect as its owner, or \
             GRANT {0} TO {role}",
            owners.join(", ")
        );
        (DbErrorKind::Permission, message)
    })
}

fn shown(names: &[String]) -> String {
    match names.len().checked_sub(NAMES_SHOWN) {
        Some(more) if more > 0 => format!("{} and {more} more", names[..NAMES_SHOWN].join(", ")),
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::{NotWritable, Unreadable, not_writable, unreadable};
    use crate::db::DbErrorKind;

    fn row(name: &str, no_schema: bool, no_table: bool, filtered: bool) -> Unreadable {
        Unreadable {
            namespace: "crm".into(),
            name: name.into(),
            role: "me".into(),
            no_schema,
            no_table,
            filtered,
        }
    }

    #[test]
    fn every_barred_table_is_named_with_the_grant_that_opens_it() {
        let rows = [row("a", true, true, false), row("b", true, false, false), row("c", false, false, true)];
        let message = unreadable(&rows).unwrap();

        assert!(message.contains(r#"may not read "crm"."a", "crm"."b""#), "{message}");
        assert!(message.contains(r#"GRANT USAGE ON SCHEMA "crm" TO "me""#), "{message}");
        assert!(message.contains(r#"GRANT SELECT ON "crm"."a" TO "me""#), "{message}");
        assert!(message.contains(r#"hides rows of "crm"."c""#), "{message}");
        assert_eq!(unreadable(&[]), None);
    }

    #[test]
    fn a_target_says_what_is_missing_and_only_of_the_schemas_wanted() {
        let open = NotWritable {
            role: "me".into(),
            database: "copy".into(),
            standby: false,
            may_create: true,
            closed: vec!["other".into(), "public".into()],
            owners: Vec::new(),
        };
        let public = |name: &String| name == "public";
        let (kind, message) = not_writable(&open, public).unwrap();
        assert_eq!(kind, DbErrorKind::Permission);
        assert!(message.ends_with(r#"; GRANT USAGE, CREATE ON SCHEMA "public" TO "me""#), "{message}");

        assert_eq!(not_writable(&NotWritable { closed: Vec::new(), ..open.clone() }, public), None);
        let owned = NotWritable { closed: Vec::new(), owners: vec!["boss".into()], ..open.clone() };
        assert!(not_writable(&owned, public).unwrap().1.contains(r#"GRANT "boss" TO "me""#));
        let standby = NotWritable { standby: true, ..open };
        assert_eq!(not_writable(&standby, public).unwrap().0, DbErrorKind::Refused);
    }
}
