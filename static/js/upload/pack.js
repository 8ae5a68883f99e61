// @ts-check
/**
 * Many small files in one request: their calls would take far longer than their bytes. What a pack
 * can't do (a name that is taken, a file that can't be read) goes the ordinary way afterwards.
 */

import { sha256 } from "../transfer/hashing.js";
import { Refusal } from "../transfer/refusal.js";
import { CHUNK_SIZE } from "../transfer/server.js";
import { Transfer } from "../transfer/transfer.js";
import * as protocol from "./protocol.js";

export const LARGEST_PACKED = 65_536; // bytes; of larger files the bytes count, and chunks resume
const MOST_FILES = 200; // the server makes them in one transaction, and others wait for it
const WEIGHT = 3; // two packs at once, or one beside three small files

/** @typedef {import("./upload.js").Upload} Upload */

export class Pack extends Transfer {
  #uploads;
  #root;

  /**
   * @param {Upload[]} uploads
   * @param {string} root id of the folder that all of them go into
   */
  constructor(uploads, root) {
    super({ name: "", size: uploads.reduce((sum, upload) => sum + upload.size, 0), lane: "small" });
    this.#uploads = uploads;
    this.#root = root;
    this.onChange = () => this.#tell();
    for (const upload of uploads) {
      upload.joinPack(() => this.#leave());
    }
  }

  /** @override */
  get members() {
    return this.#uploads;
  }

  /** @override */
  get weight() {
    return WEIGHT;
  }

  /** @override @protected */
  async perform() {
    const files = await Promise.all(this.#uploads.filter((upload) => !upload.hasEnded).map(readable));
    const packed = files.filter((file) => file !== null);
    if (!packed.length) {
      return;
    }
    const head = { parent: this.#root, on_conflict: "fail", files: packed.map((file) => file.spec) };
    const bytes = packed.map((file) => file.bytes);
    // Not on one of the connections for chunks: a large file on a slow line may hold them all.
    const { results } = await this.calling((signal) => protocol.pack(head, bytes, signal));
    for (const { index, file, error } of results) {
      const { upload } = packed[index];
      if (file) {
        upload.arriveInPack(file);
      } else if (error) {
        upload.refuseInPack(new Refusal(error.message, { code: error.code, facts: error }));
      }
    }
  }

  /** @override @protected */
  tidy() {
    for (const upload of this.#uploads) {
      upload.leavePack(this.refusal?.isSignedOut ? this.refusal : null);
    }
  }

  /** What the pack waits for, its files wait for. */
  #tell() {
    for (const upload of this.#uploads) {
      if (!upload.hasEnded) {
        upload.isPaused = this.isPaused;
        upload.reason = this.reason;
      }
      upload.onChange();
    }
  }

  /** One was cancelled; when all are, nothing is sent any more. */
  #leave() {
    if (this.#uploads.every((upload) => upload.hasEnded)) {
      this.cancel();
    }
  }
}

/**
 * What can go with an upload, taken off `waiting`.
 * @param {Upload} first
 * @param {Upload[]} waiting
 */
export function companions(first, waiting) {
  let room = CHUNK_SIZE - first.size;
  const chosen = [first];
  for (const upload of waiting) {
    if (chosen.length === MOST_FILES) {
      break;
    }
    if (upload.size <= room) {
      chosen.push(upload);
      room -= upload.size;
    }
  }
  return chosen;
}

/**
 * Read once: what is hashed is what is sent, whoever writes to the file meanwhile.
 * @param {Upload} upload
 */
async function readable(upload) {
  try {
    const bytes = new Blob([await upload.file.arrayBuffer()]);
    return { upload, bytes, spec: { ...upload.facts, size: bytes.size, sha256: await sha256(bytes) } };
  } catch {
    return null; // on its own it will say why
  }
}
