// @ts-check
/** Moving by hand: lines are dragged onto folders, onto the folders above, and onto the trash. */

import { act } from "./pages.js";
import { fieldsFor, selectedRows } from "./selection.js";
import { onPageShown, rows } from "./shown.js";

const TYPE = "application/x-rapidserve-entries";

/** @type {HTMLTableRowElement[]} */
let dragged = [];

export function startDragging() {
  document.addEventListener("dragstart", onStart);
  document.addEventListener("dragover", onOver);
  document.addEventListener("dragleave", (event) => mark(event.relatedTarget instanceof Element ? targetOf(event.relatedTarget) : null));
  document.addEventListener("drop", onDrop);
  document.addEventListener("dragend", onEnd);
  onPageShown(letDrag);
  letDrag();
}

function letDrag() {
  const isAllowed = addressOf("move") !== null;
  for (const row of rows()) {
    if (row.draggable !== isAllowed) {
      row.draggable = isAllowed;
    }
  }
}

/** @param {DragEvent} event */
function onStart(event) {
  const row = event.target instanceof Element ? event.target.closest("#list tbody > tr") : null;
  if (!(row instanceof HTMLTableRowElement) || !event.dataTransfer || row.querySelector(".renaming")) {
    return;
  }
  const chosen = selectedRows();
  dragged = chosen.includes(row) ? chosen : [row];
  event.dataTransfer.setData(TYPE, dragged.map((each) => each.dataset.entry).join(" "));
  event.dataTransfer.effectAllowed = "move";
  const picture = document.createElement("div");
  picture.className = "drag-picture";
  picture.textContent = dragged.length === 1 ? (row.querySelector(".entry")?.textContent ?? "") : `${dragged.length} items`;
  document.body.append(picture);
  event.dataTransfer.setDragImage(picture, -12, -8);
  setTimeout(() => picture.remove());
  for (const each of dragged) {
    each.classList.add("dragged");
  }
}

/** @param {DragEvent} event */
function onOver(event) {
  if (!dragged.length || !(event.target instanceof Element)) {
    return;
  }
  const target = targetOf(event.target);
  mark(target);
  if (target) {
    event.preventDefault();
  }
}

/** @param {DragEvent} event */
function onDrop(event) {
  const target = dragged.length && event.target instanceof Element ? targetOf(event.target) : null;
  const fields = target && fieldsFor(dragged);
  const address = addressOf(target?.hasAttribute("data-trash") ? "trash" : "move");
  if (!target || !fields || !address) {
    return;
  }
  event.preventDefault();
  const into = target.getAttribute("data-into");
  if (into) {
    fields.append("here", into);
  }
  onEnd();
  void act(address, fields);
}

function onEnd() {
  mark(null);
  for (const each of dragged) {
    each.classList.remove("dragged");
  }
  dragged = [];
}

/**
 * @param {Element} element
 * @returns {Element | null} where the dragged lines would go from here
 */
function targetOf(element) {
  const target = element.closest("[data-into], [data-trash]");
  return target && !dragged.some((row) => row === target) ? target : null;
}

/** @param {Element | null} target */
function mark(target) {
  for (const marked of document.querySelectorAll(".drop-target")) {
    marked.classList.toggle("drop-target", marked === target);
  }
  if (dragged.length) {
    target?.classList.add("drop-target");
  }
}

/**
 * @param {"move" | "trash"} what
 * @returns {string | null} null where that may not be done
 */
function addressOf(what) {
  return document.querySelector(`#selection [data-act="${what}"]`)?.getAttribute("formaction") ?? null;
}
