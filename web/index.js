// The engine in WebAssembly: open a photograph, fill holes in it, save it. Works in browsers, workers and Node.
import init, { Engine, Mask, Photo } from "./pkg/engine.js";

export { Mask, Photo };

const inNode = typeof process === "object" && process.versions?.node !== undefined;

async function bytesOf(source) {
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  const url = new URL(source, import.meta.url);
  if (inNode && url.protocol === "file:") {
    const { readFile } = await import("node:fs/promises");
    return readFile(url);
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${source}: expected a file, found status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

let started;

// Starts WebAssembly once.
export function start() {
  started ??= bytesOf(new URL("./pkg/engine_bg.wasm", import.meta.url)).then((module_or_path) => init({ module_or_path }));
  return started;
}

// A trap, such as memory that cannot be had, leaves the instance unusable.
function explained(error) {
  if (!(error instanceof WebAssembly.RuntimeError)) return error;
  const told = new Error("expected memory for this photograph, found none; a smaller one may work", { cause: error });
  return Object.assign(told, { kind: "limits", code: 5 });
}

export function attempt(work) {
  try {
    return work();
  } catch (error) {
    throw explained(error);
  }
}

class Inpainter {
  #engine;

  constructor(engine) {
    this.#engine = engine;
  }

  // A photograph that can be filled again and again.
  open(bytes) {
    return attempt(() => Photo.open(bytes));
  }

  // Fills the hole of `photo` in place.
  fillPhoto(photo, mask, onProgress, seal = true) {
    attempt(() => photo.fill(this.#engine, mask, seal, onProgress));
  }

  // From file to file.
  async fill(bytes, maskBytes, { format, quality = 0, grow = 0, maskWhite = "hole", seal = true, onProgress } = {}) {
    const photo = this.open(bytes);
    let mask;
    try {
      mask = attempt(() => Mask.fromFile(maskBytes, maskWhite === "keep"));
      if (grow !== 0) mask = attempt(() => mask.grown(grow));
      this.fillPhoto(photo, mask, onProgress, seal);
      const ending = format ?? photo.format();
      return { bytes: attempt(() => photo.save(ending, quality, mask)), format: ending, holePixels: mask.count(), notes: photo.notes() };
    } finally {
      mask?.free();
      photo.free();
    }
  }
}

// Loads the network: `weights` is a URL or the bytes of a weights file.
export async function load({ weights = "./weights/edge.safetensors", texture = true, grain = true } = {}) {
  const [bytes] = await Promise.all([bytesOf(weights), start()]);
  return new Inpainter(attempt(() => new Engine(bytes, texture, grain)));
}
