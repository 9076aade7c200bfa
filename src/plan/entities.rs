//! Whose rows are whose: the entity that every row of a table belongs to.
//!
//! An entity is a row of a *root table* (a customer, a patient) and everything below it. Root tables are those named
//! in `[privacy] entities`; without any, those that are about persons, by their name or by columns that only persons
//! have. A person below another person belongs to that one, unless the upper one only looks after the lower one
//! (staff). Where no table above a table is a root, the top of its context chain is.
//!
//! Every table leads to its root along one foreign key: its context, if a root lies there; else the first of its
//! other foreign keys that leads to one, those that may not be null first. A row that could reach several roots
//! belongs to the one along that key alone.
//!
//! Rows below a few things (the readings of three stations) could not hide among so few: where the rows are read, each
//! of them counts as an entity of its own ([`crate::privacy::map`]).

use serde::{Deserialize, Serialize};

use crate::{
    config::Config,
    plan::{LinkRole, PlanError, TablePlan, names, words},
    schema::{DataType, ForeignKeyId, Schema, Table, TableId},
};

/// Tables that are about persons, whose data it is, in a few languages.
const PERSONS: [&str; 77] = [
    "account",
    "actor",
    "applicant",
    "artist",
    "author",
    "borrower",
    "buyer",
    "candidate",
    "citizen",
    "client",
    "contact",
    "creator",
    "customer",
    "donor",
    "guest",
    "household",
    "individual",
    "lead",
    "learner",
    "member",
    "parent",
    "participant",
    "passenger",
    "patient",
    "people",
    "person",
    "player",
    "profile",
    "pupil",
    "respondent",
    "seller",
    "student",
    "subscriber",
    "tenant",
    "traveller",
    "user",
    "visitor",
    "volunteer",
    "voter",
    "cliente",
    "kunde",
    "persona",
    "usuario",
    "kunden",
    "personen",
    "personne",
    "pessoa",
    "paciente",
    "paziente",
    "patienten",
    "alumno",
    "aluno",
    "élève",
    "eleve",
    "klant",
    "asiakas",
    "klient",
    "benutzer",
    "utilisateur",
    "utente",
    "mitglied",
    "mitglieder",
    "contacto",
    "contatto",
    "kontakt",
    "haushalt",
    "bewohner",
    "einwohner",
    "klanten",
    "clienti",
    "pazienti",
    "utenti",
    "contatti",
    "kontakte",
    "kunder",
    "haushalte",
    "personnes",
];

/// Tables of persons who look after others: the others are entities of their own.
const STAFF: [&str; 27] = [
    "agent",
    "doctor",
    "driver",
    "employee",
    "instructor",
    "lecturer",
    "manager",
    "nurse",
    "operator",
    "physician",
    "salesperson",
    "staff",
    "teacher",
    "worker",
    "empleado",
    "mitarbeiter",
    "mitarbeitende",
    "angestellte",
    "empregado",
    "funcionario",
    "funcionário",
    "dipendente",
    "medico",
    "médico",
    "werknemer",
    "medewerker",
    "dipendenti",
];

/// Columns that only persons have.
const PERSONAL: [&str; 33] = [
    "firstname",
    "lastname",
    "givenname",
    "familyname",
    "surname",
    "forename",
    "birthdate",
    "dateofbirth",
    "birthday",
    "dob",
    "ssn",
    "socialsecurity",
    "passwordhash",
    "password",
    "vorname",
    "nachname",
    "familienname",
    "geburtsdatum",
    "geburtstag",
    "prenom",
    "prénom",
    "nomfamille",
    "datenaissance",
    "apellido",
    "apellidos",
    "fechanacimiento",
    "cognome",
    "datanascita",
    "sobrenome",
    "datanascimento",
    "voornaam",
    "achternaam",
    "geboortedatum",
];

