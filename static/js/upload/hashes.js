// @ts-check
/** The hashes of a file's chunks, as a worker finds them. Kept: a retry hashes nothing twice. */

import { Refusal } from "./refusal.js";

export class Hashes {
  /** @type {string[]} */
  found = [];
  /** @type {Worker | null} */
  #worker = null;
  /** @type {Refusal | null} */
  #failure = null;
  #wake = () => {};
  #file;
  #chunkSize;
  #onProgress;

  /**
   * @param {File} file
   * @param {number} chunkSize
   * @param {() => void} onProgress
   */
  constructor(file, chunkSize, onProgress) {
    this.#file = file;
    this.#chunkSize = chunkSize;
    this.#onProgress = onProgress;
  }

  get count() {
    return Math.ceil(this.#file.size / this.#chunkSize);
  }

  /**
   * The hashes from `start` on, at most `most`, once `least` of them (or all there are) are known.
   * @param {number} start
   * @param {number} least
   * @param {number} most
   * @param {AbortSignal} signal
   */
  async from(start, least, most, signal) {
    const needed = Math.min(start + least, this.count);
    this.#start();
    while (this.found.length < needed) {
      signal.throwIfAborted();
      if (this.#failure) {
        throw this.#failure;
      }
      await new Promise((resolve) => (this.#wake = () => resolve(undefined)));
    }
    return this.found.slice(start, start + most);
  }

  /** Stop hashing, and whoever waits for it. A file half hashed is begun anew. */
  stop() {
    this.#worker?.terminate();
    this.#worker = null;
    if (this.found.length < this.count) {
      this.found = [];
    }
    this.#wake();
  }

  #start() {
    if (this.#worker || this.found.length === this.count) {
      return;
    }
    this.#failure = null;
    const worker = new Worker(new URL("./hasher.js", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }) => this.#heard(data));
    worker.addEventListener("error", () => this.#heard({ unreadable: true }));
    worker.postMessage({ file: this.#file, chunkSize: this.#chunkSize });
    this.#worker = worker;
  }

  /** @param {{ sha256?: string, done?: boolean, unreadable?: boolean }} message */
  #heard(message) {
    if (message.sha256) {
      this.found.push(message.sha256);
      this.#onProgress();
    } else {
      this.#worker?.terminate();
      this.#worker = null;
      if (message.unreadable) {
        this.found = [];
        this.#failure = new Refusal("The file can't be read: it was changed, moved or is a folder.");
      }
    }
    this.#wake();
  }
}
