//! Blending: what is copied keeps the differences between its pixels and gives up its tone (Pérez et al. 2003, doi
//! 10.1145/882262.882269). At a seam the differences are those that both sides show; at the rim of the hole they are to the
//! photograph; and what is far from both keeps its own tone.

use super::copy::STEPS;
use super::level::{At, Picture, Shape, mark};
use crate::error::Result;
use crate::mask::Rect;
use crate::prior::Harmonic;

/// How strongly a copied pixel is drawn to its own tone: a correction reaches 1/√ of this, pixels.
const SCREENING: f32 = 0.002;

/// Pixels around what is filled: the solver wants one, the last touches compare with more.
const AROUND: usize = 4;

/// Cycles of the solver.
const CYCLES: usize = 2;

/// The solver for corrections of tone.
pub(super) struct Blend {
    /// What is filled, and the pixels around it.
    pub window: Rect,
    solver: Harmonic,
}

impl Blend {
    pub fn new(shape: &Shape) -> Result<Self> {
        let whole = Rect { x: 0, y: 0, width: shape.width, height: shape.height };
        let window = shape.fill.grown(AROUND, whole);
        Ok(Self { window, solver: Harmonic::new(window.width, window.height)? })
    }

    /// Floats of the corrections, `[height, width, 3]` of the window.
    pub fn correction_floats(&self) -> usize {
        3 * self.window.area()
    }

    /// Floats of memory that [`Blend::solve`] takes.
    pub fn floats(&self) -> usize {
        3 * self.window.area() + self.solver.scratch_len()
    }

    /// Writes what is to be added to the pixels that `labels` copy.
    pub fn solve(&self, picture: &Picture<'_>, labels: &[At], correction: &mut [f32], memory: &mut [f32]) {
        let window = self.window;
        let (f, scratch) = memory.split_at_mut(3 * window.area());
        let runs = |y: usize| picture.runs(window, y, mark::FILL);
        for y in 0..window.height {
            for x in runs(y).flatten() {
                let f = &mut f[3 * (y * window.width + x)..][..3];
                f.copy_from_slice(&wanted(picture, labels, window.x + x, window.y + y));
            }
        }
        self.solver.correct(correction, f, SCREENING, runs, CYCLES, scratch);
    }
}

/// The sum of what the differences of (x, y) to its neighbours should be and are not.
fn wanted(picture: &Picture<'_>, labels: &[At], x: usize, y: usize) -> [f32; 3] {
    let shape = &picture.shape;
    let index = |x, y| shape.in_fill(x, y).filter(|_| picture.is(x, y, mark::FILL));
    let own = index(x, y).expect("a pixel to be filled");
    let colour = |at: At| picture.pixel(at).map(f32::from);
    let label = labels[own];
    let copied = colour(label);
    let mut sum = [0f32; 3];
    for step in STEPS {
        let (nx, ny) = (x.wrapping_add_signed(step.0), y.wrapping_add_signed(step.1));
        if nx >= shape.width || ny >= shape.height {
            continue;
        }
        let beside = picture.known(label, step).map(colour);
        let Some(other) = index(nx, ny).map(|index| labels[index]) else {
            if let Some(beside) = beside {
                let there = colour(At::new(nx, ny));
                (0..3).for_each(|c| sum[c] += there[c] - beside[c]);
            }
            continue;
        };
        if other.minus(label) == step {
            continue;
        }
        let there = colour(other);
        let back = picture.known(other, (-step.0, -step.1)).map(colour);
        let count = usize::from(beside.is_some()) + usize::from(back.is_some());
        if count > 0 {
            for c in 0..3 {
                let here = beside.map_or(0.0, |beside| copied[c] - beside[c]);
                let over = back.map_or(0.0, |back| back[c] - there[c]);
                sum[c] += (here + over) / count as f32 - (copied[c] - there[c]);
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Mask;

    /// Σ (u − neighbour) + screening·u = f, with 0 around the hole and nothing beyond the picture.
    #[test]
    fn corrections_solve_their_equation() {
        let (width, height) = (37, 29);
        let is_hole = |x: usize, y: usize| x < 30 && (5..24).contains(&y) && !(x + y).is_multiple_of(13);
        let mut mask = Mask::new(width, height).unwrap();
        let places = (0..width).flat_map(|x| (0..height).map(move |y| (x, y)));
        places.filter(|(x, y)| is_hole(*x, *y)).for_each(|(x, y)| mask.add_box(x..x + 1, y..y + 1));
        let solver = Harmonic::new(width, height).unwrap();
        let f: Vec<f32> = (0..3 * width * height).map(|i| ((i * 7919) % 101) as f32 / 50.0 - 1.0).collect();
        let (mut u, mut scratch) = (vec![9.0; f.len()], vec![9.0; solver.scratch_len()]);
        let mut worst = [0f32; 2];
        for (cycles, worst) in [2, 20].into_iter().zip(&mut worst) {
            solver.correct(&mut u, &f, SCREENING, |y| mask.runs(y, 0..width), cycles, &mut scratch);
            for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
                let at = |x: usize, y: usize| u[3 * (y * width + x)];
                let near = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
                let near = near.into_iter().filter(|(x, y)| *x < width && *y < height);
                let sum: f32 = near.map(|(nx, ny)| at(x, y) - at(nx, ny)).sum::<f32>() + SCREENING * at(x, y);
                let error = if is_hole(x, y) { sum - f[3 * (y * width + x)] } else { at(x, y) };
                *worst = worst.max(error.abs());
            }
        }
        println!("largest errors {worst:?}");
        assert!(worst[0] < 0.2 && worst[1] < 1e-4, "{worst:?}");
    }
}
