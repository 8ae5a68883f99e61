// @ts-check
/**
 * One thing on its way, up or down: its state, its chunks, and what a person can do about it. What
 * is done is for the kinds of transfers to say, in `perform`.
 */

import { CONNECTIONS, connections } from "./connections.js";
import { patiently } from "./patience.js";
import { Refusal } from "./refusal.js";

/** What is known of a chunk; the strip in the tray shows one colour for each. */
export const Chunk = Object.freeze({ UNKNOWN: 0, WAITING: 1, MOVING: 2, MOVED: 3, HAVE: 4 });

/**
 * @typedef {"waiting" | "preparing" | "moving" | "finishing" | "done" | "failed" | "cancelled"} State
 * @typedef {"small" | "large" | "download"} Lane
 */

export class Transfer {
  /** @type {State} */
  state = "waiting";
  /** Why it failed or was left out, or what is waited for, in words. */
  reason = "";
  /** @type {Refusal | null} what it failed with, if the server or the browser said so */
  refusal = null;
  isPaused = false;
  isDismissed = false;
  /** @type {Set<string>} ids of folders that look different afterwards */
  touched = new Set();
  /** Waits for a person's answer. */
  isAsking = false;
  /** Bytes that have travelled, again and again included: what speed is measured by. */
  bytesMoved = 0;
  /** @type {Uint8Array<ArrayBuffer>} of Chunk */
  chunks = new Uint8Array();
  /** @type {() => void} */
  onChange = () => {};

  /** @type {Map<number, number>} bytes of chunks under way, by index */
  #partial = new Map();
  #settledBytes = 0;
  #cancelling = new AbortController();
  /** @protected ends when this is cancelled, or, among parallel workers, when one of them failed */
  signal = this.#cancelling.signal;
  /** @type {Promise<void>} */
  #ended = Promise.resolve();
  /** @type {Set<() => void>} */
  #resumers = new Set();

  /**
   * @param {object} what
   * @param {string} what.name
   * @param {string} [what.path] with the folders it came in
   * @param {number} what.size in bytes
   * @param {Lane} what.lane
   */
  constructor({ name, path = name, size, lane }) {
    this.name = name;
    this.path = path;
    this.size = size;
    this.lane = lane;
  }

  /** Whose states tell what became of this: itself, or those whose work it does. */
  get members() {
    return /** @type {Transfer[]} */ ([this]);
  }

  /** How many places of its lane it takes. */
  get weight() {
    return 1;
  }

  /**
   * What runs when it is this one's turn: itself, or something that does others' work along with it.
   * @param {Transfer[]} _waiting behind it
   * @returns {Transfer}
   */
  gather(_waiting) {
    return this;
  }

  /** @returns {"upload" | "download"} */
  get kind() {
    return this.lane === "download" ? "download" : "upload";
  }

  get hasEnded() {
    return this.state === "done" || this.state === "failed" || this.state === "cancelled";
  }

  /** Whether it needs nobody's attention any more: a failure does, until it was dismissed. */
  get isOver() {
    return this.state === "done" || this.state === "cancelled" || this.isDismissed;
  }

  /** Bytes that are in place, moved or found there. */
  get bytesDone() {
    if (this.state === "done") {
      return this.size;
    }
    let bytes = this.#settledBytes;
    for (const partial of this.#partial.values()) {
      bytes += partial;
    }
    return Math.min(bytes, this.size);
  }

  /** Run to an end, which `state` tells, again after a failure or a cancellation. Never throws. */
  async run() {
    this.state = "preparing";
    await this.#ended; // a run that was cancelled may still be unwinding
    this.#ended = this.#run();
    await this.#ended;
  }

