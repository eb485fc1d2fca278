//! Tests that C itself cannot make: of panics, and, under Miri, of every access to memory that C lends. `tests/c` tests the
//! interface as C sees it.

use std::ffi::CStr;
use std::ops::ControlFlow;

use super::*;
use crate::ErrorKind;
use crate::inpainter::Request;
use crate::mask::{Mask, MaskRule};
use crate::weights::{Config, Dtype, Output, Prior, header};

fn last_error() -> String {
    // SAFETY: valid until the next call that fails.
    unsafe { CStr::from_ptr(inpaint_last_error()) }.to_str().unwrap().to_owned()
}

#[test]
fn every_kind_of_error_has_its_status() {
    let statuses = [
        (ErrorKind::Usage, INPAINT_USAGE),
        (ErrorKind::Input, INPAINT_INPUT),
        (ErrorKind::Weights, INPAINT_WEIGHTS),
        (ErrorKind::Limits, INPAINT_LIMITS),
        (ErrorKind::Cancelled, INPAINT_CANCELLED),
        (ErrorKind::Output, INPAINT_OUTPUT),
    ];
    for (kind, status) in statuses {
        assert_eq!(guard(|| Err(Error::new(kind, kind.name()))), status);
        assert_eq!(last_error(), kind.name());
        assert!(status != INPAINT_OK && status != INPAINT_INTERNAL);
    }
}

