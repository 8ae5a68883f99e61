// @ts-check
/** Buttons that put an address into the clipboard. */

import { say } from "./toasts.js";

export function startCopying() {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-copy]") : null;
    if (button instanceof HTMLElement) {
      void copy(button);
    }
  });
}

/** @param {HTMLElement} button */
async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy ?? "");
    say("The link was copied.", { isProblem: false });
  } catch {
    // Over plain http, or not allowed: it can be taken from its field.
    const field = button.closest("li")?.querySelector("[data-copied]");
    if (field instanceof HTMLInputElement) {
      field.select();
    }
  }
}
