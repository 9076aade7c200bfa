//! Shapes in well-known text, and in PostGIS's hexadecimal binary.

use serde_json::{Map, Value};

use super::{
    curves::{Notation, members},
    shape::{decimals_of, put_points},
};

/// Deepest nesting of collections read.
const DEPTH_MAX: u32 = 8;

/// A shape in well-known form: points, or members of its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    Points(Vec<Vec<f64>>),
    Members(Vec<Body>),
    Shapes(Vec<(String, Body)>),
}

/// Kind, place and steps of a shape in well-known form.
pub(super) fn described(kind: &str, body: &Body) -> Option<Map<String, Value>> {
    let mut parts = Map::new();
    parts.insert("kind".to_owned(), Value::from(kind));
    match body {
        Body::Points(points) => {
            let closed = kind.is_empty() && points.len() > 3 && points.first() == points.last();
            let points = if closed { &points[..points.len() - 1] } else { points };
            let places = points.iter().flatten().map(|number| decimals_of(&number.to_string())).max();
            put_points(&mut parts, points, places.unwrap_or(0))?;
        }
        Body::Members(members) => {
            // Rings and lines have no kind of their own: their closing point comes back by itself.
            let lines = kind.split(' ').next() == Some("MULTILINESTRING");
            let members = members.iter().map(|member| {
                let mut parts = described(if lines { "LINE" } else { "" }, member)?;
                parts.remove("kind");
                Some(Value::Object(parts))
            });
            parts.insert("members".to_owned(), Value::Array(members.collect::<Option<Vec<_>>>()?));
        }
        Body::Shapes(shapes) => {
            let shapes = shapes.iter().map(|(kind, shape)| described(kind, shape).map(Value::Object));
            parts.insert("shapes".to_owned(), Value::Array(shapes.collect::<Option<Vec<_>>>()?));
        }
    }
    Some(parts)
}

/// Well-known text of a described shape.
pub(super) fn well_known(value: &Value, globe: bool, depth: u32) -> String {
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or("POINT");
    let (name, flags) = kind.split_once(' ').unwrap_or((kind, ""));
    let notation = Notation::new(value, flags, globe);
    let body = match name {
        "LINESTRING" => notation.line(value),
        "CIRCULARSTRING" => notation.arc(value),
        "COMPOUNDCURVE" => notation.compound(value),
        "MULTIPOINT" => notation.list(&notation.points(value)),
        "POLYGON" => notation.polygon(value),
        "TRIANGLE" => notation.triangle(value),
        "CURVEPOLYGON" => notation.curve_polygon(value),
        "MULTILINESTRING" => notation.each(value, "members", Notation::line),
        "MULTIPOLYGON" => notation.each(value, "members", Notation::polygon),
        "POLYHEDRALSURFACE" => notation.each(value, "members", Notation::face),
        "TIN" => notation.each(value, "members", Notation::triangle),
        "MULTICURVE" => notation.each(value, "shapes", Notation::curve),
        "MULTISURFACE" => notation.each(value, "shapes", Notation::surface),
        "GEOMETRYCOLLECTION" => {
            let shapes: Vec<String> = match depth {
                0..DEPTH_MAX => {
                    members(value, "shapes").iter().map(|shape| well_known(shape, globe, depth + 1)).collect()
                }
                _ => Vec::new(),
            };
            if shapes.is_empty() { "(POINT(0 0))".to_owned() } else { format!("({})", shapes.join(",")) }
        }
        _ => notation.list(&notation.points(value)[..1]),
    };
    let name = if KINDS.contains(&name) { name } else { "POINT" };
    if flags.is_empty() { format!("{name}{body}") } else { format!("{name} {flags}{body}") }
}

