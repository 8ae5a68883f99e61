// @ts-check
/** The folders that a drop needs, each made once, however many files wait for it. */

import { isRefusal, Refusal } from "../transfer/refusal.js";
import { entry } from "../transfer/server.js";
import { makeFolder } from "./protocol.js";

export class Folders {
  /** @type {Map<string, Promise<string>>} ids by path */
  #ids = new Map();
  #root;

  /** @param {string} root id of the folder that was dropped on */
  constructor(root) {
    this.#root = root;
  }

  /**
   * The id of a folder, which is made, with those above it, where it is not there yet. A failure is
   * not kept: asking again tries again.
   * @param {string[]} path names from below the root
   * @returns {Promise<string>}
   */
  idOf(path) {
    const name = path.at(-1);
    if (name === undefined) {
      return Promise.resolve(this.#root);
    }
    const key = path.join("/");
    const known = this.#ids.get(key);
    if (known) {
      return known;
    }
    const made = this.idOf(path.slice(0, -1)).then((parent) => madeOrFound(parent, name));
    this.#ids.set(key, made);
    made.catch(() => this.#ids.delete(key));
    return made;
  }

  /** Folders were trashed meanwhile: whoever tries again makes them again. */
  forget() {
    this.#ids.clear();
  }
}

/**
 * @param {string} parent
 * @param {string} name
 */
async function madeOrFound(parent, name) {
  // Not the signal of whoever came first: cancelling that file must not fail the others.
  const signal = AbortSignal.timeout(60_000);
  try {
    return (await makeFolder(parent, name, signal)).id;
  } catch (error) {
    if (!isRefusal(error, "name_taken")) {
      throw error instanceof Refusal ? named(error, name) : error;
    }
    const other = await entry(error.facts.id, signal);
    if (other.type !== "folder") {
      throw new Refusal(`A file called “${other.name}” is where the folder should be.`, { code: "name_taken_by_file" });
    }
    return other.id;
  }
}

/**
 * A folder's trouble is told at each of its files, so it says which folder it means.
 * @param {Refusal} refusal
 * @param {string} name
 */
function named(refusal, name) {
  if (refusal.isPassing || refusal.status === 401) {
    return refusal;
  }
  return new Refusal(`The folder “${name}” can't be made. ${refusal.message}`, refusal);
}
