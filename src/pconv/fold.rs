//! Puts the filter of an output channel into the order of k, and folds upsampling into it.

/// `filter` [c, taps] to `out` [taps, c]: k runs over the window row by row, channels innermost.
pub(super) fn channels_last(filter: &[f32], taps: usize, out: &mut [f32]) {
    let channels = filter.len() / taps;
    for (c, taps) in filter.chunks_exact(taps).enumerate() {
        for (tap, &w) in taps.iter().enumerate() {
            out[tap * channels + c] = w;
        }
    }
}

/// `filter` [c, 3, 3] over a nearest-×2 upsampled map to `out` [2, 2, c] over the map itself, for outputs of parity
/// (`px`, `py`). Window rows over the same row of the map share it, so their weights add up: top to bottom, then left to
/// right.
pub(super) fn upsampled(filter: &[f32], px: usize, py: usize, out: &mut [f32]) {
    let channels = filter.len() / 9;
    for (c, w) in filter.chunks_exact(9).enumerate() {
        // Even outputs read rows −1 | 0, 0 of the map, odd outputs 0, 0 | 1.
        let rows: [[f32; 3]; 2] = match py {
            0 => [[w[0], w[1], w[2]], [w[3] + w[6], w[4] + w[7], w[5] + w[8]]],
            _ => [[w[0] + w[3], w[1] + w[4], w[2] + w[5]], [w[6], w[7], w[8]]],
        };
        for (ty, [a, b, c_]) in rows.into_iter().enumerate() {
            let folded = if px == 0 { [a, b + c_] } else { [a + b, c_] };
            for (tx, w) in folded.into_iter().enumerate() {
                out[(2 * ty + tx) * channels + c] = w;
            }
        }
    }
}
