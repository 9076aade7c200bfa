//! A database URL that never shows its password.

use std::{fmt, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::schema::DialectName;

/// Why a text is no database URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The part before the colon names no engine we know.
    #[error("`{scheme}` is no engine dbsynth knows")]
    UnknownScheme {
        /// What stood there.
        scheme: String,
    },
    /// The text has no scheme, or its parts do not parse.
    #[error("`{shown}` is no database URL: {reason}")]
    Malformed {
        /// The text, redacted.
        shown: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A database URL: `postgres://…`, `mysql://…` (or `mariadb://`), `sqlite:path`. `Display` and
/// `Debug` show it without its password.
#[derive(Clone)]
pub struct DbUrl {
    dialect: DialectName,
    full: SecretString,
    shown: String,
}

impl DbUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`UrlError`] if the engine is unknown or the text does not parse.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(UrlError::Malformed {
                shown: text.to_owned(),
                reason: "it has no scheme".to_owned(),
            });
        };
        let dialect = match scheme {
            "postgres" | "postgresql" => DialectName::Postgres,
            "mysql" | "mariadb" => DialectName::MySql,
            "sqlite" => DialectName::Sqlite,
            _ => return Err(UrlError::UnknownScheme { scheme: scheme.to_owned() }),
        };
        if dialect == DialectName::Sqlite {
            if rest.trim_start_matches('/').is_empty() {
                let reason = "it names no file".to_owned();
                return Err(UrlError::Malformed { shown: text.to_owned(), reason });
            }
            return Ok(Self { dialect, full: text.to_owned().into(), shown: text.to_owned() });
        }
        let canonical = text.replacen("mariadb:", "mysql:", 1);
        let malformed = |reason: String| {
            // Never echo what stands between `//` and `@`: it may be a password that broke the parse.
            let tail = rest.rsplit_once('@').map_or(rest.trim_start_matches('/'), |(_, tail)| tail);
            UrlError::Malformed { shown: format!("{scheme}://{tail}"), reason }
        };
        let parsed = ::url::Url::parse(&canonical).map_err(|error| malformed(error.to_string()))?;
        if parsed.path().trim_matches('/').is_empty() {
            return Err(malformed("it names no database".to_owned()));
        }
        let mut redacted = parsed;
        if redacted.password().is_some() {
            redacted.set_password(Some("***")).map_err(|()| malformed("it has no host".to_owned()))?;
        }
        let shown = redact_query(&redacted);
        Ok(Self { dialect, full: canonical.into(), shown })
    }

    /// Which engine it names.
    #[must_use]
    pub fn dialect(&self) -> DialectName {
        self.dialect
    }

    /// The whole URL with its password, for a driver and nobody else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.full.expose_secret()
    }

    /// The file of a SQLite URL (`sqlite:a.db`, `sqlite://a.db`, `sqlite:///abs/a.db`).
    #[must_use]
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        let rest = self.shown.strip_prefix("sqlite:")?;
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        Some(PathBuf::from(rest.split_once('?').map_or(rest, |(path, _)| path)))
    }

    /// A text in which this URL, and its password, is shown without the password.
    #[must_use]
    pub fn hide_in(&self, text: &str) -> String {
        let mut text = text.replace(self.expose(), &self.shown);
        let Ok(url) = ::url::Url::parse(self.expose()) else { return text };
        let in_query =
            url.query_pairs().filter(|(key, _)| is_secret(key)).map(|(_, value)| value.into_owned());
        let mut secrets: Vec<String> = in_query.collect();
        if let Some(password) = url.password() {
            secrets.push(password.to_owned());
            let pair = format!("p={}", password.replace('+', "%2B"));
            let decoded = ::url::form_urlencoded::parse(pair.as_bytes()).next();
            secrets.extend(decoded.map(|(_, value)| value.into_owned()));
        }
        // The shortest are no secrets, and stand in every other word.
        for secret in secrets.iter().filter(|secret| secret.len() >= 4) {
            text = text.replace(secret.as_str(), "***");
        }
        text
    }

    /// Which database it names, whoever asks for it: without user and password, a file with its whole path.
    #[must_use]
    pub fn place(&self) -> String {
        if let Some(path) = self.sqlite_path() {
            return format!("sqlite:{}", std::path::absolute(&path).unwrap_or(path).display());
        }
        let Ok(mut url) = ::url::Url::parse(&self.shown) else { return self.shown.clone() };
        // A URL without a host has no user to take away.
        let _ = url.set_password(None);
        let _ = url.set_username("");
        url.to_string()
    }

    /// True if the server runs on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        if self.dialect == DialectName::Sqlite {
            return true;
        }
        let Ok(url) = ::url::Url::parse(&self.shown) else { return false };
        // Drivers let parameters override the host of the URL: all of them must be here.
        let overrides = url.query_pairs().filter(|(key, _)| matches!(key.as_ref(), "host" | "hostaddr"));
        let hosts = url.host_str().map(str::to_owned).into_iter();
        hosts.chain(overrides.map(|(_, host)| host.into_owned())).all(|host| is_this_machine(&host))
    }
}

