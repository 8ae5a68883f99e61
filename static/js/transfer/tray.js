// @ts-check
/**
 * The tray: each transfer with its progress, its state in words, and what can be done about it. Of
 * thousands it shows those that matter now, and counts the others.
 */

import { sizeText, timeLeftText } from "../sizes.js";
import { icon, iconButton, make, setText } from "./elements.js";
import { Row } from "./row.js";
import { Speed } from "./speed.js";
import { stripColours } from "./strip.js";
import { numberText, titleOf } from "./words.js";

/** @typedef {import("./transfer.js").Transfer} Transfer */
/** @typedef {import("./transfer.js").State} State */

const MOST_ROWS = 30;
const SHARE = 9; // of the time, a tenth at most is for looking: with thousands of files it takes longer
/** @type {Partial<Record<State, string>>} */
const WORDS = { waiting: "waiting", done: "done", failed: "failed", cancelled: "cancelled" };
const PER_FILE = 262_144; // bytes that could have been sent in the time that a file's calls take
const BETWEEN = 100; // milliseconds between two looks at everything

export class Tray {
  element = make("section", { class: "tray", "aria-label": "Uploads and downloads", "data-keep": "" });
  #queue;
  #reminders;
  #title = make("button", { type: "button", class: "tray-title", "aria-expanded": "true" });
  #titleText = make("span", {});
  #total = make("span", { class: "tray-total" });
  #whole = make("progress", { class: "tray-whole", max: "100", "aria-label": "All together" });
  #trouble = make("p", { class: "tray-trouble" });
  #retry = make("button", { type: "button", class: "link" }, "Retry");
  #troubleLine = make("div", { class: "tray-line tray-trouble-line" }, this.#trouble, this.#retry);
  #list = make("ul", { class: "tray-list" });
  #more = make("p", { class: "tray-more" });
  #spoken = make("p", { class: "sr-only", role: "status" });
  #pause;
  #resume;
  #close;
  /** @type {Map<Transfer, Row>} */
  #rows = new Map();
  #speed = new Speed();
  #pace = new Speed(); // of the whole work: what is found here already counts, what is sent twice does not
  #isScheduled = false;
  #cost = 0; // milliseconds that the last look took
  #wasOpen = 0;

