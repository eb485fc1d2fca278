// The page in Chromium: CHROMIUM, or /usr/bin/chromium.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";
import { serve } from "../serve.mjs";
import { maskOf } from "./mask.mjs";
import { root, run } from "./program.mjs";

const picture = join(root, "tests/images/photo.png");
const screens = fileURLToPath(new URL("../screens", import.meta.url));
let server, browser, folder, context, page, url, foreign, faults;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "inpaint-edge-"));
  mkdirSync(screens, { recursive: true });
  server = await serve(fileURLToPath(new URL("../dist", import.meta.url)), 0);
  url = `http://127.0.0.1:${server.address().port}/`;
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  assert.ok(existsSync(executablePath), `expected Chromium at ${executablePath}, found none; CHROMIUM names another`);
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  context = await browser.newContext({ viewport: { width: 1280, height: 800 }, hasTouch: true });
  page = await context.newPage();
  [foreign, faults] = [[], []];
  context.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("blob:")) foreign.push(request.url());
  });
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  await page.goto(url);
  await page.locator("#status", { hasText: "Ready." }).waitFor();
});

afterEach(async () => {
  await context.close();
  assert.deepEqual(foreign, [], "requests to elsewhere");
  assert.deepEqual(faults, []);
});

const idle = () => page.locator("#fill:not([disabled])").waitFor();

async function open(file = picture) {
  await page.setInputFiles("#file", file);
  await idle();
}

// Middle of the photograph in the window.
async function middle() {
  const box = await page.locator("#canvas").boundingBox();
  return [box.x + box.width / 2, box.y + box.height / 2];
}

async function stroke(dx = 30) {
  const [x, y] = await middle();
  await page.mouse.move(x - dx, y);
  await page.mouse.down();
  await page.mouse.move(x + dx, y + 10, { steps: 5 });
  await page.mouse.up();
}

async function fill() {
  await page.click("#fill");
  await page.locator("#status", { hasText: "Filled in" }).waitFor({ timeout: 120_000 });
  await idle();
}

async function saved() {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save")]);
  const file = join(folder, download.suggestedFilename());
  await download.saveAs(file);
  await idle();
  return readFileSync(file);
}

// Marks a box by a mask's file, which the program can take too.
async function mark(box) {
  const mask = join(folder, "mask.pgm");
  const [width, height] = (await page.textContent("#status")).match(/(\d+)×(\d+)/).slice(1).map(Number);
  writeFileSync(mask, maskOf(width, height, box));
  await page.setInputFiles("#mask-file", mask);
  await page.locator("#status", { hasText: "The mask is marked." }).waitFor();
  await idle();
  return mask;
}

test("a marked box is filled and saved as the program does", async () => {
  await open();
  await page.screenshot({ path: join(screens, "page-1280.png") });
  const mask = await mark([40, 30, 35, 30]);
  await fill();
  const out = join(folder, "program.png");
  run(picture, mask, out);
  assert.ok((await saved()).equals(readFileSync(out)), "other bytes than the program's");
});

test("a JPEG is saved as the program does, and as it was where nothing is filled or is filled already", async () => {
  const jpeg = join(folder, "photo.jpg");
  run("--box", "0,0,1,1", picture, jpeg);
  await open(jpeg);
  assert.equal(await page.inputValue("#format"), "jpg");
  const mask = await mark([40, 30, 35, 30]);
  await fill();
  const out = join(folder, "program.jpg");
  run(jpeg, mask, out);
  assert.ok((await saved()).equals(readFileSync(out)), "other bytes than the program's");
  await page.click("#undo");
  await idle();
  assert.ok((await saved()).equals(readFileSync(jpeg)), "other bytes than the file's");
  await open(out);
  await mark([40, 30, 35, 30]);
  await fill();
  assert.match(await page.textContent("#status"), /filled already/);
  assert.ok((await saved()).equals(readFileSync(out)), "other bytes than those that were filled already");
});

test("a large photograph is clear where it is zoomed into, before and after a fill", async () => {
  // Columns of black and white, which an overview shows as grey.
  const [width, height] = [4100, 3000];
  const row = Buffer.alloc(width).map((_, x) => 255 * (x & 1));
  const large = join(folder, "large.pgm");
  writeFileSync(large, Buffer.concat([Buffer.from(`P5 ${width} ${height} 255\n`), ...Array(height).fill(row)]));
  // Values of grey in the middle of the window, from left to right.
  const shown = () =>
    page.evaluate(() => {
      const canvas = document.querySelector("#canvas");
      const { data } = canvas.getContext("2d").getImageData(canvas.width / 2 - 40, canvas.height / 2, 80, 1);
      return [...data].filter((_, i) => i % 4 === 0);
    });
  const showsAll = async (isRight) => {
    for (let tries = 0; tries < 50; tries++) {
      if ((await shown()).every(isRight)) return;
      await page.waitForTimeout(100);
    }
    assert.fail(`${await shown()}`);
  };
  await open(large);
  await showsAll((value) => value > 60 && value < 200);
  const [x, y] = await middle();
  await page.mouse.move(x, y);
  for (let i = 0; i < 30; i++) await page.mouse.wheel(0, -400);
  await showsAll((value) => value === 0 || value === 255);
  await page.check("[name=tool][value=box]", { force: true });
  await page.mouse.move(x - 100, y - 100);
  await page.mouse.down();
  await page.mouse.move(x + 100, y + 100);
  await page.mouse.up();
  await page.uncheck("#shown");
  await fill();
  const filled = await shown();
  await page.locator("#compare").fill("100");
  await showsAll((value) => value === 0 || value === 255);
  await page.locator("#compare").fill("0");
  await page.click("#undo");
  await idle();
  await showsAll((value) => value === 0 || value === 255);
  await page.click("#redo");
  await idle();
  for (let tries = 0; tries < 50 && `${await shown()}` !== `${filled}`; tries++) await page.waitForTimeout(100);
  assert.deepEqual(await shown(), filled);
});

