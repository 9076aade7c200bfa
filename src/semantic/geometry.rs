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
    "circularstring",
    "compoundcurve",
    "curvepolygon",
    "multicurve",
    "multisurface",
    "triangle",
    "tin",
    "polyhedralsurface",
    "box2d",
    "box3d",
];
/// What well-known binary calls them, by number. Source: ISO 13249-3.
const BINARY: [&str; 18] = [
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
    "circularstring",
    "compoundcurve",
    "curvepolygon",
    "multicurve",
    "multisurface",
    "geometry",
    "geometry",
    "polyhedralsurface",
    "tin",
    "triangle",
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
    /// Well-known text of the named kind, with a spatial reference where the type asks for one, and with the
    /// coordinates beside the plane (`Z`, `M`, `ZM`).
    Wkt {
        kind: String,
        srid: Option<u32>,
        #[serde(default)]
        flags: String,
    },
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
            Form::Wkt { kind, .. } if kind == "box2d" => format!("BOX({x} {y},{x2} {y2})"),
            Form::Wkt { kind, .. } if kind == "box3d" => format!("BOX3D({x} {y} 0,{x2} {y2} 0)"),
            Form::Wkt { kind, srid, flags } => {
                let text = well_known(kind, flags, (x, y), (x2, y2));
                srid.map_or_else(|| text.clone(), |srid| format!("SRID={srid};{text}"))
            }
        }
    }
}

/// A small shape of a kind between two corners; what lies beside the plane is zero.
fn well_known(kind: &str, flags: &str, (x, y): (f64, f64), (x2, y2): (f64, f64)) -> String {
    let beside = " 0".repeat(flags.len());
    let point = |x: f64, y: f64| format!("{x} {y}{beside}");
    let line = format!("{},{}", point(x, y), point(x2, y2));
    let ring = format!("({},{},{},{})", point(x, y), point(x2, y), point(x2, y2), point(x, y));
    let body = match kind {
        "linestring" | "multipoint" => format!("({line})"),
        "circularstring" => format!("({},{},{})", point(x, y), point(x2, y), point(x2, y2)),
        "polygon" | "triangle" | "curvepolygon" => format!("({ring})"),
        "multilinestring" | "compoundcurve" | "multicurve" => format!("(({line}))"),
        "multipolygon" | "multisurface" | "tin" | "polyhedralsurface" => format!("(({ring}))"),
        "geometrycollection" | "geomcollection" => {
            format!("({})", well_known("point", flags, (x, y), (x2, y2)))
        }
        _ => return format!("POINT{}({})", spaced(flags), point(x, y)),
    };
    let name = if kind == "geomcollection" { "geometrycollection" } else { kind };
    format!("{}{}{body}", name.to_uppercase(), spaced(flags))
}

fn spaced(flags: &str) -> String {
    if flags.is_empty() { String::new() } else { format!(" {flags}") }
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
        let named = arguments.split(',').next().unwrap_or_default().trim();
        let kind = named.trim_end_matches(['z', 'm']);
        let seen = values.iter().find_map(|value| seen_kind(value));
        let (kind, flags) = match (spatial, kind) {
            (false, _) => (base, String::new()),
            (true, "" | "geometry") => seen.unwrap_or(("point".to_owned(), String::new())),
            (true, kind) => (kind.to_owned(), named[kind.len()..].to_uppercase()),
        };
        let observed = || values.iter().find_map(|value| seen_srid(value));
        let srid = arguments.split(',').nth(1).and_then(|srid| srid.trim().parse().ok()).or_else(observed);
        Self::Wkt { kind, srid: srid.filter(|srid| *srid > 0), flags }
    }
}

/// Kind and flags of a shape; `None` if it is of no kind that can be written.
fn seen_kind(text: &str) -> Option<(String, String)> {
    let (kind, flags) = if let Some((code, _)) = binary_code(text) {
        let flags = match (code & 0x8000_0000 != 0, code & 0x4000_0000 != 0) {
            (true, true) => "ZM",
            (true, false) => "Z",
            (false, true) => "M",
            (false, false) => "",
        };
        ((*BINARY.get((code & 0xff) as usize)?).to_owned(), flags.to_owned())
    } else {
        let head = text.rsplit(';').next()?.split('(').next()?;
        let mut words = head.split_whitespace();
        let kind = words.next()?.to_ascii_lowercase();
        let flags = words.next().filter(|flags| matches!(*flags, "Z" | "M" | "ZM")).unwrap_or_default();
        (kind, flags.to_owned())
    };
    (is_geometric(&kind) && kind != "geometry").then_some((kind, flags))
}

fn seen_srid(text: &str) -> Option<u32> {
    match binary_code(text) {
        Some((_, srid)) => srid,
        None => text.strip_prefix("SRID=")?.split_once(';')?.0.parse().ok(),
    }
}

/// The type word of PostGIS's extended well-known binary, little endian, and the spatial reference if it has one.
fn binary_code(text: &str) -> Option<(u32, Option<u32>)> {
    if text.len() < 18 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) || !text.starts_with("01") {
        return None;
    }
    let word = |from: usize| u32::from_str_radix(text.get(from..from + 8)?, 16).ok().map(u32::swap_bytes);
    let code = word(2)?;
    Some((code, if code & 0x2000_0000 != 0 { word(10) } else { None }))
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
