//! The harmonic fill against the exact solution, found by conjugate gradients in f64.

mod common;

use common::scene;
use inpaint_edge::Mask;
use inpaint_edge::prior::{CYCLES, Harmonic};

/// Image [height, width, 3] and known [height, width], 0 = hole.
struct Case {
    name: String,
    width: usize,
    height: usize,
    image: Vec<f32>,
    known: Vec<u8>,
}

impl Case {
    /// Random pixels under the masks of [`scene`].
    fn random(width: usize, height: usize, hole: u64) -> Self {
        let (image, mask) = scene(width, height, hole, 3 * hole + width as u64);
        let known = mask.iter().map(|m| u8::from(*m == 0)).collect();
        Self {
            name: format!("{width}×{height} hole {hole}"),
            width,
            height,
            image: image.into_raw_vec_and_offset().0,
            known,
        }
    }

    fn fill(&self, cycles: usize, scratch: f32) -> Vec<f32> {
        let solver = Harmonic::new(self.width, self.height).unwrap();
        self.fill_with(&solver, cycles, scratch, 0.0)
    }

    fn fill_with(&self, solver: &Harmonic, cycles: usize, scratch: f32, hole: f32) -> Vec<f32> {
        let value = |(i, v): (usize, &f32)| if self.known[i / 3] == 0 { hole } else { *v };
        let mut image: Vec<f32> = self.image.iter().enumerate().map(value).collect();
        let mut scratch = vec![scratch; solver.scratch_len()];
        let mut mask = Mask::new(self.width, self.height).unwrap();
        for i in (0..self.known.len()).filter(|i| self.known[*i] == 0) {
            mask.add(i % self.width, i / self.width);
        }
        solver.fill(&mut image, &mask, cycles, &mut scratch);
        image
    }

    /// The exact solution.
    fn exact(&self) -> Vec<f32> {
        let mut out = self.image.clone();
        let hole: Vec<usize> = (0..self.known.len()).filter(|i| self.known[*i] == 0).collect();
        let mut place = vec![usize::MAX; self.known.len()];
        hole.iter().enumerate().for_each(|(n, i)| place[*i] = n);
        let neighbours = |i: usize| {
            let (x, y) = (i % self.width, i / self.width);
            let inside = [x > 0, x + 1 < self.width, y > 0, y + 1 < self.height];
            let at = [i.wrapping_sub(1), i + 1, i.wrapping_sub(self.width), i + self.width];
            (0..4).filter(move |n| inside[*n]).map(move |n| at[n])
        };
        let apply = |v: &[f64]| -> Vec<f64> {
            let row = |(n, i): (usize, &usize)| {
                neighbours(*i).map(|j| v[n] - if place[j] == usize::MAX { 0.0 } else { v[place[j]] }).sum()
            };
            hole.iter().enumerate().map(row).collect()
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for c in 0..3 {
            let known =
                |i: &usize| neighbours(*i).filter(|j| place[*j] == usize::MAX).map(|j| f64::from(out[3 * j + c])).sum();
            let mut residual: Vec<f64> = hole.iter().map(known).collect();
            let (mut u, mut along) = (vec![0.0; hole.len()], residual.clone());
            let mut norm = dot(&residual, &residual);
            for _ in 0..20 * hole.len() {
                if norm < 1e-20 {
                    break;
                }
                let image = apply(&along);
                let step = norm / dot(&along, &image);
                u.iter_mut().zip(&along).for_each(|(u, a)| *u += step * a);
                residual.iter_mut().zip(&image).for_each(|(r, i)| *r -= step * i);
                let next = dot(&residual, &residual);
                along.iter_mut().zip(&residual).for_each(|(a, r)| *a = r + next / norm * *a);
                norm = next;
            }
            assert!(norm < 1e-20, "{}: conjugate gradients stop at {norm:e}", self.name);
            hole.iter().zip(&u).for_each(|(i, u)| out[3 * i + c] = *u as f32);
        }
        out
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn psnr(a: &[f32], b: &[f32]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    -10.0 * (sum / a.len() as f64).log10()
}

/// Sides of 1, odd and even sides; squares, strokes, a single known pixel, scattered pixels; holes at every border.
fn random_cases() -> impl Iterator<Item = Case> {
    let sizes = [(1, 9), (14, 1), (2, 2), (3, 5), (16, 16), (37, 21), (40, 64), (65, 33)];
    let cases = sizes.into_iter().flat_map(|(w, h)| (0..4).map(move |hole| Case::random(w, h, hole)));
    cases.filter(|case| case.known.contains(&1))
}

#[test]
fn cycles_converge_to_the_solution() {
    for case in random_cases() {
        let off = difference(&case.fill(60, 0.0), &case.exact());
        assert!(off < 2e-4, "{}: {off:e} from the solution", case.name);
    }
}

#[test]
fn the_schedule_is_within_a_tenth_of_a_decibel() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/images/photo.png");
    let photo = image::open(path).unwrap().into_rgb8();
    let (width, height) = (127, 96);
    let crop = image::imageops::crop_imm(&photo, 280, 190, width, height).to_image();
    let image: Vec<f32> = crop.iter().map(|v| f32::from(*v) / 255.0).collect();
    let (width, height) = (width as usize, height as usize);
    type IsHole = fn(usize, usize) -> bool;
    let masks: [(&str, IsHole); 6] = [
        ("lines", |x, y| (2 * x + 3 * y) % 31 < 5),
        ("a square", |x, y| (20..70).contains(&x) && (30..80).contains(&y)),
        ("blocks", |x, y| (x / 16 * 7 + y / 16 * 5) % 4 == 0),
        ("a row of blocks", |_, y| (32..64).contains(&y)),
        ("a corner", |x, y| x < 50 && y < 40),
        ("scattered", |x, y| (x * 37 + y * 101 + x * y) % 5 < 2),
    ];
    for (name, is_hole) in masks {
        let known = (0..width * height).map(|i| u8::from(!is_hole(i % width, i / width))).collect();
        let case = Case { name: name.into(), width, height, image: image.clone(), known };
        let (exact, found) = (psnr(&case.exact(), &image), psnr(&case.fill(CYCLES, 0.0), &image));
        println!("{name}: {found:.3} dB, exactly {exact:.3} dB");
        assert!(found > exact - 0.1, "{name}: {found} dB, exactly {exact} dB");
    }
}

#[test]
fn only_mask_and_known_pixels_decide() {
    for case in random_cases() {
        let first = case.fill(CYCLES, 0.0);
        for (i, v) in first.iter().enumerate().filter(|(i, _)| case.known[i / 3] == 1) {
            assert_eq!(v.to_bits(), case.image[i].to_bits(), "{}: known pixels stay", case.name);
        }
        let solver = Harmonic::new(case.width, case.height).unwrap();
        let again = case.fill_with(&solver, CYCLES, f32::NAN, f32::NAN);
        assert_eq!(bits(&first), bits(&again), "{}: other scratch", case.name);
    }
}

#[test]
fn without_known_pixels_the_fill_is_zero_and_without_a_hole_the_image_stays() {
    let case = |known: u8| Case { known: vec![known; 35], ..Case::random(7, 5, 0) };
    assert!(case(0).fill(CYCLES, 1.0).iter().all(|v| *v == 0.0));
    assert_eq!(bits(&case(1).fill(CYCLES, 1.0)), bits(&case(1).image));
    assert!(Harmonic::new(0, 4).is_err() && Harmonic::new(4, 65_537).is_err());
}
