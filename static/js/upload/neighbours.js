// @ts-check
/**
 * The entries whose names a drop meets. Where there is one, there are many (a folder that is dropped
 * again), so whole pages of their folder are read along with it.
 */

import { children, entry } from "../transfer/server.js";

const FRESH = 30_000; // milliseconds; what is older may have become another version since

/** @typedef {import("../transfer/server.js").Entry} Entry */

export class Neighbours {
  /** @type {Map<string, { entry: Entry, at: number }>} by id */
  #known = new Map();
  /** @type {Map<string, string | null>} by folder: where its next page begins, null for nowhere */
  #next = new Map();

  /**
   * @param {string} id
   * @param {AbortSignal} signal
   * @returns {Promise<Entry>}
   */
  async entry(id, signal) {
    const known = this.#known.get(id);
    if (known && known.at > Date.now() - FRESH) {
      return known.entry;
    }
    const asked = await entry(id, signal);
    this.#learn([asked]);
    if (asked.parent) {
      await this.#readOn(asked.parent, signal);
    }
    return asked;
  }

  /**
   * @param {string} folder
   * @param {AbortSignal} signal
   */
  async #readOn(folder, signal) {
    const cursor = this.#next.get(folder);
    if (cursor === null) {
      return;
    }
    this.#next.set(folder, null); // whoever comes meanwhile need not read the same page
    const page = await children(folder, cursor ?? null, signal);
    this.#next.set(folder, page.next);
    this.#learn(page.results);
  }

  /** @param {Entry[]} entries */
  #learn(entries) {
    const at = Date.now();
    for (const one of entries) {
      this.#known.set(one.id, { entry: one, at });
    }
  }
}