/// True for the loopback's names and addresses, and for the directory of a socket (bare or percent-encoded).
fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let socket = bare.starts_with('/') || bare.to_lowercase().starts_with("%2f");
    address || socket || bare.is_empty() || bare.eq_ignore_ascii_case("localhost")
}

fn is_secret(key: &str) -> bool {
    key.to_lowercase().contains("password")
}

fn redact_query(url: &::url::Url) -> String {
    if !url.query_pairs().any(|(key, _)| is_secret(&key)) {
        return url.to_string();
    }
    let mut shown = url.clone();
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(key, value)| {
            let value = if is_secret(&key) { "***".to_owned() } else { value.into_owned() };
            (key.into_owned(), value)
        })
        .collect();
    shown.query_pairs_mut().clear().extend_pairs(pairs);
    shown.to_string()
}

impl fmt::Display for DbUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DbUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DbUrl({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::DbUrl;

    #[test]
    fn a_password_is_never_shown() {
        let url = DbUrl::parse("postgres://ann:s3cret@db.example/shop?sslpassword=s3cret").unwrap();

        assert_eq!(url.to_string(), "postgres://ann:***@db.example/shop?sslpassword=***");
        assert!(!format!("{url:?}").contains("s3cret"));
        assert!(url.expose().contains("s3cret"));
    }

    #[test]
    fn a_broken_url_does_not_echo_the_password() {
        let error = DbUrl::parse("mysql://ann:s3cret@[broken/shop").unwrap_err();

        assert!(!error.to_string().contains("s3cret"), "{error}");
    }

    #[test]
    fn only_servers_on_this_machine_are_local() {
        let is_local = |text| DbUrl::parse(text).unwrap().is_local();

        for text in [
            "postgres://localhost/shop",
            "postgres://ann@127.0.0.2:5433/shop",
            "mysql://[::1]/shop",
            "postgres:///shop?host=/var/run/postgresql",
            "postgres://%2Fvar%2Frun/shop",
            "sqlite:a.db",
        ] {
            assert!(is_local(text), "{text}");
        }
        for text in [
            "postgres://db.example/shop",
            "mysql://10.0.0.7/shop",
            "postgres:///shop?host=db.example",
            "postgres://localhost/shop?hostaddr=10.0.0.7",
            "postgres://localhost.example/shop",
        ] {
            assert!(!is_local(text), "{text}");
        }
    }

    #[test]
    fn a_place_is_the_same_for_every_user_and_from_every_folder() {
        let place = |text| DbUrl::parse(text).unwrap().place();

        assert_eq!(place("postgres://ann:s3cret@db/shop"), place("postgres://bob@db/shop"));
        assert_ne!(place("postgres://ann@db/shop"), place("postgres://ann@db/other"));
        assert_eq!(place("sqlite:///tmp/a.db"), place("sqlite:/tmp/a.db"));
        assert!(std::path::Path::new(&place("sqlite:a.db")["sqlite:".len()..]).is_absolute());
    }

    #[test]
    fn sqlite_urls_name_a_file_with_or_without_slashes() {
        let path = |text| DbUrl::parse(text).unwrap().sqlite_path().unwrap().display().to_string();

        assert_eq!(path("sqlite:a.db"), "a.db");
        assert_eq!(path("sqlite://a.db"), "a.db");
        assert_eq!(path("sqlite:///tmp/a.db"), "/tmp/a.db");
    }
}
