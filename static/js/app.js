// @ts-check
/** Where the pages of files come alive: everything here only adds to what works without it. */

import { showTheme, startAppearance } from "./appearance.js";
import { startCopying } from "./copying.js";
import { localiseDates } from "./dates.js";
import { startDownloading } from "./download/start.js";
import { startDragging } from "./drag.js";
import { startKeys } from "./keys.js";
import { refreshList, refreshOpenList, startLists } from "./list.js";
import { startMenus } from "./menus.js";
import { startPages } from "./pages.js";
import { startPeople } from "./people.js";
import { startRenaming } from "./rename.js";
import { startSelection } from "./selection.js";
import { onPageShown } from "./shown.js";
import { onNews, tellTabs } from "./tabs.js";
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

startAppearance();
startMenus();
startRenaming(); // before the pages, which would open its link
startSelection();
startPages();
startPeople();
startCopying();
startLists();
startKeys();
startDragging();
startReminding();
startPicking((found, folder) => {
  void new Drop(folder, queue).take(found).then(() => reminders.look());
});
startDownloading(queue);
localiseDates(document);
onPageShown(localiseDates);
onNews((news) => (news.type === "theme" ? showTheme(news.theme) : void refreshOpenList()));

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
  tellTabs({ type: "list" });
}

window.addEventListener("beforeunload", (event) => {
  if (queue.isBusy) {
    event.preventDefault();
  }
});