test("undo and redo give the bytes of before and after", async () => {
  await open();
  const original = await saved();
  await stroke();
  await fill();
  const first = await saved();
  assert.ok(!first.equals(original));
  await stroke(60);
  await fill();
  const second = await saved();
  assert.ok(!second.equals(first));
  for (const [id, presses, expected] of [["undo", 1, first], ["undo", 2, original], ["redo", 2, first], ["redo", 1, second]]) {
    for (let i = 0; i < presses; i++) {
      await page.click(`#${id}`);
      await idle();
    }
    assert.ok((await saved()).equals(expected), `${id} gives other bytes`);
  }
});

test("every tool marks, with mouse, keys and touch", async () => {
  await open();
  const [x, y] = await middle();
  const marked = async (what, mark) => {
    await page.click("#clear");
    await mark();
    await idle();
    await page.click("#fill");
    await page.locator("#status", { hasText: /Filled in|nothing painted/ }).waitFor({ timeout: 120_000 });
    await idle();
    assert.match(await page.textContent("#status"), /Filled in/, what);
    await page.click("#undo");
    await idle();
  };
  const drag = async (dx, dy) => {
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + dx, y + dy, { steps: 4 });
    await page.mouse.move(x + dx, y, { steps: 2 });
    await page.mouse.up();
  };
  const tool = (name) => page.check(`[name=tool][value=${name}]`, { force: true });
  await marked("brush", () => stroke());
  await tool("box");
  await marked("box", async () => {
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 40, y + 50, { steps: 3 });
    await page.mouse.up();
  });
  await tool("lasso");
  await marked("lasso", () => drag(50, 40));
  await tool("colour");
  await marked("colour", () => page.mouse.click(x, y));
  await page.keyboard.press("b");
  await marked("touch", () => page.touchscreen.tap(x, y));
  await marked("keys", async () => {
    await page.focus("#canvas");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Space");
  });
  // What the eraser takes away is not filled.
  await page.click("#clear");
  await stroke();
  await tool("eraser");
  await page.locator("#size").fill("300");
  await stroke(60);
  await page.click("#fill");
  await page.locator("#status", { hasText: "nothing painted" }).waitFor();
  faults = [];
});

test("two fingers zoom and pan, and one draws a lasso", async () => {
  await open();
  const [x, y] = await middle();
  const touch = await context.newCDPSession(page);
  const send = (type, ...points) =>
    touch.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
  const seen = () => page.locator("#canvas").screenshot();
  const before = await seen();
  await send("touchStart", [x - 30, y]);
  await send("touchStart", [x - 30, y], [x + 30, y]);
  for (let i = 1; i <= 6; i++) await send("touchMove", [x - 30 - 10 * i, y], [x + 30 + 14 * i, y + 3 * i]);
  await send("touchEnd");
  assert.ok(!(await seen()).equals(before), "two fingers change nothing");
  await page.click("#fit");
  assert.ok((await seen()).equals(before), "two fingers leave a mark");

  await page.check("[name=tool][value=lasso]", { force: true });
  await send("touchStart", [x, y]);
  for (const [dx, dy] of [[40, 0], [50, 40], [0, 40]]) await send("touchMove", [x + dx, y + dy]);
  await send("touchEnd");
  await fill();
});

test("a run that is cancelled changes nothing", async () => {
  await open();
  await stroke();
  await fill();
  const first = await saved();
  await page.locator("#size").fill("300");
  await stroke(150);
  await page.click("#fill");
  await page.click("#cancel");
  await page.locator("#status", { hasText: "Stopped" }).waitFor();
  await idle();
  assert.ok((await saved()).equals(first));
});

test("wrong and huge files get a sentence, and what is open stays", async () => {
  await open();
  const before = await saved();
  const wrong = join(folder, "notes.png");
  writeFileSync(wrong, "no picture, but some text that goes on for a while");
  await page.setInputFiles("#file", wrong);
  await page.locator("#status.failed", { hasText: "Expected a picture in PNG" }).waitFor();
  const huge = join(folder, "huge.ppm");
  writeFileSync(huge, "P6 90000 90000 255\n");
  await page.setInputFiles("#file", huge);
  await page.locator("#status.failed", { hasText: /Expected/ }).waitFor();
  await idle();
  assert.ok((await saved()).equals(before));
});

test("the page works without a network", async () => {
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await context.setOffline(true);
  await page.reload();
  await page.locator("#status", { hasText: "Ready." }).waitFor();
  await open();
  await stroke();
  await fill();
});

test("nothing that a check of accessibility finds, at three widths, light and dark", async () => {
  const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  await open();
  await stroke();
  await fill();
  for (const [width, height, colorScheme] of [[1280, 800, "dark"], [768, 1024, "light"], [360, 640, "light"]]) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    const found = await page.evaluate(async (source) => {
      // The page's own policy forbids added scripts; the test's world is not the page's.
      (0, eval)(source);
      return (await window.axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(", ")}`);
    }, readFileSync(axe, "utf8"));
    assert.deepEqual(found, [], `${width} pixels wide`);
    const fits = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
    assert.ok(fits, `${width} pixels wide: something reaches beyond`);
    await page.screenshot({ path: join(screens, `page-${width}-${colorScheme}.png`) });
  }
});