  /**
   * @param {import("./queue.js").Queue} queue
   * @param {import("../upload/reminders.js").Reminders} reminders
   */
  constructor(queue, reminders) {
    this.#queue = queue;
    this.#reminders = reminders;
    this.#pause = iconButton("pause", "Pause all", () => queue.pauseAll());
    this.#resume = iconButton("play", "Resume all", () => queue.resumeAll());
    this.#close = iconButton("close", "Close", () => this.#leave());
    this.#title.append(icon("fold"), this.#titleText);
    this.#title.addEventListener("click", () => this.#fold());
    this.#retry.addEventListener("click", () => queue.retryFailed());
    this.#build();
    queue.onChange = () => this.#schedule();
    reminders.onChange = () => this.#schedule();
    this.#watchLooks();
    // Speeds fade while nothing moves, so they are looked at without a change, too.
    setInterval(() => queue.isBusy && this.#schedule(), 1000);
    this.#schedule();
  }

  #build() {
    const title = make("h2", {}, this.#title);
    const header = make("header", {}, title, this.#total, this.#pause, this.#resume, this.#close);
    const lists = [this.#reminders.element, this.#list, this.#more];
    const body = make("div", { class: "tray-body" }, this.#troubleLine, ...lists);
    this.element.append(header, this.#whole, body, this.#spoken);
    this.element.hidden = true;
  }

  /** Strips are painted: they don't follow the theme and the width by themselves. */
  #watchLooks() {
    const look = () => this.#schedule();
    new MutationObserver(look).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", look);
    new ResizeObserver(look).observe(this.#list);
  }

  #schedule() {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      setTimeout(
        () => {
          const began = performance.now();
          this.#isScheduled = false;
          this.#show();
          this.#cost = performance.now() - began;
        },
        Math.max(BETWEEN, this.#cost * SHARE),
      );
    }
  }

  #show() {
    const { transfers } = this.#queue;
    const isShown = transfers.length > 0 || !this.#reminders.isEmpty;
    this.element.hidden = !isShown;
    document.documentElement.classList.toggle("has-tray", isShown);
    this.#showHeader(transfers);
    this.#showTrouble(transfers);
    this.#showRows(transfers);
    this.#speak(transfers);
  }

  /** @param {Transfer[]} transfers */
  #showHeader(transfers) {
    const open = transfers.filter((transfer) => !transfer.hasEnded);
    const counted = transfers.filter((transfer) => transfer.state !== "cancelled");
    const work = sum(counted, (transfer) => transfer.size + PER_FILE);
    const done = sum(counted, (transfer) => transfer.bytesDone + (transfer.hasEnded ? PER_FILE : 0));
    const speed = this.#speed.of(sum(transfers, (transfer) => transfer.bytesMoved));
    const pace = this.#pace.of(done);
    const isMoving = open.length > 0 && speed > 0 && pace > 0 && !this.#queue.isPaused;
    setText(this.#titleText, transfers.length ? titleOf(transfers) : "Not finished");
    setText(this.#total, isMoving ? `${sizeText(speed)}/s · ${timeLeftText((work - done) / pace)}` : "");
    this.#whole.value = work ? (100 * done) / work : 0;
    this.#whole.hidden = open.length === 0;
    this.#pause.hidden = open.length === 0 || this.#queue.isPaused;
    this.#resume.hidden = open.length === 0 || !this.#queue.isPaused;
    setLabel(this.#close, open.length ? "Cancel all" : "Close");
  }

  /** @param {Transfer[]} transfers */
  #showTrouble(transfers) {
    const failed = transfers.filter((transfer) => transfer.state === "failed");
    const isHeld = this.#queue.isHeld;
    this.#troubleLine.hidden = !isHeld && failed.length < 2;
    setText(
      this.#trouble,
      isHeld
        ? "You are signed out. Sign in again in another tab, then Retry."
        : `${numberText(failed.length)} failed`,
    );
    setText(this.#retry, isHeld ? "Retry" : "Retry all that failed");
  }

  /** @param {Transfer[]} transfers */
  #showRows(transfers) {
    const shown = transfers.length > MOST_ROWS ? whatMatters(transfers) : transfers;
    const wanted = new Set(shown);
    for (const [transfer, row] of this.#rows) {
      if (!wanted.has(transfer)) {
        row.element.remove();
        this.#rows.delete(transfer);
      }
    }
    shown.forEach((transfer, place) => this.#place(this.#rowOf(transfer), place));
    const colours = stripColours(this.element);
    this.#rows.forEach((row) => row.draw(colours));
    const more = transfers.length - shown.length;
    this.#more.hidden = more === 0;
    setText(this.#more, more ? moreText(transfers, wanted) : "");
  }

  /**
   * Rows that are in their place already are not touched: a button under a finger stays there.
   * @param {Row} row
   * @param {number} place
   */
  #place(row, place) {
    const there = this.#list.children[place];
    if (there !== row.element) {
      this.#list.insertBefore(row.element, there ?? null);
    }
    row.show();
  }

  /** @param {Transfer} transfer */
  #rowOf(transfer) {
    let row = this.#rows.get(transfer);
    if (!row) {
      row = new Row(transfer, this.#queue);
      this.#rows.set(transfer, row);
    }
    return row;
  }

  /**
   * Beginnings and ends only: whoever listens does not want to hear every chunk.
   * @param {Transfer[]} transfers
   */
  #speak(transfers) {
    const open = transfers.filter((transfer) => !transfer.hasEnded).length;
    if ((open > 0) !== this.#wasOpen > 0) {
      const failed = transfers.filter((transfer) => transfer.state === "failed");
      const which = failed.length === 1 ? `: ${failed[0].name}. ${failed[0].reason}` : "";
      const trouble = failed.length ? `, ${numberText(failed.length)} failed${which}` : "";
      setText(this.#spoken, titleOf(transfers) + (open ? "" : trouble));
    }
    this.#wasOpen = open;
  }

  #fold() {
    const isFolded = this.element.toggleAttribute("data-folded");
    this.#title.setAttribute("aria-expanded", String(!isFolded));
    this.#schedule();
  }

  /** Close; while something is on its way that means to cancel it, which is asked first. */
  #leave() {
    if (!this.#queue.isBusy) {
      this.#queue.clear();
      this.#reminders.hide();
      return;
    }
    const dialog = cancelDialog();
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue === "cancel") {
        this.#queue.cancelAll();
      }
    });
    document.body.append(dialog);
    dialog.showModal();
  }
}

function cancelDialog() {
  const form = make(
    "form",
    { method: "dialog" },
    make("p", {}, "What has been sent of unfinished files is thrown away. Finished ones stay."),
    make(
      "div",
      { class: "tray-choices" },
      make("button", { value: "", class: "button", autofocus: "" }, "Keep going"),
      make("button", { value: "cancel", class: "button danger" }, "Cancel all"),
    ),
  );
  const title = make("h2", { id: "cancel-title" }, "Cancel what is on its way?");
  return make("dialog", { class: "tray-dialog", "aria-labelledby": "cancel-title", "data-keep": "" }, title, form);
}

/**
 * What is under way and what failed; then what comes next; then what was done last.
 * @param {Transfer[]} transfers
 */
function whatMatters(transfers) {
  const inState = (/** @type {State[]} */ ...states) => transfers.filter(({ state }) => states.includes(state));
  const active = inState("preparing", "moving", "finishing").slice(0, MOST_ROWS / 2);
  const failed = inState("failed").slice(0, MOST_ROWS / 3);
  const shown = [...active, ...failed, ...inState("waiting")].slice(0, MOST_ROWS);
  const rest = MOST_ROWS - shown.length;
  return rest ? [...shown, ...inState("done", "cancelled").slice(-rest).reverse()] : shown;
}

/**
 * @param {Transfer[]} transfers
 * @param {Set<Transfer>} shown
 */
function moreText(transfers, shown) {
  const others = transfers.filter((transfer) => !shown.has(transfer));
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { state } of others) {
    const word = WORDS[state] ?? "under way";
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const parts = [...counts].map(([word, count]) => `${numberText(count)} ${word}`);
  return `${numberText(others.length)} more: ${parts.join(", ")}`;
}

/**
 * @param {HTMLElement} button
 * @param {string} label
 */
function setLabel(button, label) {
  button.setAttribute("aria-label", label);
  button.title = label;
}

/**
 * @template T
 * @param {T[]} items
 * @param {(item: T) => number} value
 */
function sum(items, value) {
  return items.reduce((total, item) => total + value(item), 0);
}
