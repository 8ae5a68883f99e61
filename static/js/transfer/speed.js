// @ts-check

const WINDOW = 5000;

/** Bytes per second over the last five seconds. */
export class Speed {
  /** @type {{ at: number, bytes: number }[]} */
  #seen = [];

  /** @param {number} bytes sent since the beginning */
  of(bytes) {
    const at = performance.now();
    this.#seen.push({ at, bytes });
    while (this.#seen.length > 2 && this.#seen[1].at < at - WINDOW) {
      this.#seen.shift();
    }
    const first = this.#seen[0];
    const seconds = (at - first.at) / 1000;
    return seconds > 0.5 ? Math.max(0, bytes - first.bytes) / seconds : 0;
  }
}
