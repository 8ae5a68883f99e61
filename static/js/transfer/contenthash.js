// @ts-check

import { sha256 } from "./hashing.js";

/**
 * A file's content hash: SHA-256 over the raw SHA-256 digests of its chunks, one after another.
 * @param {string[]} hashes of all its chunks, in hexadecimal digits
 */
export function contentHash(hashes) {
  const digests = new Uint8Array(32 * hashes.length);
  hashes.forEach((hash, index) => {
    for (let at = 0; at < 32; at += 1) {
      digests[32 * index + at] = Number.parseInt(hash.slice(2 * at, 2 * at + 2), 16);
    }
  });
  return sha256(new Blob([digests]));
}
