// @ts-check
/**
 * Where a visitor of a link sends files: the form gives way to a place to drop them, many at once and
 * of any size. A visitor makes no folders, so what lies in some arrives side by side; the server gives
 * another name to what is called like another.
 */

import { icon, make } from "./transfer/elements.js";
import { Queue } from "./transfer/queue.js";
import { actAs, entry } from "./transfer/server.js";
import { Tray } from "./transfer/tray.js";
import { numberText } from "./transfer/words.js";
import { failUnread, FolderUpload } from "./upload/folder.js";
import { startPicking } from "./upload/picking.js";
import { Reminders } from "./upload/reminders.js";
import { Upload } from "./upload/upload.js";

const place = document.querySelector("[data-drop]");
const form = document.querySelector("[data-drop-form]");
const said = document.querySelector("[data-drop-said]");
const sent = document.querySelector("[data-drop-sent]");

const queue = new Queue();
let arrived = 0;

if (place instanceof HTMLElement && form instanceof HTMLElement) {
  actAs(place.dataset.drop ?? "");
  const tray = new Tray(queue, new Reminders()); // which are people's: a visitor has none
  document.body.append(tray.element);
  form.hidden = true;
  place.hidden = false;
  startPicking((found, folder) => void take(found, folder));
}

/**
 * @param {AsyncIterable<import("./upload/found.js").Found>} found
 * @param {string} folder
 */
async function take(found, folder) {
  for await (const one of found) {
    if (one.file) {
      queue.add([new Upload(one.file, [], dropInto(folder))]);
    } else if (one.unreadable) {
      queue.add([new FolderUpload([...one.folders, one.unreadable].join("/"), folder, failUnread)]);
    }
  }
}

/**
 * @param {string} folder id
 * @returns {import("./upload/upload.js").Drop}
 */
function dropInto(folder) {
  return {
    root: folder,
    mayPack: false,
    folder: () => Promise.resolve(folder),
    forgetFolders: () => {},
    entry,
    settle: () => Promise.resolve("rename"),
  };
}

queue.onEnd = (transfer) => {
  if (transfer instanceof Upload && transfer.state === "done") {
    arrived += 1;
    tell(transfer.result?.file.name ?? transfer.name);
  }
};

/** @param {string} name of a file that has arrived */
function tell(name) {
  if (said instanceof HTMLElement) {
    said.className = "quiet";
    said.textContent =
      arrived === 1 ? `“${name}” has arrived.` : `${numberText(arrived)} files have arrived, the last one is “${name}”.`;
  }
  if (sent instanceof HTMLElement) {
    sent.hidden = false;
    sent.querySelector("ul")?.prepend(make("li", {}, icon("check"), make("bdi", { title: name }, name)));
  }
}

window.addEventListener("beforeunload", (event) => {
  if (queue.isBusy) {
    event.preventDefault();
  }
});
