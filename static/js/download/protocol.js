// @ts-check
/** The download protocol's calls. Each is safe to repeat, and throws a Refusal. */

import { noAnswer, Refusal, refusalFrom } from "../transfer/refusal.js";
import { call, reasonOf } from "../transfer/server.js";

const SILENCE = 30_000; // without a byte: the connection is dead, not slow

/**
 * @typedef {{ index: number, sha256: string, size: number, url: string }} Piece one chunk of a file
 *
 * @typedef {object} Manifest
 * @property {string} version_id
 * @property {number} size
 * @property {string} content_hash
 * @property {Piece[]} chunks
 * @property {number | null} next
 */

/**
 * @param {string} file id
 * @param {string | null} version id, null for the one that is current now
 * @param {number} start
 * @param {number} limit
 * @param {AbortSignal} signal
 * @returns {Promise<Manifest>}
 */
export function manifest(file, version, start, limit, signal) {
  const query = new URLSearchParams({ start: String(start), limit: String(limit) });
  if (version) {
    query.set("version", version);
  }
  return call("GET", `/api/download/${encodeURIComponent(file)}?${query}`, null, signal);
}

/**
 * The bytes of a chunk, as many as were announced, whatever they are.
 * @param {Piece} piece
 * @param {AbortSignal} signal
 * @param {(bytes: number) => void} onReceived told how many have come so far
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function get(piece, signal, onReceived) {
  const silence = new AbortController();
  const either = AbortSignal.any([signal, silence.signal]);
  let timer = window.setTimeout(() => silence.abort(noAnswer()), SILENCE);
  try {
    // Never from a cache: what arrived damaged once would be damaged again.
    const answer = await fetch(piece.url, { signal: either, cache: "no-store" });
    if (!answer.ok || !answer.body) {
      throw refusalFrom(answer.status, await answer.text(), answer.headers.get("Retry-After"));
    }
    const bytes = new Uint8Array(piece.size);
    let received = 0;
    for (const reader = answer.body.getReader(); ; ) {
      const { done, value } = await reader.read();
      clearTimeout(timer);
      if (done) {
        break;
      }
      if (received + value.length > piece.size) {
        await reader.cancel();
        throw damaged();
      }
      bytes.set(value, received);
      received += value.length;
      onReceived(received);
      timer = window.setTimeout(() => silence.abort(noAnswer()), SILENCE);
    }
    if (received < piece.size) {
      throw damaged();
    }
    return bytes;
  } catch (error) {
    throw error instanceof Refusal ? error : reasonOf(error, either);
  } finally {
    clearTimeout(timer);
  }
}

/** Other bytes than the manifest announced. */
export function damaged() {
  return new Refusal("A part of the file arrived damaged.", { code: "damaged" });
}
