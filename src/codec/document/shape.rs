//! Shapes as where they lie and how they go on from there: the server's own geometric types, well-known text, and
//! PostGIS's hexadecimal binary.
//!
//! The first point is a place; every other point is a step from the one before, so that a shape drawn anew holds
//! together wherever it is put. Rings are written without crossing themselves.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::well_known::{Body, described, parse, well_known};

/// A notation of shapes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    /// `(x,y)`.
    Point,
    /// `{A,B,C}`.
    Line,
    /// `[(x,y),(x,y)]`.
    Segment,
    /// `(x,y),(x,y)`, the upper right corner first.
    Box,
    /// `((x,y),…)` if closed, `[(x,y),…]` if open.
    Path,
    /// `((x,y),…)`.
    Polygon,
    /// `<(x,y),r>`.
    Circle,
    /// `SRID=4326;POINT(1 2)`; `globe` if all places are degrees of longitude and latitude.
    WellKnown { globe: bool },
}

impl Shape {
    /// The notation of a type by its name; `None` for no shape.
    pub(super) fn of(name: &str, values: &[&str]) -> Option<Self> {
        // Postgres prints its own shapes with signs only; well-known text begins with a letter or is hexadecimal.
        let signs = values.iter().any(|value| value.starts_with(['(', '[', '<', '{']));
        Some(match name {
            "point" if signs => Self::Point,
            "polygon" if signs => Self::Polygon,
            "line" => Self::Line,
            "lseg" => Self::Segment,
            "box" => Self::Box,
            "path" => Self::Path,
            "circle" => Self::Circle,
            "geometry" | "geography" | "point" | "linestring" | "polygon" | "multipoint"
            | "multilinestring" | "multipolygon" | "geometrycollection" | "geomcollection" => {
                let mut bounds = Bounds::default();
                for (_, _, body) in values.iter().filter_map(|text| parse(text)) {
                    bounds.take(&body);
                }
                Self::WellKnown { globe: name == "geography" || bounds.globe() }
            }
            _ => return None,
        })
    }

    /// Reads a shape; `None` if it is not of the notation or not finite.
    pub(super) fn read(&self, text: &str) -> Option<Value> {
        if let Self::WellKnown { .. } = self {
            let (srid, kind, body) = parse(text)?;
            let mut parts = described(&kind, &body)?;
            if srid != 0 {
                parts.insert("srid".to_owned(), Value::from(srid));
            }
            return Some(Value::Object(parts));
        }
        let places = decimals_of(text);
        let numbers = text
            .split(['(', ')', '[', ']', '{', '}', '<', '>', ','])
            .filter(|part| !part.trim().is_empty())
            .map(|part| part.trim().parse::<f64>().ok().filter(|number| number.is_finite()))
            .collect::<Option<Vec<f64>>>()?;
        let mut parts = Map::new();
        match (self, numbers.as_slice()) {
            (Self::Line, [a, b, c]) => put(&mut parts, &[("a", *a), ("b", *b), ("c", *c)])?,
            (Self::Circle, [x, y, r]) => put(&mut parts, &[("x", *x), ("y", *y), ("r", *r)])?,
            (Self::Point, [x, y]) => put(&mut parts, &[("x", *x), ("y", *y)])?,
            (Self::Segment, [x, y, to_x, to_y]) => {
                let step = [rounded(to_x - x, places), rounded(to_y - y, places)];
                put(&mut parts, &[("x", *x), ("y", *y), ("dx", step[0]), ("dy", step[1])])?;
            }
            (Self::Box, [to_x, to_y, x, y]) => {
                let size = [rounded(to_x - x, places), rounded(to_y - y, places)];
                put(&mut parts, &[("x", *x), ("y", *y), ("dx", size[0]), ("dy", size[1])])?;
            }
            (Self::Path | Self::Polygon, all) if all.len() >= 2 && all.len() % 2 == 0 => {
                if *self == Self::Path {
                    parts.insert("open".to_owned(), Value::from(text.starts_with('[')));
                }
                let points: Vec<Vec<f64>> = all.chunks(2).map(<[f64]>::to_vec).collect();
                put_points(&mut parts, &points, places)?;
            }
            _ => return None,
        }
        Some(Value::Object(parts))
    }

