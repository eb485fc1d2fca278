// Holds the photograph, away from the page's thread. Answers {id, call, args} with {id, result}, {id, error} or {id, progress}.
import { attempt, load, Mask, start } from "../index.js";
import { Photo, sizeOf } from "../pkg/engine.js";
import { freed } from "./memory.js";

const engine = load();
let photo;

// More takes more memory than a tab of a phone has.
const MOST_PIXELS = 50e6;

// Rows that are turned into RGBA at a time: the memory of WebAssembly never shrinks.
const STRIP = 256;

// The part of a plane of the photograph's size.
function cut(plane, [x, y, width, height]) {
  const part = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const first = (y + row) * photo.width() + x;
    part.set(plane.subarray(first, first + width), row * width);
  }
  return part;
}

// Adds what `part` marks to `plane`.
function paste(plane, [x, y, width, height], part) {
  for (let row = 0; row < height; row++) {
    const first = (y + row) * photo.width() + x;
    for (let i = 0; i < width; i++) plane[first + i] |= part[row * width + i];
  }
}

const calls = {
  async open(bytes) {
    await start();
    const [width, height] = attempt(() => sizeOf(bytes));
    if (width * height > MOST_PIXELS) {
      const [most, found] = [MOST_PIXELS, width * height].map((pixels) => Math.round(pixels / 1e6));
      const detail = `expected a photograph of ${most} megapixels at most, found ${found}; the program for the command line fills larger ones`;
      throw Object.assign(new Error(detail), { kind: "input" });
    }
    photo?.free();
    photo = undefined;
    photo = attempt(() => Photo.open(bytes));
    return { width: photo.width(), height: photo.height(), format: photo.format(), notes: photo.notes() };
  },

  rgba(x, y, width, height) {
    const pixels = new Uint8ClampedArray(4 * width * height);
    for (let row = 0; row < height; row += STRIP) {
      const strip = attempt(() => photo.rgba(x, y + row, width, Math.min(STRIP, height - row)));
      pixels.set(strip, 4 * width * row);
      freed(strip);
    }
    return pixels;
  },

  // What a fill replaced, and what it put there: the page undoes and repeats fills with these.
  async fill(plane, onProgress) {
    const ready = await engine;
    const mask = attempt(() => Mask.fromPlane(plane, photo.width(), photo.height()));
    try {
      const bounds = mask.bounds();
      if (bounds.length === 0) throw Object.assign(new Error("expected something to fill, found nothing painted"), { kind: "input" });
      const before = attempt(() => photo.part(...bounds));
      ready.fillPhoto(photo, mask, onProgress);
      return { bounds: [...bounds], before, after: attempt(() => photo.part(...bounds)), hole: cut(plane, bounds) };
    } finally {
      mask.free();
      freed(plane);
    }
  },

  put(bounds, part) {
    attempt(() => photo.put(...bounds, part));
  },

  async mask(bytes) {
    await start();
    const mask = attempt(() => Mask.fromFile(bytes, false));
    freed(bytes);
    try {
      if (mask.width() !== photo.width() || mask.height() !== photo.height()) {
        const [expected, found] = [photo, mask].map((it) => `${it.width()}×${it.height()}`);
        throw Object.assign(new Error(`expected a mask of ${expected}, as the photograph, found ${found}`), { kind: "input" });
      }
      return mask.plane();
    } finally {
      mask.free();
    }
  },

  grown(plane, pixels) {
    const mask = attempt(() => Mask.fromPlane(plane, photo.width(), photo.height()).grown(pixels));
    freed(plane);
    try {
      return mask.plane();
    } finally {
      mask.free();
    }
  },

  similar(x, y, tolerance) {
    const mask = attempt(() => Mask.ofColour(photo, x, y, tolerance));
    try {
      return mask.plane();
    } finally {
      mask.free();
    }
  },

  // `fills` are those that are in the photograph.
  save(ending, quality, fills) {
    const plane = new Uint8Array(photo.width() * photo.height());
    fills.forEach(({ bounds, hole }) => paste(plane, bounds, hole));
    const mask = attempt(() => Mask.fromPlane(plane, photo.width(), photo.height()));
    freed(plane);
    try {
      return attempt(() => photo.save(ending, quality, mask));
    } finally {
      mask.free();
    }
  },

  async ready() {
    await engine;
  },
};

self.onmessage = async ({ data: { id, call, args } }) => {
  try {
    const told = call === "fill" ? [(done, total) => void self.postMessage({ id, progress: Number(done) / Number(total) })] : [];
    const result = await calls[call](...args, ...told);
    const arrays = [result, ...Object.values(result ?? {})].filter((it) => ArrayBuffer.isView(it)).map((it) => it.buffer);
    self.postMessage({ id, result }, [...new Set(arrays)]);
  } catch (error) {
    self.postMessage({ id, error: { message: error.message, kind: error.kind } });
  }
};
