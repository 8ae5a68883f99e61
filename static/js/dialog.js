// @ts-check
/**
 * Pages that ask (for a name, a folder, whether one is sure) as a dialog above the list. The form
 * is the one of the page; without JavaScript it is that page.
 */

import { announce } from "./shown.js";

const dialog = document.createElement("dialog");
dialog.className = "dialog";
dialog.setAttribute("data-keep", "");
dialog.setAttribute("aria-labelledby", "dialog-title");
dialog.addEventListener("click", onClick);

/**
 * @param {Document} page
 * @returns {boolean} false when it has nothing that is shown that way
 */
export function openDialog(page) {
  const content = page.querySelector("[data-dialog]");
  if (!content) {
    return false;
  }
  const shown = document.querySelector("main [data-dialog]");
  if (shown) {
    // Somebody opened the page itself: above it, its own fields would be there twice.
    shown.replaceWith(document.adoptNode(content));
    announce(content);
  } else {
    showInDialog(document.adoptNode(content));
  }
  return true;
}

/** @param {Element} content with a heading, which names the dialog */
export function showInDialog(content) {
  if (!dialog.isConnected) {
    document.body.append(dialog);
  }
  const heading = content.querySelector("h1, h2");
  if (heading) {
    heading.id = "dialog-title";
  }
  dialog.replaceChildren(content);
  if (!dialog.open) {
    dialog.showModal();
  }
  announce(dialog);
  const first = dialog.querySelector("[autofocus], .button.primary:not(:disabled), .button");
  if (first instanceof HTMLElement) {
    first.focus();
  }
  if (first instanceof HTMLInputElement) {
    first.select();
  }
}

export function closeDialog() {
  if (dialog.open) {
    dialog.close();
  }
}

export function isDialogOpen() {
  return dialog.open;
}

/**
 * Cancel, and a click beside it.
 * @param {MouseEvent} event
 */
function onClick(event) {
  const isBeside = event.target === dialog && !isInside(event);
  if (isBeside || (event.target instanceof Element && event.target.closest("[data-close]"))) {
    event.preventDefault();
    event.stopPropagation();
    dialog.close();
  }
}

/** @param {MouseEvent} event */
function isInside({ clientX, clientY }) {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
}