    /// Writes a shape.
    pub(super) fn print(&self, value: &Value) -> String {
        let at = |key: &str| value.get(key).and_then(Value::as_f64).unwrap_or(0.0);
        let (x, y) = (at("x"), at("y"));
        let places = decimals_in(value);
        let (to_x, to_y) = (rounded(x + at("dx"), places), rounded(y + at("dy"), places));
        let joined = |points: &[Vec<f64>]| {
            let points = points.iter().map(|point| format!("({},{})", point[0], point[1]));
            points.collect::<Vec<_>>().join(",")
        };
        match self {
            Self::Point => format!("({x},{y})"),
            Self::Line => {
                // A and B may not both be zero.
                let (a, b) = (at("a"), at("b"));
                let b = if a == 0.0 && b == 0.0 { -1.0 } else { b };
                format!("{{{a},{b},{}}}", at("c"))
            }
            Self::Segment => format!("[({x},{y}),({to_x},{to_y})]"),
            Self::Box => {
                let (right, left) = (x.max(to_x), x.min(to_x));
                let (top, bottom) = (y.max(to_y), y.min(to_y));
                format!("({right},{top}),({left},{bottom})")
            }
            Self::Path if value.get("open").and_then(Value::as_bool) == Some(false) => {
                format!("({})", joined(&points_of(value, places)))
            }
            Self::Path => format!("[{}]", joined(&points_of(value, places))),
            Self::Polygon => format!("({})", joined(&simple(points_of(value, places)))),
            Self::Circle => format!("<({x},{y}),{}>", at("r").max(0.0)),
            Self::WellKnown { globe } => {
                let srid = value.get("srid").and_then(Value::as_i64).filter(|srid| *srid > 0);
                let prefix = srid.map_or_else(String::new, |srid| format!("SRID={srid};"));
                format!("{prefix}{}", well_known(value, *globe, 0))
            }
        }
    }
}

/// The range of coordinates.
#[derive(Default)]
struct Bounds {
    seen: bool,
    beyond: bool,
}

impl Bounds {
    fn take(&mut self, body: &Body) {
        match body {
            Body::Points(points) => {
                for point in points.iter().filter(|point| point.len() >= 2) {
                    self.seen = true;
                    self.beyond |= point[0].abs() > 180.0 || point[1].abs() > 90.0;
                }
            }
            Body::Members(members) => members.iter().for_each(|member| self.take(member)),
            Body::Shapes(shapes) => shapes.iter().for_each(|(_, shape)| self.take(shape)),
        }
    }

    fn globe(&self) -> bool {
        self.seen && !self.beyond
    }
}

fn put(parts: &mut Map<String, Value>, numbers: &[(&str, f64)]) -> Option<()> {
    for (name, number) in numbers {
        parts.insert((*name).to_owned(), Value::Number(serde_json::Number::from_f64(*number)?));
    }
    Some(())
}

/// The names of the coordinates of a place, and of a step.
const PLACE: [&str; 4] = ["x", "y", "z", "m"];
const STEP: [&str; 4] = ["dx", "dy", "dz", "dm"];

pub(super) fn put_points(parts: &mut Map<String, Value>, points: &[Vec<f64>], places: i32) -> Option<()> {
    let Some(first) = points.first() else { return Some(()) };
    for (name, number) in PLACE.iter().zip(first) {
        put(parts, &[(name, *number)])?;
    }
    if points.len() > 1 {
        let step = |pair: &[Vec<f64>]| {
            let mut step = Map::new();
            for (name, (from, to)) in STEP.iter().zip(pair[0].iter().zip(&pair[1])) {
                put(&mut step, &[(name, rounded(to - from, places))])?;
            }
            Some(Value::Object(step))
        };
        let steps = points.windows(2).map(step).collect::<Option<Vec<_>>>()?;
        parts.insert("steps".to_owned(), Value::Array(steps));
    }
    Some(())
}

pub(super) fn points_of(value: &Value, places: i32) -> Vec<Vec<f64>> {
    let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_f64);
    let width = PLACE.iter().take_while(|name| number(value, name).is_some()).count().max(2);
    let mut last: Vec<f64> =
        PLACE.iter().take(width).map(|name| number(value, name).unwrap_or(0.0)).collect();
    let mut points = vec![last.clone()];
    for step in value.get("steps").and_then(Value::as_array).into_iter().flatten() {
        for (at, name) in last.iter_mut().zip(STEP) {
            *at = rounded(*at + number(step, name).unwrap_or(0.0), places);
        }
        points.push(last.clone());
    }
    points
}

/// Points around their centre by angle: a ring that never crosses itself, unchanged (up to where it begins and which
/// way it goes) if it was convex. At least three points.
pub(super) fn simple(mut points: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    points.dedup_by(|a, b| a[..2] == b[..2]);
    while points.len() > 1 && points.first().map(|p| &p[..2]) == points.last().map(|p| &p[..2]) {
        points.pop();
    }
    let count = points.len().max(1) as f64;
    let centre = (
        points.iter().map(|point| point[0]).sum::<f64>() / count,
        points.iter().map(|point| point[1]).sum::<f64>() / count,
    );
    let angle = |point: &Vec<f64>| (point[1] - centre.1).atan2(point[0] - centre.0);
    let Some(first) = points.first().cloned() else { return points };
    points.sort_by(|a, b| angle(a).total_cmp(&angle(b)));
    points.dedup_by(|a, b| a[..2] == b[..2]);
    if let Some(at) = points.iter().position(|point| *point == first) {
        points.rotate_left(at);
    }
    let aligned = points
        .windows(3)
        .all(|p| (p[1][0] - p[0][0]) * (p[2][1] - p[0][1]) == (p[2][0] - p[0][0]) * (p[1][1] - p[0][1]));
    if points.len() < 3 || aligned {
        // No area: a small triangle beside the first point.
        let size = (first[0].abs().max(first[1].abs()) * 1e-6).max(1e-6);
        let moved = |dx: f64, dy: f64| {
            let mut point = first.clone();
            point[0] += dx;
            point[1] += dy;
            point
        };
        return vec![first.clone(), moved(size, 0.0), moved(size, size)];
    }
    points
}

