// The hole: a canvas of the photograph's size, opaque red where a pixel is to be filled.
const RED = "#e11d48";

// Rows that are read at a time.
const STRIP = 512;

export class Hole {
  #context;

  constructor(width, height) {
    this.canvas = new OffscreenCanvas(width, height);
    this.#context = this.canvas.getContext("2d", { willReadFrequently: true });
  }

  get width() {
    return this.canvas.width;
  }

  get height() {
    return this.canvas.height;
  }

  #whole() {
    return { x: 0, y: 0, width: this.width, height: this.height };
  }

  // The part of `box` that is inside, in whole pixels; undefined where nothing is.
  #inside({ x, y, width, height }) {
    const left = Math.max(0, Math.floor(x));
    const top = Math.max(0, Math.floor(y));
    const right = Math.min(this.width, Math.ceil(x + width));
    const bottom = Math.min(this.height, Math.ceil(y + height));
    return left < right && top < bottom ? { x: left, y: top, width: right - left, height: bottom - top } : undefined;
  }

  // Draws in `box`, and returns what undoes it.
  #change(box, draw) {
    const inside = this.#inside(box);
    if (!inside) return undefined;
    const { x, y, width, height } = inside;
    const before = this.#context.getImageData(x, y, width, height);
    draw(this.#context);
    const after = this.#context.getImageData(x, y, width, height);
    const put = (data) => this.#context.putImageData(data, x, y);
    return { bytes: 2 * before.data.length, undo: () => put(before), redo: () => put(after) };
  }

  // Strokes and shapes add to the hole, or take from it.
  #paint(box, erase, draw) {
    return this.#change(box, (context) => {
      context.save();
      context.globalCompositeOperation = erase ? "destination-out" : "source-over";
      context.fillStyle = context.strokeStyle = RED;
      draw(context);
      context.restore();
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
    return this.#change(this.#whole(), (context) => context.clearRect(0, 0, this.width, this.height));
  }

  // A byte for each pixel: 255 where it is hole.
  plane() {
    const plane = new Uint8Array(this.width * this.height);
    for (let y = 0; y < this.height; y += STRIP) {
      const rows = Math.min(STRIP, this.height - y);
      const { data } = this.#context.getImageData(0, y, this.width, rows);
      const first = y * this.width;
      for (let i = 0; i < this.width * rows; i++) if (data[4 * i + 3] >= 128) plane[first + i] = 255;
    }
    return plane;
  }

  // Takes `plane` for the hole, or adds it.
  setPlane(plane, adds) {
    return this.#change(this.#whole(), (context) => {
      for (let y = 0; y < this.height; y += STRIP) {
        const rows = Math.min(STRIP, this.height - y);
        const image = adds ? context.getImageData(0, y, this.width, rows) : new ImageData(this.width, rows);
        const words = new Uint32Array(image.data.buffer);
        const first = y * this.width;
        for (let i = 0; i < words.length; i++) if (plane[first + i] >= 128) words[i] = 0xff481de1;
        context.putImageData(image, 0, y);
      }
    });
  }
}

function around(points, margin) {
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const [x, y] = [xs, ys].map((values) => values.reduce((a, b) => Math.min(a, b)) - margin);
  const [right, bottom] = [xs, ys].map((values) => values.reduce((a, b) => Math.max(a, b)) + margin);
  return { x, y, width: right - x, height: bottom - y };
}

// What of `plane` is joined to the pixel at (x, y) by shared sides.
export function joined(plane, width, height, x, y) {
  const out = new Uint8Array(plane.length);
  const todo = [[x, y]];
  while (todo.length > 0) {
    const [x, y] = todo.pop();
    const row = y * width;
    if (!plane[row + x] || out[row + x]) continue;
    let left = x;
    let right = x;
    while (left > 0 && plane[row + left - 1] && !out[row + left - 1]) left--;
    while (right + 1 < width && plane[row + right + 1] && !out[row + right + 1]) right++;
    out.fill(255, row + left, row + right + 1);
    for (const next of [y - 1, y + 1]) {
      if (next < 0 || next >= height) continue;
      for (let x = left; x <= right; x++) {
        const at = next * width + x;
        if (plane[at] && !out[at] && (x === left || !plane[at - 1])) todo.push([x, next]);
      }
    }
  }
  return out;
}
