//! What a column's name says about its values.

use super::{Meaning, gender::Gender};

/// Letters with a mark, as the lists here write them.
fn plain(letter: char) -> &'static str {
    match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ą' | 'ă' | 'ā' => "a",
        'è' | 'é' | 'ê' | 'ë' | 'ę' | 'ě' | 'ē' => "e",
        'ì' | 'í' | 'î' | 'ï' | 'ı' | 'ī' => "i",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ő' => "o",
        'ù' | 'ú' | 'û' | 'ü' | 'ů' | 'ű' | 'ū' => "u",
        'ñ' | 'ń' | 'ň' => "n",
        'ç' | 'ć' | 'č' => "c",
        'ś' | 'š' | 'ş' => "s",
        'ź' | 'ż' | 'ž' => "z",
        'ý' | 'ÿ' => "y",
        'ł' => "l",
        'ř' => "r",
        'ğ' => "g",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        _ => "",
    }
}

/// Splits an identifier into lower-case words without marks: `billingPostal_code2` → `billing postal code`, `prénom` →
/// `prenom`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut fresh = true;
    let mut lower_before = false;
    for character in name.chars() {
        if !character.is_alphabetic() {
            fresh = true;
            continue;
        }
        if fresh || (lower_before && character.is_uppercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            for letter in character.to_lowercase() {
                match plain(letter) {
                    "" => word.push(letter),
                    plain => word.push_str(plain),
                }
            }
        }
        fresh = false;
        lower_before = character.is_lowercase();
    }
    words
}

/// Joined names and their meaning. A name matches where its words stand in the column's name one after the
/// other, joined or not. English first, then Spanish, French, German, Italian, Portuguese, Dutch.
const NAMES: &[(&str, Meaning)] = &[
    (
        "email|e mail|mail|mail address|mailaddress|correo|courriel|emailadresse|epost|e post|posta elettronica",
        Meaning::Email,
    ),
    (
        "first name|firstname|given name|givenname|fname|forename|middle name|middlename|vorname|rufname|prenom|prenoms|nombre pila|\
         primer nombre|nombres|nome proprio|primeiro nome|voornaam|fornavn|fornamn|etunimi|imie|jmeno krestni",
        Meaning::FirstName,
    ),
    (
        "last name|lastname|surname|family name|familyname|lname|maiden name|nachname|familienname|zuname|\
         geburtsname|nom famille|nom de famille|apellido|apellidos|cognome|sobrenome|apelido|achternaam|efternavn|\
         etternavn|efternamn|sukunimi|nazwisko|prijmeni|soyadi",
        Meaning::LastName,
    ),
    (
        "full name|fullname|person name|contact name|contact person|customer name|client name|patient name|\
         employee name|author name|owner name|recipient|cardholder|card holder|display name|displayname|\
         real name|realname|nombre completo|nom complet|ship name|billing name|shipping name|beneficiary|spouse|\
         manager name|sender name|receiver name|passenger|guest name|holder name|nombre y apellidos|nome e cognome|\
         ansprechpartner|kontoinhaber|titular|destinatario|empfanger|absender|kundenname|patientenname|nom prenom",
        Meaning::FullName,
    ),
    (
        "user name|username|login|nickname|nick name|screen name|handle|account name|usuario|benutzername|\
         identifiant",
        Meaning::UserName,
    ),
    (
        "phone|telephone|mobile|cell|fax|tel|msisdn|telefon|telefono|telefone|telefoon|handynummer|phone number|\
         celular|movil|cellulare|telemovel|handy|rufnummer|telefonnummer|mobilnummer|mobil|tlf|puhelin|puhelinnumero|\
         telefoonnummer|numero telephone|fone|whatsapp",
        Meaning::Phone,
    ),
    (
        "password|passwd|pwd|password hash|passphrase|encrypted password|crypted password|secret|passwort|\
         contrasena|mot de passe|senha|kennwort|haslo|heslo|wachtwoord|losenord|salt|private key|client secret|\
         otp secret|totp",
        Meaning::PasswordHash,
    ),
    (
        "street|street address|address line|address|addr|strasse|rue|calle|direccion|indirizzo|endereco|adres|\
         adresse|straat|anschrift|domicilio|morada|logradouro|rua|osoite|ulica",
        Meaning::StreetAddress,
    ),
    (
        "zip|zip code|zipcode|postal code|postalcode|postcode|post code|plz|codigo postal|code postal|cap|cep|\
         postleitzahl|postnummer",
        Meaning::PostalCode,
    ),
    (
        "city|town|municipality|ciudad|ville|stadt|citta|cidade|stad|wohnort|geburtsort|birthplace|birth place|place of birth|\
         localidad|municipio|comune|gemeente|kommune|woonplaats",
        Meaning::City,
    ),
    ("state|province|region|county|provincia|provinz|estado|bundesland", Meaning::State),
    (
        "country|nation|pais|pays|land|paese|nationality|staat|\
         staatsangehorigkeit|nacionalidad|nationalite|nazionalita",
        Meaning::Country,
    ),
    (
        "company|company name|organization|organisation|employer|firm|firma|empresa|societe|azienda|bedrijf|\
         business name|supplier name|vendor name|manufacturer|publisher",
        Meaning::Company,
    ),
    ("job title|jobtitle|job|occupation|profession|position|contact title|beruf|puesto", Meaning::JobTitle),
    ("url|uri|website|web site|homepage|home page|link|web page", Meaning::Url),
    ("domain|domain name|hostname|host name|host|fqdn", Meaning::DomainName),
    ("ip|ip address|ipaddress|ip addr|remote addr|client ip", Meaning::IpAddress),
    ("uuid|guid", Meaning::Uuid),
    (
        "token|api key|apikey|access key|hash|digest|checksum|fingerprint|session id|nonce|signature|sha|md|etag",
        Meaning::HexToken,
    ),
    ("credit card|creditcard|card number|cardnumber|cc number|pan|kreditkarte", Meaning::CreditCard),
    (
        "iban|bank account|account number|ssn|social security|passport|national id|tax id|tax number|vat number|\
         driver license|driver licence|license number|licence number|nif|dni|cpf|nhs number|insurance number|\
         steuernummer|steuer id|sozialversicherungsnummer|personalausweis|reisepass|passnummer|kontonummer|numero cuenta|\
         codice fiscale|curp|bsn|pesel|personnummer|fodselsnummer|hetu|aadhaar|numero securite sociale",
        Meaning::Iban,
    ),
    ("slug|permalink", Meaning::Slug),
    (
        "path|file path|filepath|filename|file name|directory|folder|picture|image|photo|avatar",
        Meaning::FilePath,
    ),
    (
        "description|comment|comments|notes|note|body|message|text|content|summary|bio|about|review|remarks|\
         details|abstract|reports|beschreibung|descripcion|kommentar|observaciones",
        Meaning::FreeText,
    ),
    ("title|subject|headline|caption|label|titel|titulo|titre", Meaning::Title),
];

