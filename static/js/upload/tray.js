// @ts-check
/** The tray: each file with its progress, its state in words, and what can be done about it. */

import { sizeText, timeLeftText } from "../sizes.js";
import { Speed } from "./speed.js";
import { drawStrip } from "./strip.js";
import { Chunk } from "./upload.js";

/** @typedef {import("./upload.js").Upload} Upload */

export class Tray {
  element = make("section", { class: "tray", "aria-label": "Uploads", "data-keep": "" });
  #queue;
  #clear;
  #title = make("h2", {});
  #total = make("span", { class: "total" });
  #list = make("ul", {});
  #spoken = make("p", { class: "sr-only", role: "status" });
  /** @type {Map<Upload, Row>} */
  #rows = new Map();
  #speed = new Speed();
  #scheduled = false;

  /** @param {import("./queue.js").Queue} queue */
  constructor(queue) {
    this.#queue = queue;
    this.#clear = button("Clear", () => queue.clear());
    const header = make("header", {}, this.#title, this.#total, this.#clear);
    this.element.append(header, this.#list, this.#spoken);
    this.element.hidden = true;
    queue.onChange = () => this.#schedule();
    // Speeds fade while nothing moves, so they are looked at without a change, too.
    setInterval(() => queue.isBusy && this.#schedule(), 1000);
  }

  #schedule() {
    if (!this.#scheduled) {
      this.#scheduled = true;
      requestAnimationFrame(() => {
        this.#scheduled = false;
        this.#show();
      });
    }
  }

  #show() {
    const { uploads } = this.#queue;
    this.element.hidden = uploads.length === 0;
    document.documentElement.classList.toggle("has-tray", uploads.length > 0);
    for (const upload of uploads) {
      this.#rowOf(upload).show();
    }
    for (const [upload, row] of this.#rows) {
      if (!uploads.includes(upload)) {
        row.element.remove();
        this.#rows.delete(upload);
      }
    }
    this.#showTotal(uploads);
  }

  /** @param {Upload} upload */
  #rowOf(upload) {
    let row = this.#rows.get(upload);
    if (!row) {
      row = new Row(upload, this.#queue, (text) => (this.#spoken.textContent = text));
      this.#rows.set(upload, row);
      this.#list.append(row.element);
    }
    return row;
  }

  /** @param {Upload[]} uploads */
  #showTotal(uploads) {
    const open = uploads.filter((upload) => !upload.hasEnded);
    const done = uploads.filter((upload) => upload.state === "done").length;
    const left = open.reduce((sum, upload) => sum + upload.file.size - upload.bytesDone, 0);
    const speed = this.#speed.of(uploads.reduce((sum, upload) => sum + upload.bytesSent, 0));
    this.#title.textContent = open.length
      ? `Uploading ${uploads.length - open.length + 1} of ${uploads.length}`
      : `${done} of ${uploads.length} uploaded`;
    this.#total.textContent =
      open.length && speed > 0 ? `${sizeText(speed)}/s · ${timeLeftText(left / speed)}` : "";
    this.#clear.hidden = open.length === uploads.length;
  }
}

class Row {
  #upload;
  #say;
  #percent = make("span", { class: "percent" });
  #progress = /** @type {HTMLProgressElement} */ (make("progress", { class: "sr-only", max: "100" }));
  #strip = /** @type {HTMLCanvasElement} */ (make("canvas", { class: "strip", "aria-hidden": "true" }));
  #text = make("span", { class: "state" });
  #pause;
  #cancel;
  #retry;
  #shownState = "";

