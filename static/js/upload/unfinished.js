// @ts-check
/**
 * Reminders of what had not come to its end when its page went away: the files are on the person's
 * disk, so only they can go on, by dropping them again. Kept in this browser, for this person.
 *
 * A courtesy: where localStorage is full or forbidden, nothing is remembered and all else works.
 */

const PREFIX = "rapidserve.unfinished.";
const HEARTBEAT = 20_000;
const SILENT = 180_000; // background tabs wake up once a minute; one that is silent for longer was killed

/**
 * @typedef {object} Description of all that was dropped at once
 * @property {string} folder id of the folder it was dropped on
 * @property {string} name of the only thing, or the first
 * @property {number} others how many more were dropped with it
 * @property {number} done of `total`: bytes of a single file, else files
 * @property {number} total
 * @property {string[]} uploads ids at the server
 * @property {import("./upload.js").OnConflict | null} onConflict what the person chose
 *
 * @typedef {Description & { id: string, user: string, at: number }} Reminder
 *   `at`: when its page was last heard of, 0 when it is known to be gone
 */

/** @type {Map<string, () => Description | null>} of this page, by id */
const own = new Map();

export function startReminding() {
  window.addEventListener("pagehide", () => writeAll(0));
  window.addEventListener("pageshow", () => writeAll(Date.now())); // back from the browser's cache
  setInterval(() => writeAll(Date.now()), HEARTBEAT);
}

/** @param {() => Description | null} describe null: it has come to its end */
export function remind(describe) {
  const id = newId();
  own.set(id, describe);
  write(id, Date.now());
}

/** @param {string} id */
export function forget(id) {
  own.delete(id);
  try {
    localStorage.removeItem(PREFIX + id);
  } catch {
    // It was never written then.
  }
}

/** @returns {Reminder[]} of pages that are gone */
export function left() {
  const user = userId();
  return stored().filter(
    (reminder) => reminder.user === user && !own.has(reminder.id) && reminder.at < Date.now() - SILENT,
  );
}

function stored() {
  /** @type {(Reminder | null)[]} */
  const found = [];
  try {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith(PREFIX)) {
        found.push(JSON.parse(localStorage.getItem(key) ?? "null"));
      }
    }
  } catch {
    // Forbidden, or not what we wrote.
  }
  return found.filter((reminder) => reminder !== null);
}

/** @param {number} at */
function writeAll(at) {
  for (const id of own.keys()) {
    write(id, at);
  }
}

/**
 * @param {string} id
 * @param {number} at
 */
function write(id, at) {
  const description = own.get(id)?.();
  if (!description) {
    forget(id);
    return;
  }
  /** @type {Reminder} */
  const reminder = { ...description, id, user: userId(), at };
  try {
    localStorage.setItem(PREFIX + id, JSON.stringify(reminder));
  } catch {
    // Full, or forbidden.
  }
}

function userId() {
  return document.body.dataset.user ?? "";
}

/** crypto.randomUUID is kept from plain HTTP, like crypto.subtle. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");
}
