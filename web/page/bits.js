// A bit for each pixel of a picture, as `Mask.fromBits` of the engine takes them.
export class Bits {
  #stride;

  constructor(width, height, bytes) {
    [this.width, this.height, this.#stride] = [width, height, Math.ceil(width / 8)];
    this.bytes = bytes ?? new Uint8Array(this.#stride * height);
  }

  has(x, y) {
    return (this.bytes[y * this.#stride + (x >> 3)] >> (x & 7)) & 1;
  }

  add(x, y) {
    this.bytes[y * this.#stride + (x >> 3)] |= 1 << (x & 7);
  }

  addAll(other) {
    for (let i = 0; i < this.bytes.length; i++) this.bytes[i] |= other.bytes[i];
  }

  // Whether a pixel of a box is in; its left side is a multiple of 8.
  meets(x, y, width, height) {
    const [from, to] = [x >> 3, Math.min(this.#stride, Math.ceil((x + width) / 8))];
    for (let row = y; row < Math.min(y + height, this.height); row++) {
      for (let i = row * this.#stride + from; i < row * this.#stride + to; i++) if (this.bytes[i]) return true;
    }
    return false;
  }

  // Those that are joined to the pixel at (x, y) by shared sides.
  joined(x, y) {
    const out = new Bits(this.width, this.height);
    const isNew = (x, y) => this.has(x, y) && !out.has(x, y);
    const todo = [[x, y]];
    while (todo.length > 0) {
      const [x, y] = todo.pop();
      if (!isNew(x, y)) continue;
      let left = x;
      let right = x;
      while (left > 0 && isNew(left - 1, y)) left--;
      while (right + 1 < this.width && isNew(right + 1, y)) right++;
      for (let x = left; x <= right; x++) out.add(x, y);
      for (const next of [y - 1, y + 1]) {
        if (next < 0 || next >= this.height) continue;
        for (let x = left; x <= right; x++) {
          if (this.has(x, next) && (x === left || !this.has(x - 1, next))) todo.push([x, next]);
        }
      }
    }
    return out;
  }
}
