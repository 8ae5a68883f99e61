// @ts-check
/** Where a download goes: a file that the person chose, or, for a small one, the browser. */

import { Refusal } from "../transfer/refusal.js";

/**
 * @typedef {object} Sink
 * @property {() => Promise<boolean>} open true: it is empty, whatever was written before
 * @property {(position: number, bytes: Uint8Array<ArrayBuffer>) => Promise<void>} write
 * @property {() => Promise<void>} close only now does the file appear
 * @property {() => Promise<void>} discard as if nothing had been written
 */

/** @implements {Sink} */
export class DiskSink {
  #handle;
  /** @type {FileSystemWritableFileStream | null} */
  #stream = null;

  /** @param {FileSystemFileHandle} handle */
  constructor(handle) {
    this.#handle = handle;
  }

  async open() {
    if (this.#stream) {
      return false;
    }
    // It writes to a file beside, which takes the place of the chosen one when it is closed.
    this.#stream = await this.#handle.createWritable().catch(toRefusal);
    return true;
  }

  /**
   * @param {number} position
   * @param {Uint8Array<ArrayBuffer>} data
   */
  async write(position, data) {
    try {
      await this.#stream?.write({ type: "write", position, data });
    } catch (error) {
      this.#stream = null; // a stream that failed once takes nothing any more
      toRefusal(error);
    }
  }

  async close() {
    const stream = this.#stream;
    this.#stream = null;
    await stream?.close().catch(toRefusal);
  }

  async discard() {
    const stream = this.#stream;
    this.#stream = null;
    try {
      await stream?.abort();
      // The dialog made an empty file of that name; one that holds something is not ours.
      if ((await this.#handle.getFile()).size === 0) {
        await /** @type {any} */ (this.#handle).remove?.(); // not in every browser yet
      }
    } catch {
      // It is gone already, or not to be had any more.
    }
  }
}

/**
 * Keeps a file of one chunk until it is proven, then leaves it to the browser's own downloads.
 * @implements {Sink}
 */
export class MemorySink {
  #name;
  /** @type {Uint8Array<ArrayBuffer>[]} */
  #bytes = [];

  /** @param {string} name */
  constructor(name) {
    this.#name = name;
  }

  async open() {
    this.#bytes = [];
    return true;
  }

  /**
   * @param {number} _position 0: there is one chunk
   * @param {Uint8Array<ArrayBuffer>} bytes
   */
  async write(_position, bytes) {
    this.#bytes = [bytes];
  }

  async close() {
    // No type: the browser must save it, whatever it is, and never show it as a page of ours.
    const url = URL.createObjectURL(new Blob(this.#bytes, { type: "application/octet-stream" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = this.#name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser reads it a little later
    this.#bytes = [];
  }

  async discard() {
    this.#bytes = [];
  }
}

/**
 * @param {unknown} error
 * @returns {never}
 */
function toRefusal(error) {
  const name = error instanceof DOMException ? error.name : "";
  switch (name) {
    case "QuotaExceededError":
      throw new Refusal("There is not enough room on this device.");
    case "NotAllowedError":
    case "NoModificationAllowedError":
      throw new Refusal("The browser was not allowed to write to the file. Download it again.");
    case "NotFoundError":
      throw new Refusal("The file was moved or removed while it was written. Download it again.");
    default:
      throw new Refusal(`The file could not be written${name ? ` (${name})` : ""}. Download it again.`);
  }
}
