// @ts-check
/** Other tabs of the same browser: what is changed in one shows in all. */

/** @typedef {{ type: "theme", theme: string } | { type: "list" }} News */

const channel = new BroadcastChannel("rapidserve");

/** @param {News} news */
export function tellTabs(news) {
  channel.postMessage(news);
}

/** @param {(news: News) => void} listener */
export function onNews(listener) {
  channel.addEventListener("message", (event) => listener(event.data));
}
