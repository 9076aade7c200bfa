//! SOURCE and TARGET words turned into URLs, and the guard over targets on other machines.

use crate::config::{
    ConfigError, DbUrl, File, SourceSettings, TargetSettings,
    file::TargetEntry,
    interpolate::{Lookup, interpolate},
};

impl File {
    /// Turns the word SOURCE into a URL: a URL as it is, else a `[source.NAME]`, else a `[target.NAME]`
    /// (`verify` and `evaluate` read targets).
    ///
    /// # Errors
    /// [`ConfigError`] if the word is neither, or the URL or one of its variables is broken.
    pub fn source(&self, word: &str, lookup: Lookup<'_>) -> Result<DbUrl, ConfigError> {
        if is_url(word) {
            return Ok(DbUrl::parse(word)?);
        }
        if let Some(template) = self.sources.get(word) {
            return entry_url("source", word, template, lookup);
        }
        match self.targets.get(word) {
            Some(entry) => entry_url("target", word, &entry.url, lookup),
            None => Err(self.unknown(word, "source", self.sources.keys().chain(self.targets.keys()))),
        }
    }

    /// How gently the source that a word means is read. A URL spelled out is read as the entry with the same URL says.
    #[must_use]
    pub fn access(&self, word: &str, lookup: Lookup<'_>) -> SourceSettings {
        if !is_url(word) {
            return self.access.get(word).copied().unwrap_or_default();
        }
        let same = |name: &String, template: &String| {
            let known = entry_url("source", name, template, lookup);
            let spelled = DbUrl::parse(word);
            known.is_ok_and(|known| spelled.is_ok_and(|spelled| known.expose() == spelled.expose()))
        };
        let entry = self.sources.iter().find(|(name, template)| same(name, template));
        entry.and_then(|(name, _)| self.access.get(name)).copied().unwrap_or_default()
    }

    /// Turns the word for a database that dbsynth wrote and is now read (`verify`, `evaluate`) into a URL: as
    /// [`File::source`], but a `[target.NAME]` comes before a `[source.NAME]`.
    ///
    /// # Errors
    /// As [`File::source`].
    pub fn written(&self, word: &str, lookup: Lookup<'_>) -> Result<DbUrl, ConfigError> {
        match self.targets.get(word) {
            Some(entry) if !is_url(word) => entry_url("target", word, &entry.url, lookup),
            _ => self.source(word, lookup),
        }
    }

    /// Turns the word TARGET into a URL that may be written: one on this machine, or one whose entry says
    /// `allow_write = true`.
    ///
    /// # Errors
    /// [`ConfigError`] if the word is neither URL nor name, the URL or one of its variables is broken, or
    /// nobody allowed to write there.
    pub fn target(&self, word: &str, lookup: Lookup<'_>) -> Result<DbUrl, ConfigError> {
        if is_url(word) {
            let url = DbUrl::parse(word)?;
            // A URL spelled out is allowed where an entry with the same URL is.
            let allowed = self.targets.iter().filter(|(_, entry)| entry.allow_write).any(|(name, entry)| {
                entry_url("target", name, &entry.url, lookup)
                    .is_ok_and(|known| known.expose() == url.expose())
            });
            let add =
                format!("[target.staging]\nurl = \"{}\"\nallow_write = true", url.to_template("TARGET_URL"));
            return guarded(url, allowed, add);
        }
        let Some(entry) = self.targets.get(word) else {
            return Err(self.unknown(word, "target", self.targets.keys()));
        };
        let url = entry_url("target", word, &entry.url, lookup)?;
        guarded(url, entry.allow_write, format!("[target.{word}]\nallow_write = true"))
    }

    /// How the target that a word means is written. A URL spelled out is written as the entry with the same URL says.
    #[must_use]
    pub fn writing(&self, word: &str, lookup: Lookup<'_>) -> TargetSettings {
        if !is_url(word) {
            return self.writing.get(word).copied().unwrap_or_default();
        }
        let Ok(spelled) = DbUrl::parse(word) else { return TargetSettings::default() };
        let same = |(name, entry): &(&String, &TargetEntry)| {
            let known = entry_url("target", name, &entry.url, lookup);
            known.is_ok_and(|known| known.expose() == spelled.expose())
        };
        let entry = self.targets.iter().find(same);
        entry.and_then(|(name, _)| self.writing.get(name)).copied().unwrap_or_default()
    }

    /// True if a word means a database to write: it is a URL or has an entry.
    #[must_use]
    pub fn names_target(&self, word: &str) -> bool {
        is_url(word) || self.targets.contains_key(word)
    }

    fn unknown<'a>(
        &self,
        word: &str,
        section: &'static str,
        known: impl Iterator<Item = &'a String>,
    ) -> ConfigError {
        let file = self.path.clone().unwrap_or_else(|| "synth.toml (there is none here)".to_owned());
        ConfigError::UnknownName { word: word.to_owned(), section, file, known: known.cloned().collect() }
    }
}

impl DbUrl {
    /// The URL as it may stand in a file: itself, or a reference to `variable` if it holds a password.
    #[must_use]
    pub fn to_template(&self, variable: &str) -> String {
        if self.expose() == self.to_string() {
            self.expose().replace('$', "$$")
        } else {
            format!("${{{variable}?export {variable} first}}")
        }
    }
}

fn is_url(word: &str) -> bool {
    const SCHEMES: [&str; 5] = ["postgres:", "postgresql:", "mysql:", "mariadb:", "sqlite:"];
    word.contains("://") || SCHEMES.iter().any(|scheme| word.starts_with(scheme))
}

fn guarded(url: DbUrl, allowed: bool, add: String) -> Result<DbUrl, ConfigError> {
    if allowed || url.is_local() {
        Ok(url)
    } else {
        Err(ConfigError::WriteNotAllowed { target: url.to_string(), add })
    }
}

fn entry_url(
    section: &'static str,
    name: &str,
    template: &str,
    lookup: Lookup<'_>,
) -> Result<DbUrl, ConfigError> {
    let text = interpolate(template, lookup).map_err(|reason| ConfigError::Variable {
        section,
        name: name.to_owned(),
        reason,
    })?;
    DbUrl::parse(&text).map_err(|source| ConfigError::EntryUrl { section, name: name.to_owned(), source })
}
