// The digests of the self-test's corpus from the C interface on wasm32:
//
//   node tests/wasm/digests.mjs LIBRARY CORPUS NAME WEIGHTS
//
// LIBRARY is the engine as a cdylib for wasm32-unknown-unknown, CORPUS the folder that `inpaint-corpus write` has written.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const [library, corpus, name, weightsFile] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(readFileSync(library), {});
const c = instance.exports;
const PAGE = 65536;
const STATUS_INPUT = 3;
const FORMATS = { grey8: 1, greya8: 2, rgb8: 3, rgba8: 4, grey16: 17, greya16: 18, rgb16: 19, rgba16: 20 };

// Our own memory: pages that the library did not ask for.
function lend(bytes) {
  const address = c.memory.grow(Math.ceil(bytes.length / PAGE)) * PAGE;
  new Uint8Array(c.memory.buffer).set(bytes, address);
  return address;
}

const struct = (...words) => lend(new Uint8Array(new Uint32Array(words).buffer));
const word = (address) => new DataView(c.memory.buffer).getUint32(address, true);
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

function lastError() {
  const bytes = new Uint8Array(c.memory.buffer, c.inpaint_last_error());
  return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
}

function check(status) {
  if (status !== 0) throw new Error(`status ${status}: ${lastError()}`);
}

const weights = readFileSync(weightsFile);
const lentWeights = lend(weights);
const made = struct(0);
check(c.inpaint_engine_new(lentWeights, weights.length, 0, made));
const engine = word(made);

console.log(`${name}\tweights\t${sha256(weights)}`);
for (const line of readFileSync(`${corpus}/cases.tsv`, "utf8").trimEnd().split("\n")) {
  const [i, width, height, format, what] = line.split("\t");
  const pixels = readFileSync(`${corpus}/${i}.image`);
  const plane = readFileSync(`${corpus}/${i}.mask`);
  const image = lend(pixels);
  const picture = struct(image, pixels.length, 0, width, height, FORMATS[format]);
  const mask = struct(lend(plane), plane.length, 0);
  const status = c.inpaint_run(engine, picture, mask, 0, 0, 0, 0);
  if (status !== STATUS_INPUT) check(status);
  const filled = new Uint8Array(c.memory.buffer, image, pixels.length);
  console.log(`${name}\t${what}\t${status === STATUS_INPUT ? "input" : sha256(filled)}`);
}
