// The page: buttons, keys, files, and what follows from them.
import { Bits } from "./bits.js";
import { Client, once } from "./client.js";
import { History } from "./history.js";
import { Hole } from "./hole.js";
import { Tiles } from "./tiles.js";
import { View } from "./view.js";

const GROWS = 4;

const $ = (id) => document.getElementById(id);
const client = new Client();
const history = new History();

// What is open: {name, bytes, width, height, tiles}.
let photo;
let hole;
// Fills that are in the photograph, {bounds, before, seen, after, bits}, the first one first.
let fills = [];
let busy = false;
let drawing;
let cursor;

const view = new View($("canvas"), draw, { start: startDrawing, move: goOn, end: endDrawing, cancel: () => (drawing = undefined) });

function tell(text, failed = false) {
  $("status").textContent = text;
  $("status").classList.toggle("failed", failed);
}

function tellDone(text, notes) {
  tell([text, ...notes.map((note) => `Note: ${note}.`)].join(" "));
}

function fail(error) {
  if (error.kind !== "cancelled") tell(`${error.message[0].toUpperCase()}${error.message.slice(1)}.`, true);
}

function refresh() {
  const closed = !photo || busy;
  for (const id of ["save", "format", "tools", "clear", "grow", "load-mask", "zoom-out", "fit", "zoom-in", "shown", "fill"]) $(id).disabled = closed;
  $("undo").disabled = closed || !history.canUndo;
  $("redo").disabled = closed || !history.canRedo;
  for (const id of ["open", "open-first"]) $(id).disabled = busy;
  $("busy").hidden = !busy;
  $("compare-label").hidden = !photo || fills.length === 0;
  view.redraw();
}

// Runs `work` while nothing else can begin.
async function during(text, work) {
  if (busy) return;
  busy = true;
  $("progress").removeAttribute("value");
  tell(text);
  refresh();
  try {
    await work();
  } catch (error) {
    fail(error);
    await restore(error).catch(fail);
  } finally {
    busy = false;
    refresh();
  }
}

// ---- files

function openFile(file) {
  return during(`${file.name} is being opened.`, async () => {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const { width, height, format, notes } = await client.call("open", [bytes]).catch(async (error) => {
      if (photo && error.kind === "input") await reopen();
      throw error;
    });
    photo?.tiles.close();
    const tiles = new Tiles(width, height, (box, step, buffer) => client.call("shown", [...box, step, buffer], { given: [buffer] }), () => view.redraw());
    photo = { name: file.name || "photograph", bytes, width, height, tiles };
    await tiles.update(0, 0, width, height);
    hole = new Hole(width, height);
    fills = [];
    history.clear();
    $("format").value = format;
    $("compare").value = 0;
    $("canvas").hidden = false;
    $("welcome").hidden = true;
    view.size = [width, height];
    cursor = undefined;
    view.fit();
    tellDone(`${photo.name}, ${width}×${height}. Mark what goes, then fill.`, notes);
  });
}