/// Words that make a column an enumeration where its values repeat.
const LABELS: &[&str] = &[
    "status",
    "state",
    "type",
    "kind",
    "category",
    "genre",
    "country",
    "currency",
    "language",
    "locale",
    "gender",
    "sex",
    "unit",
    "level",
    "role",
    "priority",
    "severity",
    "mode",
    "format",
    "color",
    "colour",
    "size",
    "rating",
    "region",
    "continent",
    "class",
    "segment",
    "flag",
    "method",
    "channel",
    "department",
    "timezone",
    "element",
];

/// Words for a name; whose it is depends on the table.
const NAME: &[&str] = &["name", "nombre", "nome", "nom", "naam", "navn", "namn", "nimi", "jmeno"];

/// Tables whose `name` is a person's.
const PERSONS: &[&str] = &[
    "user",
    "customer",
    "client",
    "person",
    "people",
    "employee",
    "member",
    "contact",
    "patient",
    "student",
    "teacher",
    "author",
    "actor",
    "director",
    "artist",
    "staff",
    "passenger",
    "guest",
    "player",
    "driver",
    "doctor",
    "owner",
    "subscriber",
    "candidate",
    "lead",
    "tenant",
    "cliente",
    "kunde",
    "persona",
    "empleado",
    "mitarbeiter",
    "usuario",
    "buyer",
    "seller",
    "donor",
    "voter",
    "citizen",
    "instructor",
    "lecturer",
    "agent",
    "manager",
    "composer",
    "singer",
    "writer",
    "creator",
    "supervisor",
    "assignee",
    "reporter",
    "reviewer",
    "kunden",
    "personen",
    "personne",
    "pessoa",
    "mitarbeitende",
    "angestellte",
    "empregado",
    "funcionario",
    "dipendente",
    "paciente",
    "paziente",
    "patienten",
    "alumno",
    "aluno",
    "eleve",
    "medico",
    "klant",
    "werknemer",
    "medewerker",
    "asiakas",
    "klient",
    "benutzer",
    "utilisateur",
    "utente",
    "mitglied",
    "mitglieder",
    "autor",
    "auteur",
    "autore",
    "contacto",
    "contatto",
    "kontakt",
];