  /**
   * @param {Upload} upload
   * @param {import("./queue.js").Queue} queue
   * @param {(text: string) => void} say
   */
  constructor(upload, queue, say) {
    this.#upload = upload;
    this.#say = say;
    const { name } = upload.file;
    this.#pause = button("Pause", () => (upload.isPaused ? upload.resume() : upload.pause()));
    this.#cancel = button("Cancel", () => upload.cancel());
    this.#retry = button("Retry", () => queue.retry(upload));
    this.#progress.setAttribute("aria-label", name);
    const title = make("span", { class: "file", title: name }, name);
    const line = make("div", { class: "line" }, title, this.#percent);
    const actions = make("span", { class: "actions" }, this.#pause, this.#retry, this.#cancel);
    for (const action of [this.#pause, this.#retry, this.#cancel]) {
      action.append(make("span", { class: "sr-only" }, ` ${name}`));
    }
    const below = make("div", { class: "line" }, this.#text, actions);
    this.element = make("li", {}, line, this.#progress, this.#strip, below);
  }

  show() {
    const upload = this.#upload;
    const percent = percentOf(upload);
    this.#progress.value = percent;
    this.#percent.textContent = upload.state === "done" ? sizeText(upload.file.size) : `${percent}%`;
    this.#text.textContent = stateText(upload);
    this.element.dataset.state = toneOf(upload);
    this.#cancel.hidden = upload.hasEnded;
    this.#retry.hidden = upload.state !== "failed" && upload.state !== "cancelled";
    this.#pause.hidden = upload.state !== "sending";
    setLabel(this.#pause, upload.isPaused ? "Resume" : "Pause");
    drawStrip(this.#strip, upload.chunks, upload.state === "done");
    if (upload.state !== this.#shownState && upload.hasEnded) {
      this.#say(`${upload.file.name}: ${stateText(upload)}`);
    }
    this.#shownState = upload.state;
  }
}

/** @param {Upload} upload */
function percentOf(upload) {
  if (upload.state === "done") {
    return 100;
  }
  return upload.file.size ? Math.floor((100 * upload.bytesDone) / upload.file.size) : 0;
}

/**
 * @param {Upload} upload
 * @returns {string}
 */
export function stateText(upload) {
  switch (upload.state) {
    case "waiting":
      return "Waiting for its turn";
    case "hashing":
      return upload.reason || `Hashing ${sizeText(upload.hashedBytes)} of ${sizeText(upload.file.size)}`;
    case "sending":
      return upload.isPaused ? "Paused" : upload.reason || sendingText(upload);
    case "finishing":
      return upload.reason || "Making the file";
    case "done":
      return doneText(upload);
    case "failed":
      return `Failed: ${upload.reason}`;
    case "cancelled":
      return "Cancelled";
  }
}

/** @param {Upload} upload */
function sendingText(upload) {
  if (!upload.chunks.includes(Chunk.SENDING)) {
    return `Checking what is here already: ${sizeText(upload.hashedBytes)} of ${sizeText(upload.file.size)}`;
  }
  return `Sending ${sizeText(upload.bytesDone)} of ${sizeText(upload.file.size)}`;
}

/** @param {Upload} upload */
function doneText(upload) {
  if (!upload.result) {
    return "Done";
  }
  const { stats, version } = upload.result;
  const which = version.number > 1 ? `, version ${version.number}` : "";
  if (stats.size && stats.deduplicated_bytes === stats.size) {
    return `Already here, nothing was sent${which}`;
  }
  const spared = stats.deduplicated_bytes ? `; ${sizeText(stats.deduplicated_bytes)} not sent twice` : "";
  return `Done, verified${which}${spared}`;
}

/** @param {Upload} upload */
function toneOf(upload) {
  if (upload.state === "done" && upload.result?.stats.size) {
    return upload.result.stats.deduplicated_bytes === upload.result.stats.size ? "have" : "done";
  }
  return upload.reason && !upload.hasEnded ? "stalled" : upload.state;
}

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 */
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    element.setAttribute(attribute, value);
  }
  element.append(...children);
  return element;
}

/**
 * @param {string} label
 * @param {() => void} action
 */
function button(label, action) {
  const element = make("button", { type: "button", class: "link" }, label);
  element.addEventListener("click", action);
  return element;
}

/**
 * @param {HTMLElement} element whose first text is its label
 * @param {string} label
 */
function setLabel(element, label) {
  if (element.firstChild && element.firstChild.textContent !== label) {
    element.firstChild.textContent = label;
  }
}
