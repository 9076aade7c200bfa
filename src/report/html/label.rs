//! Names and numbers as they may stand in a page.

/// A name that comes from a database: characters that no reader can see, or that turn the text around, are made
/// visible. Markup is escaped later, by maud.
pub(super) fn name(text: &str) -> String {
    let hidden = |character: char| {
        character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if !text.chars().any(hidden) {
        return text.to_owned();
    }
    text.chars().map(|character| if hidden(character) { '\u{fffd}' } else { character }).collect()
}

/// A name cut to so many characters, for a picture without room for more.
pub(super) fn short_name(text: &str, most: usize) -> String {
    let text = name(text);
    if text.chars().count() <= most {
        return text;
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// A number for an axis whose ticks are `step` apart: `12`, `0.25`, `3.4k`, `1.2M`.
pub(super) fn tick(value: f64, step: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let (scaled, unit, step) = match value.abs().max(step.abs()) {
        size if size >= 1e12 => return format!("{value:.1e}"),
        size if size >= 1e9 => (value / 1e9, "G", step / 1e9),
        size if size >= 1e6 => (value / 1e6, "M", step / 1e6),
        size if size >= 1e4 => (value / 1e3, "k", step / 1e3),
        _ => (value, "", step),
    };
    let digits = if step >= 1.0 || step <= 0.0 { 0 } else { (-step.log10()).ceil().min(6.0) as usize };
    let text = format!("{scaled:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let text = if text == "-0" { "0" } else { text };
    format!("{}{unit}", text.replace('-', "−"))
}

/// A share for a label: `43 %`, `0.4 %`, `< 0.1 %`.
pub(super) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        0.0 => "0 %".to_owned(),
        p if p < 0.1 => "< 0.1 %".to_owned(),
        p if p < 9.95 => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}

/// A coordinate with one decimal.
pub(super) fn place(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
