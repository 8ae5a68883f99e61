// @ts-check
/**
 * Going from page to page without leaving: a running upload would end with its page.
 *
 * Links and forms marked `data-swap` are fetched, and what they answer takes the place of the body,
 * all but the tray. Whatever can't be shown that way is opened as a browser would.
 */

const KEPT = "[data-keep], script";
const PAGE_LIMIT = 1000;

/** @type {((root: ParentNode) => void)[]} */
const listeners = [];
let refreshing = false;
let refreshAgain = false;

/** @param {(root: ParentNode) => void} listener called with what was just put into the page */
export function onPageShown(listener) {
  listeners.push(listener);
}

export function startPages() {
  document.addEventListener("click", onClick);
  document.addEventListener("submit", onSubmit);
  window.addEventListener("popstate", () => void show(new Request(location.href), { move: "none" }));
}

/**
 * Read the open list again if it is this folder's; scroll position and further pages stay.
 * @param {string} folder
 */
export async function refreshList(folder) {
  if (refreshing) {
    refreshAgain = true; // what changed now may be missing from the answer under way
    return;
  }
  refreshing = true;
  try {
    do {
      refreshAgain = false;
      await readListAgain(folder);
    } while (refreshAgain);
  } catch {
    // The upload is done whatever the list shows; the next change reads it again.
  } finally {
    refreshing = false;
  }
}

/** @param {string} folder */
async function readListAgain(folder) {
  const list = document.getElementById("list");
  if (!list || !isShown(folder)) {
    return;
  }
  const shown = rows(list).length;
  const isWhole = !list.querySelector("a[data-more]");
  const url = new URL(location.href);
  url.searchParams.delete("trashed");
  url.searchParams.set("limit", String(Math.min(shown + 100, PAGE_LIMIT)));
  const page = await fetchPage(url.href);
  const fresh = page?.getElementById("list");
  while (fresh && (isWhole || rows(fresh).length < shown) && (await appendNext(fresh))) {
    // page after page, until as much is shown as before: all of it, if that was all of it
  }
  if (fresh && isShown(folder) && list.isConnected) {
    const comeBack = placeIn(list);
    list.replaceChildren(...fresh.childNodes);
    comeBack();
    announce(list);
    document.querySelector(".usage")?.replaceWith(...(page?.querySelectorAll(".usage") ?? []));
  }
}

/**
 * What the reader has open and in focus: a menu must not close under his hand.
 * @param {Element} list
 * @returns {() => void} opens and focuses the same things among the new rows
 */
function placeIn(list) {
  const open = list.querySelector("details[open]")?.closest("tr")?.dataset.entry;
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const row = focused?.closest("tr");
  const nth = row && focused ? focusable(row).indexOf(focused) : -1;
  return () => {
    const menu = open && rowOf(list, open)?.querySelector("details");
    if (menu) {
      menu.open = true;
    }
    const fresh = row?.dataset.entry && rowOf(list, row.dataset.entry);
    const target = fresh ? focusable(fresh)[nth] : undefined;
    if (target instanceof HTMLElement) {
      target.focus({ preventScroll: true });
    }
  };
}

/**
 * @param {Element} list
 * @param {string} entry
 */
function rowOf(list, entry) {
  return list.querySelector(`tr[data-entry="${CSS.escape(entry)}"]`);
}

/** @param {Element} row */
function focusable(row) {
  return [...row.querySelectorAll("a, summary, button")];
}

/** @param {MouseEvent} event */
function onClick(event) {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = event.target instanceof Element ? event.target.closest("a[data-swap], a[data-more]") : null;
  if (!plain || event.defaultPrevented || !(link instanceof HTMLAnchorElement)) {
    return;
  }
  event.preventDefault();
  if (link.hasAttribute("data-more")) {
    void showMore(link);
  } else {
    void show(new Request(link.href), { move: "push" });
  }
}

/** @param {SubmitEvent} event */
function onSubmit(event) {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.hasAttribute("data-swap")) {
    return;
  }
  event.preventDefault();
  const chosen = event.submitter?.getAttribute("formaction");
  const url = new URL(chosen ?? form.getAttribute("action") ?? location.href, location.href);
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form, event.submitter)) {
    body.append(name, String(value));
  }
  void show(new Request(url, { method: "POST", body }), { move: "push" });
}

/** @param {HTMLAnchorElement} link */
async function showMore(link) {
  const list = document.getElementById("list");
  const before = list ? rows(list).length : 0;
  link.setAttribute("aria-busy", "true");
  if (!list || !(await appendNext(list))) {
    location.assign(link.href);
    return;
  }
  const first = rows(list)[before]?.querySelector("a, button");
  if (first instanceof HTMLElement) {
    first.focus({ preventScroll: true }); // the link that had it is gone
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
  if (!next || !body) {
    return false;
  }
  const added = rows(next);
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

/**
 * @param {Request} request
 * @param {{ move: "push" | "none" }} options
 */
async function show(request, { move }) {
  document.documentElement.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(request);
    const page = parsed(await answer.text());
    const canReopen = request.method === "GET" || answer.redirected;
    if (!page.body.classList.contains("files-page") && canReopen) {
      location.assign(answer.url); // signed out, or an error: nothing to keep the tray on
      return;
    }
    swap(page);
    if (move === "push" && answer.url !== location.href) {
      history.pushState(null, "", answer.url);
    }
    placeReader(answer.url);
  } catch {
    // No answer. A link is left to the browser, which explains that better; a form is kept as it is.
    if (request.method === "GET") {
      location.assign(request.url);
    } else {
      say("There was no answer. Check the connection and try again.");
    }
  } finally {
    document.documentElement.removeAttribute("aria-busy");
  }
}

/** @param {Document} page */
function swap(page) {
  document.title = page.title;
  document.body.className = page.body.className;
  const fresh = [...page.body.children].filter((element) => !element.matches(KEPT));
  for (const element of [...document.body.children]) {
    if (!element.matches(KEPT)) {
      element.remove();
    }
  }
  document.body.prepend(...fresh);
  announce(document);
}

let shownPath = location.pathname;

/**
 * Scroll and focus as a new page would; the same page, acted upon, keeps the reader's place.
 * @param {string} url
 */
function placeReader(url) {
  const path = new URL(url).pathname;
  if (path !== shownPath) {
    window.scrollTo(0, 0);
  }
  shownPath = path;
  const target = document.querySelector("main [autofocus]") ?? document.querySelector("main");
  if (target instanceof HTMLElement) {
    target.focus({ preventScroll: true });
  }
  if (target instanceof HTMLInputElement) {
    target.select();
  }
}

/** @param {string} text a problem, where the server's messages are, too */
export function say(text) {
  const message = document.createElement("p");
  message.className = "message error";
  message.textContent = text;
  document.querySelector(".messages")?.replaceChildren(message);
}

/** @param {ParentNode} root */
function announce(root) {
  for (const listener of listeners) {
    listener(root);
  }
}

/** @param {string} folder */
function isShown(folder) {
  return document.querySelector(`[data-folder="${CSS.escape(folder)}"]`) !== null;
}

/** @param {Element} list */
function rows(list) {
  return [...list.querySelectorAll("tbody > tr")];
}

/** @param {string} html */
function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}
