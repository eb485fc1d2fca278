//! The picture being masked: what is hole so far, and how much is still to come.

/// Where holes may be: columns `x0` … `x1` − 1, rows `y0` … `y1` − 1.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Window {
    pub x0: i32,
    pub y0: i32,
    pub x1: i32,
    pub y1: i32,
}

impl Window {
    pub fn width(self) -> f32 {
        (self.x1 - self.x0) as f32
    }

    pub fn height(self) -> f32 {
        (self.y1 - self.y0) as f32
    }

    /// The pixels within `reach` of a point.
    fn around(self, (x, y): (f32, f32), reach: f32) -> Self {
        Self {
            x0: self.x0.max((x - reach).floor() as i32),
            y0: self.y0.max((y - reach).floor() as i32),
            x1: self.x1.min((x + reach).ceil() as i32 + 1),
            y1: self.y1.min((y + reach).ceil() as i32 + 1),
        }
    }
}

pub(super) struct Canvas {
    pub width: usize,
    pub height: usize,
    pub window: Window,
    hole: Vec<bool>,
    /// Pixels to be opened before the mask is done.
    left: usize,
    /// The current figures end where `left` comes down to this.
    floor: usize,
}

impl Canvas {
    pub fn new(width: usize, height: usize, margin: usize, target: usize) -> Self {
        let margin = margin.min((width.min(height) - 1) / 2);
        let (columns, rows) = (width - 2 * margin, height - 2 * margin);
        let edge = margin as i32;
        let window = Window { x0: edge, y0: edge, x1: edge + columns as i32, y1: edge + rows as i32 };
        Self { width, height, window, hole: vec![false; width * height], left: target.min(columns * rows), floor: 0 }
    }

    /// The shorter side of the picture, in pixels: the unit of pen widths.
    pub fn side(&self) -> f32 {
        self.width.min(self.height) as f32
    }

    /// How far from its share a mask may end whose figures have whole rows and columns: 1 / 128 of the area, or 32 px.
    pub fn slack(&self) -> usize {
        (self.hole.len() / 128).max(32)
    }

    /// Lets the figures to come open `pixels` more.
    pub fn quota(&mut self, pixels: usize) {
        self.floor = self.left.saturating_sub(pixels);
    }

    /// Pixels the current figures may still open.
    pub fn open(&self) -> usize {
        self.left - self.floor
    }

    /// Runs `figure` once, and on until the open pixels are at most `slack`, each run with a share of them: `1 / parts`
    /// of what is open at the start.
    pub fn figures(&mut self, parts: usize, slack: usize, mut figure: impl FnMut(&mut Self)) {
        let floor = self.floor;
        let share = self.open().div_ceil(parts);
        for run in 0..FIGURES {
            if run > 0 && self.left - floor <= slack {
                break;
            }
            // A rest too small to be a figure of its own belongs to this one.
            let rest = self.left - floor;
            self.quota(if rest < share + share / 2 { rest } else { share });
            figure(self);
            self.floor = floor;
        }
    }

    fn index(&self, x: i32, y: i32) -> usize {
        y as usize * self.width + x as usize
    }

    fn inside(&self, x: i32, y: i32) -> bool {
        let w = self.window;
        x >= w.x0 && x < w.x1 && y >= w.y0 && y < w.y1
    }

    /// Opens one pixel if it lies in the window and the quota allows.
    pub fn dot(&mut self, x: i32, y: i32) {
        if self.inside(x, y) && self.left > self.floor {
            let index = self.index(x, y);
            self.left -= usize::from(!self.hole[index]);
            self.hole[index] = true;
        }
    }

    /// Opens a disc; one of less than a pixel is still a pixel.
    pub fn disc(&mut self, (x, y): (f32, f32), radius: f32) {
        self.dot(x.round() as i32, y.round() as i32);
        for row in (y - radius).ceil() as i32..=(y + radius).floor() as i32 {
            let half = (radius * radius - (row as f32 - y).powi(2)).max(0.0).sqrt();
            for column in (x - half).ceil() as i32..=(x + half).floor() as i32 {
                self.dot(column, row);
            }
        }
    }