/// The kinds that can be written.
const KINDS: [&str; 14] = [
    "LINESTRING",
    "CIRCULARSTRING",
    "COMPOUNDCURVE",
    "MULTIPOINT",
    "POLYGON",
    "TRIANGLE",
    "CURVEPOLYGON",
    "MULTILINESTRING",
    "MULTIPOLYGON",
    "POLYHEDRALSURFACE",
    "TIN",
    "MULTICURVE",
    "MULTISURFACE",
    "GEOMETRYCOLLECTION",
];

/// Spatial reference, kind and body of well-known text or of PostGIS's hexadecimal binary.
pub(super) fn parse(text: &str) -> Option<(u32, String, Body)> {
    if text.len() >= 18 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let bytes: Vec<u8> = (0..text.len() / 2)
            .map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok())
            .collect::<Option<_>>()?;
        let mut reader = Binary { bytes: &bytes };
        let (srid, kind, body) = reader.shape(0)?;
        return reader.bytes.is_empty().then_some((srid, kind, body));
    }
    let (srid, shape) = match text.strip_prefix("SRID=") {
        Some(rest) => {
            let (srid, shape) = rest.split_once(';')?;
            (srid.parse().ok()?, shape)
        }
        None => (0, text),
    };
    let mut rest = shape.trim();
    let (kind, body) = text_shape(&mut rest, 0)?;
    rest.trim().is_empty().then_some((srid, kind, body))
}

fn text_shape(rest: &mut &str, depth: u32) -> Option<(String, Body)> {
    let open = rest.find('(')?;
    let mut words = rest[..open].split_whitespace();
    let name = words.next()?.to_ascii_uppercase();
    let flags =
        words.next().map(str::to_ascii_uppercase).filter(|flags| matches!(flags.as_str(), "Z" | "M" | "ZM"));
    let name = if name == "GEOMCOLLECTION" { "GEOMETRYCOLLECTION".to_owned() } else { name };
    if !name.bytes().all(|byte| byte.is_ascii_uppercase()) || depth > DEPTH_MAX {
        return None;
    }
    let kind = flags.map_or_else(|| name.clone(), |flags| format!("{name} {flags}"));
    *rest = &rest[open..];
    let bare = match name.as_str() {
        "GEOMETRYCOLLECTION" => Some(""),
        "COMPOUNDCURVE" | "CURVEPOLYGON" | "MULTICURVE" => Some("LINESTRING"),
        "MULTISURFACE" => Some("POLYGON"),
        _ => None,
    };
    let body = if let Some(bare) = bare {
        *rest = rest.strip_prefix('(')?;
        let mut shapes = Vec::new();
        loop {
            *rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix(')') {
                *rest = after;
                break;
            }
            *rest = rest.trim_start_matches([',', ' ']);
            shapes.push(match rest.starts_with('(') {
                // A member of the usual kind does not name it.
                true => (bare.to_owned(), text_body(rest, depth + 1)?),
                false => text_shape(rest, depth + 1)?,
            });
        }
        Body::Shapes(shapes)
    } else {
        text_body(rest, depth)?
    };
    Some((kind, body))
}

/// Points or members, from their opening parenthesis.
fn text_body(rest: &mut &str, depth: u32) -> Option<Body> {
    *rest = rest.trim_start().strip_prefix('(')?.trim_start();
    if depth > DEPTH_MAX {
        return None;
    }
    if !rest.starts_with('(') {
        let end = rest.find(')')?;
        let points = rest[..end].split(',').map(|point| {
            point.split_whitespace().map(|n| n.parse::<f64>().ok().filter(|n| n.is_finite())).collect()
        });
        let points: Vec<Vec<f64>> = points.collect::<Option<_>>()?;
        *rest = &rest[end + 1..];
        return points.iter().all(|point| (2..=4).contains(&point.len())).then_some(Body::Points(points));
    }
    let mut members = Vec::new();
    loop {
        members.push(text_body(rest, depth + 1)?);
        *rest = rest.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => *rest = after,
            None => {
                *rest = rest.strip_prefix(')')?;
                break;
            }
        }
    }
    // `MULTIPOINT((1 2),(3 4))` is a list of points as well as `MULTIPOINT(1 2,3 4)`.
    let lone = |member: &Body| matches!(member, Body::Points(points) if points.len() == 1);
    if members.iter().all(lone) {
        let points = members.into_iter().flat_map(|member| match member {
            Body::Points(points) => points,
            _ => Vec::new(),
        });
        return Some(Body::Points(points.collect()));
    }
    Some(Body::Members(members))
}

