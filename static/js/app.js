// @ts-check
/** Where the pages of files come alive: everything here only adds to what works without it. */

import { localiseDates } from "./dates.js";
import { startDownloading } from "./download/start.js";
import { closeMenus } from "./menus.js";
import { onPageShown, refreshList, startPages } from "./pages.js";
import { Queue } from "./transfer/queue.js";
import { Tray } from "./transfer/tray.js";
import { Drop } from "./upload/drop.js";
import { startPicking } from "./upload/picking.js";
import { Reminders } from "./upload/reminders.js";
import { startReminding } from "./upload/unfinished.js";

const REFRESHED = 1000; // milliseconds between two looks at the list, however many files arrive

const queue = new Queue();
const reminders = new Reminders();
const tray = new Tray(queue, reminders);
document.body.append(tray.element);

startPages();
startReminding();
startPicking((found, folder) => {
  void new Drop(folder, queue).take(found).then(() => reminders.look());
});
startDownloading(queue);
closeMenus();
localiseDates(document);
onPageShown(localiseDates);

/** @type {Set<string>} */
const changed = new Set();
queue.onEnd = (transfer) => {
  if (transfer.state === "done") {
    if (!changed.size) {
      setTimeout(refreshChanged, REFRESHED);
    }
    transfer.touched.forEach((folder) => changed.add(folder));
  }
};

function refreshChanged() {
  const folders = [...changed];
  changed.clear();
  folders.forEach((folder) => void refreshList(folder));
}

window.addEventListener("beforeunload", (event) => {
  if (queue.isBusy) {
    event.preventDefault();
  }
});
