// What can be undone and done again: entries {bytes, undo(), redo()}. The oldest go where all take more than LIMIT bytes.
const LIMIT = 200e6;

export class History {
  #done = [];
  #undone = [];

  clear() {
    this.#done = [];
    this.#undone = [];
  }

  add(entry) {
    this.#undone = [];
    this.#done.push(entry);
    let bytes = this.#done.reduce((sum, it) => sum + it.bytes, 0);
    while (bytes > LIMIT && this.#done.length > 1) bytes -= this.#done.shift().bytes;
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  async undo() {
    const entry = this.#done.pop();
    if (!entry) return;
    await entry.undo();
    this.#undone.push(entry);
  }

  async redo() {
    const entry = this.#undone.pop();
    if (!entry) return;
    await entry.redo();
    this.#done.push(entry);
  }
}