/// The entity that the rows of a table belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityPath {
    /// The root table: a row of it is one entity. The table itself, if nothing is above it.
    pub root: TableId,
    /// The foreign key that leads towards the root; `None` for a root. A row where it is null is an entity of its own.
    pub along: Option<ForeignKeyId>,
    /// True if the root is about persons, or named by the user: what is below it belongs to one of them.
    #[serde(default = "personal")]
    pub personal: bool,
}

fn personal() -> bool {
    true
}

/// What makes a table a root.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Thing,
    Staff,
    Person,
    Named,
}

/// Gives every table the way to its entities. `order` lists all tables, parents first.
pub(super) fn settle(
    schema: &Schema,
    config: &Config,
    tables: &mut [TablePlan],
    order: &[TableId],
) -> Result<(), PlanError> {
    let mut standing: Vec<Standing> = Vec::with_capacity(schema.tables.len());
    let named = &config.privacy.entities;
    for table in &schema.tables {
        standing.push(if named.is_empty() { standing_of(table) } else { Standing::Thing });
    }
    for entity in named {
        let place = entity.place.as_ref().map_or_else(
            || "entities of [privacy]".to_owned(),
            |place| format!("entities of [privacy] in {place}"),
        );
        for id in names::tables(schema, &entity.name, &place)? {
            standing[id.0] = Standing::Named;
        }
    }
    for id in order {
        let path = path(schema, tables, &standing, *id);
        tables[id.0].entity = path;
    }
    Ok(())
}

/// The way of one table, whose parents have theirs.
fn path(schema: &Schema, tables: &[TablePlan], standing: &[Standing], id: TableId) -> EntityPath {
    let own = standing[id.0];
    let itself = EntityPath { root: id, along: None, personal: own != Standing::Thing };
    if own == Standing::Named {
        return itself;
    }
    let table = schema.table(id);
    let root_of = |key: ForeignKeyId| tables[table.foreign_keys[key.0].parent.0].entity.root;
    let context = tables[id.0].context;
    let towards = |key: ForeignKeyId| {
        let root = root_of(key);
        EntityPath { root, along: Some(key), personal: standing[root.0] != Standing::Thing }
    };
    let above = context.map(towards);
    // A person below one who only looks after it, or below a thing (a town, a branch), is an entity.
    let stops = |root: TableId| {
        matches!(
            (own, standing[root.0]),
            (Standing::Person, Standing::Staff | Standing::Thing) | (Standing::Staff, Standing::Thing)
        )
    };
    if let Some(above) = above
        && standing[above.root.0] != Standing::Thing
    {
        return if stops(above.root) { itself } else { above };
    }
    if own != Standing::Thing {
        return itself;
    }
    let leads = |key: &ForeignKeyId| {
        // Parents of other links come later, and have no way yet.
        let link = tables[id.0].links[key.0] == LinkRole::Link;
        link && matches!(standing[root_of(*key).0], Standing::Person | Standing::Named)
    };
    let mut keys: Vec<ForeignKeyId> =
        (0..table.foreign_keys.len()).map(ForeignKeyId).filter(|key| leads(key)).collect();
    keys.sort_by_key(|key| {
        let fk = &table.foreign_keys[key.0];
        (fk.columns.iter().any(|column| table.column(*column).nullable), key.0)
    });
    match keys.first() {
        Some(key) => towards(*key),
        None => above.unwrap_or(itself),
    }
}

/// What a table's name and columns say it is about.
fn standing_of(table: &Table) -> Standing {
    let name = words::words(&table.name.name);
    // `customers`, `app_customer`: the last word; `customer_orders` are orders.
    let last = name.last().map(std::slice::from_ref).map(words::forms).unwrap_or_default();
    let is = |list: &[&str]| last.iter().any(|form| list.contains(&form.as_str()));
    if is(&STAFF) {
        return Standing::Staff;
    }
    let personal = |column: &crate::schema::Column| {
        let texts = !matches!(column.data_type, DataType::Boolean);
        texts && PERSONAL.contains(&words::joined(&column.name).as_str())
    };
    if is(&PERSONS) || table.columns.iter().any(personal) { Standing::Person } else { Standing::Thing }
}