  async #run() {
    this.#cancelling = new AbortController();
    this.signal = this.#cancelling.signal;
    this.become("preparing");
    try {
      await this.perform();
      this.become("done");
    } catch (error) {
      this.#fail(error);
    } finally {
      this.isAsking = false;
      this.tidy();
    }
  }

  /**
   * Do all of it; throw a Refusal when that is not possible.
   * @protected
   * @returns {Promise<void>}
   */
  async perform() {}

  /** After every run, however it ended. @protected */
  tidy() {}

  /** Undo what a cancelled transfer leaves behind. @protected */
  undo() {}

  /** It is taken off the list: nobody will retry it. */
  dismiss() {
    this.isDismissed = true;
  }

  /** Stand in line again, after a failure or a cancellation. */
  renew() {
    this.#cancelling = new AbortController();
    this.signal = this.#cancelling.signal;
    this.become("waiting");
  }

  /** Chunks under way still arrive; nothing new begins. */
  pause() {
    this.isPaused = true;
    this.onChange();
  }

  resume() {
    this.isPaused = false;
    for (const go of this.#resumers) {
      go();
    }
    this.#resumers.clear();
    this.onChange();
  }

  /** @param {string} [reason] */
  cancel(reason = "") {
    if (this.hasEnded) {
      return;
    }
    this.become("cancelled");
    this.reason = reason;
    this.#cancelling.abort(new DOMException("cancelled", "AbortError"));
    this.resume();
    this.undo();
  }

  /**
   * Repeat a call until it works or can't. @protected
   * @template T
   * @param {(signal: AbortSignal) => Promise<T>} attempt
   * @returns {Promise<T>}
   */
  calling(attempt) {
    const signal = this.signal;
    return patiently(
      async () => {
        await this.unpaused();
        return attempt(signal);
      },
      signal,
      (refusal) => {
        this.reason = refusal ? waitingText(refusal) : "";
        this.onChange();
      },
    );
  }

  /**
   * Move the bytes of one chunk, on one of the page's connections, until that works. @protected
   * @template T
   * @param {{ index: number, size: number }} chunk
   * @param {(signal: AbortSignal, onMoved: (bytes: number) => void) => Promise<T>} attempt told
   *   to report how many bytes of this chunk have travelled so far
   * @returns {Promise<T>}
   */
  moving({ index, size }, attempt) {
    return this.calling(async (signal) => {
      const release = await this.#connection(signal);
      this.chunks[index] = Chunk.MOVING;
      try {
        return await attempt(signal, this.#progressOf(index, size));
      } finally {
        release();
        this.#partial.delete(index);
        this.chunks[index] = Chunk.WAITING;
      }
    });
  }

  /**
   * Let as many workers as there are connections draw from `items`; the first failure stops all.
   * @protected
   * @template T
   * @param {AsyncGenerator<T, void, void>} items
   * @param {(item: T) => Promise<void>} act
   */
  async inParallel(items, act) {
    const work = async () => {
      for (let next = await items.next(); !next.done; next = await items.next()) {
        await act(next.value);
      }
    };
    const failing = new AbortController();
    this.signal = AbortSignal.any([this.#cancelling.signal, failing.signal]);
    const workers = Array.from({ length: CONNECTIONS }, work);
    try {
      await Promise.all(workers);
    } catch (error) {
      failing.abort(error);
      await Promise.allSettled(workers);
      throw error;
    } finally {
      this.signal = this.#cancelling.signal;
    }
  }

  /**
   * Note that a chunk is where it belongs. @protected
   * @param {{ index: number, size: number }} chunk
   * @param {number} how Chunk.MOVED or Chunk.HAVE
   */
  settle({ index, size }, how) {
    this.chunks[index] = how;
    this.#settledBytes += size;
    this.onChange();
  }

  /** Wait until this is not paused. @protected */
  async unpaused() {
    while (this.isPaused && !this.signal.aborted) {
      await this.#resumed(this.signal);
    }
    this.signal.throwIfAborted();
  }

  /**
   * Ends on a resumption, and when the signal ends.
   * @param {AbortSignal} signal
   * @returns {Promise<void>}
   */
  #resumed(signal) {
    return new Promise((resolve) => {
      this.#resumers.add(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** @param {AbortSignal} signal */
  async #connection(signal) {
    for (;;) {
      const release = await connections.take(signal);
      if (!this.isPaused) {
        return release;
      }
      release(); // paused while it stood in line
      await this.unpaused();
    }
  }

  /** @protected */
  forgetProgress() {
    this.chunks.fill(Chunk.UNKNOWN);
    this.#settledBytes = 0;
    this.#partial.clear();
  }

  /** @protected @param {State} state */
  become(state) {
    if (this.#cancelling.signal.aborted) {
      return;
    }
    this.state = state;
    this.refusal = null;
    this.reason = "";
    this.onChange();
  }

  /**
   * @param {number} index
   * @param {number} size
   */
  #progressOf(index, size) {
    let seen = 0;
    return (/** @type {number} */ bytes) => {
      this.bytesMoved += Math.max(0, bytes - seen);
      seen = bytes;
      this.#partial.set(index, Math.min(bytes, size));
      this.onChange();
    };
  }

  /** @param {unknown} error */
  #fail(error) {
    if (this.#cancelling.signal.aborted) {
      return;
    }
    this.become("failed");
    this.isPaused = false;
    if (error instanceof Refusal) {
      this.refusal = error;
      this.reason = error.message;
    } else {
      this.reason = "Something went wrong in this page.";
      console.error(error);
    }
    this.onChange();
  }
}

/** @param {Refusal} refusal */
function waitingText(refusal) {
  return refusal.status === 0
    ? "Paused: connection lost, continues by itself"
    : "Paused: the server is busy, continues by itself";
}
