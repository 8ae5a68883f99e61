// @ts-check
/** The open list: read again when something changed, and continued when its end comes into view. */

import { announce, onPageShown, openList, parsed, rowOf, rows } from "./shown.js";

const PAGE_LIMIT = 1000;
const SOON = "800px"; // further rows are fetched before the reader is there

let refreshing = false;
let refreshAgain = false;

const nearEnd = new IntersectionObserver(onNearEnd, { rootMargin: SOON });

export function startLists() {
  document.addEventListener("click", onClick);
  onPageShown(watchEnd);
  watchEnd();
}

/**
 * Read the open list again if it is this folder's.
 * @param {string} folder
 */
export async function refreshList(folder) {
  if (document.querySelector(`[data-folder="${CSS.escape(folder)}"]`)) {
    await refreshOpenList();
  }
}

/** Read the open list again; scroll position, selection and further pages stay. */
export async function refreshOpenList() {
  if (refreshing) {
    refreshAgain = true; // what changed now may be missing from the answer under way
    return;
  }
  refreshing = true;
  try {
    do {
      refreshAgain = false;
      await readAgain();
    } while (refreshAgain);
  } catch {
    // What was done is done whatever the list shows; the next change reads it again.
  } finally {
    refreshing = false;
  }
}

async function readAgain() {
  const list = openList();
  const address = location.pathname;
  if (!list) {
    return;
  }
  const shown = rows(list).length;
  const isWhole = !list.querySelector("a[data-more]");
  const page = await fetchPage(freshAddress(shown));
  const fresh = page?.getElementById("list");
  while (fresh && (isWhole || rows(fresh).length < shown) && (await appendNext(fresh))) {
    // page after page, until as much is shown as before: all of it, if that was all of it
  }
  if (fresh && list.isConnected && address === location.pathname) {
    const comeBack = placeIn(list);
    list.replaceChildren(...fresh.childNodes);
    comeBack();
    announce(list);
    takeOver(page, ".side .usage");
    takeOver(page, ".menu-side .usage");
  }
}

/** @param {number} shown how many rows there are now */
function freshAddress(shown) {
  const url = new URL(location.href);
  for (const notice of ["trashed", "uploaded", "problem"]) {
    url.searchParams.delete(notice);
  }
  url.searchParams.set("limit", String(Math.min(shown + 100, PAGE_LIMIT)));
  return url.href;
}

/**
 * @param {Document | null} page
 * @param {string} selector
 */
function takeOver(page, selector) {
  const fresh = page?.querySelector(selector);
  if (fresh) {
    document.querySelector(selector)?.replaceWith(fresh);
  }
}

/**
 * What the reader has open, in focus and selected: a menu must not close under his hand.
 * @param {Element} list
 * @returns {() => void} opens, focuses and selects the same things among the new rows
 */
function placeIn(list) {
  const open = list.querySelector("details[open]")?.closest("tr")?.dataset.entry;
  const renaming = list.querySelector(".renaming");
  const renamed = renaming?.closest("tr")?.dataset.entry;
  const selected = [...list.querySelectorAll("tbody [type=checkbox]:checked")];
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const row = focused?.closest("tr");
  const position = row ? rows(list).indexOf(row) : -1;
  const nth = row && focused ? focusable(row).indexOf(focused) : -1;
  return () => {
    for (const box of selected) {
      const fresh = rowOf(list, /** @type {HTMLInputElement} */ (box).value)?.querySelector("[type=checkbox]");
      if (fresh instanceof HTMLInputElement) {
        fresh.checked = true;
      }
    }
    const menu = open && rowOf(list, open)?.querySelector("details");
    if (menu) {
      menu.open = true;
    }
    if (renaming && renamed) {
      rowOf(list, renamed)?.querySelector("td.name")?.append(renaming);
    }
    if (focused && renaming?.contains(focused)) {
      /** @type {HTMLElement} */ (focused).focus({ preventScroll: true });
    } else if (row) {
      // The same row, or the one that is in its place now that it has gone.
      const same = rowOf(list, row.dataset.entry ?? "");
      const target = same ? focusable(same)[nth] : rows(list).at(Math.min(position, rows(list).length - 1))?.querySelector(".entry");
      (target instanceof HTMLElement ? target : document.querySelector("main"))?.focus({ preventScroll: true });
    }
  };
}

/** @param {Element} row */
function focusable(row) {
  return [...row.querySelectorAll("a, summary, button, input")];
}

/** @param {MouseEvent} event */
function onClick(event) {
  const link = event.target instanceof Element ? event.target.closest("a[data-more]") : null;
  if (link instanceof HTMLAnchorElement && !event.defaultPrevented && !event.metaKey && !event.ctrlKey) {
    event.preventDefault();
    void showMore(link, { takeFocus: true });
  }
}

function watchEnd() {
  nearEnd.disconnect();
  const link = openList()?.querySelector("a[data-more]");
  if (link) {
    nearEnd.observe(link);
  }
}

/** @param {IntersectionObserverEntry[]} entries */
function onNearEnd(entries) {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting && target instanceof HTMLAnchorElement) {
      void showMore(target, { takeFocus: false });
    }
  }
}

/**
 * @param {HTMLAnchorElement} link
 * @param {{ takeFocus: boolean }} options
 */
async function showMore(link, { takeFocus }) {
  const list = openList();
  if (!list || link.ariaBusy === "true") {
    return;
  }
  const before = rows(list).length;
  link.ariaBusy = "true";
  const hadFocus = takeFocus || document.activeElement === link;
  if (!(await appendNext(list))) {
    link.ariaBusy = null; // no answer; the link stays, to be tried again
    return;
  }
  if (hadFocus) {
    const first = rows(list)[before]?.querySelector(".entry");
    if (first instanceof HTMLElement) {
      first.focus({ preventScroll: true }); // the link that had it is gone
    }
  }
}

/**
 * Put the next page's rows below those of `list`.
 * @param {Element} list
 * @returns {Promise<boolean>} whether there were any
 */
async function appendNext(list) {
  const link = list.querySelector("a[data-more]");
  const url = new URL(link?.getAttribute("href") ?? "", location.href);
  const next = link && (await fetchPage(url.href))?.getElementById("list");
  const body = list.querySelector("tbody");
  if (!next) {
    return false;
  }
  if (!body) {
    list.replaceChildren(...next.childNodes); // a page of a search may be empty and have a next one
    announce(list);
    return rows(list).length > 0;
  }
  const known = new Set(rows(list).map((row) => row.dataset.entry));
  const added = rows(next).filter((row) => !known.has(row.dataset.entry));
  body.append(...added);
  const more = next.querySelector("a[data-more]");
  if (more) {
    link.replaceWith(more);
  } else {
    link.remove();
  }
  announce(body);
  return added.length > 0;
}

/**
 * @param {string} url
 * @returns {Promise<Document | null>} null when there is no such page to be had now
 */
async function fetchPage(url) {
  const answer = await fetch(url).catch(() => null);
  return answer?.ok ? parsed(await answer.text()) : null;
}
