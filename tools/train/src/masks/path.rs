//! Kinds drawn along a path: the path ends where the quota is met.

use super::canvas::Canvas;
use crate::rng::Rng;
use std::f32::consts::PI;

/// Unit steps on a lattice of random angle and spacing (Iizuka-style random walk masks), several walkers in turn.
pub(super) fn walk(canvas: &mut Canvas, rng: &mut Rng) {
    let walkers = rng.between(1, 4);
    let pen = rng.log_range(1.0, canvas.side() / 40.0).round().max(1.0) as i32;
    let angle = if rng.chance(0.5) { 0.0 } else { rng.angle() };
    // 16.16 fixed point.
    let (sin, cos) = angle.sin_cos();
    let along = [cos, sin].map(|v| (v * pen as f32 * 65536.0).round() as i32);
    let steps = [along, [-along[1], along[0]], [-along[0], -along[1]], [along[1], -along[0]]];
    canvas.figures(walkers, 0, |canvas| {
        let w = canvas.window;
        let (low, high) = ([w.x0 << 16, w.y0 << 16], [(w.x1 << 16) - 1, (w.y1 << 16) - 1]);
        let (x, y) = point(canvas, rng);
        let mut at = [x, y].map(|v| (v * 65536.0) as i32);
        while canvas.open() > 0 {
            let mut bits = rng.bits();
            for _ in 0..32 {
                let step = steps[bits as usize & 3];
                bits >>= 2;
                for axis in 0..2 {
                    at[axis] = (at[axis] + step[axis]).clamp(low[axis], high[axis]);
                }
                let (x, y) = (at[0] >> 16, at[1] >> 16);
                for row in y..y + pen {
                    for column in x..x + pen {
                        canvas.dot(column, row);
                    }
                }
            }
        }
    });
}

/// Zigzags of thick segments.
pub(super) fn strokes(canvas: &mut Canvas, rng: &mut Rng) {
    let (side, broadest) = (canvas.side(), broadest(canvas));
    canvas.figures(1, 0, |canvas| {
        let radius = 0.5 * rng.log_range(0.02 * side, 0.14 * side).min(broadest).max(2.0);
        let turn = 2.0 * PI / 5.0 + rng.range(-2.0, 2.0) * PI / 15.0;
        let rotation = rng.angle();
        let reach = (side * side + side * side).sqrt() / 8.0;
        let mut at = point(canvas, rng);
        for vertex in 0..rng.between(4, 18) {
            let bend = rng.range(0.0, turn);
            let angle = rotation + if vertex % 2 == 0 { -bend } else { bend + PI * f32::from(rng.chance(0.5) as u8) };
            let length = (reach + 0.5 * reach * rng.normal()).clamp(radius, 2.0 * reach);
            let to = mirrored(canvas, (at.0 + length * angle.cos(), at.1 + length * angle.sin()));
            canvas.line(at, to, radius);
            at = to;
        }
    });
}

/// Lines, discs and elliptic arcs of random thickness.
pub(super) fn shapes(canvas: &mut Canvas, rng: &mut Rng) {
    let (side, broadest) = (canvas.side(), broadest(canvas));
    canvas.figures(1, 0, |canvas| {
        let radius = 0.5 * rng.range(0.012 * side, 0.06 * side).min(broadest).max(1.5);
        let centre = point(canvas, rng);
        match rng.below(3) {
            0 => canvas.line(centre, point(canvas, rng), radius),
            1 => canvas.disc(centre, 2.0 * radius),
            _ => {
                let axes = [rng.range(2.0 * radius, 0.5 * side), rng.range(2.0 * radius, 0.5 * side)];
                let (sin, cos) = rng.angle().sin_cos();
                let (start, sweep) = (rng.angle(), rng.range(0.3, 2.0 * PI));
                let pieces = (sweep * 12.0).ceil() as usize;
                let on_arc = |piece: usize| {
                    let (v, u) = (start + sweep * piece as f32 / pieces as f32).sin_cos();
                    let (u, v) = (u * axes[0], v * axes[1]);
                    (centre.0 + u * cos - v * sin, centre.1 + u * sin + v * cos)
                };
                (0..pieces).for_each(|piece| canvas.line(on_arc(piece), on_arc(piece + 1), radius));
            }
        }
    });
}

/// Long thin lines of slowly changing bend and width, mostly along one direction, with some dust between them.
pub(super) fn scratches(canvas: &mut Canvas, rng: &mut Rng) {
    let side = canvas.side();
    // The more is lost, the broader: hundreds of hairs are no scratches.
    let dense = 4.0 * canvas.open() as f32 / (canvas.width * canvas.height) as f32;
    let grain = (0.5 * rng.log_range(1.0 + dense, 3.5 + dense) * (side / 256.0).max(0.7)).max(0.5);
    let direction = rng.chance(0.6).then(|| rng.angle());
    let straight = rng.chance(0.3);
    canvas.figures(1, 0, |canvas| {
        let start = point(canvas, rng);
        if rng.chance(0.15) {
            canvas.disc(start, grain * rng.range(1.0, 4.0));
            return;
        }
        let mut angle = match direction {
            Some(mean) => mean + 0.15 * rng.normal(),
            None => rng.angle(),
        };
        let bend = if straight { 0.0 } else { 0.3 * rng.normal() };
        let (mut radius, step) = (grain * rng.range(0.7, 1.3), 0.03 * side);
        let mut at = start;
        for _ in 0..(rng.log_range(0.1, 1.2) / 0.03) as usize {
            let to = (at.0 + step * angle.cos(), at.1 + step * angle.sin());
            canvas.line(at, to, radius);
            at = to;
            angle += 0.3 * bend + if straight { 0.0 } else { 0.06 * rng.normal() };
            radius = (radius * (1.0 + 0.1 * rng.normal())).clamp(0.5 * grain, 1.6 * grain);
        }
    });
}

/// The broadest pen that leaves a hole of this area room for more than a dab.
fn broadest(canvas: &Canvas) -> f32 {
    0.35 * (canvas.open() as f32).sqrt()
}

/// A point of the window.
fn point(canvas: &Canvas, rng: &mut Rng) -> (f32, f32) {
    let w = canvas.window;
    (w.x0 as f32 + rng.unit() * w.width(), w.y0 as f32 + rng.unit() * w.height())
}

/// The point reflected into the window, so that strokes turn back at its edge instead of running along it.
fn mirrored(canvas: &Canvas, (x, y): (f32, f32)) -> (f32, f32) {
    let w = canvas.window;
    let fold = |v: f32, low: i32, high: i32| {
        let (low, high) = (low as f32, (high - 1) as f32);
        let v = if v < low { 2.0 * low - v } else { v };
        (if v > high { 2.0 * high - v } else { v }).clamp(low, high)
    };
    (fold(x, w.x0, w.x1), fold(y, w.y0, w.y1))
}
