// @ts-check
/**
 * How many chunks travel at once, over all transfers of this page. Browsers open six connections to
 * a server over plain HTTP: two are left to pages and calls, which would wait behind megabytes.
 */

export class Connections {
  #free;
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /** @param {number} count */
  constructor(count) {
    this.#free = count;
  }

  /**
   * Wait for a free connection, first come, first served.
   * @param {AbortSignal} signal
   * @returns {Promise<() => void>} gives it back
   */
  async take(signal) {
    signal.throwIfAborted();
    if (this.#free) {
      this.#free -= 1;
    } else {
      await this.#turn(signal);
    }
    return () => this.#giveBack();
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<void>}
   */
  #turn(signal) {
    return new Promise((resolve, reject) => {
      const go = () => {
        signal.removeEventListener("abort", stop);
        resolve();
      };
      const stop = () => {
        this.#waiting.delete(go);
        reject(signal.reason);
      };
      this.#waiting.add(go);
      signal.addEventListener("abort", stop, { once: true });
    });
  }

  #giveBack() {
    const [next] = this.#waiting;
    if (next) {
      this.#waiting.delete(next);
      next(); // passed on, without being free in between
    } else {
      this.#free += 1;
    }
  }
}

export const CONNECTIONS = 4;
export const connections = new Connections(CONNECTIONS);
