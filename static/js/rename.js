// @ts-check
/** Renaming in place: the name becomes a field. What is refused stays in it, with the reason. */

import { refreshOpenList } from "./list.js";
import { openList, parsed, rowOf } from "./shown.js";
import { tellTabs } from "./tabs.js";

export function startRenaming() {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-rename]") : null;
    const row = link?.closest("tr");
    if (row && renameRow(row)) {
      event.preventDefault();
    }
  });
}

/**
 * @param {HTMLTableRowElement} row
 * @returns {boolean} false where it can't be renamed
 */
export function renameRow(row) {
  const link = row.querySelector("a[data-rename]");
  const cell = row.querySelector("td.name");
  if (!(link instanceof HTMLAnchorElement) || !cell || row.querySelector(".renaming")) {
    return false;
  }
  const name = row.querySelector(".entry")?.getAttribute("title") ?? "";
  const form = formFor(name, link.href);
  cell.append(form);
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("name"));
  field.focus();
  const dot = row.dataset.into ? -1 : name.lastIndexOf(".");
  field.setSelectionRange(0, dot > 0 ? dot : name.length); // what people change is not the ending
  return true;
}

/**
 * @param {string} name
 * @param {string} address
 */
function formFor(name, address) {
  const form = document.createElement("form");
  form.className = "renaming";
  form.action = address;
  form.noValidate = true;
  const field = document.createElement("input");
  Object.assign(field, { name: "name", value: name, ariaLabel: "Name", autocomplete: "off", spellcheck: false, dir: "auto" });
  form.append(field, iconButton("check", "Rename", "submit"), iconButton("close", "Cancel", "button"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send(form, field, name);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      leave(form);
    }
  });
  form.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[type=button]")) {
      leave(form);
    }
  });
  form.addEventListener("focusout", (event) => {
    const goesOutside = !(event.relatedTarget instanceof Node && form.contains(event.relatedTarget));
    if (goesOutside && document.hasFocus() && form.isConnected && event.relatedTarget) {
      void send(form, field, name);
    }
  });
  return form;
}

/**
 * @param {string} icon
 * @param {string} label
 * @param {"submit" | "button"} type
 */
function iconButton(icon, label, type) {
  const button = document.createElement("button");
  Object.assign(button, { type, title: label, ariaLabel: label, className: "icon-button" });
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.classList.add("icon");
  drawing.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${icon}`);
  drawing.append(use);
  button.append(drawing);
  return button;
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLInputElement} field
 * @param {string} before
 */
async function send(form, field, before) {
  if (field.value.trim() === before || form.ariaBusy === "true") {
    leave(form);
    return;
  }
  form.ariaBusy = "true";
  const token = document.querySelector("#row-action [name=csrfmiddlewaretoken]");
  const body = new URLSearchParams({
    name: field.value,
    csrfmiddlewaretoken: token instanceof HTMLInputElement ? token.value : "",
  });
  const problem = await problemWith(form.action, body);
  form.ariaBusy = null;
  if (problem) {
    complain(form, field, problem);
  } else {
    leave(form);
    await refreshOpenList();
    tellTabs({ type: "list" });
  }
}

/**
 * @param {string} address
 * @param {URLSearchParams} body
 * @returns {Promise<string>} why it was refused, "" when it was not
 */
async function problemWith(address, body) {
  try {
    const answer = await fetch(address, { method: "POST", body });
    const page = parsed(await answer.text());
    if (answer.redirected && answer.ok && page.body.classList.contains("files-page")) {
      return "";
    }
    const words = page.querySelector("#name-problem, .card h1 + p");
    return words?.textContent?.trim() || "You are signed out. Reload the page.";
  } catch {
    return "There was no answer. Check the connection and try again.";
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLInputElement} field
 * @param {string} problem
 */
function complain(form, field, problem) {
  form.querySelector(".problem")?.remove();
  const words = document.createElement("p");
  Object.assign(words, { className: "problem", id: "rename-problem", role: "alert", textContent: problem });
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", "rename-problem");
  form.append(words);
  field.focus();
}

/** @param {HTMLFormElement} form */
function leave(form) {
  const row = form.closest("tr");
  const hadFocus = form.contains(document.activeElement);
  form.remove();
  const list = openList();
  const link = row && list && rowOf(list, row.dataset.entry ?? "")?.querySelector(".entry");
  if (hadFocus && link instanceof HTMLElement) {
    link.focus({ preventScroll: true });
  }
}
