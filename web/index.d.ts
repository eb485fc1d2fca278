import type { Mask, Photo } from "./pkg/engine.js";

export { Mask, Photo } from "./pkg/engine.js";

/** Errors of the engine have these beside their message. */
export interface InpaintError extends Error {
  kind: "usage" | "input" | "weights" | "limits" | "cancelled" | "output";
  /** The exit code that the program has for this kind. */
  code: number;
}

export interface LoadOptions {
  /** URL or bytes of a weights file; the network `edge` if left out. */
  weights?: string | URL | Uint8Array;
  /** Whether wide holes get the texture of the photograph around them. */
  texture?: boolean;
  /** Whether smooth fills get the photograph's own grain. */
  grain?: boolean;
}

/** Called with pixels done and in all; stops the run where it returns true. */
export type OnProgress = (done: bigint, total: bigint) => boolean | void;

export type Format = "png" | "jpg" | "webp" | "tif";

export interface FillOptions {
  /** Format of the result; the input's own if left out, PNG where that is not written. */
  format?: Format;
  /** Quality of a JPEG, 1 to 100; the input's own if left out. */
  quality?: number;
  /** Pixels by which the hole grows on all sides, or shrinks. */
  grow?: number;
  /** What white in the mask means. */
  maskWhite?: "hole" | "keep";
  /** Whether what is filled from JPEG to JPEG is sealed, so that filling it again changes nothing; false overlooks seals, too. */
  seal?: boolean;
  onProgress?: OnProgress;
}

export interface Filled {
  /** The file. */
  bytes: Uint8Array;
  format: Format;
  holePixels: number;
  /** What the result does not keep, a line each. */
  notes: string[];
}

export interface Inpainter {
  /** Decodes a photograph of any format that the program reads; free it after use. */
  open(bytes: Uint8Array): Photo;
  /** Fills the hole of `photo` in place; `seal` as in `FillOptions`. */
  fillPhoto(photo: Photo, mask: Mask, onProgress?: OnProgress, seal?: boolean): void;
  /** From file to file: a photograph, and a mask of the same size in black and white. */
  fill(bytes: Uint8Array, maskBytes: Uint8Array, options?: FillOptions): Promise<Filled>;
}

/** Starts WebAssembly, once. `load` does it by itself. */
export function start(): Promise<unknown>;

/** Loads a network. */
export function load(options?: LoadOptions): Promise<Inpainter>;
