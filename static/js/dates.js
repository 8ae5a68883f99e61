// @ts-check
/** Dates in the reader's own time and words. The server knows neither; it writes UTC. */

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

/** @param {ParentNode} root */
export function localiseDates(root) {
  const now = new Date();
  // Of a long list only what is new: the rest was done with the pages before.
  for (const element of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const time = /** @type {HTMLTimeElement} */ (element);
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) {
      time.textContent = dateText(moment, now);
      time.title = EXACT.format(moment);
      time.dataset.local = "";
    }
  }
}

/**
 * @param {Date} moment
 * @param {Date} now
 * @returns {string} such as "Today 09:41", "Yesterday", "Fri 16:40", "18 Nov", "3 Feb 2024"
 */
export function dateText(moment, now) {
  const days = Math.round((startOfDay(now) - startOfDay(moment)) / 86_400_000);
  if (days === 0) {
    return `Today ${TIME.format(moment)}`;
  }
  if (days === 1) {
    return "Yesterday";
  }
  if (days > 1 && days < 7) {
    return `${WEEKDAY.format(moment)} ${TIME.format(moment)}`;
  }
  return (moment.getFullYear() === now.getFullYear() ? DAY : DATE).format(moment);
}

/** @param {Date} moment */
function startOfDay(moment) {
  return new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();
}
