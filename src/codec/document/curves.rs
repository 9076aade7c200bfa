//! How the parts of a shape are written in well-known text: lines, arcs, rings, surfaces. Whatever the numbers are, a
//! ring is closed, an arc has an odd number of points, and a curve of several parts holds together.

use serde_json::Value;

use super::shape::{decimals_in, points_of, simple};

/// The parts of a described shape under a name: its `members`, or its `shapes`.
pub(super) fn members<'a>(value: &'a Value, under: &str) -> &'a [Value] {
    value.get(under).and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
}

/// How the numbers of one shape are written.
pub(super) struct Notation<'a> {
    flags: &'a str,
    /// Coordinates of a point.
    width: usize,
    /// True if places are degrees of longitude and latitude.
    globe: bool,
    /// Decimals.
    places: i32,
}

impl<'a> Notation<'a> {
    /// The notation of a described shape with coordinates beside the plane (`Z`, `M`, `ZM`, or none).
    pub(super) fn new(value: &Value, flags: &'a str, globe: bool) -> Self {
        let width = match flags {
            "ZM" => 4,
            "Z" | "M" => 3,
            _ => 2,
        };
        Self { flags, width, globe, places: decimals_in(value) }
    }

    /// The points of a described line.
    pub(super) fn points(&self, value: &Value) -> Vec<Vec<f64>> {
        points_of(value, self.places)
    }

    /// `(1 2,3 4)`.
    pub(super) fn list(&self, points: &[Vec<f64>]) -> String {
        let point = |point: &Vec<f64>| {
            let shown = (0..self.width).map(|at| {
                let number = point.get(at).copied().unwrap_or(0.0);
                match (self.globe, at) {
                    (true, 0) => number.clamp(-180.0, 180.0),
                    (true, 1) => number.clamp(-90.0, 90.0),
                    _ => number,
                }
                .to_string()
            });
            shown.collect::<Vec<_>>().join(" ")
        };
        format!("({})", points.iter().map(point).collect::<Vec<_>>().join(","))
    }

    /// Every part, by its own notation; one made of nothing if there are none.
    pub(super) fn each(&self, value: &Value, under: &str, part: fn(&Self, &Value) -> String) -> String {
        let parts = members(value, under);
        let written: Vec<String> = match parts {
            [] => vec![part(self, &Value::Null)],
            parts => parts.iter().map(|value| part(self, value)).collect(),
        };
        format!("({})", written.join(","))
    }

    /// At least two points.
    pub(super) fn line(&self, value: &Value) -> String {
        self.list(&at_least_two(self.points(value)))
    }

    /// Start, a point on the arc, its end, and so on.
    pub(super) fn arc(&self, value: &Value) -> String {
        self.list(&odd(at_least_two(self.points(value))))
    }

    /// Holes drawn alone need not lie inside: a polygon has its outer ring.
    pub(super) fn polygon(&self, value: &Value) -> String {
        let outer = members(value, "members").first().unwrap_or(value);
        format!("({})", self.list(&self.ring(outer)))
    }

    /// A ring of three corners.
    pub(super) fn triangle(&self, value: &Value) -> String {
        let ring = self.face_ring(members(value, "members").first().unwrap_or(value));
        format!("({})", self.list(&[&ring[..3], &ring[..1]].concat()))
    }

    /// A face of a surface in space, which may stand upright.
    pub(super) fn face(&self, value: &Value) -> String {
        let outer = members(value, "members").first().unwrap_or(value);
        format!("({})", self.list(&self.face_ring(outer)))
    }

    /// Lines and arcs, each from where the last one ends.
    pub(super) fn compound(&self, value: &Value) -> String {
        let mut end: Option<Vec<f64>> = None;
        let mut parts = Vec::new();
        for shape in members(value, "shapes") {
            let mut points = at_least_two(self.points(shape));
            if let Some(end) = end {
                points[0] = end;
            }
            end = points.last().cloned();
            parts.push(match name_of(shape) {
                "CIRCULARSTRING" => self.named("CIRCULARSTRING", &self.list(&odd(points))),
                _ => self.list(&points),
            });
        }
        if parts.is_empty() {
            parts.push(self.line(value));
        }
        format!("({})", parts.join(","))
    }

    /// The outer ring of a polygon, of lines or arcs.
    pub(super) fn curve_polygon(&self, value: &Value) -> String {
        let outer = members(value, "shapes").first().unwrap_or(value);
        let flat = |shape: &Value| match members(shape, "shapes") {
            [] => self.points(shape),
            parts => parts.iter().flat_map(|part| self.points(part)).collect(),
        };
        let ring = closed(simple(flat(outer)));
        let ring = match name_of(outer) {
            "CIRCULARSTRING" => self.named("CIRCULARSTRING", &self.list(&odd(ring))),
            "COMPOUNDCURVE" => {
                let arc = self.named("CIRCULARSTRING", &self.list(&ring[..3]));
                self.named("COMPOUNDCURVE", &format!("({arc},{})", self.list(&ring[2..])))
            }
            _ => self.list(&ring),
        };
        format!("({ring})")
    }

    /// A line, which does not say its kind, or an arc or a compound curve, which do.
    pub(super) fn curve(&self, value: &Value) -> String {
        match name_of(value) {
            "CIRCULARSTRING" => self.named("CIRCULARSTRING", &self.arc(value)),
            "COMPOUNDCURVE" => self.named("COMPOUNDCURVE", &self.compound(value)),
            _ => self.line(value),
        }
    }

    /// A polygon, which does not say its kind, or one of curves, which does.
    pub(super) fn surface(&self, value: &Value) -> String {
        match name_of(value) {
            "CURVEPOLYGON" => self.named("CURVEPOLYGON", &self.curve_polygon(value)),
            _ => self.polygon(value),
        }
    }

    fn ring(&self, value: &Value) -> Vec<Vec<f64>> {
        closed(simple(self.points(value)))
    }

    /// A ring that need not have an area on the map if its points have a height.
    fn face_ring(&self, value: &Value) -> Vec<Vec<f64>> {
        let mut points = self.points(value);
        points.dedup();
        if points.len() > 1 && points.first() == points.last() {
            points.pop();
        }
        if self.flags.starts_with('Z') && points.len() >= 3 { closed(points) } else { self.ring(value) }
    }

    fn named(&self, kind: &str, body: &str) -> String {
        if self.flags.is_empty() { format!("{kind}{body}") } else { format!("{kind} {}{body}", self.flags) }
    }
}

/// The kind of a described shape, without its flags.
fn name_of(value: &Value) -> &str {
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default();
    kind.split(' ').next().unwrap_or_default()
}

fn closed(mut points: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    points.extend(points.first().cloned());
    points
}

fn at_least_two(mut points: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    if points.len() < 2 {
        let mut next = points[0].clone();
        next[0] += if next[0] > 0.0 { -1e-3 } else { 1e-3 };
        points.push(next);
    }
    points
}

/// An odd number of points, three at least: the middle of the last two is one more.
fn odd(mut points: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    if points.len().is_multiple_of(2) {
        let last = points.len() - 1;
        let middle = points[last - 1].iter().zip(&points[last]).map(|(a, b)| f64::midpoint(*a, *b)).collect();
        points.insert(last, middle);
    }
    points
}
