// Times and memory of the page in Chromium, for a machine that does nothing else: node test/times.mjs PHOTO512 PHOTO12MP PHOTO24MP
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";
import { serve } from "../serve.mjs";

const server = await serve(fileURLToPath(new URL("../dist", import.meta.url)), 0);
const url = `http://127.0.0.1:${server.address().port}/`;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

// The most kilobytes that a tab has had in memory, the browser's own code among them.
function resident() {
  const found = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--type=renderer")) continue;
      found.push(Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmHWM:\s+(\d+)/)[1]));
    } catch {
      // It has ended meanwhile.
    }
  }
  return Math.max(...found);
}

async function measure(file, side) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(url);
  await page.locator("#status", { hasText: "Ready." }).waitFor();
  const start = performance.now();
  await page.setInputFiles("#file", file);
  await page.locator("#fill:not([disabled])").waitFor({ timeout: 120_000 });
  const opened = performance.now() - start;
  const [width, height] = (await page.textContent("#status")).match(/(\d+)×(\d+)/).slice(1).map(Number);
  const box = await page.locator("#canvas").boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  // As `View.fit` has it.
  const half = (side / 2) * 0.98 * Math.min(box.width / width, box.height / height, 8);
  await page.check("[name=tool][value=box]", { force: true });
  const fills = [];
  for (let i = 0; i < 5; i++) {
    await page.mouse.move(x - half, y - half);
    await page.mouse.down();
    await page.mouse.move(x + half, y + half);
    await page.mouse.up();
    const clicked = performance.now();
    await page.click("#fill");
    await page.locator("#status", { hasText: "Filled in" }).waitFor({ timeout: 120_000 });
    fills.push(performance.now() - clicked);
    await page.locator("#fill:not([disabled])").waitFor();
    for (let i = 0; i < 2; i++) {
      await page.click("#undo");
      await page.locator("#fill:not([disabled])").waitFor();
    }
  }
  const rest = fills.slice(1).sort((a, b) => a - b);
  const ms = (value) => `${value.toFixed(0)} ms`;
  const memory = `${(resident() / 1000).toFixed(0)} MB`;
  console.log(`${width}×${height}, hole of ${side}: opened in ${ms(opened)}, filled in ${ms(fills[0])} at first, then ${ms(rest[1])}; ${memory}`);
  await context.close();
}

const [small, ...large] = process.argv.slice(2);
await measure(small, 100);
for (const photo of large) await measure(photo, 200);
await browser.close();
server.closeAllConnections();
server.close();
