// The part of the photograph that is seen, and pointers over it.
const CLEAREST = 32;

export class View {
  #canvas;
  #context;
  #scale = 1;
  #x = 0;
  #y = 0;
  #fitted = true;
  #frame = 0;
  #pointers = new Map();
  #pinch;

  // `draw(context)` draws in the photograph's pixels. `pointer` has start(point, event), move(point), end() and cancel().
  constructor(canvas, draw, pointer) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.draw = draw;
    this.pointer = pointer;
    this.size = [1, 1];
    new ResizeObserver(() => {
      if (this.#fitted) this.fit();
      else this.redraw();
    }).observe(canvas);
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (event) => this.#up(event));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  get scale() {
    return this.#scale;
  }

  // The pixel of the photograph under a point of the window.
  at({ clientX, clientY }) {
    const box = this.#canvas.getBoundingClientRect();
    return [(clientX - box.left - this.#x) / this.#scale, (clientY - box.top - this.#y) / this.#scale];
  }

  // Pixels of the screen per pixel of the photograph.
  get density() {
    return this.#scale * devicePixelRatio;
  }

  // Left, top, width and height of what is seen, in the photograph's pixels.
  get seen() {
    const lengths = [-this.#x, -this.#y, this.#canvas.clientWidth, this.#canvas.clientHeight];
    return lengths.map((length) => length / this.#scale);
  }

  get middle() {
    return [(this.#canvas.clientWidth / 2 - this.#x) / this.#scale, (this.#canvas.clientHeight / 2 - this.#y) / this.#scale];
  }

  // The whole photograph in the middle.
  fit() {
    const [width, height] = this.size;
    const { clientWidth, clientHeight } = this.#canvas;
    this.#scale = Math.min(clientWidth / width, clientHeight / height, 8) * 0.98;
    this.#x = (clientWidth - width * this.#scale) / 2;
    this.#y = (clientHeight - height * this.#scale) / 2;
    this.#fitted = true;
    this.redraw();
  }

  zoom(factor, { clientX, clientY } = this.#centre()) {
    const box = this.#canvas.getBoundingClientRect();
    const least = Math.min(box.width / this.size[0], box.height / this.size[1], 1) / 4;
    const scale = Math.min(Math.max(this.#scale * factor, least), CLEAREST);
    const [x, y] = [clientX - box.left, clientY - box.top];
    this.#x = x - ((x - this.#x) * scale) / this.#scale;
    this.#y = y - ((y - this.#y) * scale) / this.#scale;
    this.#scale = scale;
    this.#fitted = false;
    this.redraw();
  }

  pan(x, y) {
    this.#x += x;
    this.#y += y;
    this.#fitted = false;
    this.redraw();
  }

  #centre() {
    const box = this.#canvas.getBoundingClientRect();
    return { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
  }

  redraw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const ratio = devicePixelRatio;
      const { clientWidth, clientHeight } = this.#canvas;
      const [width, height] = [clientWidth, clientHeight].map((length) => Math.round(length * ratio));
      if (this.#canvas.width !== width) this.#canvas.width = width;
      if (this.#canvas.height !== height) this.#canvas.height = height;
      this.#context.setTransform(1, 0, 0, 1, 0, 0);
      this.#context.clearRect(0, 0, width, height);
      this.#context.setTransform(this.#scale * ratio, 0, 0, this.#scale * ratio, this.#x * ratio, this.#y * ratio);
      this.#context.imageSmoothingEnabled = this.#scale < 3;
      this.draw(this.#context);
    });
  }

  #down(event) {
    this.#canvas.setPointerCapture(event.pointerId);
    this.#canvas.focus({ preventScroll: true });
    this.#pointers.set(event.pointerId, event);
    if (this.#pointers.size === 2) {
      this.pointer.cancel();
      this.#pinch = this.#spread();
    } else if (this.#pointers.size === 1 && event.button !== 1) {
      this.pointer.start(this.at(event), event);
    }
  }

  #move(event) {
    const last = this.#pointers.get(event.pointerId);
    if (last) this.#pointers.set(event.pointerId, event);
    if (this.#pinch) {
      const next = this.#spread();
      this.pan(next.clientX - this.#pinch.clientX, next.clientY - this.#pinch.clientY);
      this.zoom(next.length / this.#pinch.length, next);
      this.#pinch = next;
    } else if (last && event.buttons & 4) {
      this.pan(event.clientX - last.clientX, event.clientY - last.clientY);
    } else {
      const points = event.getCoalescedEvents?.() ?? [];
      (points.length > 0 ? points : [event]).forEach((point) => this.pointer.move(this.at(point)));
    }
  }

  #up(event) {
    this.#pointers.delete(event.pointerId);
    if (this.#pinch) {
      if (this.#pointers.size < 2) this.#pinch = undefined;
    } else if (event.type === "pointercancel") {
      this.pointer.cancel();
    } else {
      this.pointer.end();
    }
  }

  // Middle of two fingers, and how far apart they are.
  #spread() {
    const [a, b] = [...this.#pointers.values()];
    const length = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) || 1;
    return { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2, length };
  }

  #wheel(event) {
    event.preventDefault();
    if (event.shiftKey) this.pan(-event.deltaY - event.deltaX, 0);
    else this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), event);
  }
}