/// Extended well-known binary. Source: PostGIS `doc/ZMSGeoms.txt`.
struct Binary<'a> {
    bytes: &'a [u8],
}

impl Binary<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.bytes.split_first_chunk::<N>()?;
        self.bytes = rest;
        Some(*taken)
    }

    fn word(&mut self, little: bool) -> Option<u32> {
        let bytes = self.take()?;
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    fn point(&mut self, little: bool, width: usize) -> Option<Vec<f64>> {
        (0..width)
            .map(|_| {
                let bytes = self.take()?;
                let number = if little { f64::from_le_bytes(bytes) } else { f64::from_be_bytes(bytes) };
                number.is_finite().then_some(number)
            })
            .collect()
    }

    fn points(&mut self, little: bool, width: usize) -> Option<Body> {
        let count = self.word(little)?;
        (0..count).map(|_| self.point(little, width)).collect::<Option<_>>().map(Body::Points)
    }

    fn shape(&mut self, depth: u32) -> Option<(u32, String, Body)> {
        let [order] = self.take()?;
        let little = order == 1;
        let code = self.word(little)?;
        if depth > DEPTH_MAX {
            return None;
        }
        let (z, m) = (code & 0x8000_0000 != 0, code & 0x4000_0000 != 0);
        let srid = if code & 0x2000_0000 != 0 { self.word(little)? } else { 0 };
        let width = 2 + usize::from(z) + usize::from(m);
        let (name, body) = match code & 0xff {
            1 => ("POINT", Body::Points(vec![self.point(little, width)?])),
            2 => ("LINESTRING", self.points(little, width)?),
            8 => ("CIRCULARSTRING", self.points(little, width)?),
            kind @ (3 | 17) => {
                let count = self.word(little)?;
                let rings = (0..count).map(|_| self.points(little, width)).collect::<Option<_>>()?;
                (if kind == 3 { "POLYGON" } else { "TRIANGLE" }, Body::Members(rings))
            }
            kind @ (4..=7 | 9..=12 | 15 | 16) => {
                let count = self.word(little)?;
                let shapes = (0..count).map(|_| self.shape(depth + 1)).collect::<Option<Vec<_>>>()?;
                match kind {
                    4 => {
                        let points = shapes.into_iter().flat_map(|(_, _, body)| match body {
                            Body::Points(points) => points,
                            _ => Vec::new(),
                        });
                        ("MULTIPOINT", Body::Points(points.collect()))
                    }
                    7 | 9..=12 => {
                        let shapes = shapes.into_iter().map(|(_, kind, body)| (kind, body)).collect();
                        let name = match kind {
                            7 => "GEOMETRYCOLLECTION",
                            9 => "COMPOUNDCURVE",
                            10 => "CURVEPOLYGON",
                            11 => "MULTICURVE",
                            _ => "MULTISURFACE",
                        };
                        (name, Body::Shapes(shapes))
                    }
                    kind => {
                        let members = shapes.into_iter().map(|(_, _, body)| body).collect();
                        let name = match kind {
                            5 => "MULTILINESTRING",
                            6 => "MULTIPOLYGON",
                            15 => "POLYHEDRALSURFACE",
                            _ => "TIN",
                        };
                        (name, Body::Members(members))
                    }
                }
            }
            _ => return None,
        };
        let flags = match (z, m) {
            (true, true) => " ZM",
            (true, false) => " Z",
            (false, true) => " M",
            (false, false) => "",
        };
        Some((srid, format!("{name}{flags}"), body))
    }
}
