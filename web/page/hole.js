// The hole: opaque red where a pixel is to be filled, on canvases of tiles, which are there where something has been marked.
import { Bits } from "./bits.js";

const RED = "#e11d48";
// The same as a pixel of a canvas.
const OPAQUE_RED = 0xff481de1;

const SIDE = 512;

export class Hole {
  #tiles = new Map();

  constructor(width, height) {
    [this.width, this.height] = [width, height];
  }

  // The tiles that have a part of `box`, {context, x, y, width, height} each; made where they are not there yet.
  *#tilesOf(box) {
    const [right, bottom] = [Math.min(this.width, box.x + box.width), Math.min(this.height, box.y + box.height)];
    for (let y = Math.max(0, Math.floor(box.y / SIDE) * SIDE); y < bottom; y += SIDE) {
      for (let x = Math.max(0, Math.floor(box.x / SIDE) * SIDE); x < right; x += SIDE) {
        const key = `${x},${y}`;
        if (!this.#tiles.has(key)) {
          const [width, height] = [Math.min(SIDE, this.width - x), Math.min(SIDE, this.height - y)];
          const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
          this.#tiles.set(key, { context, x, y, width, height });
        }
        yield this.#tiles.get(key);
      }
    }
  }

  // Draws on tiles, and returns what undoes it.
  #change(tiles, draw) {
    const changes = [];
    for (const tile of tiles) {
      const before = opacity(tile);
      tile.context.save();
      tile.context.translate(-tile.x, -tile.y);
      draw(tile.context, tile);
      tile.context.restore();
      changes.push({ tile, before, after: opacity(tile) });
    }
    if (changes.length === 0) return undefined;
    return {
      bytes: changes.reduce((sum, { before, after }) => sum + before.length + after.length, 0),
      undo: () => changes.forEach(({ tile, before }) => restore(tile, before)),
      redo: () => changes.forEach(({ tile, after }) => restore(tile, after)),
    };
  }

  // Strokes and shapes add to the hole, or take from it.
  #paint(box, erase, draw) {
    return this.#change(this.#tilesOf(box), (context) => {
      context.globalCompositeOperation = erase ? "destination-out" : "source-over";
      context.fillStyle = context.strokeStyle = RED;
      draw(context);
    });
  }

  // A stroke of a round brush through `points`.
  stroke(points, size, erase) {
    const box = around(points, size / 2 + 1);
    return this.#paint(box, erase, (context) => {
      context.lineWidth = size;
      context.lineCap = context.lineJoin = "round";
      context.beginPath();
      points.forEach(([x, y]) => context.lineTo(x, y));
      if (points.length === 1) context.lineTo(points[0][0], points[0][1] + 1e-3);
      context.stroke();
    });
  }

  box([x, y], [x2, y2]) {
    const [left, right] = [Math.min(x, x2), Math.max(x, x2)].map(Math.round);
    const [top, bottom] = [Math.min(y, y2), Math.max(y, y2)].map(Math.round);
    const box = { x: left, y: top, width: right - left, height: bottom - top };
    return this.#paint(box, false, (context) => context.fillRect(box.x, box.y, box.width, box.height));
  }

  lasso(points) {
    return this.#paint(around(points, 1), false, (context) => {
      context.beginPath();
      points.forEach(([x, y]) => context.lineTo(x, y));
      context.closePath();
      context.fill();
    });
  }

  clear() {
    return this.#change(this.#tiles.values(), (context, { x, y, width, height }) => context.clearRect(x, y, width, height));
  }

  // The pixels that are hole.
  bits() {
    const bits = new Bits(this.width, this.height);
    for (const tile of this.#tiles.values()) {
      const bytes = opacity(tile);
      for (let i = 0; i < bytes.length; i++) if (bytes[i] >= 128) bits.add(...at(tile, i));
    }
    return bits;
  }

  add(bits) {
    const tiles = [];
    for (let y = 0; y < this.height; y += SIDE) {
      for (let x = 0; x < this.width; x += SIDE) {
        if (bits.meets(x, y, SIDE, SIDE)) tiles.push(...this.#tilesOf({ x, y, width: 1, height: 1 }));
      }
    }
    return this.#change(tiles, (context, tile) => {
      const image = context.getImageData(0, 0, tile.width, tile.height);
      const words = new Uint32Array(image.data.buffer);
      for (let i = 0; i < words.length; i++) if (bits.has(...at(tile, i))) words[i] = OPAQUE_RED;
      context.putImageData(image, 0, 0);
    });
  }

  draw(context) {
    for (const tile of this.#tiles.values()) context.drawImage(tile.context.canvas, tile.x, tile.y);
  }
}

// Where pixel `i` of a tile is in the picture.
const at = ({ x, y, width }, i) => [x + (i % width), y + Math.floor(i / width)];

// How opaque the pixels of a tile are: all that is worth remembering of them.
function opacity({ context, width, height }) {
  const { data } = context.getImageData(0, 0, width, height);
  const opacity = new Uint8Array(width * height);
  for (let i = 0; i < opacity.length; i++) opacity[i] = data[4 * i + 3];
  return opacity;
}

function restore({ context, width, height }, opacity) {
  const image = new ImageData(width, height);
  const words = new Uint32Array(image.data.buffer);
  for (let i = 0; i < words.length; i++) words[i] = (opacity[i] << 24) | (OPAQUE_RED & 0xffffff);
  context.putImageData(image, 0, 0);
}

function around(points, margin) {
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const [x, y] = [xs, ys].map((values) => values.reduce((a, b) => Math.min(a, b)) - margin);
  const [right, bottom] = [xs, ys].map((values) => values.reduce((a, b) => Math.max(a, b)) + margin);
  return { x, y, width: right - x, height: bottom - y };
}
