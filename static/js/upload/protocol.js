// @ts-check
/** The upload protocol's calls. Each is safe to repeat, and throws a Refusal. */

import { unreadable } from "../transfer/hashing.js";
import { noAnswer, refusalFrom } from "../transfer/refusal.js";
import { call } from "../transfer/server.js";

const SILENCE = 60_000; // without a byte leaving or an answer: the connection is dead, not slow

/**
 * @typedef {object} Slot one chunk of an upload; the last three are null when it is here already
 * @property {number} index
 * @property {string} sha256
 * @property {number} size
 * @property {"have" | "upload"} state
 * @property {string | null} method
 * @property {string | null} url
 * @property {Record<string, string> | null} headers
 *
 * @typedef {{ upload_id: string, chunks: Slot[], next?: number | null }} Opened
 * @typedef {{ file: { id: string, name: string },
 *             version: { number: number },
 *             stats: { size: number, uploaded_bytes: number, deduplicated_bytes: number } }} Completed
 */

/**
 * @param {string} parent id
 * @param {string} name
 * @param {AbortSignal} signal
 * @returns {Promise<{ id: string }>}
 */
export function makeFolder(parent, name, signal) {
  return call("POST", "/api/files", { parent, name, type: "folder" }, signal);
}

/**
 * @param {object} announcement the body of POST /api/upload/chunk/register
 * @param {AbortSignal} signal
 * @returns {Promise<Opened>}
 */
export function register(announcement, signal) {
  return call("POST", "/api/upload/chunk/register", announcement, signal);
}

/**
 * @param {string} upload
 * @param {number} start
 * @param {{ sha256: string, size: number }[]} chunks
 * @param {AbortSignal} signal
 * @returns {Promise<Opened>}
 */
export function addChunks(upload, start, chunks, signal) {
  return call("POST", `/api/upload/${upload}/chunks`, { start, chunks }, signal);
}

/**
 * Today's state and a fresh address of one chunk.
 * @param {string} upload
 * @param {number} index
 * @param {AbortSignal} signal
 * @returns {Promise<Slot | undefined>}
 */
export async function slotOf(upload, index, signal) {
  /** @type {Opened} */
  const answer = await call("GET", `/api/upload/${upload}?start=${index}&limit=1`, null, signal);
  return answer.chunks.find((slot) => slot.index === index);
}

/**
 * @param {string} upload
 * @param {AbortSignal} signal
 * @returns {Promise<Completed>}
 */
export function complete(upload, signal) {
  return call("POST", `/api/upload/${upload}/complete`, null, signal);
}

/**
 * Many small files in one request.
 * @param {object} head
 * @param {Blob[]} bytes of its files, in the same order
 * @param {AbortSignal} signal
 * @returns {Promise<{ results: { index: number, file?: import("../transfer/server.js").Entry,
 *                                error?: Record<string, any> & { message: string } }[] }>}
 */
export function pack(head, bytes, signal) {
  const text = new TextEncoder().encode(JSON.stringify(head));
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, text.length);
  const body = new Blob([length.buffer, text, ...bytes], { type: "application/vnd.rapidserve.pack" });
  return call("POST", "/api/upload/pack", body, signal);
}

/** @param {string} upload one that has ended already is fine, too: nobody waits for the answer */
export async function giveUp(upload) {
  await call("DELETE", `/api/upload/${upload}`, null, AbortSignal.timeout(30_000)).catch(() => {});
}

/**
 * Send a chunk to the address it was given, exactly as it was asked for. XMLHttpRequest, since
 * fetch does not tell how much of a body has left.
 * @param {Slot} slot
 * @param {Blob} body
 * @param {AbortSignal} signal
 * @param {(bytes: number) => void} onSent told how many bytes have left so far
 * @returns {Promise<void>}
 */
export function put(slot, body, signal, onSent) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    const silence = new Silence(stop);
    signal.addEventListener("abort", stop);
    request.open(slot.method ?? "PUT", slot.url ?? "");
    for (const [name, value] of Object.entries(slot.headers ?? {})) {
      request.setRequestHeader(name, value);
    }
    request.upload.addEventListener("progress", (event) => {
      silence.end();
      onSent(event.loaded);
    });
    request.addEventListener("load", () => {
      // 412: a bucket has it already, and only its answer was lost.
      if ((request.status >= 200 && request.status < 300) || request.status === 412) {
        resolve();
      } else {
        const retryAfter = request.getResponseHeader("Retry-After");
        reject(refusalFrom(request.status, request.responseText, retryAfter));
      }
    });
    request.addEventListener("error", () => void whyNotSent(body).then(reject));
    request.addEventListener("abort", () => reject(signal.aborted ? signal.reason : noAnswer()));
    request.addEventListener("loadend", () => {
      silence.stop();
      signal.removeEventListener("abort", stop);
    });
    request.send(body);
  });
}

/** Gives up on a connection over which nothing has been heard for a while. */
class Silence {
  #timer = 0;
  #onSilence;

  /** @param {() => void} onSilence */
  constructor(onSilence) {
    this.#onSilence = onSilence;
    this.end();
  }

  /** Something was heard. */
  end() {
    this.stop();
    this.#timer = window.setTimeout(this.#onSilence, SILENCE);
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

/**
 * Browsers call a file that changed under their hands a network error, which would be tried for ever.
 * @param {Blob} body
 */
async function whyNotSent(body) {
  try {
    await body.slice(0, 1).arrayBuffer();
    return noAnswer();
  } catch {
    return unreadable();
  }
}
