//! How gently a source is read and a target is written: `[source.NAME]` and `[target.NAME]` of `synth.toml`, and the
//! flags over it.

use serde::{Deserialize, Serialize};

/// Most that is read of a source in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Throttle {
    /// Rows per second.
    Rows(u64),
    /// Bytes per second, as held in memory.
    Bytes(u64),
}

impl Throttle {
    /// Reads `50000` and `50000rows` (rows per second), `500KB`, `20MB`, `1GB` (bytes per second); `/s` may follow.
    ///
    /// # Errors
    /// A sentence that says how to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no rate; write it as 50000rows/s or 20MB/s");
        let rate = text.trim();
        let rate = rate.strip_suffix("/s").unwrap_or(rate);
        let end = rate.find(|letter: char| !letter.is_ascii_digit() && letter != '_').unwrap_or(rate.len());
        let (number, unit) = rate.split_at(end);
        let number: u64 = number.replace('_', "").parse().map_err(|_| wrong())?;
        let bytes = |unit: u64| number.checked_mul(unit).map(Self::Bytes).ok_or_else(wrong);
        let throttle = match unit.trim().to_lowercase().as_str() {
            "" | "row" | "rows" => Self::Rows(number),
            "b" => bytes(1)?,
            "kb" | "k" => bytes(1_000)?,
            "mb" | "m" => bytes(1_000_000)?,
            "gb" | "g" => bytes(1_000_000_000)?,
            _ => return Err(wrong()),
        };
        if number == 0 { Err(wrong()) } else { Ok(throttle) }
    }

    /// Seconds that reading so much must take at least.
    #[must_use]
    pub fn seconds(self, rows: u64, bytes: u64) -> f64 {
        match self {
            Self::Rows(most) => rows as f64 / most as f64,
            Self::Bytes(most) => bytes as f64 / most as f64,
        }
    }
}

/// How gently a source is read. What is `None` is as the engine's own default says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SourceSettings {
    /// Seconds a statement may run; by default six hours. SQLite has no such limit.
    pub statement_timeout: Option<u64>,
    /// Seconds a lock is waited for; by default 10 (Postgres, SQLite) or 60 (MySQL, MariaDB).
    pub lock_timeout: Option<u64>,
    /// Most that is read in a second.
    pub throttle: Option<Throttle>,
    /// Most connections that are open at a time.
    pub max_connections: Option<u32>,
    /// Tell of every statement that runs.
    #[serde(default)]
    pub show_sql: bool,
}

impl SourceSettings {
    /// These settings under others, which win where they say something.
    #[must_use]
    pub fn under(self, flags: Self) -> Self {
        Self {
            statement_timeout: flags.statement_timeout.or(self.statement_timeout),
            lock_timeout: flags.lock_timeout.or(self.lock_timeout),
            throttle: flags.throttle.or(self.throttle),
            max_connections: flags.max_connections.or(self.max_connections),
            show_sql: flags.show_sql || self.show_sql,
        }
    }
}

/// How a target is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TargetSettings {
    /// Seconds a lock is waited for; by default 60. In SQLite nobody waits: a file takes another one's place.
    pub lock_timeout: Option<u64>,
}

impl TargetSettings {
    /// Seconds a lock is waited for.
    #[must_use]
    pub fn lock_seconds(self) -> u64 {
        self.lock_timeout.unwrap_or(60)
    }
}

#[cfg(test)]
mod tests {
    use super::Throttle;

    #[test]
    fn rates_are_rows_or_bytes_and_nothing_else_is_guessed() {
        assert_eq!(Throttle::parse("50_000"), Ok(Throttle::Rows(50_000)));
        assert_eq!(Throttle::parse("500 rows/s"), Ok(Throttle::Rows(500)));
        assert_eq!(Throttle::parse("20MB/s"), Ok(Throttle::Bytes(20_000_000)));
        assert_eq!(Throttle::parse("5k"), Ok(Throttle::Bytes(5_000)));
        for wrong in ["", "0", "fast", "5 parsecs", "-3", "MB", "99999999999999999999", "9999999999999GB"] {
            assert!(Throttle::parse(wrong).is_err(), "{wrong}");
        }
        assert!((Throttle::Rows(100).seconds(250, 0) - 2.5).abs() < 1e-9);
    }
}
