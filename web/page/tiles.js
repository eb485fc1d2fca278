// A picture as it is shown: an overview of all of it, and tiles of what is seen where that is not clear enough.
const SIDE = 1024;

// Pixels by which a tile reaches over the next ones, so that no seam shows where the picture is drawn smaller.
const OVERLAP = 32;

// The most pixels of an overview, and bytes of tiles.
const OVERVIEW = 8e6;
const LIMIT = 64e6;

export class Tiles {
  #width;
  #height;
  #read;
  #changed;
  #overview;
  // Pixels of the picture per pixel of the overview, on a side.
  #step = 1;
  // Pixels are read one box at a time, to one buffer: those that are dropped stay in memory for a while.
  #buffer;
  #last = Promise.resolve();
  // {box, bitmap} by place, the one that was drawn last at the end; without a bitmap while that is awaited.
  #tiles = new Map();

  // `read(box, step, buffer)` gives RGBA, each the mean of step×step pixels, in the buffer or in the one that came of it.
  // `changed()` is called where something else is to be drawn.
  constructor(width, height, read, changed) {
    [this.#width, this.#height, this.#read, this.#changed] = [width, height, read, changed];
    while (width * height > OVERVIEW * this.#step ** 2) this.#step++;
    this.#overview = new OffscreenCanvas(Math.ceil(width / this.#step), Math.ceil(height / this.#step)).getContext("2d");
  }

  // Calls `use(image)` with a part of the picture.
  #image(box, step, use) {
    const read = async () => {
      const buffer = this.#buffer ?? new ArrayBuffer(4 * (SIDE + OVERLAP) ** 2);
      // The engine may stop with it.
      this.#buffer = undefined;
      const pixels = await this.#read(box, step, buffer);
      const used = await use(new ImageData(pixels, Math.ceil(box[2] / step)));
      this.#buffer = pixels.buffer;
      return used;
    };
    this.#last = this.#last.then(read, read);
    return this.#last;
  }

  // Boxes of at most `side` pixels a side that have all of an area, at multiples of it; they reach `overlap` further.
  *#boxes([x, y, width, height], side, overlap) {
    const first = (at) => Math.max(0, Math.floor((at - overlap) / side)) * side;
    for (let top = first(y); top < Math.min(y + height, this.#height); top += side) {
      for (let left = first(x); left < Math.min(x + width, this.#width); left += side) {
        yield [left, top, Math.min(side + overlap, this.#width - left), Math.min(side + overlap, this.#height - top)];
      }
    }
  }

  // Reads what is shown of an area anew.
  async update(...area) {
    const step = this.#step;
    // Small ones, since a fill changes little.
    for (const box of this.#boxes(area, 256 * step, 0)) {
      await this.#image(box, step, (image) => this.#overview.putImageData(image, box[0] / step, box[1] / step));
    }
    for (const box of this.#boxes(area, SIDE, OVERLAP)) {
      const tile = this.#tiles.get(String(box));
      if (!tile) continue;
      const bitmap = await this.#image(box, 1, createImageBitmap);
      tile.bitmap?.close();
      tile.bitmap = bitmap;
    }
  }

  // Draws the picture. `seen` is the box of it that is seen, and `scale` the length of its pixels on the screen.
  draw(context, seen, scale) {
    context.drawImage(this.#overview.canvas, 0, 0, this.#overview.canvas.width * this.#step, this.#overview.canvas.height * this.#step);
    if (this.#step === 1 || scale * this.#step <= 1) return;
    const boxes = [...this.#boxes(seen, SIDE, OVERLAP)];
    for (const box of boxes) {
      const key = String(box);
      const tile = this.#tiles.get(key) ?? { box };
      this.#tiles.delete(key);
      this.#tiles.set(key, tile);
      if (tile.bitmap) context.drawImage(tile.bitmap, box[0], box[1]);
      else this.#load(tile);
    }
    this.#forget(boxes.length);
  }

  async #load(tile) {
    if (tile.isAwaited) return;
    tile.isAwaited = true;
    try {
      const bitmap = await this.#image(tile.box, 1, createImageBitmap);
      if (tile.bitmap || this.#tiles.get(String(tile.box)) !== tile) return bitmap.close();
      tile.bitmap = bitmap;
      this.#changed();
    } catch {
      // The engine has been stopped: the tile is read when it is drawn again.
      tile.isAwaited = false;
    }
  }

  // Drops tiles that were not drawn of late.
  #forget(drawn) {
    let over = this.#tiles.size - Math.max(drawn, Math.floor(LIMIT / (4 * SIDE ** 2)));
    for (const [key, { bitmap }] of this.#tiles) {
      if (over-- <= 0) return;
      bitmap?.close();
      this.#tiles.delete(key);
    }
  }

  close() {
    this.#tiles.forEach(({ bitmap }) => bitmap?.close());
    this.#tiles.clear();
    this.#overview.canvas.width = 0;
  }
}
