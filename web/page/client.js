// Calls of the worker as promises.
export class Client {
  #worker;
  #calls = new Map();
  #next = 0;

  constructor() {
    this.#start();
  }

  #start() {
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data: { id, result, error, progress } }) => {
      const call = this.#calls.get(id);
      if (progress !== undefined) return call.onProgress?.(progress);
      this.#calls.delete(id);
      if (error) call.reject(Object.assign(new Error(error.message), { kind: error.kind }));
      else call.resolve(result);
    };
    this.#worker.onerror = (event) => this.#rejectAll(new Error(event.message || "the engine could not be loaded"));
  }

  #rejectAll(error) {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    calls.forEach(({ reject }) => reject(error));
  }

  // What `given` has is the worker's from then on.
  call(call, args = [], { onProgress, given = [] } = {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, onProgress });
      this.#worker.postMessage({ id, call, args }, given);
    });
  }

  // Ends what runs, and the photograph with it.
  restart() {
    this.end();
    this.#start();
  }

  end() {
    this.#worker.terminate();
    this.#rejectAll(Object.assign(new Error("cancelled"), { kind: "cancelled" }));
  }
}

// A call of a worker of its own, whose memory goes with it.
export async function once(call, args, options) {
  const client = new Client();
  try {
    return await client.call(call, args, options);
  } finally {
    client.end();
  }
}
