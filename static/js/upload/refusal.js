// @ts-check

/** Why something did not work. `status` 0: there was no answer at all. */
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
}

/** @returns {Refusal} */
export function noAnswer() {
  return new Refusal("There is no connection to the server.", { status: 0 });
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
    // A proxy in between answers in its own words, which say nothing to people.
  }
  const message =
    status === 401
      ? "You are signed out. Sign in again in another tab, then retry."
      : (error.message ?? `The server answered ${status}.`);
  const seconds = Number.parseInt(retryAfter ?? "", 10);
  return new Refusal(message, {
    status,
    code: error.code,
    retryAfter: Number.isNaN(seconds) ? undefined : seconds,
    facts: error,
  });
}
