// @ts-check
/** Dates in the reader's own time and words. The server knows neither; it writes UTC. */

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

/** @param {ParentNode} root */
export function localiseDates(root) {
  const now = new Date();
  for (const element of root.querySelectorAll("time[datetime]")) {
    const time = /** @type {HTMLTimeElement} */ (element);
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) {
      time.textContent = dateText(moment, now);
      time.title = EXACT.format(moment);
    }
  }
}

/**
 * @param {Date} moment
 * @param {Date} now
 */
export function dateText(moment, now) {
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (moment.toDateString() === now.toDateString()) {
    return `Today ${TIME.format(moment)}`;
  }
  if (moment.toDateString() === yesterday.toDateString()) {
    return `Yesterday ${TIME.format(moment)}`;
  }
  return (moment.getFullYear() === now.getFullYear() ? DAY : DATE).format(moment);
}
