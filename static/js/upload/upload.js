// @ts-check
/** One file on its way up: hash, register, send what is asked for, complete. */

import { contentHash } from "../transfer/contenthash.js";
import { readAhead } from "../transfer/pages.js";
import { isRefusal, Refusal } from "../transfer/refusal.js";
import { CHUNK_SIZE } from "../transfer/server.js";
import { Chunk, Transfer } from "../transfer/transfer.js";
import { Hashes } from "./hashes.js";
import { companions, LARGEST_PACKED, Pack } from "./pack.js";
import * as protocol from "./protocol.js";

const PAGE = 1000;
const FIRST_HASHES = 4; // enough to keep every connection busy while the rest is hashed
const MORE_HASHES = 16; // at least, a call: where everything is here already, calls are all there is
const FRESH_STARTS = 3;
/** What servers and buckets call bytes that are not the ones announced. */
const OTHER_BYTES = new Set([
  "checksum_mismatch",
  "size_mismatch",
  "BadDigest",
  "XAmzContentSHA256Mismatch",
]);
const MOST_ADDRESSES = 4; // for one chunk: a server that refuses its own would be asked for ever

/**
 * @typedef {"version" | "rename"} OnConflict
 *
 * What an upload needs to know of the drop it came with.
 * @typedef {object} Drop
 * @property {string} root id of the folder that all of it goes into
 * @property {(path: string[]) => Promise<string>} folder the id of a folder in it
 * @property {() => void} forgetFolders some of them are gone
 * @property {boolean} mayPack whether small files may go together, which visitors of a link may not
 * @property {(id: string, signal: AbortSignal) => Promise<import("../transfer/server.js").Entry>} entry
 * @property {(name: string, isFolder: boolean, signal: AbortSignal) => Promise<OnConflict | "skip">} settle
 */

export class Upload extends Transfer {
  /** @type {import("./protocol.js").Completed | null} */
  result = null;
  /** The folder has this very file: nothing was to be done. */
  isSame = false;
  /** Its id at the server, "" while it has none. */
  id = "";
  /** @type {OnConflict | "fail"} what a taken name means */
  onConflict = "fail";

  #hashes;
  #drop;
  #isAbandoned = false;
  #isAlone = false;
  /** @type {(() => void) | null} what to tell the pack it is in when it was cancelled */
  #leave = null;
  /** @type {Refusal | null} that its name is taken, as the pack has found */
  #conflict = null;

  /**
   * @param {File} file
   * @param {string[]} folders names from below the folder that it was dropped on
   * @param {Drop} drop
   */
  constructor(file, folders, drop) {
    const path = [...folders, file.name].join("/");
    super({ name: file.name, path, size: file.size, lane: file.size > CHUNK_SIZE ? "large" : "small" });
    this.file = file;
    this.folders = folders;
    this.#drop = drop;
    this.touched.add(drop.root);
    this.chunks = new Uint8Array(Math.ceil(file.size / CHUNK_SIZE));
    this.#hashes = this.#freshHashes();
  }

  get hashedBytes() {
    return Math.min(this.#hashes.found * CHUNK_SIZE, this.size);
  }

  /** What the server is told of it beside its bytes. */
  get facts() {
    return {
      name: this.name,
      path: this.folders.length ? this.folders.join("/") : undefined,
      content_type: this.file.type || undefined,
      modified_at: timestamp(this.file.lastModified),
    };
  }

  get #isPackable() {
    return this.#drop.mayPack && this.size <= LARGEST_PACKED && !this.#isAlone;
  }