function save() {
  return during("The file is being written.", async () => {
    const ending = $("format").value;
    const filled = new Bits(photo.width, photo.height);
    fills.forEach(({ bits }) => filled.addAll(bits));
    const bytes = await client.call("save", [ending, 0, filled.bytes]);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes]));
    link.download = `${photo.name.replace(/\.[^.]*$/, "")}-filled.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    tell(`${link.download} is saved, ${bytes.length.toLocaleString("en")} bytes.`);
  });
}

function loadMask(file) {
  return during(`${file.name} is being read.`, async () => {
    const bytes = new Uint8Array(await file.arrayBuffer());
    mark(await once("mask", [bytes, photo.width, photo.height], { given: [bytes.buffer] }));
    tell("The mask is marked.");
  });
}

// ---- filling

function fill() {
  return during("The hole is being filled.", async () => {
    const start = performance.now();
    const onProgress = (share) => ($("progress").value = share);
    const bits = hole.bits();
    const { notes, ...filled } = await client.call("fill", [bits.bytes], { onProgress });
    const entry = { bits, ...filled };
    entry.seen = await createImageBitmap(new ImageData(entry.seen, entry.bounds[2], entry.bounds[3]));
    const cleared = hole.clear();
    await photo.tiles.update(...entry.bounds);
    fills.push(entry);
    history.add({
      bytes: entry.before.length + entry.after.length + 4 * entry.seen.width * entry.seen.height + entry.bits.bytes.length + cleared.bytes,
      async undo() {
        await put(entry.bounds, entry.before);
        fills.pop();
        cleared.undo();
      },
      async redo() {
        await put(entry.bounds, entry.after);
        fills.push(entry);
        cleared.redo();
      },
    });
    tellDone(`Filled in ${((performance.now() - start) / 1000).toFixed(1)} s.`, notes);
  });
}

async function put(bounds, part) {
  await client.call("put", [bounds, part]);
  await photo.tiles.update(...bounds);
}

// An engine that was stopped or has failed is gone with its photograph: both begin again where they were.
async function restore(error) {
  if (error.kind === "limits") client.restart();
  if (error.kind === "cancelled") tell("Stopped. Nothing has changed.");
  if (photo && error.kind !== "input") await reopen();
}

async function reopen() {
  await client.call("open", [photo.bytes]);
  for (const { bounds, after } of fills) await client.call("put", [bounds, after]);
}

// ---- drawing

// Marks the pixels of bits that the engine has made.
function mark(bytes) {
  remember(hole.add(new Bits(photo.width, photo.height, bytes)));
}

function remember(change) {
  if (change) history.add({ ...change, undo: async () => change.undo(), redo: async () => change.redo() });
  refresh();
}

const tool = () => document.querySelector("[name=tool]:checked").value;
const size = () => Number($("size").value);

function startDrawing(point, event) {
  if (!photo || busy) return;
  const erase = tool() === "eraser" || event.buttons & 32 || event.button === 2;
  if (tool() === "colour") markColour(point);
  else drawing = { tool: tool(), erase, points: [point] };
  view.redraw();
}

function goOn(point) {
  cursor = point;
  if (drawing) drawing.points.push(point);
  view.redraw();
}

function endDrawing() {
  if (!drawing) return;
  const { tool, erase, points } = drawing;
  drawing = undefined;
  if (tool === "box") remember(hole.box(points[0], points.at(-1)));
  else if (tool === "lasso") remember(hole.lasso(points));
  else remember(hole.stroke(points, size(), erase));
}

function markColour([x, y]) {
  const at = [Math.floor(x), Math.floor(y)];
  if (at[0] < 0 || at[1] < 0 || at[0] >= photo.width || at[1] >= photo.height) return;
  during("The colour is being looked for.", async () => {
    const bytes = await client.call("similar", [...at, Number($("tolerance").value)]);
    mark($("joined").checked ? new Bits(photo.width, photo.height, bytes).joined(...at).bytes : bytes);
    tell("The colour is marked.");
  });
}

function draw(context) {
  if (!photo) return;
  const { width, height, tiles } = photo;
  tiles.draw(context, view.seen, view.density);
  if ($("shown").checked) {
    context.globalAlpha = 0.5;
    hole.draw(context);
    context.globalAlpha = 1;
  }
  const before = (width * Number($("compare").value)) / 100;
  if (before > 0 && fills.length > 0) {
    context.save();
    context.beginPath();
    context.rect(0, 0, before, height);
    context.clip();
    // What the first fill replaced lies above what later ones did.
    fills.toReversed().forEach(({ bounds, seen }) => context.drawImage(seen, bounds[0], bounds[1]));
    context.restore();
    line(context, "#fff", () => {
      context.moveTo(before, 0);
      context.lineTo(before, height);
    });
  }
  if (drawing) outline(context);
  else if (cursor && ["brush", "eraser"].includes(tool())) {
    line(context, "#fff", () => context.arc(...cursor, size() / 2, 0, 7));
  }
}

// What is being drawn.
function outline(context) {
  const { tool, erase, points } = drawing;
  if (tool === "box") {
    const [[x, y], [x2, y2]] = [points[0], points.at(-1)];
    return line(context, "#e11d48", () => context.rect(x, y, x2 - x, y2 - y));
  }
  context.save();
  context.lineCap = context.lineJoin = "round";
  if (tool !== "lasso") {
    context.globalAlpha = 0.5;
    context.lineWidth = size();
  } else context.lineWidth = 2 / view.scale;
  context.strokeStyle = erase ? "#fff" : "#e11d48";
  context.beginPath();
  points.forEach((point) => context.lineTo(...point));
  if (points.length === 1) context.lineTo(points[0][0] + 1e-3, points[0][1]);
  context.stroke();
  context.restore();
}

// A line that is seen on any ground.
function line(context, colour, path) {
  context.beginPath();
  path();
  for (const [width, style] of [[3, "#000"], [1.5, colour]]) {
    context.lineWidth = width / view.scale;
    context.strokeStyle = style;
    context.stroke();
  }
}

// ---- buttons and keys

$("open").onclick = $("open-first").onclick = () => $("file").click();
$("file").onchange = (event) => {
  if (event.target.files[0]) openFile(event.target.files[0]);
  event.target.value = "";
};
$("load-mask").onclick = () => $("mask-file").click();
$("mask-file").onchange = (event) => {
  if (event.target.files[0]) loadMask(event.target.files[0]);
  event.target.value = "";
};
$("save").onclick = save;
$("fill").onclick = fill;
$("cancel").onclick = () => client.restart();
$("undo").onclick = () => during("", () => history.undo());
$("redo").onclick = () => during("", () => history.redo());
$("clear").onclick = () => remember(hole.clear());
$("grow").onclick = () =>
  during("The marks are being grown.", async () => {
    mark(await client.call("grown", [hole.bits().bytes, GROWS]));
    tell(`The marks have grown by ${GROWS} pixels.`);
  });
$("zoom-in").onclick = () => view.zoom(1.5);
$("zoom-out").onclick = () => view.zoom(1 / 1.5);
$("fit").onclick = () => view.fit();
for (const id of ["shown", "compare", "size"]) $(id).oninput = () => view.redraw();
for (const radio of document.querySelectorAll("[name=tool]")) radio.onchange = showSettings;

function showSettings() {
  const paints = ["brush", "eraser"].includes(tool());
  $("size-label").hidden = !paints;
  $("tolerance-label").hidden = $("joined-label").hidden = tool() !== "colour";
  view.redraw();
}

function choose(name) {
  document.querySelector(`[name=tool][value=${name}]`).checked = true;
  showSettings();
}

const keys = {
  b: () => choose("brush"),
  e: () => choose("eraser"),
  r: () => choose("box"),
  l: () => choose("lasso"),
  c: () => choose("colour"),
  v: () => $("shown").click(),
  "+": () => view.zoom(1.25),
  "=": () => view.zoom(1.25),
  "-": () => view.zoom(0.8),
  0: () => view.fit(),
  "[": () => resize(0.8),
  "]": () => resize(1.25),
};

function resize(factor) {
  $("size").value = Math.round(size() * factor + Math.sign(factor - 1));
  view.redraw();
}

const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && busy) return client.restart();
  if (!photo || busy) return;
  const letter = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (letter === "z") $(event.shiftKey ? "redo" : "undo").click();
    else if (letter === "y") $("redo").click();
    else if (letter === "s") $("save").click();
    else return;
    return event.preventDefault();
  }
  if (event.altKey || event.target.matches("select, input[type=range]")) return;
  if (event.target === $("canvas")) {
    if (event.key in arrows) {
      const [x, y] = arrows[event.key];
      if (event.shiftKey) view.pan(-40 * x, -40 * y);
      else {
        const from = cursor ?? view.middle;
        cursor = [from[0] + x * Math.max(1, size() / 4), from[1] + y * Math.max(1, size() / 4)];
      }
      view.redraw();
      return event.preventDefault();
    }
    if (event.key === " ") {
      cursor ??= view.middle;
      if (tool() === "colour") markColour(cursor);
      else remember(hole.stroke([cursor], size(), tool() === "eraser"));
      return event.preventDefault();
    }
    if (event.key === "Enter") return $("fill").click();
  }
  if (keys[letter]) {
    keys[letter]();
    event.preventDefault();
  }
});

$("canvas").addEventListener("contextmenu", (event) => event.preventDefault());
$("canvas").addEventListener("pointerleave", () => {
  cursor = undefined;
  view.redraw();
});

document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  const file = event.dataTransfer.files[0];
  if (file) openFile(file);
});
document.addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])][0];
  if (file) openFile(file);
});
window.addEventListener("beforeunload", (event) => {
  if (fills.length > 0) event.preventDefault();
});

if ("serviceWorker" in navigator) navigator.serviceWorker.register("sw.js").catch(() => {});
client.call("ready").then(
  () => photo || tell("Ready."),
  (error) => fail(error),
);
refresh();
