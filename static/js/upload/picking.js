// @ts-check
/** Files and folders that are dropped anywhere on a folder's page, picked, or pasted there. */

import { dropped, pasted, picked } from "./found.js";

/** @typedef {(found: AsyncIterable<import("./found.js").Found>, folder: string) => void} Receiver */

/** @param {Receiver} receive */
export function startPicking(receive) {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-pick]") : null;
    if (button) {
      // "folder" names the field that takes folders, "" the one for files.
      picker(button.getAttribute("data-pick") ?? "")?.click();
    }
  });
  document.addEventListener("change", (event) => {
    const field = event.target;
    const folder = openFolder();
    if (folder && field instanceof HTMLInputElement && field.matches("[data-picker]") && field.files?.length) {
      receive(picked([...field.files]), folder);
      field.value = ""; // so that picking the same file again is a change
    }
  });
  document.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files;
    const folder = openFolder();
    if (folder && files?.length && !isTyping(event.target)) {
      event.preventDefault();
      receive(pasted([...files], new Date()), folder);
    }
  });
  startDropping(receive);
}

/** @param {Receiver} receive */
function startDropping(receive) {
  document.addEventListener("dragover", (event) => {
    if (carriesFiles(event)) {
      event.preventDefault();
      const canDrop = openFolder() !== null;
      document.documentElement.classList.toggle("dropping", canDrop);
      if (event.dataTransfer) {
        event.dataTransfer.dropEffect = canDrop ? "copy" : "none";
      }
    }
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) {
      document.documentElement.classList.remove("dropping");
    }
  });
  document.addEventListener("drop", (event) => {
    document.documentElement.classList.remove("dropping");
    if (carriesFiles(event) && event.dataTransfer) {
      event.preventDefault(); // else the browser opens the file in place of the page
      const folder = openFolder();
      if (folder) {
        receive(dropped(event.dataTransfer), folder);
      }
    }
  });
}

/** @param {DragEvent} event */
function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof Element && target.closest("input, textarea, [contenteditable]") !== null;
}

/** @returns {string | null} the id of the folder on the page, if one may upload to it */
function openFolder() {
  const folder = document.querySelector("[data-folder][data-may-upload]");
  return folder instanceof HTMLElement ? (folder.dataset.folder ?? null) : null;
}

/**
 * @param {string} kind
 * @returns {HTMLInputElement | null}
 */
function picker(kind) {
  return document.querySelector(`input[data-picker="${CSS.escape(kind)}"]`);
}
