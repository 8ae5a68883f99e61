// @ts-check
/** One file on its way: hash, register, send what is asked for, complete. */

import { Hashes } from "./hashes.js";
import { patiently } from "./patience.js";
import { Refusal } from "./refusal.js";
import * as server from "./server.js";

export const CHUNK_SIZE = 4_194_304;
const PAGE = 1000;
const FIRST_HASHES = 4; // enough to keep every connection busy while the rest is hashed
const MORE_HASHES = 16; // at least, a call: where everything is here already, calls are all there is
const CONNECTIONS = 4;
const FRESH_STARTS = 3;

/** What is known of a chunk; the strip in the tray shows one colour for each. */
export const Chunk = Object.freeze({ UNKNOWN: 0, WAITING: 1, SENDING: 2, SENT: 3, HAVE: 4 });

/** @typedef {"waiting" | "hashing" | "sending" | "finishing" | "done" | "failed" | "cancelled"} State */

export class Upload {
  /** @type {State} */
  state = "waiting";
  /** Why it failed, or what is waited for, in words. */
  reason = "";
  isPaused = false;
  /** @type {import("./server.js").Completed | null} */
  result = null;
  /** Bytes that have left, again and again included: what speed is measured by. */
  bytesSent = 0;
  /** @type {Uint8Array} of Chunk */
  chunks;

  /** @type {Map<number, number>} bytes of chunks under way, by index */
  #partial = new Map();
  #settledBytes = 0;
  #uploadId = "";
  #cancelling = new AbortController();
  #signal = this.#cancelling.signal;
  /** @type {Promise<void>} */
  #ended = Promise.resolve();
  #wake = () => {};
  #hashes;

  /**
   * @param {File} file
   * @param {string} folder id
   * @param {() => void} onChange
   */
  constructor(file, folder, onChange) {
    this.file = file;
    this.folder = folder;
    this.onChange = onChange;
    this.chunks = new Uint8Array(Math.ceil(file.size / CHUNK_SIZE));
    this.#hashes = new Hashes(file, CHUNK_SIZE, onChange);
  }

  get hasEnded() {
    return this.state === "done" || this.state === "failed" || this.state === "cancelled";
  }

  /** Bytes that are in place, sent or found there. */
  get bytesDone() {
    let bytes = this.#settledBytes;
    for (const partial of this.#partial.values()) {
      bytes += partial;
    }
    return Math.min(bytes, this.file.size);
  }

  get hashedBytes() {
    return Math.min(this.#hashes.found.length * CHUNK_SIZE, this.file.size);
  }

  /** Run to an end, which `state` tells, again after a failure or a cancellation. Never throws. */
  async run() {
    this.state = "hashing";
    await this.#ended; // a run that was cancelled may still be unwinding
    this.#ended = this.#run();
    await this.#ended;
  }

  async #run() {
    this.#cancelling = new AbortController();
    this.#signal = this.#cancelling.signal;
    this.isPaused = false;
    this.#become("hashing");
    try {
      await this.#withFreshStarts();
      this.#become("done");
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#hashes.stop();
    }
  }

  /** Chunks under way are still sent; nothing new begins. */
  pause() {
    this.isPaused = true;
    this.onChange();
  }

  resume() {
    this.isPaused = false;
    this.#wake();
    this.onChange();
  }

  /** Give up; what was sent is the server's to clear away. */
  cancel() {
    const id = this.#uploadId;
    this.#become("cancelled");
    this.#cancelling.abort();
    this.#hashes.stop();
    this.resume();
    this.#uploadId = "";
    if (id) {
      server.cancel(id).catch(() => {}); // it expires by itself
    }
  }

