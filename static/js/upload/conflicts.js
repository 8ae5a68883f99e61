// @ts-check
/** What to do about names that are taken: asked once for each drop, if a person says so. */

import { make } from "../transfer/elements.js";

/**
 * @typedef {"version" | "rename" | "skip"} Choice
 *
 * @typedef {object} Question
 * @property {string} path
 * @property {boolean} isFolder the name is a folder's, so there is no new version to make
 * @property {AbortSignal} signal
 */

/** One dialog at a time, over all drops of the page. */
let turn = Promise.resolve();

export class Conflicts {
  /** @type {Choice | null} for all others of this drop */
  choice = null;
  /** @type {"version" | "rename" | null} what to go on with when this is dropped again */
  remembered = null;

  /**
   * @param {Question} question
   * @returns {Promise<Choice>} or why `signal` ended the question
   */
  settle(question) {
    const answer = turn.then(() => this.#known(question) ?? this.#ask(question));
    turn = answer.then(
      () => {},
      () => {},
    );
    return answer;
  }

  /** @param {Question} question */
  #known({ isFolder, signal }) {
    signal.throwIfAborted();
    // A new version of a folder is not possible; the file is kept beside it.
    return this.choice === "version" && isFolder ? "rename" : this.choice;
  }

  /** @param {Question} question */
  async #ask(question) {
    const { choice, isForAll } = await ask(question);
    this.remembered = choice === "skip" ? null : choice;
    if (isForAll) {
      this.choice = choice;
    }
    return choice;
  }
}

/**
 * @param {Question} question
 * @returns {Promise<{ choice: Choice, isForAll: boolean }>}
 */
function ask({ path, isFolder, signal }) {
  const forAll = /** @type {HTMLInputElement} */ (make("input", { type: "checkbox", id: "conflict-all" }));
  const dialog = dialogFor(path, isFolder, forAll);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve, reject) => {
    const stop = () => dialog.close("stopped");
    signal.addEventListener("abort", stop, { once: true });
    dialog.addEventListener("close", () => {
      signal.removeEventListener("abort", stop);
      dialog.remove();
      if (signal.aborted) {
        reject(signal.reason);
      } else {
        const choice = /** @type {Choice} */ (dialog.returnValue || "skip"); // Escape
        resolve({ choice, isForAll: forAll.checked && dialog.returnValue !== "" });
      }
    });
  });
}

/**
 * @param {string} path
 * @param {boolean} isFolder
 * @param {HTMLInputElement} forAll
 * @returns {HTMLDialogElement}
 */
function dialogFor(path, isFolder, forAll) {
  const text = isFolder
    ? "A folder has this name. The file can be kept beside it under another one."
    : "A new version takes its place; the old one stays in its history.";
  const choices = make("div", { class: "tray-choices" });
  const choice = (/** @type {Choice} */ value, /** @type {string} */ label, main = false) =>
    choices.append(make("button", { value, class: main ? "button primary" : "button" }, label));
  choice("skip", "Skip");
  choice("rename", "Keep both", isFolder);
  if (!isFolder) {
    choice("version", "New version", true);
  }
  const all = make("label", { for: "conflict-all" }, forAll, " Do the same for all others that are here already");
  const form = make("form", { method: "dialog" }, make("p", {}, text), all, choices);
  const title = make("h2", { id: "conflict-title" }, "“", make("bdi", {}, path), "” is here already");
  const attributes = { class: "tray-dialog", "aria-labelledby": "conflict-title", "data-keep": "" };
  return /** @type {HTMLDialogElement} */ (make("dialog", attributes, title, form));
}
