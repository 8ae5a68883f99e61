// @ts-check
/** Where the pages of files come alive: everything here only adds to what works without it. */

import { localiseDates } from "./dates.js";
import { closeMenus } from "./menus.js";
import { onPageShown, refreshList, startPages } from "./pages.js";
import { startDropping } from "./upload/drop.js";
import { Queue } from "./upload/queue.js";
import { Tray } from "./upload/tray.js";

const queue = new Queue({ onDone: (folder) => refreshList(folder) });
const tray = new Tray(queue);
document.body.append(tray.element);

startPages();
startDropping((files, folder) => queue.add(files, folder));
closeMenus();
localiseDates(document);
onPageShown(localiseDates);

window.addEventListener("beforeunload", (event) => {
  if (queue.isBusy) {
    event.preventDefault();
  }
});
