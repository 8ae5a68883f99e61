// @ts-check
/** Files that are picked, or dropped anywhere on a folder's page. */

import { say } from "../pages.js";

/** @typedef {(files: File[], folder: string) => void} Receiver */

/** @param {Receiver} receive */
export function startDropping(receive) {
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-pick]")) {
      picker()?.click();
    }
  });
  document.addEventListener("change", (event) => {
    const folder = openFolder();
    if (folder && event.target instanceof HTMLInputElement && event.target === picker()) {
      receive([...(event.target.files ?? [])], folder);
      event.target.value = ""; // so that picking the same file again is a change
    }
  });
  document.addEventListener("dragover", (event) => {
    if (carriesFiles(event)) {
      event.preventDefault();
      document.documentElement.classList.toggle("dropping", openFolder() !== null);
    }
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) {
      document.documentElement.classList.remove("dropping");
    }
  });
  document.addEventListener("drop", (event) => {
    document.documentElement.classList.remove("dropping");
    if (carriesFiles(event)) {
      event.preventDefault(); // else the browser opens the file in place of the page
      const folder = openFolder();
      const files = droppedFiles(event);
      if (folder && files.length) {
        receive(files, folder);
      }
    }
  });
}

/**
 * Without the folders among them: some browsers pass a folder off as an empty file.
 * @param {DragEvent} event
 */
function droppedFiles(event) {
  const items = [...(event.dataTransfer?.items ?? [])].filter((item) => item.kind === "file");
  const files = items.filter((item) => !item.webkitGetAsEntry()?.isDirectory);
  if (files.length < items.length) {
    say("Folders can't be dropped here yet. Open the folder and drop the files in it.");
  }
  return files.map((item) => item.getAsFile()).filter((file) => file !== null);
}

/** @param {DragEvent} event */
function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

/** @returns {string | null} the id of the folder on the page, if one may upload to it */
function openFolder() {
  const folder = document.querySelector("[data-folder][data-may-upload]");
  return folder instanceof HTMLElement ? (folder.dataset.folder ?? null) : null;
}

/** @returns {HTMLInputElement | null} */
function picker() {
  return document.querySelector("input[data-picker]");
}
