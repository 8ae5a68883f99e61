// @ts-check
/**
 * One file on its way down: chunks in parallel, each compared with its hash before a byte of it is
 * written. What does not fit is fetched again, and refused when it never does.
 */

import { contentHash } from "../transfer/contenthash.js";
import { sha256 } from "../transfer/hashing.js";
import { readAhead } from "../transfer/pages.js";
import { isRefusal, Refusal } from "../transfer/refusal.js";
import { CHUNK_SIZE } from "../transfer/server.js";
import { Chunk, Transfer } from "../transfer/transfer.js";
import * as protocol from "./protocol.js";

const PAGE = 200; // addresses; they hold for 15 minutes, and are renewed when that was too short
const TRIES = 3; // of a chunk whose bytes are not what was announced
const MOST_ADDRESSES = 4; // for one chunk: a server that refuses its own would be asked for ever

/** @typedef {import("./sinks.js").Sink} Sink */

export class Download extends Transfer {
  #id;
  #sink;
  /** @type {string | null} pinned by the first answer: a file may get a new version meanwhile */
  #version = null;
  #announcedHash = "";
  /** @type {string[]} by index */
  #hashes = [];

  /**
   * @param {{ id: string, name: string, size: number }} file
   * @param {Sink} sink where it goes
   */
  constructor({ id, name, size }, sink) {
    super({ name, size, lane: "download" });
    this.#id = id;
    this.#sink = sink;
    this.chunks = new Uint8Array(Math.ceil(size / CHUNK_SIZE));
  }

  /** What arrived before a failure stays where it is: trying again fetches only the rest. @override @protected */
  async perform() {
    if (await this.#sink.open()) {
      this.forgetProgress(); // nothing has been written there yet
    }
    const pieces = readAhead((start) => this.#page(start));
    await this.inParallel(pieces, (piece) => this.#fetch(piece));
    this.become("finishing");
    if ((await contentHash(this.#hashes)) !== this.#announcedHash) {
      throw new Refusal("The server's list of chunks does not make up this file. Nothing was kept.");
    }
    await this.#sink.close();
  }

  /** @override @protected */
  undo() {
    void this.#sink.discard();
  }

  /** @override */
  dismiss() {
    super.dismiss();
    if (this.state !== "done") {
      void this.#sink.discard();
    }
  }

  /** @param {number} start */
  async #page(start) {
    const manifest = await this.calling((signal) =>
      protocol.manifest(this.#id, this.#version, start, PAGE, signal),
    );
    if (this.#version === null) {
      this.#version = manifest.version_id;
      this.size = manifest.size;
      this.chunks = new Uint8Array(Math.ceil(manifest.size / CHUNK_SIZE));
    }
    this.#announcedHash = manifest.content_hash;
    this.become("moving");
    for (const { index, sha256: hash } of manifest.chunks) {
      this.#hashes[index] = hash;
    }
    const items = manifest.chunks.filter((piece) => this.chunks[piece.index] !== Chunk.MOVED);
    return { items, next: manifest.next };
  }

  /** @param {import("./protocol.js").Piece} piece */
  async #fetch(piece) {
    let current = piece;
    let addresses = 1;
    for (let tries = 1; ; ) {
      try {
        // Written while it holds a connection: a slow disk slows the fetching, not the memory down.
        await this.moving(piece, async (signal, onReceived) => {
          const bytes = await protocol.get(current, signal, onReceived);
          await this.#write(piece, bytes);
        });
        this.settle(piece, Chunk.MOVED);
        return;
      } catch (error) {
        if (isRefusal(error, "damaged") && tries < TRIES) {
          tries += 1;
        } else if (isRefusal(error, "damaged")) {
          throw this.#refused(piece);
        } else if (!isExpired(error) || addresses === MOST_ADDRESSES) {
          throw error;
        }
        current = await this.#fresh(piece);
        addresses += 1;
      }
    }
  }

  /**
   * @param {import("./protocol.js").Piece} piece
   * @param {Uint8Array<ArrayBuffer>} bytes
   */
  async #write(piece, bytes) {
    if ((await sha256(new Blob([bytes]))) !== piece.sha256) {
      throw protocol.damaged();
    }
    this.signal.throwIfAborted();
    await this.#sink.write(piece.index * CHUNK_SIZE, bytes);
  }

  /** @param {import("./protocol.js").Piece} piece */
  async #fresh({ index, sha256: hash, size }) {
    const manifest = await this.calling((signal) =>
      protocol.manifest(this.#id, this.#version, index, 1, signal),
    );
    const [fresh] = manifest.chunks;
    if (fresh?.index !== index || fresh.sha256 !== hash || fresh.size !== size) {
      throw new Refusal("The server tells different things of the same file. Nothing was kept.");
    }
    return fresh;
  }

  /** @param {import("./protocol.js").Piece} piece */
  #refused({ index }) {
    return new Refusal(
      `Chunk ${index + 1} of ${this.chunks.length} arrived damaged ${TRIES} times. The file was not saved.`,
    );
  }
}

/** @param {unknown} error */
function isExpired(error) {
  return error instanceof Refusal && error.code.startsWith("token_");
}
