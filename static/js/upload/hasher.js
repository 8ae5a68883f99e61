// @ts-check
/**
 * The worker that hashes one file, block by block, off the page's thread.
 *
 * In: `{ file, chunkSize }`. Out: `{ sha256 }` per block in order, at last `{ done: true }`; or
 * `{ unreadable: true }` when the file changed or went away.
 */

import { sha256 } from "./sha256.js";

self.addEventListener("message", async (event) => {
  /** @type {{ file: File, chunkSize: number }} */
  const { file, chunkSize } = event.data;
  try {
    for (let start = 0; start < file.size; start += chunkSize) {
      const block = await file.slice(start, start + chunkSize).arrayBuffer();
      self.postMessage({ sha256: hex(await digest(block)) });
    }
    self.postMessage({ done: true });
  } catch {
    self.postMessage({ unreadable: true });
  }
});

/** @param {ArrayBuffer} block */
async function digest(block) {
  const bytes = new Uint8Array(block);
  return crypto.subtle ? new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)) : sha256(bytes);
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
