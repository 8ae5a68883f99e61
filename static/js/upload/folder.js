// @ts-check

import { Refusal } from "../transfer/refusal.js";
import { Transfer } from "../transfer/transfer.js";

/** A folder that has no files to be made for, or an entry that the browser could not read. */
export class FolderUpload extends Transfer {
  #make;

  /**
   * @param {string} path
   * @param {string} root id of the folder that all of it goes into
   * @param {() => Promise<unknown>} make
   */
  constructor(path, root, make) {
    super({ name: path.slice(path.lastIndexOf("/") + 1), path, size: 0, lane: "small" });
    this.touched.add(root);
    this.#make = make;
  }

  /** @override @protected */
  async perform() {
    await this.calling(() => this.#make());
  }
}

/** @returns {Promise<never>} */
export async function failUnread() {
  throw new Refusal("The browser was not allowed to read it. Drop it again.");
}
