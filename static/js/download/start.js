// @ts-check
/**
 * Links to files (`data-download`, with `data-name` and `data-size`) become verified downloads:
 *
 * - a file of one chunk is fetched and checked in memory, then handed to the browser as any download.
 *   A dialog for each small file would be in the way;
 * - a larger one is written to where the person says, chunk by chunk as they come and are checked;
 * - where the browser can't do that (Firefox, Safari, plain HTTP), and without JavaScript, the link
 *   is what it always was: the address of the whole file.
 */

import { CHUNK_SIZE } from "../transfer/server.js";
import { Download } from "./download.js";
import { DiskSink, MemorySink } from "./sinks.js";

/** @typedef {(options: { suggestedName: string }) => Promise<FileSystemFileHandle>} Picker */

/** @param {import("../transfer/queue.js").Queue} queue */
export function startDownloading(queue) {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-download]") : null;
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!plain || event.defaultPrevented || !(link instanceof HTMLAnchorElement)) {
      return;
    }
    const file = fileOf(link);
    if (file.size <= CHUNK_SIZE) {
      event.preventDefault();
      queue.add([new Download(file, new MemorySink(file.name))]);
    } else if (picker()) {
      event.preventDefault();
      void toDisk(file, link, queue);
    }
  });
}

/**
 * @param {{ id: string, name: string, size: number }} file
 * @param {HTMLAnchorElement} link
 * @param {import("../transfer/queue.js").Queue} queue
 */
async function toDisk(file, link, queue) {
  try {
    const handle = await picker()?.({ suggestedName: file.name });
    if (handle) {
      queue.add([new Download(file, new DiskSink(handle))]);
    }
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "AbortError")) {
      location.assign(link.href); // a policy, or a name that the dialog does not take
    } // else the person closed the dialog
  }
}

/** @returns {Picker | undefined} */
function picker() {
  const { showSaveFilePicker } = /** @type {any} */ (window);
  return showSaveFilePicker?.bind(window);
}

/** @param {HTMLAnchorElement} link */
function fileOf({ dataset }) {
  return { id: dataset.download ?? "", name: dataset.name ?? "", size: Number(dataset.size) };
}
