// @ts-check
/** All that was dropped, picked or pasted at once: its folders, its conflicts, its reminder. */

import { Conflicts } from "./conflicts.js";
import { failUnread, FolderUpload } from "./folder.js";
import { Folders } from "./folders.js";
import { Neighbours } from "./neighbours.js";
import * as unfinished from "./unfinished.js";
import { Upload } from "./upload.js";

const TOLD_AT_ONCE = 200; // files found before the queue hears of them: it looks at all each time
const MOST_REMEMBERED = 50; // ids of uploads

/** @typedef {import("./found.js").Found} Found */

export class Drop {
  #queue;
  #folder;
  #folders;
  #conflicts = new Conflicts();
  #neighbours = new Neighbours();
  /** @type {(Upload | FolderUpload)[]} */
  #transfers = [];
  /** @type {Set<string>} names of what was dropped itself */
  #names = new Set();
  #isRead = false;
  #isReminded = false;

  /**
   * @param {string} folder id of the folder that it goes into
   * @param {import("../transfer/queue.js").Queue} queue
   */
  constructor(folder, queue) {
    this.#folder = folder;
    this.#queue = queue;
    this.#folders = new Folders(folder);
  }

  /**
   * Put all that is found into the queue, as it is found.
   * @param {AsyncIterable<Found>} found
   */
  async take(found) {
    /** @type {(Upload | FolderUpload)[]} */
    let some = [];
    for await (const one of found) {
      const transfer = this.#transferOf(one);
      some.push(transfer);
      this.#transfers.push(transfer);
      this.#names.add(transfer.path.split("/")[0]);
      if (some.length === TOLD_AT_ONCE) {
        this.#tell(some);
        some = [];
      }
    }
    this.#isRead = true;
    this.#tell(some);
  }

  /** @param {(Upload | FolderUpload)[]} transfers */
  #tell(transfers) {
    if (this.#isRead) {
      this.#replaceReminder();
    }
    if (!this.#isReminded) {
      this.#isReminded = true;
      unfinished.remind(() => this.#describe());
    }
    this.#queue.add(transfers);
  }

  /** @param {Found} found */
  #transferOf(found) {
    const { folders } = found;
    if (found.file) {
      return new Upload(found.file, folders, {
        root: this.#folder,
        mayPack: true,
        folder: (path) => this.#folders.idOf(path),
        forgetFolders: () => this.#folders.forget(),
        entry: (id, signal) => this.#neighbours.entry(id, signal),
        settle: (path, isFolder, signal) => this.#conflicts.settle({ path, isFolder, signal }),
      });
    }
    const path = [...folders, ...(found.unreadable ? [found.unreadable] : [])].join("/");
    const act = found.unreadable ? failUnread : () => this.#folders.idOf(folders);
    return new FolderUpload(path, this.#folder, act);
  }

  /** What is dropped again goes on: with what was chosen, and without being announced any more. */
  #replaceReminder() {
    for (const reminder of unfinished.left()) {
      const isThis = reminder.folder === this.#folder && reminder.others === this.#names.size - 1;
      if (isThis && this.#names.has(reminder.name)) {
        this.#conflicts.choice ??= reminder.onConflict;
        unfinished.forget(reminder.id);
      }
    }
  }

  /** @returns {import("./unfinished.js").Description | null} */
  #describe() {
    const open = this.#transfers.filter((transfer) => !transfer.isOver);
    if (!open.length && this.#isRead) {
      return null;
    }
    const uploads = this.#transfers.filter((transfer) => transfer instanceof Upload);
    const [name] = this.#names;
    const single = uploads.length === 1 ? uploads[0] : null;
    return {
      folder: this.#folder,
      name,
      others: this.#names.size - 1,
      done: single ? single.bytesDone : this.#transfers.length - open.length,
      total: single ? single.size : this.#transfers.length,
      uploads: uploads.flatMap((upload) => upload.id || []).slice(0, MOST_REMEMBERED),
      onConflict: this.#conflicts.remembered,
    };
  }
}
