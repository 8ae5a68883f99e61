// @ts-check
/**
 * Going from page to page without leaving: a running upload would end with its page.
 *
 * Links and forms marked `data-swap` are fetched. What a link answers takes the place of the body,
 * all but what is marked `data-keep`. What a form answers depends: after a redirect the thing is
 * done, and where the list is still the one on the screen only the list is read again; an answer
 * without one is a page that asks on, and opens as a dialog. Whatever can't be shown that way is
 * opened as a browser would.
 */

import { closeDialog, openDialog } from "./dialog.js";
import { refreshOpenList } from "./list.js";
import { announce, onPageShown, parsed } from "./shown.js";
import { tellTabs } from "./tabs.js";
import { say, sayWhat } from "./toasts.js";

const KEPT = "[data-keep], script";

let shownPath = location.pathname;

export function startPages() {
  document.addEventListener("click", onClick);
  document.addEventListener("submit", onSubmit);
  window.addEventListener("popstate", () => void show(new Request(location.href), { move: "none" }));
  onPageShown((root) => root === document && sayWhat(document));
}

/** @param {MouseEvent} event */
function onClick(event) {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = event.target instanceof Element ? event.target.closest("a[data-swap], a[data-dialog-link]") : null;
  if (!plain || event.defaultPrevented || !(link instanceof HTMLAnchorElement)) {
    return;
  }
  event.preventDefault();
  if (link.hasAttribute("data-dialog-link")) {
    void ask(new Request(link.href));
  } else {
    void show(new Request(link.href), { move: "push" });
  }
}

/** @param {SubmitEvent} event */
function onSubmit(event) {
  const form = event.target;
  if (event.defaultPrevented || !(form instanceof HTMLFormElement) || !form.hasAttribute("data-swap")) {
    return;
  }
  event.preventDefault();
  if (form.closest("dialog") && isBusy()) {
    return; // pressed twice, or meant for the folder that is about to be shown
  }
  const fields = fieldsOf(form, event.submitter);
  const address = event.submitter?.getAttribute("formaction") ?? form.getAttribute("action") ?? location.href;
  const url = new URL(address, location.href);
  if (form.method === "get") {
    url.search = String(fields);
    void show(new Request(url), { move: "push" });
  } else {
    void act(url.href, fields);
  }
}

function isBusy() {
  return document.documentElement.getAttribute("aria-busy") === "true";
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 */
function fieldsOf(form, submitter) {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form, submitter)) {
    fields.append(name, String(value));
  }
  return fields;
}

/**
 * Send a form, and show what came of it.
 * @param {string} url
 * @param {URLSearchParams} fields
 * @returns {Promise<boolean>} whether it was done
 */
export async function act(url, fields) {
  return ask(new Request(url, { method: "POST", body: fields }));
}

/**
 * @param {Request} request
 * @returns {Promise<boolean>} whether the answer was a redirect: the thing is done
 */
async function ask(request) {
  document.documentElement.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(request);
    const page = parsed(await answer.text());
    if (!isOurs(page)) {
      refuse(request, answer, page);
      return false;
    }
    if (!answer.redirected && openDialog(page)) {
      return false;
    }
    await finish(page, answer.url);
    return answer.redirected;
  } catch {
    say("There was no answer. Check the connection and try again.");
    return false;
  } finally {
    document.documentElement.removeAttribute("aria-busy");
  }
}

/**
 * Where the reader stays in the same list, it keeps its order, its place and what was loaded.
 * @param {Document} page
 * @param {string} url
 */
async function finish(page, url) {
  closeDialog();
  tellTabs({ type: "list" });
  if (new URL(url).pathname === location.pathname && page.getElementById("list")) {
    sayWhat(page);
    await refreshOpenList();
  } else {
    swap(page);
    history.pushState(null, "", url);
    placeReader(url);
  }
}

/**
 * Signed out, or an error. A form's own answer is said where it was sent from; nothing is lost.
 * @param {Request} request
 * @param {Response} answer
 * @param {Document} page
 */
function refuse(request, answer, page) {
  const text = page.querySelector(".card h1 + p")?.textContent?.trim();
  if (request.method === "GET" || answer.redirected || !text) {
    location.assign(answer.url);
    return;
  }
  closeDialog();
  say(text, { isProblem: true });
  void refreshOpenList(); // it shows what is no longer so
}

/**
 * @param {Request} request
 * @param {{ move: "push" | "none" }} options
 */
export async function show(request, { move }) {
  document.documentElement.setAttribute("aria-busy", "true");
  closeDialog();
  try {
    const answer = await fetch(request);
    const page = parsed(await answer.text());
    if (!isOurs(page)) {
      location.assign(answer.url); // signed out, or an error: nothing to keep the tray on
      return;
    }
    swap(page);
    if (move === "push" && answer.url !== location.href) {
      history.pushState(null, "", answer.url);
    }
    placeReader(answer.url);
  } catch {
    location.assign(request.url); // no answer: the browser explains that better
  } finally {
    document.documentElement.removeAttribute("aria-busy");
  }
}

/** @param {Document} page */
function isOurs(page) {
  return page.body.classList.contains("files-page");
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
