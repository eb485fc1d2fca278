// The engine in Node gives the program's files, byte for byte.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { load, Mask, start } from "inpaint-edge";
import { maskOf } from "./mask.mjs";
import { program, root } from "./program.mjs";

const picture = join(root, "tests/images/photo.png");
let folder;
let engine;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "inpaint-edge-"));
  engine = await load();
});
after(() => rmSync(folder, { recursive: true }));

for (const [ending, box] of [["png", [40, 60, 20, 20]], ["jpg", [40, 60, 20, 20]], ["webp", [0, 0, 50, 41]], ["tif", [60, 20, 44, 48]]]) {
  test(`a result in ${ending} is the program's`, async () => {
    const photo = engine.open(readFileSync(picture));
    const mask = maskOf(photo.width(), photo.height(), box);
    photo.free();
    const out = join(folder, `out.${ending}`);
    execFileSync(program, [picture, "-", out], { input: mask });
    const filled = await engine.fill(readFileSync(picture), mask, { format: ending });
    assert.equal(filled.holePixels, box[2] * box[3]);
    assert.ok(Buffer.from(filled.bytes).equals(readFileSync(out)), "other bytes");
  });
}

test("a JPEG filled twice is the same file, unless seals are overlooked", async () => {
  const jpeg = readFileSync(join(root, "tests/images/kinds/baseline-420.jpg"));
  const photo = engine.open(jpeg);
  const mask = maskOf(photo.width(), photo.height(), [20, 10, 17, 21]);
  photo.free();
  const [input, out] = [join(folder, "in.jpg"), join(folder, "sealed.jpg")];
  writeFileSync(input, jpeg);
  execFileSync(program, [input, "-", out], { input: mask });
  const once = await engine.fill(jpeg, mask);
  assert.ok(Buffer.from(once.bytes).equals(readFileSync(out)), "other bytes than the program's");
  const twice = await engine.fill(once.bytes, mask);
  assert.deepEqual(twice.bytes, once.bytes);
  assert.match(twice.notes.join(), /seal/);
  const unsealed = await engine.fill(once.bytes, mask, { seal: false });
  assert.ok(!Buffer.from(unsealed.bytes).includes("inpaint-edge"), "a seal");
});

test("a photograph is filled again and again, and put back", async () => {
  const photo = engine.open(readFileSync(picture));
  const [width, height] = [photo.width(), photo.height()];
  const rgba = () => {
    const out = new Uint8Array(4 * width * height);
    photo.shown(0, 0, width, height, 1, out);
    return out;
  };
  const first = rgba();
  for (const [x, y] of [[10, 10], [50, 20]]) {
    const plane = new Uint8Array(width * height);
    for (let row = y; row < y + 9; row++) plane.fill(255, row * width + x, row * width + x + 7);
    const mask = Mask.fromPlane(plane, width, height);
    assert.deepEqual([...mask.bounds()], [x, y, 7, 9]);
    const before = photo.part(...mask.bounds());
    engine.fillPhoto(photo, mask);
    const after = rgba();
    assert.ok(after.some((v, i) => v !== first[i]), "nothing was filled");
    assert.ok(after.every((v, i) => v === first[i] || plane[i >> 2]), "a known pixel has changed");
    photo.put(...mask.bounds(), before);
    mask.free();
    assert.deepEqual(rgba(), first);
  }
  photo.free();
});

test("what is shown is the mean of pixels", () => {
  for (const [head, bytes] of [["P5 3 2 255", [1, 2, 50, 5, 9, 60]], ["P5 3 2 65535", [1, 7, 2, 8, 50, 0, 5, 1, 9, 2, 60, 3]]]) {
    const photo = engine.open(Buffer.from([...Buffer.from(`${head}\n`), ...bytes]));
    const out = new Uint8Array(8);
    photo.shown(0, 0, 3, 2, 2, out);
    assert.deepEqual([...out], [4, 4, 4, 255, 55, 55, 55, 255]);
    assert.throws(() => photo.shown(1, 0, 3, 2, 2, out), { kind: "input" });
    assert.throws(() => photo.shown(0, 0, 3, 2, 1, out), { kind: "input" });
    photo.free();
  }
});

test("the bits of a mask are those that it was made of", () => {
  const bits = new Uint8Array([0b1000_0001, 0b10, 0, 0b1]);
  const mask = Mask.fromBits(bits, 10, 2);
  assert.equal(mask.count(), 4);
  assert.deepEqual([...mask.bounds()], [0, 0, 10, 2]);
  assert.deepEqual(mask.bits(), bits);
  mask.free();
  assert.throws(() => Mask.fromBits(bits, 20, 2), { kind: "input", message: "expected a mask of 2 rows of 3 bytes, found 4 bytes" });
});

test("progress stops a run", async () => {
  const bytes = readFileSync(picture);
  const photo = engine.open(bytes);
  const mask = maskOf(photo.width(), photo.height(), [10, 10, 30, 30]);
  photo.free();
  let calls = 0;
  await engine.fill(bytes, mask, { onProgress: (done, total) => void (calls += done <= total) });
  assert.ok(calls > 0);
  await assert.rejects(engine.fill(bytes, mask, { onProgress: () => true }), { kind: "cancelled", code: 1 });
});

test("bad input is told in one line", async () => {
  const bytes = readFileSync(picture);
  const wrong = maskOf(10, 10, [1, 1, 2, 2]);
  await assert.rejects(engine.fill(bytes, wrong), { kind: "input", message: /expected .*, found .*10/ });
  await assert.rejects(engine.fill(bytes.subarray(0, 999), wrong), { kind: "input", message: /cut short/ });
  await assert.rejects(engine.fill(bytes, bytes.subarray(0, 3)), { kind: "input", message: /^the mask: expected/ });
  await assert.rejects(load({ weights: new Uint8Array(9) }), { kind: "weights" });
  await start();
  assert.throws(() => Mask.fromPlane(new Uint8Array(5), 2, 2), { kind: "input", message: "expected a mask of 2×2 bytes, found 5 bytes" });
});