  /**
   * @override
   * @param {Transfer[]} waiting
   * @returns {Transfer}
   */
  gather(waiting) {
    if (!this.#isPackable) {
      return this;
    }
    const others = waiting.filter((other) => other instanceof Upload);
    const packable = others.filter(
      (other) => other.#isPackable && other.state === "waiting" && other.#drop.root === this.#drop.root,
    );
    const chosen = companions(this, packable);
    return chosen.length > 1 ? new Pack(chosen, this.#drop.root) : this;
  }

  /** @param {() => void} leave */
  joinPack(leave) {
    this.#leave = leave;
    this.become("moving");
    this.chunks.fill(Chunk.MOVING);
  }

  /** @param {import("../transfer/server.js").Entry} file */
  arriveInPack(file) {
    const stats = { size: this.size, uploaded_bytes: this.size, deduplicated_bytes: 0 };
    this.result = { file, version: { number: 1 }, stats };
    this.touched.add(file.parent ?? "");
    this.chunks.fill(Chunk.MOVED);
    this.bytesMoved += this.size;
    this.state = "done"; // also when it was cancelled meanwhile: the file is there
  }

  /** @param {Refusal} refusal */
  refuseInPack(refusal) {
    this.#conflict = refusal.code === "name_taken" ? refusal : null;
  }

  /** @param {Refusal | null} refusal why trying on its own would be in vain, too */
  leavePack(refusal) {
    this.#leave = null;
    if (this.hasEnded) {
      return;
    }
    this.#isAlone = true;
    this.forgetProgress();
    this.become(refusal ? "failed" : "waiting");
    this.refusal = refusal;
    this.reason = refusal?.message ?? "";
  }

  /** @override @protected */
  async perform() {
    this.#isAbandoned = false;
    const conflict = this.#conflict;
    this.#conflict = null;
    if (conflict && (await this.#isSettled(conflict))) {
      return;
    }
    for (let starts = 1; ; starts += 1) {
      try {
        this.forgetProgress();
        await this.#send(await this.calling(() => this.#drop.folder(this.folders)));
        await this.#complete();
        return;
      } catch (error) {
        if (isRefusal(error, "name_taken")) {
          if (await this.#isSettled(error)) {
            return;
          }
        } else if (starts === FRESH_STARTS || !(await this.#mayStartAfresh(error))) {
          throw error;
        }
      }
    }
  }

  /** What was sent is the server's to clear away. @override @protected */
  undo() {
    this.#isAbandoned = true;
    this.#leave?.();
    if (this.id) {
      void protocol.giveUp(this.id);
      this.id = "";
    }
  }

  /** @param {string} parent */
  async #send(parent) {
    this.touched.add(parent);
    const slots = readAhead((start) => (start ? this.#more(start) : this.#open(parent)));
    await this.inParallel(slots, async (slot) => {
      if (slot.state === "upload") {
        await this.#sendChunk(slot);
      }
    });
  }

  /** @param {string} parent */
  async #open(parent) {
    const chunks = await this.#specs(0, FIRST_HASHES);
    const opened = await this.calling((signal) => protocol.register(this.#announcement(parent, chunks), signal));
    this.id = opened.upload_id;
    if (this.#isAbandoned) {
      this.undo(); // cancelled while this answer was on its way
    }
    this.become("moving");
    return this.#page(0, opened.chunks);
  }

  /** @param {number} start */
  async #more(start) {
    const chunks = await this.#specs(start, MORE_HASHES);
    const opened = await this.calling((signal) => protocol.addChunks(this.id, start, chunks, signal));
    return this.#page(start, opened.chunks);
  }

  /**
   * @param {number} start
   * @param {import("./protocol.js").Slot[]} slots
   */
  #page(start, slots) {
    for (const slot of slots) {
      if (slot.state === "have") {
        this.settle(slot, Chunk.HAVE);
      } else {
        this.chunks[slot.index] = Chunk.WAITING;
      }
    }
    this.onChange();
    const next = start + slots.length;
    return { items: slots, next: next < this.chunks.length ? next : null };
  }

  /** @param {import("./protocol.js").Slot} slot */
  async #sendChunk(slot) {
    const start = slot.index * CHUNK_SIZE;
    const body = this.file.slice(start, start + slot.size);
    let address = slot;
    for (let addresses = 1; ; addresses += 1) {
      try {
        const { method, url, headers } = address;
        await this.moving(slot, (signal, onSent) =>
          protocol.put({ ...slot, method, url, headers }, body, signal, onSent),
        );
        break;
      } catch (error) {
        if (addresses === MOST_ADDRESSES) {
          throw error;
        }
        const fresh = await this.#addressAfter(error, slot.index);
        if (fresh.state === "have") {
          break; // it had arrived, and only the answer was lost
        }
        address = fresh;
      }
    }
    this.settle(slot, Chunk.MOVED);
  }

  /**
   * A fresh address when the old one has expired meanwhile; every other failure is thrown.
   * @param {unknown} error
   * @param {number} index
   */
  async #addressAfter(error, index) {
    if (error instanceof Refusal && OTHER_BYTES.has(error.code)) {
      // Bytes that don't have the hash they had a minute ago: somebody writes to the file.
      this.#hashes = this.#freshHashes();
      throw new Refusal("The file changed while it was being sent.", { code: error.code });
    }
    if (!(error instanceof Refusal) || error.status !== 403) {
      throw error;
    }
    const fresh = await this.calling((signal) => protocol.slotOf(this.id, index, signal));
    if (!fresh) {
      throw new Refusal("The server forgot a part of this upload.", { code: "upload_gone" });
    }
    return fresh;
  }

  async #complete() {
    this.become("finishing");
    this.result = await this.calling((signal) => protocol.complete(this.id, signal));
    this.id = "";
  }

