// The page in Firefox: FIREFOX, or /usr/bin/firefox-esr.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import puppeteer from "puppeteer-core";
import { serve } from "../serve.mjs";
import { maskOf } from "./mask.mjs";
import { root, run } from "./program.mjs";

test("Firefox fills and saves as the program does", async () => {
  const executablePath = process.env.FIREFOX ?? "/usr/bin/firefox-esr";
  assert.ok(existsSync(executablePath), `expected Firefox at ${executablePath}, found none; FIREFOX names another`);
  const folder = mkdtempSync(join(tmpdir(), "inpaint-edge-"));
  const server = await serve(fileURLToPath(new URL("../dist", import.meta.url)), 0);
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath,
    extraPrefsFirefox: { "browser.download.dir": folder, "browser.download.folderList": 2 },
  });
  try {
    const page = await browser.newPage();
    const faults = [];
    page.on("pageerror", (error) => faults.push(error.message));
    const told = (text) =>
      page.waitForFunction((text) => document.querySelector("#status").textContent.includes(text), { timeout: 60_000 }, text);
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await told("Ready.");
    const picture = join(root, "tests/images/photo.png");
    await (await page.$("#file")).uploadFile(picture);
    await told("Mark what goes");
    const [width, height] = (await page.$eval("#status", (it) => it.textContent)).match(/(\d+)×(\d+)/).slice(1).map(Number);
    const mask = join(folder, "mask.pgm");
    writeFileSync(mask, maskOf(width, height, [40, 30, 35, 30]));
    await (await page.$("#mask-file")).uploadFile(mask);
    await told("The mask is marked.");
    await page.waitForSelector("#fill:not([disabled])");
    await page.click("#fill");
    await told("Filled in");
    await page.waitForSelector("#save:not([disabled])");
    await page.click("#save");
    await told("is saved");

    const out = join(folder, "program.png");
    run(picture, mask, out);
    const expected = readFileSync(out);
    const saved = join(folder, "photo-filled.png");
    // Until the download is whole.
    for (let i = 0; i < 100 && !(existsSync(saved) && readFileSync(saved).length >= expected.length); i++) await setTimeout(100);
    assert.ok(readFileSync(saved).equals(expected), "other bytes than the program's");
    assert.deepEqual(faults, []);
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