    /// Opens a thick line with round ends, from its start on until the quota is spent.
    pub fn line(&mut self, from: (f32, f32), to: (f32, f32), radius: f32) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        // Discs a third of a radius apart leave no visible scallops.
        let steps = (dx.hypot(dy) / (radius / 3.0).max(1.0)).ceil().max(1.0);
        for step in 0..=steps as usize {
            if self.open() == 0 {
                break;
            }
            let t = step as f32 / steps;
            self.disc((from.0 + t * dx, from.1 + t * dy), radius);
        }
    }

    /// Pixels of the window in `x0..x1, y0..y1` that are not hole yet.
    pub fn fresh(&self, (x0, y0): (i32, i32), (x1, y1): (i32, i32)) -> usize {
        let w = self.window;
        let columns = x0.clamp(w.x0, w.x1) as usize..x1.clamp(w.x0, w.x1) as usize;
        let rows = y0.clamp(w.y0, w.y1) as usize..y1.clamp(w.y0, w.y1) as usize;
        rows.map(|y| self.hole[y * self.width..][columns.clone()].iter().filter(|hole| !**hole).count()).sum()
    }

    /// Opens a whole rectangle, even where that is more than the quota.
    pub fn block(&mut self, from: (i32, i32), to: (i32, i32)) {
        let fresh = self.fresh(from, to);
        self.left = self.left.max(self.floor + fresh);
        for y in from.1..to.1 {
            for x in from.0..to.0 {
                self.dot(x, y);
            }
        }
    }

    /// Opens the quota's number of pixels, those of the lowest `level` first: a shape grown from its inside to the
    /// size wanted. `level` takes offsets from `centre` and is at least 0; `reach` is the size the shape should have.
    /// Pixels of one level are opened together or not at all.
    pub fn grow(&mut self, centre: (f32, f32), reach: f32, level: impl Fn(f32, f32) -> f32) {
        let mut reach = reach;
        loop {
            let within = self.window.around(centre, reach);
            let whole = within == self.window;
            if let Some((pixels, reached)) = self.lowest(within, centre, &level)
                && (whole || !self.clipped(within, centre, &level, reached))
            {
                for index in pixels {
                    self.hole[index] = true;
                    self.left -= 1;
                }
                return;
            }
            if whole {
                return;
            }
            reach *= 1.5;
        }
    }

    /// The fresh pixels of a window to be opened, and the level they reach; nothing if the window has too few.
    fn lowest(
        &self,
        within: Window,
        centre: (f32, f32),
        level: &impl Fn(f32, f32) -> f32,
    ) -> Option<(Vec<usize>, f32)> {
        let quota = self.open();
        // Floats that are not negative are ordered as their bits are.
        let mut keys: Vec<u64> = Vec::new();
        for y in within.y0..within.y1 {
            for x in within.x0..within.x1 {
                let index = self.index(x, y);
                if !self.hole[index] {
                    let value = level(x as f32 - centre.0, y as f32 - centre.1);
                    keys.push((u64::from(value.to_bits()) << 32) | index as u64);
                }
            }
        }
        if keys.len() < quota {
            return None;
        }
        let last = if keys.len() == quota { u64::MAX } else { *keys.select_nth_unstable(quota).1 >> 32 };
        keys.truncate(quota);
        let reached = keys.iter().max().map_or(0.0, |key| f32::from_bits((key >> 32) as u32));
        keys.retain(|key| key >> 32 < last);
        Some((keys.into_iter().map(|key| key as u32 as usize).collect(), reached))
    }

    /// Whether a shape of this level goes on beyond the edge of a window.
    fn clipped(&self, within: Window, centre: (f32, f32), level: &impl Fn(f32, f32) -> f32, reached: f32) -> bool {
        let beyond = |x: i32, y: i32| self.inside(x, y) && level(x as f32 - centre.0, y as f32 - centre.1) <= reached;
        (within.x0..within.x1).any(|x| beyond(x, within.y0 - 1) || beyond(x, within.y1))
            || (within.y0..within.y1).any(|y| beyond(within.x0 - 1, y) || beyond(within.x1, y))
    }

    /// Dilates the hole while a whole layer may be opened, by turns with the cross and the square of radius 1; a layer
    /// that is too much is opened in part or not at all. Lifts the quota.
    pub fn dilate(&mut self, in_part: bool) {
        self.floor = 0;
        let square = [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1)];
        let mut edge: Vec<(i32, i32)> = (0..self.hole.len())
            .filter(|&index| self.hole[index])
            .map(|index| ((index % self.width) as i32, (index / self.width) as i32))
            .collect();
        for round in 0.. {
            let reach = &square[..if round % 2 == 0 { 4 } else { 8 }];
            let mut layer: Vec<(i32, i32)> = edge
                .iter()
                .flat_map(|&(x, y)| reach.iter().map(move |&(dx, dy)| (x + dx, y + dy)))
                .filter(|&(x, y)| self.inside(x, y) && !self.hole[self.index(x, y)])
                .collect();
            layer.sort_unstable();
            layer.dedup();
            if layer.is_empty() || self.left == 0 || (layer.len() > self.left && !in_part) {
                return;
            }
            layer.iter().for_each(|&(x, y)| self.dot(x, y));
            edge = layer;
        }
    }

    /// The mask, 1 = known; dilation makes up what the figures have left open, if that is more than `slack`.
    pub fn finish(mut self, slack: usize) -> Vec<u8> {
        if self.left > slack {
            self.dilate(true);
        }
        self.hole.iter().map(|&hole| u8::from(!hole)).collect()
    }
}

/// More figures than any mask needs; one that has not met its share by then is made up by dilation.
const FIGURES: usize = 1000;