  /**
   * Whether going through it once more helps. Hashes are kept, and what was sent is not sent again.
   * @param {unknown} error
   */
  async #mayStartAfresh(error) {
    if (isRefusal(error, "parent_gone")) {
      this.#drop.forgetFolders();
    }
    if (isRefusal(error, "chunk_conflict")) {
      await protocol.giveUp(this.id); // begun with an older content of this file, by its first hashes
    }
    return ["upload_gone", "chunks_missing", "chunk_conflict"].some((code) => isRefusal(error, code));
  }

  /**
   * The name is taken: by this very file, or a person decides.
   * @param {Refusal} refusal
   * @returns {Promise<boolean>} true: nothing is left to do
   */
  async #isSettled(refusal) {
    const other = await this.calling((signal) => this.#drop.entry(refusal.facts.id, signal)).catch((error) => {
      if (isRefusal(error, "not_found")) {
        return null; // it has left the name since: try again
      }
      throw error;
    });
    if (!other) {
      return false;
    }
    if (other.type === "file" && other.size === this.size && other.content_hash === (await this.#contentHash())) {
      this.isSame = true;
      this.chunks.fill(Chunk.HAVE);
      this.touched.add(other.parent ?? "");
      return true;
    }
    this.isAsking = true;
    this.onChange();
    const choice = await this.#drop.settle(this.path, other.type === "folder", this.signal);
    this.isAsking = false;
    if (choice === "skip") {
      this.cancel("Skipped: the name is taken");
      this.signal.throwIfAborted();
    } else {
      this.onConflict = choice;
    }
    return false;
  }

  async #contentHash() {
    const hashes = await this.#hashes.from(0, this.chunks.length, this.chunks.length, this.signal);
    return contentHash(hashes);
  }

  /**
   * @param {number} start
   * @param {number} least
   */
  async #specs(start, least) {
    await this.unpaused();
    const hashes = await this.#hashes.from(start, least, PAGE, this.signal);
    return hashes.map((sha256, offset) => ({
      sha256,
      size: Math.min(CHUNK_SIZE, this.size - (start + offset) * CHUNK_SIZE),
    }));
  }

  #freshHashes() {
    return new Hashes(this.file, () => this.onChange());
  }

  /**
   * @param {string} parent
   * @param {{ sha256: string, size: number }[]} chunks
   */
  #announcement(parent, chunks) {
    const { name, content_type, modified_at } = this.facts;
    return { parent, name, size: this.size, chunks, content_type, modified_at, on_conflict: this.onConflict };
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