#[test]
fn a_panic_becomes_a_status() {
    /// Panics when dropped.
    struct Spiteful;
    impl Drop for Spiteful {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    assert_eq!(guard(|| panic!("at {}", 7)), INPAINT_INTERNAL);
    assert_eq!(last_error(), "internal error: at 7");
    assert_eq!(guard(|| std::panic::panic_any(Spiteful)), INPAINT_INTERNAL);
    assert_eq!(last_error(), "internal error: a panic");
    assert_eq!(guard(|| Ok(())), INPAINT_OK);
    assert_eq!(last_error(), "internal error: a panic", "kept until the next failure");
}

/// A panic in the midst of a run, on a thread of the pool, leaves an engine that runs on.
#[cfg(feature = "embedded-weights")]
#[test]
fn an_engine_survives_a_panic() {
    use ndarray::Array3;
    let mut mask = Mask::new(64, 64).unwrap();
    mask.add_box(20..30, 0..40);
    for threads in [1, 3] {
        let inpainter = Inpainter::embedded(Options::default().threads(threads)).unwrap();
        let mut image = Array3::from_shape_fn((64, 64, 3), |(y, x, c)| (y * 3 + x * 2 + c) as u8);
        let before = image.clone();
        let mut run = |panics: bool| {
            guard(|| {
                let mut progress = |_| {
                    assert!(!panics, "in the callback");
                    ControlFlow::Continue(())
                };
                inpainter.run(Request::new(image.view_mut(), &mask).progress(&mut progress)).map(drop)
            })
        };
        assert_eq!(run(true), INPAINT_INTERNAL);
        assert_eq!(last_error(), "internal error: in the callback");
        assert_eq!(run(false), INPAINT_OK);
        assert_eq!(image, inpainter.inpaint(before.view(), &mask).unwrap());
    }
}

/// One level that reads the harmonic prior, of weights between -0.5 and 0.5.
fn tiny_weights() -> Vec<u8> {
    let mut config = Config::new(Prior::Harmonic, true, &[(1, 3)], &[3]).unwrap();
    config.set_normalisation([0.5; 3], [1.0; 3]).unwrap();
    config.set_output(Output::Sigmoid);
    let mut file = header(&config, Dtype::F16, &Default::default());
    (0..config.parameters()).for_each(|i| assert!(Dtype::F16.encode((i * 37 % 101) as f64 / 101.0 - 0.5, &mut file)));
    file
}

/// Pictures of every format with gaps between their rows, in memory of odd lengths and addresses, with scratch memory and
/// without: Miri, which can run this, sees every access.
#[test]
fn what_c_lends_is_used_as_lent() {
    use ndarray::{Array2, Array3, s};
    const WIDTH: usize = 5;
    const HEIGHT: usize = 3;
    const GAP: usize = 6;
    const FORMATS: [inpaint_format; 8] = [
        INPAINT_GREY8,
        INPAINT_GREYA8,
        INPAINT_RGB8,
        INPAINT_RGBA8,
        INPAINT_GREY16,
        INPAINT_GREYA16,
        INPAINT_RGB16,
        INPAINT_RGBA16,
    ];
    let weights = &tiny_weights();
    let is_hole = |x: usize, y: usize| x > 0 && (x + y) % 3 == 1;
    let options = Options::default().threads(1).isa(Some(Isa::Scalar));
    let inpainter = Inpainter::from_bytes(weights, options).unwrap();
    let threads: &[u32] = if cfg!(feature = "parallel") { &[1, 3] } else { &[1] };
    for &threads in threads {
        let mut engine = std::ptr::null_mut();
        // SAFETY: options and an engine of this test, freed once; a weights file and its size.
        unsafe {
            let options = inpaint_options_new();
            assert_eq!(inpaint_options_set_threads(options, threads), INPAINT_OK);
            assert_eq!(inpaint_options_set_isa(options, c"scalar".as_ptr()), INPAINT_OK);
            assert_eq!(inpaint_engine_new(weights.as_ptr().cast(), weights.len(), options, &mut engine), INPAINT_OK);
            inpaint_options_free(options);
        }
        // Miri takes seconds for each.
        for (i, format) in FORMATS.into_iter().enumerate().step_by(if cfg!(miri) { 3 } else { 1 }) {
            let (channels, bytes) = ((format & 7) as usize, if format < INPAINT_GREY16 { 1 } else { 2 });
            let (row, stride) = (WIDTH * channels * bytes, WIDTH * channels * bytes + GAP);
            let mut pixels = vec![0u16; (stride * (HEIGHT - 1) + row).div_ceil(2) + 1];
            for (v, pixel) in pixels.iter_mut().enumerate() {
                *pixel = (v * 2657 % 65_536) as u16;
            }
            let before = pixels.clone();
            let mut mask = [0; 1 + (WIDTH + 1) * HEIGHT];
            (0..HEIGHT)
                .for_each(|y| (0..WIDTH).for_each(|x| mask[1 + y * (WIDTH + 1) + x] = 255 * u8::from(is_hole(x, y))));
            let mut size = 0;
            let mut scratch = Vec::new();
            // SAFETY: an engine and memory of this test, as large as is said.
            let status = unsafe {
                assert_eq!(inpaint_scratch_size(engine, WIDTH as u32, HEIGHT as u32, &mut size), INPAINT_OK);
                if i % 2 == 0 {
                    scratch.resize(1 + size, 0xA5u8);
                }
                let image = inpaint_image {
                    data: pixels.as_mut_ptr().cast(),
                    size: stride * (HEIGHT - 1) + row,
                    stride,
                    width: WIDTH as u32,
                    height: HEIGHT as u32,
                    format,
                };
                let mask = inpaint_mask { data: mask[1..].as_ptr(), size: mask.len() - 1, stride: WIDTH + 1 };
                let (memory, size) = match scratch.is_empty() {
                    true => (std::ptr::null_mut(), 0),
                    false => (scratch[1..].as_mut_ptr().cast(), size),
                };
                inpaint_run(engine, &image, &mask, memory, size, None, std::ptr::null_mut())
            };
            assert_eq!(status, INPAINT_OK, "{}", last_error());

            // The same by the interface of Rust, on pixels without gaps.
            let samples = |memory: &[u16]| {
                let bytes_of = memory.iter().flat_map(|v| v.to_ne_bytes()).collect::<Vec<u8>>();
                let sample = |(y, x, c): (usize, usize, usize)| {
                    let at = y * stride + (x * channels + c) * bytes;
                    if bytes == 1 {
                        u16::from(bytes_of[at])
                    } else {
                        u16::from_ne_bytes([bytes_of[at], bytes_of[at + 1]])
                    }
                };
                Array3::from_shape_fn((HEIGHT, WIDTH, channels), sample)
            };
            let mask = Array2::from_shape_fn((HEIGHT, WIDTH), |(y, x)| 255 * u8::from(is_hole(x, y)));
            let mask = Mask::from_bytes(mask.view(), MaskRule::default()).unwrap();
            let (before, after) = (samples(&before), samples(&pixels));
            let expected = match bytes {
                1 => inpainter.inpaint(before.mapv(|v| v as u8).view(), &mask).unwrap().mapv(u16::from),
                _ => inpainter.inpaint(before.view(), &mask).unwrap(),
            };
            assert_eq!(after, expected, "format {format:#x}");
            assert_eq!(after.slice(s![.., 0, ..]), before.slice(s![.., 0, ..]));
        }
        // SAFETY: made above, and not used again.
        unsafe { inpaint_engine_free(engine) };
    }
}

/// A copy of the picture, filled by an engine with the options that `set` sets, in its own memory or in lent memory.
fn filled_by_c(
    weights: &[u8],
    set: impl Fn(*mut inpaint_options),
    before: &ndarray::Array3<u8>,
    mask: &ndarray::Array2<u8>,
    lends: bool,
) -> ndarray::Array3<u8> {
    let mut after = before.clone();
    let (mut engine, mut size) = (std::ptr::null_mut(), 0);
    let [width, height] = [before.dim().1, before.dim().0].map(|side| side as u32);
    // SAFETY: options, an engine, pixels and a mask of this function, as large as is said.
    unsafe {
        let options = inpaint_options_new();
        set(options);
        assert_eq!(inpaint_engine_new(weights.as_ptr().cast(), weights.len(), options, &mut engine), INPAINT_OK);
        inpaint_options_free(options);
        let (data, len) = (after.as_mut_ptr().cast(), after.len());
        let image = inpaint_image { data, size: len, stride: 0, width, height, format: INPAINT_RGB8 };
        let mask = inpaint_mask { data: mask.as_ptr(), size: mask.len(), stride: 0 };
        assert_eq!(inpaint_scratch_size(engine, width, height, &mut size), INPAINT_OK);
        let mut scratch = vec![0xffu8; if lends { size } else { 0 }];
        let (memory, size) = match lends {
            true => (scratch.as_mut_ptr().cast(), size),
            false => (std::ptr::null_mut(), 0),
        };
        let status = inpaint_run(engine, &image, &mask, memory, size, None, std::ptr::null_mut());
        assert_eq!(status, INPAINT_OK, "{}", last_error());
        inpaint_engine_free(engine);
    }
    after
}

/// A large image with a narrow hole and one that is filled coarse to fine, in the engine's memory and in the caller's, for
/// each context.
#[cfg_attr(miri, ignore = "a million pixels")]
#[test]
fn contexts_give_the_bytes_of_the_rust_interface() {
    use ndarray::{Array2, Array3};
    const WIDTH: usize = 1100;
    const HEIGHT: usize = 1000;
    let weights = &tiny_weights();
    let before = Array3::from_shape_fn((HEIGHT, WIDTH, 3), |(y, x, c)| (x * 7 + y * 3 + c * 40 + x * y % 31) as u8);
    let mask = Array2::from_shape_fn((HEIGHT, WIDTH), |(y, x)| {
        let wide = (40..60).contains(&x) && (500..530).contains(&y);
        255 * u8::from(wide || (700..950).contains(&x) && y == 100)
    });
    let mut results = Vec::new();
    for (context, of_rust) in [(0, None), (5, Some(5)), (u32::MAX, Some(usize::MAX))] {
        let inpainter = Inpainter::from_bytes(weights, Options::default().context(of_rust)).unwrap();
        let hole = Mask::from_bytes(mask.view(), MaskRule::default()).unwrap();
        let expected = inpainter.inpaint(before.view(), &hole).unwrap();
        for lends in [false, true] {
            let set = |options| {
                // SAFETY: options that the helper made.
                assert_eq!(unsafe { inpaint_options_set_context(options, context) }, INPAINT_OK);
            };
            let after = filled_by_c(weights, set, &before, &mask, lends);
            assert!(after == expected, "{context}, lent: {lends}");
        }
        results.push(expected);
    }
    assert!(results[0] == results[2] && results[0] != results[1]);
}

/// A wide hole, with texture and without, in the engine's memory and in the caller's.
#[cfg(feature = "texture")]
#[test]
fn textures_give_the_bytes_of_the_rust_interface() {
    use ndarray::{Array2, Array3};
    const SIDE: usize = 56;
    let weights = &tiny_weights();
    let before = Array3::from_shape_fn((SIDE, SIDE, 3), |(y, x, c)| (x * 7 + y * 3 + c * 40 + x * y % 31) as u8);
    let mask = Array2::from_shape_fn((SIDE, SIDE), |(y, x)| {
        255 * u8::from((10..44).contains(&x) && (12..46).contains(&y) && cfg!(not(miri)) || x * y == 400)
    });
    let mut results = Vec::new();
    for (texture, of_rust) in
        [(INPAINT_TEXTURE_AUTO, Texture::Auto), (INPAINT_TEXTURE_OFF, Texture::Off), (INPAINT_TEXTURE_ON, Texture::On)]
    {
        let inpainter = Inpainter::from_bytes(weights, Options::default().texture(of_rust)).unwrap();
        let hole = Mask::from_bytes(mask.view(), MaskRule::default()).unwrap();
        let expected = inpainter.inpaint(before.view(), &hole).unwrap();
        for lends in [false, true] {
            let set = |options| {
                // SAFETY: options that the helper made.
                unsafe {
                    assert_eq!(inpaint_options_set_texture(options, 3), INPAINT_USAGE);
                    assert_eq!(inpaint_options_set_texture(options, texture), INPAINT_OK);
                }
            };
            let after = filled_by_c(weights, set, &before, &mask, lends);
            assert!(after == expected, "{texture}, lent: {lends}");
        }
        results.push(expected);
    }
    assert!(cfg!(miri) || results[0] != results[1]);
}

/// Rows with gaps, at addresses that are no more than even, into memory that nobody has written.
#[test]
fn what_c_lends_for_a_mask_is_used_as_lent() {
    const WIDTH: usize = 5;
    const HEIGHT: usize = 3;
    const STRIDE: usize = 2 * WIDTH + 3;
    let deep: Vec<u16> = (0..1 + STRIDE * HEIGHT).map(|v| (v * 2657 % 65_536) as u16).collect();
    let image = inpaint_image {
        data: deep[1..].as_ptr().cast_mut().cast(),
        size: 2 * (STRIDE * (HEIGHT - 1) + 2 * WIDTH),
        stride: 2 * STRIDE,
        width: WIDTH as u32,
        height: HEIGHT as u32,
        format: INPAINT_GREYA16,
    };
    for (channel, sample) in [(INPAINT_CHANNEL_LUMA, 0), (INPAINT_CHANNEL_ALPHA, 1)] {
        let mut mask = Vec::<u8>::with_capacity(WIDTH * HEIGHT + 1);
        // SAFETY: a picture of this test and memory for its mask, which is written where the status says so.
        unsafe {
            let status = inpaint_mask_from_image(&image, channel, mask.as_mut_ptr().add(1), WIDTH * HEIGHT);
            assert_eq!(status, INPAINT_OK, "{}", last_error());
            mask.as_mut_ptr().write(0);
            mask.set_len(WIDTH * HEIGHT + 1);
        }
        for (i, v) in mask[1..].iter().enumerate() {
            assert_eq!(u16::from(*v), deep[1 + i / WIDTH * STRIDE + i % WIDTH * 2 + sample] >> 8);
        }
    }
}
