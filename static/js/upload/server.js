// @ts-check
/** The upload protocol's calls. Each is safe to repeat, and throws a Refusal. */

import { noAnswer, refusalFrom } from "./refusal.js";

/**
 * @typedef {object} Slot one chunk of an upload; the last four are null when it is here already
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

/** @param {string} upload */
export function cancel(upload) {
  return call("DELETE", `/api/upload/${upload}`, null, AbortSignal.timeout(30_000));
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
    signal.addEventListener("abort", stop);
    request.open(slot.method ?? "PUT", slot.url ?? "");
    for (const [name, value] of Object.entries(slot.headers ?? {})) {
      request.setRequestHeader(name, value);
    }
    request.upload.addEventListener("progress", (event) => onSent(event.loaded));
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) {
        resolve();
      } else {
        const retryAfter = request.getResponseHeader("Retry-After");
        reject(refusalFrom(request.status, request.responseText, retryAfter));
      }
    });
    request.addEventListener("error", () => reject(noAnswer()));
    request.addEventListener("abort", () => reject(signal.reason));
    request.addEventListener("loadend", () => signal.removeEventListener("abort", stop));
    request.send(body);
  });
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object | null} body
 * @param {AbortSignal} signal
 * @returns {Promise<any>}
 */
async function call(method, path, body, signal) {
  const answer = await fetch(path, {
    method,
    signal,
    headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken(), Accept: "application/json" },
    body: body && JSON.stringify(body),
  }).catch((error) => {
    throw signal.aborted ? signal.reason : error instanceof TypeError ? noAnswer() : error;
  });
  const text = await answer.text().catch(() => {
    throw signal.aborted ? signal.reason : noAnswer();
  });
  if (!answer.ok) {
    throw refusalFrom(answer.status, text, answer.headers.get("Retry-After"));
  }
  return text ? JSON.parse(text) : null;
}

/** Read each time: signing in again in another tab changes it. */
function csrfToken() {
  return /(?:^|;\s*)csrftoken=([^;]*)/.exec(document.cookie)?.[1] ?? "";
}
