// @ts-check
/** The keyboard: through the list, and what can be done with it. `?` shows what there is. */

import { isDialogOpen, showInDialog } from "./dialog.js";
import { openMenus } from "./menus.js";
import { act } from "./pages.js";
import { renameRow } from "./rename.js";
import { extendTo, fieldsFor, select, selectedRows, toggle } from "./selection.js";
import { openList, rows } from "./shown.js";

const SWITCH = "single-keys"; // WCAG 2.1.4: who speaks to the computer can turn single keys off

export function startKeys() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-help]")) {
      showHelp();
    }
  });
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.defaultPrevented || event.altKey || isDialogOpen() || openMenus().length || isTyping(event)) {
    return;
  }
  const command = event.ctrlKey || event.metaKey;
  const done = command ? onCommand(event) : onSingle(event) || onMove(event) || onRowKey(event);
  if (done) {
    event.preventDefault();
  }
}

/** @param {KeyboardEvent} event */
function onCommand(event) {
  if (event.key.toLowerCase() !== "a" || !rows().length) {
    return false;
  }
  select(rows());
  return true;
}

/** @param {KeyboardEvent} event */
function onSingle(event) {
  if (localStorage.getItem(SWITCH) === "off") {
    return false;
  }
  const row = focusedRow();
  if (event.key === "/") {
    const field = document.querySelector(".search input");
    if (field instanceof HTMLInputElement) {
      field.focus();
      field.select();
    }
  } else if (event.key === "?") {
    showHelp();
  } else if (event.key === "x" && row) {
    toggle(row);
  } else {
    return false;
  }
  return true;
}

/** @param {KeyboardEvent} event */
function onMove(event) {
  const all = rows();
  const from = focusedRow();
  if (!all.length || (!from && !isFocusFree())) {
    return false;
  }
  const to = all[nextIndex(event.key, from ? all.indexOf(from) : -1, all)];
  if (!to) {
    return false;
  }
  if (event.shiftKey) {
    extendTo(to, from ?? to);
  }
  const link = to.querySelector(".entry[href]") ?? to.querySelector("[type=checkbox]");
  if (link instanceof HTMLElement) {
    link.focus({ preventScroll: true });
  }
  to.scrollIntoView({ block: "nearest" });
  return true;
}

/**
 * @param {string} key
 * @param {number} at -1 before anything has the focus
 * @param {HTMLTableRowElement[]} all
 * @returns {number} -1 for another key
 */
function nextIndex(key, at, all) {
  const columns = columnsOf(all);
  const steps = new Map([
    ["ArrowDown", at < 0 ? 1 : columns],
    ["ArrowUp", -columns],
    ["ArrowRight", columns > 1 ? 1 : 0],
    ["ArrowLeft", columns > 1 ? -1 : 0],
    ["Home", -all.length],
    ["End", all.length],
  ]);
  const step = steps.get(key);
  return step ? Math.max(0, Math.min(at + step, all.length - 1)) : -1;
}

/** @param {HTMLTableRowElement[]} all */
function columnsOf(all) {
  const top = all[0]?.offsetTop;
  const below = all.findIndex((row) => row.offsetTop !== top);
  return below < 0 ? all.length === 1 || !openList()?.querySelector(".cards") ? 1 : all.length : below;
}

/** @param {KeyboardEvent} event */
function onRowKey(event) {
  const focused = focusedRow();
  const chosen = selectedRows();
  const meant = chosen.length ? chosen : focused ? [focused] : [];
  if (event.key === "Escape" && chosen.length) {
    select([]);
    return true;
  }
  if (event.key === "F2" && meant.length === 1 && meant[0]) {
    return renameRow(meant[0]);
  }
  if (event.key === "Delete" && meant.length) {
    return putIntoTrash(meant);
  }
  return false;
}

/** @param {HTMLTableRowElement[]} chosen */
function putIntoTrash(chosen) {
  const address = document.querySelector('#selection [data-act="trash"]')?.getAttribute("formaction");
  const fields = fieldsFor(chosen);
  if (address && fields) {
    void act(address, fields);
  }
  return Boolean(address);
}

/** @returns {HTMLTableRowElement | null} */
function focusedRow() {
  return document.activeElement?.closest("#list tbody > tr") ?? null;
}

/** Whether the focus is on nothing. A dialog that was just closed keeps it until the next frame. */
function isFocusFree() {
  const focus = document.activeElement;
  return (
    focus === document.body ||
    focus === document.querySelector("main") ||
    Boolean(focus?.closest("dialog:not([open])"))
  );
}

/** @param {KeyboardEvent} event */
function isTyping({ target }) {
  return target instanceof Element && target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

function showHelp() {
  const template = document.getElementById("shortcuts");
  if (!(template instanceof HTMLTemplateElement)) {
    return;
  }
  const help = /** @type {Element} */ (template.content.firstElementChild?.cloneNode(true));
  const box = help.querySelector("[data-single-keys]");
  if (box instanceof HTMLInputElement) {
    box.checked = localStorage.getItem(SWITCH) !== "off";
    box.addEventListener("change", () => localStorage.setItem(SWITCH, box.checked ? "on" : "off"));
  }
  showInDialog(help);
}
