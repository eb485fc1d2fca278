// A picture in tiles: what changes is copied alone, and nothing has all of it twice.
import { freed } from "./memory.js";

const SIDE = 1024;

// Pixels by which a tile reaches over the next ones, so that no seam shows where the picture is drawn smaller.
const OVERLAP = 32;

export class Tiles {
  #width;
  #height;
  #read;
  #columns;
  #tiles = [];
  // What was there before the first change.
  #first = new Map();

  // `read(x, y, width, height)` gives pixels, as RGBA.
  constructor(width, height, read) {
    [this.#width, this.#height, this.#read] = [width, height, read];
    this.#columns = Math.ceil(width / SIDE);
  }

  #box(column, row) {
    const [x, y] = [column * SIDE, row * SIDE];
    return [x, y, Math.min(SIDE + OVERLAP, this.#width - x), Math.min(SIDE + OVERLAP, this.#height - y)];
  }

  // Reads the tiles that have a part of a box anew.
  async update(x, y, width, height) {
    const first = (at) => Math.max(0, Math.floor((at - OVERLAP) / SIDE));
    for (let row = first(y); row * SIDE < y + height; row++) {
      for (let column = first(x); column * SIDE < x + width; column++) {
        const box = this.#box(column, row);
        const pixels = await this.#read(...box);
        const index = row * this.#columns + column;
        const old = this.#tiles[index];
        this.#tiles[index] = await createImageBitmap(new ImageData(pixels, box[2], box[3]));
        freed(pixels);
        if (old && !this.#first.has(index)) this.#first.set(index, old);
        else old?.close();
      }
    }
  }

  draw(context) {
    this.#tiles.forEach((tile, index) => this.#put(context, tile, index));
  }

  // Draws what was there before the first change, where something has changed.
  drawFirst(context) {
    this.#first.forEach((tile, index) => this.#put(context, tile, index));
  }

  #put(context, tile, index) {
    context.drawImage(tile, (index % this.#columns) * SIDE, Math.floor(index / this.#columns) * SIDE);
  }

  close() {
    [...this.#tiles, ...this.#first.values()].forEach((tile) => tile.close());
  }
}
