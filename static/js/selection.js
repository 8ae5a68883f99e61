// @ts-check
/**
 * What is selected: the boxes that are ticked, nothing besides. A click on a line selects it alone,
 * with Ctrl (on a Mac Cmd) it as well, with Shift all up to it.
 */

import { onPageShown, openList, rows } from "./shown.js";
import { sizeText } from "./sizes.js";

/** @type {string | undefined} the entry that a range begins at */
let anchor;

export function startSelection() {
  document.addEventListener("click", onClick);
  document.addEventListener("change", onChange);
  onPageShown(showSelection);
  showSelection();
}

/** @returns {HTMLTableRowElement[]} */
export function selectedRows() {
  const boxes = openList()?.querySelectorAll("tbody .tile :checked") ?? [];
  return /** @type {HTMLTableRowElement[]} */ ([...boxes].map((box) => box.closest("tr")));
}

/** @param {HTMLTableRowElement[]} chosen */
export function select(chosen) {
  const wanted = new Set(chosen); // of ten thousand, each is looked up
  for (const row of rows()) {
    tick(row, wanted.has(row));
  }
  anchor = chosen.at(-1)?.dataset.entry;
  showSelection();
}

/** @param {HTMLTableRowElement} row */
export function toggle(row) {
  tick(row, !boxOf(row)?.checked);
  anchor = row.dataset.entry;
  showSelection();
}

/**
 * Select what lies between where the range began and this row, both included.
 * @param {HTMLTableRowElement} row
 * @param {HTMLTableRowElement} [start] where it begins when nothing has begun yet
 */
export function extendTo(row, start = row) {
  const all = rows();
  const from = all.findIndex((each) => each.dataset.entry === (anchor ?? start.dataset.entry));
  const to = all.indexOf(row);
  const begin = anchor ?? start.dataset.entry;
  select(all.slice(Math.min(from < 0 ? to : from, to), Math.max(from, to) + 1));
  anchor = begin;
}

/**
 * The fields of the selection's form, for these rows in place of the ticked ones.
 * @param {HTMLTableRowElement[]} chosen
 * @returns {URLSearchParams | null} null where nothing can be selected
 */
export function fieldsFor(chosen) {
  const form = document.getElementById("selection");
  if (!(form instanceof HTMLFormElement)) {
    return null;
  }
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (name !== "entry") {
      fields.append(name, String(value));
    }
  }
  for (const row of chosen) {
    fields.append("entry", row.dataset.entry ?? "");
  }
  return fields;
}

/** @param {MouseEvent} event */
function onClick(event) {
  const target = event.target instanceof Element ? event.target : null;
  if (target?.closest("[data-clear]")) {
    select([]);
  } else if (target?.closest("[data-download-selected]")) {
    void download(selectedRows());
  }
  const row = target?.closest("#list tbody > tr");
  if (event.defaultPrevented || event.button !== 0 || !(row instanceof HTMLTableRowElement) || !target) {
    return;
  }
  if (target.closest("[type=checkbox]")) {
    onBox(event, row);
  } else if (!target.closest("button, summary, label, .menu-panel, .renaming, input, .where, .link, .quick")) {
    onRow(event, row, target.closest("a") !== null);
  }
}

/**
 * @param {MouseEvent} event
 * @param {HTMLTableRowElement} row whose box was just ticked or not
 */
function onBox(event, row) {
  if (event.shiftKey && anchor) {
    extendTo(row);
  } else {
    anchor = row.dataset.entry;
  }
}

/**
 * @param {MouseEvent} event
 * @param {HTMLTableRowElement} row
 * @param {boolean} isLink a link opens unless a key says that it is meant to be selected
 */
function onRow(event, row, isLink) {
  if (event.shiftKey) {
    extendTo(row);
  } else if (event.ctrlKey || event.metaKey) {
    toggle(row);
  } else if (isLink) {
    return;
  } else {
    select([row]);
  }
  event.preventDefault();
}

/** @param {Event} event */
function onChange(event) {
  const box = event.target;
  if (!(box instanceof HTMLInputElement) || box.type !== "checkbox") {
    return;
  }
  if (box.hasAttribute("data-all")) {
    select(box.checked ? rows() : []);
    passFocus(box);
  } else if (box.closest("#list")) {
    showSelection();
  }
}

/**
 * The heading's box gives way to the one of the bar that covers it, and the other way round.
 * @param {HTMLInputElement} box
 */
function passFocus(box) {
  if (!box.checkVisibility({ visibilityProperty: true })) {
    const boxes = /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("[data-all]"));
    [...boxes].find((each) => each.checkVisibility({ visibilityProperty: true }))?.focus();
  }
}

/** Say how much is selected, wherever that is said. */
function showSelection() {
  const list = openList();
  const all = rows();
  const chosen = selectedRows();
  const size = chosen.reduce((sum, row) => sum + Number(row.dataset.size ?? 0), 0);
  const hasFolders = chosen.some((row) => row.dataset.into);
  const text = `${chosen.length.toLocaleString()} selected${size ? `, ${sizeText(size)}` : ""}`;
  write(list, "[data-selected]", chosen.length ? ` · ${text}` : "");
  write(list, "[data-selected-short]", chosen.length.toLocaleString());
  const total = list?.querySelector("[data-total]");
  write(list, "[data-shown]", String(all.length));
  if (total && Number(total.textContent) < all.length) {
    total.textContent = String(all.length);
  }
  for (const every of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("[data-all]"))) {
    every.checked = chosen.length > 0 && chosen.length === all.length;
    every.indeterminate = chosen.length > 0 && chosen.length < all.length;
  }
  const button = list?.querySelector("[data-download-selected]");
  if (button instanceof HTMLButtonElement) {
    button.disabled = hasFolders;
    button.title = hasFolders ? "Only files can be downloaded together" : "Download";
  }
}

/**
 * @param {Element | null} list
 * @param {string} selector
 * @param {string} text
 */
function write(list, selector, text) {
  const place = list?.querySelector(selector);
  if (place && place.textContent !== text) {
    place.textContent = text;
  }
}

/**
 * One after the other: a browser drops downloads that begin in the same moment.
 * @param {HTMLTableRowElement[]} chosen
 */
async function download(chosen) {
  for (const row of chosen) {
    const link = row.querySelector("a.entry[download]");
    if (link instanceof HTMLAnchorElement) {
      link.click();
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
}

/**
 * @param {HTMLTableRowElement} row
 * @param {boolean} isSelected
 */
function tick(row, isSelected) {
  const box = boxOf(row);
  if (box && box.checked !== isSelected) {
    box.checked = isSelected; // only a change, since the style sheet looks at every box that is set
  }
}

/**
 * @param {HTMLTableRowElement} row
 * @returns {HTMLInputElement | null}
 */
function boxOf(row) {
  return row.querySelector(".tile [type=checkbox]");
}
