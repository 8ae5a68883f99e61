// @ts-check
/** One transfer's line in the tray: name, percent, chunk strip, state, and what can be done. */

import { sizeText } from "../sizes.js";
import { icon, iconButton, make, setText } from "./elements.js";
import { drawStrip } from "./strip.js";
import { percentOf, stateText, toneOf } from "./words.js";

/** @typedef {import("./transfer.js").Transfer} Transfer */

export class Row {
  #transfer;
  #percent = make("span", { class: "tray-percent" });
  #progress = make("progress", { class: "sr-only", max: "100" });
  #strip = make("canvas", { class: "tray-strip", "aria-hidden": "true" });
  #text = make("span", { class: "tray-text" });
  #check = icon("check");
  #pause;
  #resume;
  #retry;
  #cancel;

  /**
   * @param {Transfer} transfer
   * @param {import("./queue.js").Queue} queue
   */
  constructor(transfer, queue) {
    this.#transfer = transfer;
    const { name, path } = transfer;
    this.#pause = iconButton("pause", `Pause ${name}`, () => transfer.pause());
    this.#resume = iconButton("play", `Resume ${name}`, () => transfer.resume());
    this.#retry = iconButton("retry", `Retry ${name}`, () => queue.retry([transfer]));
    this.#cancel = iconButton("close", `Cancel ${name}`, () => transfer.cancel());
    this.#progress.setAttribute("aria-label", name);
    const title = make("span", { class: "tray-file", title: path }, make("bdi", {}, name));
    const state = make("p", { class: "tray-state" }, this.#check, this.#text);
    const actions = make("span", { class: "tray-actions" }, this.#pause, this.#resume, this.#retry, this.#cancel);
    this.element = make(
      "li",
      { class: "tray-row" },
      make("div", { class: "tray-line" }, title, this.#percent),
      this.#progress,
      this.#strip,
      make("div", { class: "tray-line" }, state, actions),
    );
  }

  show() {
    const transfer = this.#transfer;
    const percent = percentOf(transfer);
    this.#progress.value = percent;
    setText(this.#percent, transfer.state === "done" && transfer.size ? sizeText(transfer.size) : `${percent}%`);
    setText(this.#text, stateText(transfer));
    this.element.dataset.tone = toneOf(transfer);
    this.#check.toggleAttribute("hidden", transfer.state !== "done");
    this.#showActions();
  }

  /**
   * Apart from `show`: it asks for the width, and words that change in between would have the
   * browser lay out the page again for every row.
   * @param {string[]} colours
   */
  draw(colours) {
    drawStrip(this.#strip, this.#transfer.chunks, this.#transfer.state === "done", colours);
  }

  #showActions() {
    const { state, isPaused, hasEnded } = this.#transfer;
    const hadFocus = this.element.contains(document.activeElement);
    const isRunning = !hasEnded && state !== "waiting";
    this.#pause.hidden = !isRunning || isPaused;
    this.#resume.hidden = !isRunning || !isPaused;
    this.#retry.hidden = state !== "failed" && state !== "cancelled";
    this.#cancel.hidden = hasEnded;
    if (hadFocus && !this.element.contains(document.activeElement)) {
      return;
    }
    if (hadFocus && document.activeElement instanceof HTMLElement && document.activeElement.hidden) {
      const next = [this.#pause, this.#resume, this.#retry, this.#cancel].find((button) => !button.hidden);
      next?.focus(); // the button that was pressed gave way to another
    }
  }
}
