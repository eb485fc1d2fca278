//! Holes as wide as the things that are removed from photographs, of a width in pixels instead of a share of the crop.

use inpaint_train::rng::Rng;
use std::f32::consts::TAU;

/// Known pixels between a hole and the border of its crop, at the least.
const CLEAR: usize = 16;

/// The longest side of a hole.
const LONGEST: usize = 300;

/// Crops that every hole fits into have sides of this or more.
pub const ROOM: usize = LONGEST + 2 * CLEAR;

/// What a hole looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A closed wavy outline.
    Blob,
    /// An upright rectangle.
    Box,
    /// A person, an animal or a lamp.
    Silhouette,
}

/// One hole of a shape, its width between two bounds, equally likely in the logarithm. Of a silhouette, which is higher or
/// wider as what it shows, this is the shorter side.
#[derive(Clone, Debug)]
pub struct Shapes {
    /// What the holes look like.
    pub shape: Shape,
    /// The bounds in pixels, at most 270.
    pub width: [f32; 2],
}

impl Shapes {
    /// One mask, `[size, size]`, 1 = known, 0 = hole. The hole stays clear of the border, and is anywhere else.
    ///
    /// # Panics
    /// If `size` is less than [`ROOM`].
    pub fn sample(&self, rng: &mut Rng, size: usize) -> Vec<u8> {
        assert!(size >= ROOM, "a crop that the hole fits into");
        let width = rng.log_range(self.width[0], self.width[1]);
        let figure = match self.shape {
            Shape::Blob => blob(rng, width),
            Shape::Box => Figure::new([width, (width * rng.range(0.6, 1.6)).clamp(50.0, 260.0)], |_, _| true),
            Shape::Silhouette => silhouette(rng, width),
        };
        let [left, top] = figure.sides.map(|side| rng.between(CLEAR, size - CLEAR - side));
        let mut known = vec![1; size * size];
        for (y, row) in figure.hole.chunks_exact(figure.sides[0]).enumerate() {
            let known = &mut known[(top + y) * size + left..];
            known.iter_mut().zip(row).for_each(|(known, hole)| *known = u8::from(!hole));
        }
        known
    }
}

/// A hole in the box that it fills.
struct Figure {
    /// Width and height.
    sides: [usize; 2],
    hole: Vec<bool>,
}

impl Figure {
    /// The pixels whose centres, in pixels from the box's corner, are in the figure.
    fn new(sides: [f32; 2], contains: impl Fn(f32, f32) -> bool) -> Self {
        let sides = sides.map(|side| side as usize);
        let pixel = |at: usize| contains((at % sides[0]) as f32 + 0.5, (at / sides[0]) as f32 + 0.5);
        Self { sides, hole: (0..sides[0] * sides[1]).map(pixel).collect() }
    }
}

/// A circle made wavy, then stretched into its box.
fn blob(rng: &mut Rng, width: f32) -> Figure {
    let waves: [(f32, f32, f32); 5] = std::array::from_fn(|wave| {
        let k = (wave + 2) as f32;
        (k, 0.33 / k * rng.normal(), rng.angle())
    });
    let radius = |theta: f32| {
        let wavy = waves.iter().map(|(k, a, phase)| a * (k * theta + phase).cos()).sum::<f32>();
        (1.0 + wavy).clamp(0.45, 1.7)
    };
    let height = (width / rng.range(0.7, 1.4) * rng.range(0.8, 1.2)).clamp(50.0, 270.0);
    let outline = (0..180).map(|step| {
        let theta = step as f32 / 180.0 * TAU;
        let (v, u) = theta.sin_cos();
        [radius(theta) * u, radius(theta) * v]
    });
    let infinite = [[f32::INFINITY; 2], [f32::NEG_INFINITY; 2]];
    let [low, high] = outline.fold(infinite, |[low, high], at| {
        [[low[0].min(at[0]), low[1].min(at[1])], [high[0].max(at[0]), high[1].max(at[1])]]
    });
    Figure::new([width, height], |x, y| {
        let u = low[0] + (high[0] - low[0]) * x / width;
        let v = low[1] + (high[1] - low[1]) * y / height;
        u.hypot(v) <= radius(v.atan2(u))
    })
}

/// Part of a silhouette, in shares of the width and height of its box.
enum Part {
    /// Around a point, with two half axes, turned by degrees from x to y.
    Ellipse([f32; 2], [f32; 2], f32),
    /// Between two corners.
    Rectangle([f32; 2], [f32; 2]),
}

use Part::{Ellipse, Rectangle};

const PERSON: [Part; 7] = [
    // Head, shoulders, trunk, legs, arms.
    Ellipse([0.5, 0.12], [0.18, 0.115], 0.0),
    Ellipse([0.5, 0.36], [0.36, 0.18], 0.0),
    Rectangle([0.2, 0.32], [0.8, 0.6]),
    Rectangle([0.28, 0.55], [0.46, 1.0]),
    Rectangle([0.58, 0.55], [0.76, 1.0]),
    Ellipse([0.14, 0.43], [0.1, 0.2], 12.0),
    Ellipse([0.86, 0.43], [0.1, 0.2], -12.0),
];

const ANIMAL: [Part; 8] = [
    // Trunk, head, neck, legs, tail.
    Ellipse([0.45, 0.45], [0.36, 0.26], 0.0),
    Ellipse([0.84, 0.22], [0.15, 0.2], 0.0),
    Rectangle([0.65, 0.2], [0.85, 0.45]),
    Rectangle([0.15, 0.5], [0.24, 1.0]),
    Rectangle([0.3, 0.5], [0.39, 1.0]),
    Rectangle([0.58, 0.5], [0.67, 1.0]),
    Rectangle([0.7, 0.5], [0.79, 1.0]),
    Ellipse([0.07, 0.35], [0.05, 0.25], 20.0),
];

const LAMP: [Part; 3] = [
    // Shade, post, foot.
    Ellipse([0.5, 0.3], [0.48, 0.29], 0.0),
    Rectangle([0.4, 0.5], [0.6, 1.0]),
    Ellipse([0.5, 0.95], [0.3, 0.06], 0.0),
];

/// Pixels by which whoever paints a mask paints over what it shows.
const OVER: f32 = 2.0;

fn silhouette(rng: &mut Rng, shorter: f32) -> Figure {
    let longer = |ratio: f32| (ratio * shorter).min(LONGEST as f32);
    let (parts, sides): (&[Part], _) = match rng.below(3) {
        0 => (&PERSON, [shorter, longer(2.2)]),
        1 => (&ANIMAL, [longer(1.4), shorter]),
        _ => (&LAMP, [shorter, longer(1.7)]),
    };
    Figure::new(sides, |x, y| parts.iter().any(|part| part.contains([x, y], sides)))
}

impl Part {
    /// Whether a point is at most [`OVER`] pixels away, in a box with these sides.
    fn contains(&self, [x, y]: [f32; 2], [width, height]: [f32; 2]) -> bool {
        match *self {
            Ellipse(at, half, degrees) => {
                let (dx, dy) = (x - at[0] * width, y - at[1] * height);
                let (sin, cos) = degrees.to_radians().sin_cos();
                let u = (dx * cos + dy * sin) / (half[0] * width + OVER);
                let v = (dy * cos - dx * sin) / (half[1] * height + OVER);
                u * u + v * v <= 1.0
            }
            Rectangle(from, to) => {
                (from[0] * width - OVER..=to[0] * width + OVER).contains(&x)
                    && (from[1] * height - OVER..=to[1] * height + OVER).contains(&y)
            }
        }
    }
}
