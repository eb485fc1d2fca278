// Holds the photograph, away from the page's thread. Answers {id, call, args} with {id, result}, {id, error} or {id, progress}.
import { attempt, load, Mask, start } from "../index.js";
import { Photo, sizeOf } from "../pkg/engine.js";

let engine;
let photo;

// The network, read at the first call.
const network = () => (engine ??= load());

// More takes more memory than a tab of a phone has.
const MOST_PIXELS = 50e6;

const maskOf = (bits) => attempt(() => Mask.fromBits(bits, photo.width(), photo.height()));

// The bits of the mask that `make` returns.
function bitsOf(make) {
  const mask = attempt(make);
  try {
    return mask.bits();
  } finally {
    mask.free();
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

  // RGBA of a part in which each pixel is the mean of `step`×`step`. `buffer` is what it is written to.
  shown(x, y, width, height, step = 1, buffer = undefined) {
    const length = 4 * Math.ceil(width / step) * Math.ceil(height / step);
    const pixels = new Uint8ClampedArray(buffer ?? new ArrayBuffer(length), 0, length);
    attempt(() => photo.shown(x, y, width, height, step, new Uint8Array(pixels.buffer, 0, length)));
    return pixels;
  },

  // What a fill replaced, and what it put there: the page undoes and repeats fills with these. `seen` shows what it replaced.
  // `notes` are those that the fill added.
  async fill(bits, onProgress) {
    const ready = await network();
    const mask = maskOf(bits);
    try {
      const bounds = [...mask.bounds()];
      if (bounds.length === 0) throw Object.assign(new Error("expected something to fill, found nothing painted"), { kind: "input" });
      const told = photo.notes().length;
      const [before, seen] = [attempt(() => photo.part(...bounds)), calls.shown(...bounds)];
      ready.fillPhoto(photo, mask, onProgress);
      const notes = photo.notes().slice(told);
      return { bounds, before, seen, after: attempt(() => photo.part(...bounds)), notes };
    } finally {
      mask.free();
    }
  },

  put(bounds, part) {
    attempt(() => photo.put(...bounds, part));
  },

  // The mask of a file, which needs no photograph.
  async mask(bytes, width, height) {
    await start();
    return bitsOf(() => {
      const mask = Mask.fromFile(bytes, false);
      if (mask.width() === width && mask.height() === height) return mask;
      const found = `${mask.width()}×${mask.height()}`;
      mask.free();
      throw Object.assign(new Error(`expected a mask of ${width}×${height}, as the photograph, found ${found}`), { kind: "input" });
    });
  },

  grown(bits, pixels) {
    return bitsOf(() => maskOf(bits).grown(pixels));
  },

  similar(x, y, tolerance) {
    return bitsOf(() => Mask.ofColour(photo, x, y, tolerance));
  },

  // `bits` are those of all fills that are in the photograph.
  save(ending, quality, bits) {
    const mask = maskOf(bits);
    try {
      return attempt(() => photo.save(ending, quality, mask));
    } finally {
      mask.free();
    }
  },

  async ready() {
    await network();
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