  /** An upload that has expired, or was ended elsewhere, begins anew; hashes and chunks are kept. */
  async #withFreshStarts() {
    for (let starts = 1; ; starts += 1) {
      try {
        this.#forgetProgress();
        await this.#send();
        await this.#finish();
        return;
      } catch (error) {
        const gone = error instanceof Refusal && error.code === "upload_gone";
        if (!gone || starts === FRESH_STARTS) {
          throw error;
        }
      }
    }
  }

  /** All connections draw from one sequence of slots; the first failure stops them all. */
  async #send() {
    const slots = this.#slotsToSend();
    const work = async () => {
      for (let next = await slots.next(); !next.done; next = await slots.next()) {
        await this.#sendChunk(next.value);
      }
    };
    const failing = new AbortController();
    this.#signal = AbortSignal.any([this.#cancelling.signal, failing.signal]);
    const workers = Array.from({ length: CONNECTIONS }, work);
    try {
      await Promise.all(workers);
    } catch (error) {
      failing.abort(error);
      await Promise.allSettled(workers);
      throw error;
    } finally {
      this.#signal = this.#cancelling.signal;
    }
  }

  /**
   * Announces page after page of hashes, as they are found and as the connections get through.
   * @returns {AsyncGenerator<import("./server.js").Slot, void, void>}
   */
  async *#slotsToSend() {
    const count = this.#hashes.count;
    let specs = await this.#specs(0, FIRST_HASHES);
    let opened = await this.#calling((signal) => server.register(this.#announcement(specs), signal));
    this.#uploadId = opened.upload_id;
    this.#become("sending");
    yield* this.#toSend(opened.chunks);
    for (let start = specs.length; start < count; start += specs.length) {
      specs = await this.#specs(start, MORE_HASHES);
      const [from, page] = [start, specs];
      opened = await this.#calling((signal) => server.addChunks(this.#uploadId, from, page, signal));
      yield* this.#toSend(opened.chunks);
    }
  }

  /**
   * Marks what the server has, and picks out what it wants.
   * @param {import("./server.js").Slot[]} slots
   */
  #toSend(slots) {
    for (const slot of slots) {
      this.chunks[slot.index] = slot.state === "have" ? Chunk.HAVE : Chunk.WAITING;
      this.#settledBytes += slot.state === "have" ? slot.size : 0;
    }
    this.onChange();
    return slots.filter((slot) => slot.state === "upload");
  }

  /** @param {import("./server.js").Slot} slot */
  async #sendChunk(slot) {
    await this.#unpaused();
    const start = slot.index * CHUNK_SIZE;
    const body = this.file.slice(start, start + slot.size);
    this.chunks[slot.index] = Chunk.SENDING;
    let sent = 0;
    try {
      await this.#putting(slot, body, (bytes) => {
        this.bytesSent += Math.max(0, bytes - sent);
        sent = bytes;
        this.#partial.set(slot.index, Math.min(bytes, slot.size));
        this.onChange();
      });
    } finally {
      this.#partial.delete(slot.index);
    }
    this.chunks[slot.index] = Chunk.SENT;
    this.#settledBytes += slot.size;
    this.onChange();
  }

  /**
   * Send, with a fresh address when the old one has expired meanwhile.
   * @param {import("./server.js").Slot} slot
   * @param {Blob} body
   * @param {(bytes: number) => void} onSent
   */
  async #putting(slot, body, onSent) {
    try {
      await this.#calling((signal) => server.put(slot, body, signal, onSent));
    } catch (error) {
      if (!(error instanceof Refusal) || !error.code.startsWith("token_")) {
        throw this.#changedMeanwhile(error);
      }
      const fresh = await this.#calling((signal) => server.slotOf(this.#uploadId, slot.index, signal));
      if (fresh?.state === "upload") {
        await this.#calling((signal) => server.put(fresh, body, signal, onSent));
      }
    }
  }

  /**
   * Bytes that don't have the hash they had a minute ago are a file that somebody writes to.
   * @param {unknown} error
   */
  #changedMeanwhile(error) {
    if (error instanceof Refusal && ["checksum_mismatch", "size_mismatch"].includes(error.code)) {
      this.#hashes = new Hashes(this.file, CHUNK_SIZE, this.onChange);
      return new Refusal("The file changed while it was being sent.", { code: error.code });
    }
    return error;
  }

  /** Complete; what the server still misses is sent once more. */
  async #finish() {
    this.#become("finishing");
    for (let rounds = 1; ; rounds += 1) {
      try {
        this.result = await this.#calling((signal) => server.complete(this.#uploadId, signal));
        return;
      } catch (error) {
        const missing = error instanceof Refusal && error.code === "chunks_missing";
        if (!missing || rounds === FRESH_STARTS) {
          throw error;
        }
        await this.#sendMissing(error.facts.indexes);
      }
    }
  }

  /** @param {number[]} indexes */
  async #sendMissing(indexes) {
    for (const index of indexes) {
      const slot = await this.#calling((signal) => server.slotOf(this.#uploadId, index, signal));
      if (slot?.state === "upload") {
        this.#settledBytes -= slot.size;
        await this.#sendChunk(slot);
      }
    }
  }

  /**
   * @param {number} start
   * @param {number} least
   */
  async #specs(start, least) {
    const hashes = await this.#hashes.from(start, least, PAGE, this.#signal);
    return hashes.map((sha256, offset) => ({
      sha256,
      size: Math.min(CHUNK_SIZE, this.file.size - (start + offset) * CHUNK_SIZE),
    }));
  }

  /** @param {{ sha256: string, size: number }[]} chunks */
  #announcement(chunks) {
    return {
      parent: this.folder,
      name: this.file.name,
      size: this.file.size,
      chunks,
      content_type: this.file.type || undefined,
      modified_at: timestamp(this.file.lastModified),
      on_conflict: "version",
    };
  }

  /**
   * @template T
   * @param {(signal: AbortSignal) => Promise<T>} attempt
   * @returns {Promise<T>}
   */
  #calling(attempt) {
    const signal = this.#signal;
    return patiently(() => attempt(signal), signal, (refusal) => {
      this.reason = refusal ? waitingText(refusal) : "";
      this.onChange();
    });
  }

  async #unpaused() {
    while (this.isPaused && !this.#signal.aborted) {
      await new Promise((resolve) => (this.#wake = chained(this.#wake, resolve)));
    }
    this.#signal.throwIfAborted();
  }

  #forgetProgress() {
    this.chunks.fill(Chunk.UNKNOWN);
    this.#settledBytes = 0;
    this.#partial.clear();
  }

  /** @param {unknown} error */
  #fail(error) {
    if (this.#cancelling.signal.aborted) {
      return;
    }
    this.reason = error instanceof Refusal ? error.message : "Something went wrong in this page.";
    this.#become("failed");
    if (!(error instanceof Refusal)) {
      console.error(error);
    }
  }

  /** @param {State} state */
  #become(state) {
    if (this.#cancelling.signal.aborted) {
      return;
    }
    this.state = state;
    if (state !== "failed") {
      this.reason = "";
    }
    this.onChange();
  }
}

/**
 * @param {number} milliseconds since 1970
 * @returns {string | undefined} undefined when a file system says what can't be
 */
function timestamp(milliseconds) {
  const year = new Date(milliseconds).getUTCFullYear();
  return year >= 1600 && year <= 9999 ? new Date(milliseconds).toISOString() : undefined;
}

/** @param {Refusal} refusal */
function waitingText(refusal) {
  return refusal.status === 0
    ? "Connection lost, continues by itself"
    : "The server is busy, continues by itself";
}

/**
 * @param {() => void} first
 * @param {(value?: any) => void} second
 */
function chained(first, second) {
  return () => {
    first();
    second();
  };
}