/// Persons whose tables may list their works: a `title` there is the work's.
const CREATORS: &[&str] = &["author", "artist", "actor", "director", "composer"];

/// Tables whose `name` is a firm's.
const FIRMS: &[&str] = &[
    "company",
    "supplier",
    "vendor",
    "shipper",
    "manufacturer",
    "organization",
    "organisation",
    "employer",
    "firm",
    "publisher",
    "brand",
    "carrier",
    "airline",
    "agency",
    "bank",
];

/// What the name of a column of `table` says its values are, if it says anything.
pub(super) fn hint(table: &str, column: &str) -> Option<Meaning> {
    let column = words(column);
    let joined = column.join(" ");
    let padded = format!(" {joined} ");
    let best = NAMES
        .iter()
        .flat_map(|(names, meaning)| names.split('|').map(move |name| (name.trim(), meaning)))
        .filter(|(name, _)| padded.contains(&format!(" {name} ")))
        // The longest name says most: `company name` over `name`, `email address` over `address`; then the last one.
        .max_by_key(|(name, meaning)| (strength(meaning), name.len()));
    let holder = words(table);
    let about = |words: &[String], list: &[&str]| {
        words.iter().any(|word| {
            list.iter().any(|entry| {
                word == entry
                    || word.strip_suffix('s') == Some(entry)
                    || word.strip_suffix("es") == Some(entry)
                    || word.strip_suffix("ies").is_some_and(|stem| format!("{stem}y") == **entry)
            })
        })
    };
    // The title of a person is a job; the title of anything else is its name.
    if joined == "title" && about(&holder, PERSONS) && !about(&holder, CREATORS) {
        return Some(Meaning::JobTitle);
    }
    if let Some((_, meaning)) = best {
        return Some(meaning.clone());
    }
    let named = column.last().is_some_and(|last| NAME.contains(&last.as_str()));
    if named || joined == "names" {
        if about(&holder, PERSONS) || about(&column, PERSONS) {
            return Some(Meaning::FullName);
        }
        if about(&holder, FIRMS) || about(&column, FIRMS) {
            return Some(Meaning::Company);
        }
        return Some(Meaning::Title);
    }
    // `store_manager`, `author`: who, not what.
    column.last().filter(|last| about(&[(*last).clone()], PERSONS)).map(|_| Meaning::FullName)
}

/// What single words in a column called just *name* are, where that language has another word for whole names.
pub(super) fn single_name(column: &str) -> Option<Meaning> {
    match words(column).as_slice() {
        [word] if ["nombre", "nome"].contains(&word.as_str()) => Some(Meaning::FirstName),
        [word] if word == "nom" => Some(Meaning::LastName),
        _ => None,
    }
}

/// Words that decide over vaguer ones beside them: `email address` is no address, `password hash` no digest.
fn strength(meaning: &Meaning) -> u8 {
    match meaning {
        Meaning::Email | Meaning::PasswordHash | Meaning::CreditCard | Meaning::Iban | Meaning::Phone => 3,
        Meaning::IpAddress | Meaning::Uuid | Meaning::Url | Meaning::PostalCode | Meaning::FilePath => 2,
        Meaning::Title | Meaning::FreeText => 0,
        _ => 1,
    }
}

/// Words for a person's gender, or for a form of address.
const GENDER: &[&str] = &[
    "gender",
    "sex",
    "geschlecht",
    "sexo",
    "genero",
    "sesso",
    "sexe",
    "geslacht",
    "kon",
    "kjonn",
    "salutation",
    "anrede",
    "honorific",
    "prefix",
    "title",
    "titel",
    "titulo",
    "tratamiento",
    "civilite",
    "aanhef",
    "courtesy",
];

/// True if the name says the values are a person's gender, or a form of address.
pub(super) fn is_gender(column: &str) -> bool {
    words(column).iter().any(|word| GENDER.contains(&word.as_str()))
}

/// The gender that `true` means in a column of booleans called `is_female` or so.
pub(super) fn says_gender(column: &str) -> Option<Gender> {
    let words = words(column);
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if any(&["female", "woman", "weiblich", "mujer", "femme"]) {
        return Some(Gender::Woman);
    }
    any(&["male", "man", "mannlich", "maennlich", "hombre", "homme"]).then_some(Gender::Man)
}

/// True if the name says the values are labels of an enumeration.
pub(super) fn is_label(column: &str) -> bool {
    words(column).iter().any(|word| LABELS.contains(&word.as_str()))
}
