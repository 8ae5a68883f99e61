// @ts-check
/** What was not finished when its page went away, in the tray, until it is dropped again. */

import { make, setText } from "../transfer/elements.js";
import { giveUp } from "./protocol.js";
import { forget, left } from "./unfinished.js";

/** @typedef {import("./unfinished.js").Reminder} Reminder */

const AGAIN = 5000; // milliseconds: other tabs begin and end things, too

export class Reminders {
  element = make("ul", { class: "tray-list" });
  /** @type {() => void} */
  onChange = () => {};
  #isHidden = false;
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();

  constructor() {
    this.look();
    setInterval(() => this.look(), AGAIN);
  }

  get isEmpty() {
    return this.#rows.size === 0;
  }

  /** Not now; the next page shows them again. */
  hide() {
    this.#isHidden = true;
    this.look();
  }

  look() {
    const reminders = this.#isHidden ? [] : left();
    const before = this.#rows.size;
    const ids = new Set(reminders.map((reminder) => reminder.id));
    for (const [id, row] of this.#rows) {
      if (!ids.has(id)) {
        row.remove();
        this.#rows.delete(id);
      }
    }
    for (const reminder of reminders) {
      if (!this.#rows.has(reminder.id)) {
        const row = this.#rowFor(reminder);
        this.#rows.set(reminder.id, row);
        this.element.append(row);
      }
    }
    this.element.hidden = this.isEmpty;
    if (before || this.#rows.size) {
      this.onChange();
    }
  }

  /** @param {Reminder} reminder */
  #rowFor(reminder) {
    const name = nameOf(reminder);
    const where = make("a", { href: `/files/${reminder.folder}`, class: "link", "data-swap": "" }, "Open its folder");
    const discard = make("button", { type: "button", class: "link", "aria-label": `Discard ${name}` }, "Discard");
    discard.addEventListener("click", () => {
      forget(reminder.id);
      reminder.uploads.forEach((upload) => void giveUp(upload));
      this.look();
    });
    const percent = make("span", { class: "tray-percent" });
    setText(percent, reminder.total ? `${Math.floor((100 * reminder.done) / reminder.total)}%` : "");
    const title = make("span", { class: "tray-file", title: name }, make("bdi", {}, name));
    const text = reminder.others
      ? "Not finished: drop them again to continue"
      : "Not finished: drop it again to continue";
    return make(
      "li",
      { class: "tray-row", "data-tone": "stalled" },
      make("div", { class: "tray-line" }, title, percent),
      make("p", { class: "tray-state" }, text),
      make("div", { class: "tray-line tray-links" }, where, discard),
    );
  }
}

/** @param {Reminder} reminder */
function nameOf({ name, others }) {
  return others ? `${name} and ${others} more` : name;
}
