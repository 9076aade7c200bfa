//! Shapes inside the observed bounds: WKT, and Postgres's own geometric types.

use serde::{Deserialize, Serialize};

use super::quantiles::Quantiles;
use crate::{
    privacy::{Guard, Kept},
    seed::Stream,
};

/// Native names of the types that hold shapes.
const TYPES: &[&str] = &[
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "geometry",
    "geography",
    "linestring",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
    "geomcollection",
];

/// True for the native type of a shape.
pub(super) fn is_geometric(native_type: &str) -> bool {
    TYPES.contains(&base(native_type).as_str())
}

/// `public.geometry(Point,4326)` → `geometry`.
fn base(native_type: &str) -> String {
    let head = native_type.split(['(', ' ']).next().unwrap_or_default();
    head.rsplit('.').next().unwrap_or_default().trim_matches('"').to_ascii_lowercase()
}

/// How a shape is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    /// Postgres's own notation of the named type.
    Plain(String),
    /// Well-known text of the named kind, with a spatial reference where the type asks for one.
    Wkt { kind: String, srid: Option<u32> },
}

/// Where shapes lie.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct GeometryShape {
    form: Form,
    x: Quantiles,
    y: Quantiles,
}

impl GeometryShape {
    /// Learns from the text forms: `(1,2)`, `POINT(1 2)`, or the hexadecimal binary form of a point.
    pub(super) fn fit(native_type: &str, values: &[&str], guard: Guard<'_>) -> Self {
        let read = values.iter().enumerate();
        let points: Vec<(usize, (f64, f64))> =
            read.filter_map(|(row, value)| Some((row, first_point(value)?))).collect();
        let axis = |pick: fn(&(f64, f64)) -> f64| {
            Quantiles::fit(points.iter().map(|(row, point)| (*row, pick(point))), guard)
                .unwrap_or_else(|| Quantiles::constant(0.0))
        };
        Self { form: Form::of(native_type, values), x: axis(|point| point.0), y: axis(|point| point.1) }
    }

    /// What it keeps of the source; a range has so many entities behind it.
    pub(super) fn kept(&self, least: u32) -> Vec<Kept> {
        let text = |number: f64| round(number).to_string();
        vec![self.x.kept(least, &text), self.y.kept(least, &text)]
    }

    pub(super) fn write(&self, index: Option<u64>, random: &mut Stream) -> String {
        // An index moves the place by less than a metre per row on a map: distinct, and still in the area.
        let shift = index.map_or(0.0, |index| index as f64 * 1e-6);
        let x = round(self.x.draw(random) + shift);
        let y = round(self.y.draw(random));
        let (x2, y2) = (round(x + 0.01), round(y + 0.01));
        match &self.form {
            Form::Plain(kind) => match kind.as_str() {
                "line" => format!("{{1,-1,{}}}", round(y - x)),
                "lseg" | "path" => format!("[({x},{y}),({x2},{y2})]"),
                "box" => format!("({x2},{y2}),({x},{y})"),
                "polygon" => format!("(({x},{y}),({x2},{y}),({x2},{y2}))"),
                "circle" => format!("<({x},{y}),0.01>"),
                _ => format!("({x},{y})"),
            },
            Form::Wkt { kind, srid } => {
                let line = format!("{x} {y},{x2} {y2}");
                let ring = format!("({x} {y},{x2} {y},{x2} {y2},{x} {y})");
                let text = match kind.as_str() {
                    "linestring" => format!("LINESTRING({line})"),
                    "polygon" => format!("POLYGON({ring})"),
                    "multipoint" => format!("MULTIPOINT({line})"),
                    "multilinestring" => format!("MULTILINESTRING(({line}))"),
                    "multipolygon" => format!("MULTIPOLYGON(({ring}))"),
                    "geometrycollection" | "geomcollection" => format!("GEOMETRYCOLLECTION(POINT({x} {y}))"),
                    _ => format!("POINT({x} {y})"),
                };
                srid.map_or_else(|| text.clone(), |srid| format!("SRID={srid};{text}"))
            }
        }
    }
}

impl Form {
    fn of(native_type: &str, values: &[&str]) -> Self {
        let native = native_type.to_ascii_lowercase();
        let base = base(&native);
        let well_known = values.iter().any(|value| {
            let text = value.rsplit(';').next().unwrap_or_default();
            text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.contains('(')
        });
        let spatial = matches!(base.as_str(), "geometry" | "geography");
        let postgres_only = matches!(base.as_str(), "line" | "lseg" | "box" | "path" | "circle");
        let plain = values.iter().any(|value| value.starts_with(['(', '[', '<', '{']));
        if postgres_only
            || (!spatial && !well_known && (plain || matches!(base.as_str(), "point" | "polygon")))
        {
            return Self::Plain(base);
        }
        let arguments =
            native.split_once('(').map(|(_, rest)| rest.trim_end_matches(')')).unwrap_or_default();
        let kind = arguments.split(',').next().unwrap_or_default().trim().trim_end_matches(['z', 'm']);
        let first_word = || {
            let text = values.first()?.rsplit(';').next()?;
            Some(text.split(['(', ' ']).next()?.to_ascii_lowercase())
        };
        let kind = match (spatial, kind) {
            (false, _) => base,
            (true, "" | "geometry") => {
                first_word().filter(|word| is_geometric(word)).unwrap_or("point".to_owned())
            }
            (true, kind) => kind.to_owned(),
        };
        let observed = || {
            let (srid, _) = values.first()?.strip_prefix("SRID=")?.split_once(';')?;
            srid.parse().ok()
        };
        let srid = arguments.split(',').nth(1).and_then(|srid| srid.trim().parse().ok()).or_else(observed);
        Self::Wkt { kind, srid: srid.filter(|srid| *srid > 0) }
    }
}

fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// The first pair of coordinates of a shape.
fn first_point(text: &str) -> Option<(f64, f64)> {
    if text.len() >= 42 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return binary_point(text);
    }
    let text = text.rsplit(';').next()?;
    let mut numbers = text
        .split(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E')))
        .filter_map(|part| part.parse::<f64>().ok());
    Some((numbers.next()?, numbers.next()?))
}

/// A point in PostGIS's extended well-known binary, little endian.
fn binary_point(hex: &str) -> Option<(f64, f64)> {
    let byte = |place: usize| u8::from_str_radix(hex.get(place * 2..place * 2 + 2)?, 16).ok();
    if byte(0)? != 1 || byte(1)? != 1 {
        return None;
    }
    let start = if byte(4)? & 0x20 != 0 { 9 } else { 5 };
    let number = |from: usize| {
        let mut bytes = [0; 8];
        for (place, slot) in bytes.iter_mut().enumerate() {
            *slot = byte(from + place)?;
        }
        Some(f64::from_le_bytes(bytes))
    };
    Some((number(start)?, number(start + 8)?))
}
