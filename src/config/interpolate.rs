//! `${VAR}`, `${VAR:-default}`, `${VAR?message}` and `$$` in the URLs of `synth.toml`.

/// Looks a variable up; a closure, so that only the caller touches the environment.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Replaces every variable in `template`.
///
/// # Errors
/// What is wrong: a missing variable (with its own message where `?` gives one) or a broken reference. Never
/// holds the value of a variable.
pub(super) fn interpolate(template: &str, lookup: Lookup<'_>) -> Result<String, String> {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find('$') {
        out.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let Some(end) = after.find('}') else {
                return Err("`${` is never closed with `}`".to_owned());
            };
            out.push_str(&value_of(&after[..end], lookup)?);
            rest = &after[end + 1..];
        } else {
            // A bare dollar is common in passwords; only `${` starts a variable.
            out.push('$');
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn value_of(reference: &str, lookup: Lookup<'_>) -> Result<String, String> {
    let end = reference.find([':', '?']).unwrap_or(reference.len());
    let (name, rest) = reference.split_at(end);
    let valid = name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
        && name.starts_with(|first: char| !first.is_ascii_digit());
    if !valid {
        return Err("a variable is written `${NAME}`, `${NAME:-default}` or `${NAME?message}`".to_owned());
    }
    // As in a shell, `:-` also stands in for a variable that is set but empty.
    let value = lookup(name).filter(|value| !value.is_empty());
    if let Some(default) = rest.strip_prefix(":-") {
        return Ok(value.unwrap_or_else(|| default.to_owned()));
    }
    let message = rest.strip_prefix('?').or_else(|| rest.strip_prefix(":?"));
    if message.is_none() && !rest.is_empty() {
        return Err(format!("after `{name}` comes `:-default` or `?message`"));
    }
    value.ok_or_else(|| match message {
        Some(message) if !message.is_empty() => message.to_owned(),
        _ => format!("the environment variable {name} is not set"),
    })
}

#[cfg(test)]
mod tests {
    use super::interpolate;

    fn with_host(template: &str) -> Result<String, String> {
        interpolate(template, &|name| match name {
            "HOST" => Some("db".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn variables_defaults_and_dollars_are_replaced() {
        assert_eq!(with_host("${HOST}:${PORT:-5432}").unwrap(), "db:5432");
        assert_eq!(with_host("${EMPTY:-x}").unwrap(), "x");
        assert_eq!(with_host("pa$$w$rd$").unwrap(), "pa$w$rd$");
    }

    #[test]
    fn a_missing_variable_says_its_own_message() {
        assert_eq!(with_host("${PROD_URL?export PROD_URL first}").unwrap_err(), "export PROD_URL first");
        assert_eq!(with_host("${PROD_URL}").unwrap_err(), "the environment variable PROD_URL is not set");
    }

    #[test]
    fn a_broken_reference_is_an_error() {
        assert!(with_host("${HOST").is_err());
        assert!(with_host("${}").is_err());
        assert!(with_host("${HOST:x}").is_err());
        assert!(with_host("${9A}").is_err());
    }
}
