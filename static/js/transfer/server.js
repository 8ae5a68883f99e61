// @ts-check
/** One call of the API with the session of this page. Throws a Refusal, or why `signal` ended it. */

import { noAnswer, Refusal, refusalFrom } from "./refusal.js";

/** Bytes in a chunk; the last of a file has what remains. */
export const CHUNK_SIZE = 4_194_304;

/** What a visitor of a link shows in place of a session, "" for people who have signed in. */
let grant = "";

/** @param {string} token of a visit; all calls from now on are its */
export function actAs(token) {
  grant = token;
}

/**
 * @typedef {object} Entry
 * @property {string} id
 * @property {"file" | "folder"} type
 * @property {string} name
 * @property {string | null} parent
 * @property {number | null} size
 * @property {string | null} content_hash
 */

/**
 * @param {string} method
 * @param {string} path
 * @param {object | Blob | null} body to be sent as JSON; a Blob as it is
 * @param {AbortSignal} signal
 * @returns {Promise<any>} the answer's JSON, null when it has none
 */
export async function call(method, path, body, signal) {
  const type = body instanceof Blob ? body.type : "application/json";
  const answer = await fetch(path, {
    method,
    signal,
    headers: { "Content-Type": type, Accept: "application/json", ...credentials() },
    body: body instanceof Blob ? body : body && JSON.stringify(body),
  }).catch((error) => {
    throw reasonOf(error, signal);
  });
  const text = await answer.text().catch((error) => {
    throw reasonOf(error, signal);
  });
  if (grant && answer.status === 401) {
    throw new Refusal("Your visit is over. Load the page again, then send the rest.", { code: "visit_over" });
  }
  if (!answer.ok) {
    throw refusalFrom(answer.status, text, answer.headers.get("Retry-After"));
  }
  return text ? JSON.parse(text) : null;
}

/**
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {Promise<Entry>}
 */
export function entry(id, signal) {
  return call("GET", `/api/files/${encodeURIComponent(id)}`, null, signal);
}

/**
 * A page of what is in a folder.
 * @param {string} folder
 * @param {string | null} cursor
 * @param {AbortSignal} signal
 * @returns {Promise<{ results: Entry[], next: string | null }>}
 */
export function children(folder, cursor, signal) {
  const query = new URLSearchParams({ limit: "1000", ...(cursor && { cursor }) });
  return call("GET", `/api/files/${encodeURIComponent(folder)}/children?${query}`, null, signal);
}

/**
 * What a failed fetch means: cut by us, or by the network in whichever way.
 * @param {unknown} error
 * @param {AbortSignal} signal
 */
export function reasonOf(error, signal) {
  if (signal.aborted && signal.reason?.name !== "TimeoutError") {
    return signal.reason;
  }
  return signal.aborted || error instanceof TypeError ? noAnswer() : error;
}

/** @returns {Record<string, string>} */
function credentials() {
  return grant ? { Authorization: `Bearer ${grant}` } : { "X-CSRFToken": csrfToken() };
}

/** Read each time: signing in again in another tab changes it. */
function csrfToken() {
  return /(?:^|;\s*)csrftoken=([^;]*)/.exec(document.cookie)?.[1] ?? "";
}