fn rounded(value: f64, places: i32) -> f64 {
    let unit = 10_f64.powi(places);
    let result = (value * unit).round() / unit;
    if result.is_finite() && places <= 12 { result } else { value }
}

/// Most decimals among the numbers of a text; 15 where there are exponents.
pub(super) fn decimals_of(text: &str) -> i32 {
    if text.contains(['e', 'E']) && text.contains(|c: char| c.is_ascii_digit()) {
        return 15;
    }
    let digits = |part: &str| part.bytes().take_while(u8::is_ascii_digit).count();
    text.split('.').skip(1).map(digits).max().unwrap_or(0) as i32
}

/// Most decimals among the numbers of a value.
pub(super) fn decimals_in(value: &Value) -> i32 {
    match value {
        Value::Number(number) => decimals_of(&number.to_string()),
        Value::Array(values) => values.iter().map(decimals_in).max().unwrap_or(0),
        Value::Object(parts) => parts.values().map(decimals_in).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::Shape;

    fn again(name: &str, text: &str) -> String {
        let shape = Shape::of(name, &[text]).unwrap();
        shape.print(&shape.read(text).unwrap())
    }

    #[test]
    fn the_servers_own_shapes_come_back() {
        for (name, text) in [
            ("point", "(1.5,-2)"),
            ("line", "{1,-1,0.5}"),
            ("lseg", "[(0,0),(1.25,3)]"),
            ("box", "(3,4),(1,2)"),
            ("path", "[(0,0),(1,1),(5,1)]"),
            ("path", "((0,0),(1,1),(5,1))"),
            ("polygon", "((0,0),(4,0),(4,3),(0,3))"),
            ("circle", "<(1,2),0.5>"),
        ] {
            assert_eq!(again(name, text), text);
        }
    }

    #[test]
    fn well_known_text_and_binary_come_back() {
        for text in [
            "POINT(0.1 0.25)",
            "SRID=4326;POINT Z(1 2 3)",
            "LINESTRING(0 0,1.5 2,3 3)",
            "POLYGON((0 0,4 0,4 3,0 3,0 0))",
            "MULTIPOINT(1 2,3 4)",
            "MULTILINESTRING((0 0,1 1),(5 5,6 7,8 8))",
            "MULTIPOLYGON(((0 0,4 0,4 3,0 0)),((10 10,11 10,11 11,10 10)))",
            "GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))",
            "CIRCULARSTRING(0 0,1 1,2 0)",
            "COMPOUNDCURVE(CIRCULARSTRING(0 0,1 1,1 0),(1 0,0 7))",
            "CURVEPOLYGON(CIRCULARSTRING(0 0,4 0,4 4,0 4,0 0))",
            "CURVEPOLYGON((0 0,4 0,4 4,0 0))",
            "MULTICURVE((0 0,5 5),CIRCULARSTRING(4 0,4 4,8 4))",
            "MULTISURFACE(CURVEPOLYGON(CIRCULARSTRING(0 0,4 0,4 4,0 4,0 0)),((10 14,11 10,14 14,10 14)))",
            "TRIANGLE((0 0,3 0,0 9,0 0))",
            "TIN(((0 0,3 0,0 9,0 0)),((0 0,3 0,5 5,0 0)))",
            "POLYHEDRALSURFACE Z(((0 0 0,0 0 5,0 1 1,0 1 0,0 0 0)))",
        ] {
            assert_eq!(again("geometry", text), text);
        }
        let binary = "0101000020E6100000000000000000F03F0000000000000040";
        assert_eq!(again("geometry", binary), "SRID=4326;POINT(1 2)");
        for broken in ["POINT(1)", "POINT(1 2", "LINESTRING(a b)", "0101"] {
            let shape = Shape::of("geometry", &[broken]).unwrap();
            assert_eq!(shape.read(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_ring_never_crosses_itself_and_always_has_an_area() {
        let shape = Shape::Polygon;
        let bow = shape.read("((0,0),(2,2),(2,0),(0,2))").unwrap();
        assert_eq!(shape.print(&bow), "((0,0),(2,0),(2,2),(0,2))");
        let flat = shape.print(&shape.read("((1,1),(1,1),(1,1))").unwrap());
        assert_eq!(flat.matches("),(").count(), 2, "{flat}");
    }
}
