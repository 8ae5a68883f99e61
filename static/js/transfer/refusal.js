// @ts-check
/** Why something did not work, in words for people. `status` 0: there was no answer at all. */

import { sizeText } from "../sizes.js";

export class Refusal extends Error {
  /**
   * @param {string} message for people
   * @param {{ status?: number, code?: string, retryAfter?: number, facts?: Record<string, any> }} [details]
   */
  constructor(message, { status = -1, code = "", retryAfter, facts = {} } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    /** In seconds, when the server said when to come back. */
    this.retryAfter = retryAfter;
    this.facts = facts;
  }

  /** Whether time alone may mend it: no connection, a server that restarts or is busy. */
  get isPassing() {
    return [0, 408, 429, 502, 503, 504].includes(this.status);
  }

  /** Whether every other transfer would fail for the same reason. */
  get isSignedOut() {
    return this.status === 401;
  }
}

/** @returns {Refusal} */
export function noAnswer() {
  return new Refusal("There is no connection to the server.", { status: 0 });
}

/**
 * @param {unknown} error
 * @param {string} code
 * @returns {error is Refusal}
 */
export function isRefusal(error, code) {
  return error instanceof Refusal && error.code === code;
}

/**
 * @param {number} status
 * @param {string} body of the answer
 * @param {string | null} retryAfter the header
 */
export function refusalFrom(status, body, retryAfter) {
  /** @type {Record<string, any>} */
  let error = {};
  try {
    error = JSON.parse(body).error ?? {};
  } catch {
    // A bucket answers in XML. A proxy in between has its own words, which say nothing to people.
    error.code = /<Code>(\w+)<\/Code>/.exec(body)?.[1];
  }
  return new Refusal(messageOf(status, error), {
    status,
    code: error.code ?? "",
    retryAfter: secondsOf(retryAfter),
    facts: error,
  });
}

/**
 * The server's message, but for those that speak of bytes or of what only this page can know.
 * @param {number} status
 * @param {Record<string, any>} error
 * @returns {string}
 */
function messageOf(status, error) {
  if (status === 401) {
    return "You are signed out. Sign in again in another tab, then Retry.";
  }
  switch (error.code) {
    case "quota_exceeded":
      return `There is not enough room: ${sizeText(error.need)} are needed, ${sizeText(error.have)} are left.`;
    case "file_too_large":
      return `The file is too large: this server takes up to ${sizeText(error.limit)}.`;
    case "csrf_failed":
      return "This page is from an earlier session. Open it again, then drop the file again.";
    case "not_found":
      return "It is not there any more.";
    default:
      return error.message ?? `The server answered ${status}.`;
  }
}

/**
 * @param {string | null} header seconds, or a date
 * @returns {number | undefined}
 */
function secondsOf(header) {
  if (!header) {
    return undefined;
  }
  const seconds = Number(header);
  const wait = Number.isNaN(seconds) ? (Date.parse(header) - Date.now()) / 1000 : seconds;
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}
