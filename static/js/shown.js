// @ts-check
/** What is on the screen, and who wants to know when something new is put there. */

/** @type {((root: ParentNode) => void)[]} */
const listeners = [];

/** @param {(root: ParentNode) => void} listener called with what was just put into the page */
export function onPageShown(listener) {
  listeners.push(listener);
}

/** @param {ParentNode} root */
export function announce(root) {
  for (const listener of listeners) {
    listener(root);
  }
}

/** @param {string} html */
export function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

/** @returns {HTMLElement | null} the list of the page: of a folder, the trash, or a search */
export function openList() {
  return document.getElementById("list");
}

/** @param {Element | null} [list] */
export function rows(list = openList()) {
  return /** @type {HTMLTableRowElement[]} */ ([...(list?.querySelectorAll("tbody > tr") ?? [])]);
}

/**
 * @param {Element} list
 * @param {string} entry
 * @returns {HTMLTableRowElement | null}
 */
export function rowOf(list, entry) {
  return list.querySelector(`tr[data-entry="${CSS.escape(entry)}"]`);
}
