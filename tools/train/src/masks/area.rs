//! Kinds that are areas: a level over the plane, the lowest pixels opened until the quota is met.

use super::canvas::Canvas;
use crate::rng::Rng;
use std::f32::consts::{PI, TAU};

/// One to four rectangles, two in five of them rotated.
pub(super) fn rectangles(canvas: &mut Canvas, rng: &mut Rng) {
    let (count, slack) = (rng.between(1, 4), canvas.slack());
    canvas.figures(count, slack, |canvas| {
        let aspect = rng.log_range(0.4, 2.5).sqrt();
        let (sin, cos) = if rng.chance(0.4) { rng.angle().sin_cos() } else { (0.0, 1.0) };
        let half = 0.5 * (canvas.open() as f32).sqrt();
        // A centre off the pixel grid keeps the four sides from moving at once.
        canvas.grow(centre(canvas, half, rng), 1.5 * half, |x, y| {
            ((x * cos + y * sin) / aspect).abs().max(((y * cos - x * sin) * aspect).abs())
        });
    });
}

/// One to three objects, each a smooth union of lobes with wavy outlines.
pub(super) fn blobs(canvas: &mut Canvas, rng: &mut Rng) {
    let (count, slack) = (rng.between(1, 3), canvas.slack() / 4);
    canvas.figures(count, slack, |canvas| {
        let radius = (canvas.open() as f32 / PI).sqrt();
        let tilt = rng.angle();
        let mut lobes = vec![Lobe::new((0.0, 0.0), radius * rng.range(0.6, 1.0), rng.range(0.4, 1.0), tilt, rng)];
        // Limbs point away from the lobe they grow on.
        for _ in 0..rng.below(6) {
            let (parent, angle) = (&lobes[rng.below(lobes.len())], rng.angle());
            let size = parent.radius * rng.range(0.35, 0.85);
            let away = parent.radius * rng.range(0.6, 1.0);
            let at = (parent.x + away * angle.cos(), parent.y + away * angle.sin());
            lobes.push(Lobe::new(at, size, rng.range(0.25, 0.9), angle + 0.4 * rng.normal(), rng));
        }
        // Lobes meet as metaballs do (Blinn 1982): their fields add up.
        canvas.grow(centre(canvas, radius, rng), 1.6 * radius, |x, y| {
            1.0 / lobes.iter().map(|lobe| lobe.field(x, y)).sum::<f32>()
        });
    });
}

/// Fractal noise of two to four octaves, cut at a threshold.
pub(super) fn patches(canvas: &mut Canvas, rng: &mut Rng) {
    let w = canvas.window;
    let mut cell = canvas.side() * rng.range(0.12, 0.5);
    let mut weight = 1.0;
    let (width, height) = (w.width() as usize, w.height() as usize);
    let mut field = vec![8.0; width * height];
    for _ in 0..rng.between(2, 4) {
        noise(&mut field, width, cell.max(2.0), weight, rng);
        (cell, weight) = (cell * 0.5, weight * 0.5);
    }
    let origin = (w.x0 as f32, w.y0 as f32);
    let reach = w.width().max(w.height());
    canvas.grow(origin, reach, |x, y| field[y as usize * width + x as usize]);
}

/// Adds value noise: random values at the corners of cells, blended smoothly.
fn noise(field: &mut [f32], width: usize, cell: f32, weight: f32, rng: &mut Rng) {
    let height = field.len() / width;
    let columns = (width as f32 / cell) as usize + 3;
    let rows = (height as f32 / cell) as usize + 3;
    let (phase_x, phase_y) = (rng.unit(), rng.unit());
    let lattice: Vec<f32> = (0..columns * rows).map(|_| weight * rng.range(-1.0, 1.0)).collect();
    let place = |i: usize, phase: f32| {
        let at = i as f32 / cell + phase;
        let t = at.fract();
        (at as usize, t * t * (3.0 - 2.0 * t))
    };
    let across: Vec<(usize, f32)> = (0..width).map(|x| place(x, phase_x)).collect();
    let mut blended = vec![0.0; columns];
    for (y, row) in field.chunks_exact_mut(width).enumerate() {
        let (cell_y, t) = place(y, phase_y);
        let (above, below) = (&lattice[cell_y * columns..], &lattice[(cell_y + 1) * columns..]);
        for (value, (a, b)) in blended.iter_mut().zip(above.iter().zip(below)) {
            *value = a + t * (b - a);
        }
        for (value, &(cell_x, t)) in row.iter_mut().zip(&across) {
            *value += blended[cell_x] + t * (blended[cell_x + 1] - blended[cell_x]);
        }
    }
}

/// A closed curve r(θ) around a point.
struct Lobe {
    x: f32,
    y: f32,
    radius: f32,
    /// r(θ)² at [`DIRECTIONS`] pseudo-angles.
    outline: Vec<f32>,
}

const DIRECTIONS: usize = 128;

impl Lobe {
    /// An ellipse of half axes `radius` (at the angle `tilt`) and `radius · slim`, made wavy.
    fn new((x, y): (f32, f32), radius: f32, slim: f32, tilt: f32, rng: &mut Rng) -> Self {
        let waves: [(f32, f32); 4] =
            std::array::from_fn(|wave| (rng.range(0.0, 0.22) / (1.0 + wave as f32), rng.angle()));
        let outline = (0..DIRECTIONS)
            .map(|direction| {
                let theta = true_angle(4.0 * direction as f32 / DIRECTIONS as f32);
                let (v, u) = (theta - tilt).sin_cos();
                let ellipse = slim / (slim * u).hypot(v);
                let wavy = (2..).zip(waves).map(|(k, (a, phase))| a * (k as f32 * theta + phase).cos()).sum::<f32>();
                (radius * ellipse * (1.0 + wavy)).powi(2)
            })
            .collect();
        Self { x, y, radius, outline }
    }

    /// 1 on the outline, falling with the fourth power of the distance.
    fn field(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x - self.x, y - self.y);
        let square = (x * x + y * y).max(1e-3);
        let at = pseudo_angle(x, y) * (DIRECTIONS as f32 / 4.0);
        let (index, t) = (at as usize, at.fract());
        let (a, b) = (self.outline[index % DIRECTIONS], self.outline[(index + 1) % DIRECTIONS]);
        let field = (a + t * (b - a)) / square;
        field * field
    }
}

/// 0 … 4 around the circle: monotone in the angle, and without an arctangent.
fn pseudo_angle(x: f32, y: f32) -> f32 {
    let p = x / (x.abs() + y.abs()).max(1e-6);
    if y >= 0.0 { 1.0 - p } else { 3.0 + p }
}

/// The angle of a pseudo-angle, in radians.
fn true_angle(pseudo: f32) -> f32 {
    let (x, upper) = if pseudo <= 2.0 { (1.0 - pseudo, true) } else { (pseudo - 3.0, false) };
    let y = if upper { 1.0 - x.abs() } else { x.abs() - 1.0 };
    y.atan2(x).rem_euclid(TAU)
}

/// A centre for a figure of this radius: mostly inside the window, sometimes cut by its edge.
fn centre(canvas: &Canvas, radius: f32, rng: &mut Rng) -> (f32, f32) {
    let w = canvas.window;
    let inset = if rng.chance(0.7) { radius } else { 0.0 };
    let mut within = |low: i32, size: f32| {
        let inset = inset.min(0.45 * size);
        low as f32 + rng.range(inset, size - inset)
    };
    (within(w.x0, w.width()), within(w.y0, w.height()))
}
