// @ts-check
/**
 * The hashes of a file's chunks. They are found a stretch ahead of what was asked for, several at
 * once, and kept: a retry hashes nothing twice.
 */

import { CHUNK_SIZE } from "../transfer/server.js";
import { sha256 } from "../transfer/hashing.js";

const AT_ONCE = 3; // of one file: the workers are shared with the others
const AHEAD = 32; // chunks; further on, a slow network would only have the disk read twice

export class Hashes {
  /** How many of the first chunks are hashed without a gap. */
  found = 0;
  /** @type {string[]} by index, with gaps where a hash is still being found */
  #known = [];
  #next = 0;
  #running = 0;
  #wanted = 0;
  /** @type {unknown} */
  #failure = null;
  /** @type {Set<() => void>} */
  #waiting = new Set();
  #file;
  #onProgress;

  /**
   * @param {File} file
   * @param {() => void} onProgress
   */
  constructor(file, onProgress) {
    this.#file = file;
    this.#onProgress = onProgress;
    this.count = Math.ceil(file.size / CHUNK_SIZE);
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
    this.#wanted = Math.max(this.#wanted, needed);
    this.#failure = null;
    this.#fill();
    while (this.found < needed) {
      signal.throwIfAborted();
      if (this.#failure) {
        throw this.#failure;
      }
      await this.#more(signal);
    }
    return this.#known.slice(start, Math.min(start + most, this.found));
  }

  #fill() {
    const end = Math.min(this.count, this.#wanted + AHEAD);
    while (this.#next < end && this.#running < AT_ONCE && !this.#failure) {
      void this.#hash(this.#next);
      this.#next += 1;
    }
  }

  /** @param {number} index */
  async #hash(index) {
    const start = index * CHUNK_SIZE;
    this.#running += 1;
    try {
      this.#known[index] = await sha256(this.#file.slice(start, start + CHUNK_SIZE));
      while (this.#known[this.found]) {
        this.found += 1;
      }
    } catch (error) {
      this.#failure = error;
      this.#next = Math.min(this.#next, index); // from here on again, when somebody asks again
    } finally {
      this.#running -= 1;
    }
    this.#fill();
    this.#onProgress();
    for (const wake of this.#waiting) {
      wake();
    }
    this.#waiting.clear();
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<void>}
   */
  #more(signal) {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }
}
