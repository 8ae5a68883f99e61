// @ts-check
/** Trying again, less and less often, and never all clients at the same moment. */

import { Refusal } from "./refusal.js";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const CRASHES_BORNE = 5; // 500s: unlike a restart they seldom pass

/**
 * The result of `attempt`, repeated while what it fails with may pass. Everything else is thrown.
 * @template T
 * @param {() => Promise<T>} attempt must be safe to repeat
 * @param {AbortSignal} signal
 * @param {(refusal: Refusal | null) => void} onWait told what is waited for, and null when it is over
 * @returns {Promise<T>}
 */
export async function patiently(attempt, signal, onWait) {
  for (let failures = 0; ; failures += 1) {
    try {
      const result = await attempt();
      if (failures) {
        onWait(null);
      }
      return result;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Refusal) || !mayPass(error, failures)) {
        throw error;
      }
      onWait(error);
      await sleep(waitBefore(failures, error.retryAfter ?? 0), signal);
    }
  }
}

/**
 * @param {Refusal} refusal
 * @param {number} failures
 */
function mayPass(refusal, failures) {
  return refusal.isPassing || (refusal.status === 500 && failures < CRASHES_BORNE);
}

/**
 * Exponential back-off with jitter; never sooner than the server asked for.
 * @param {number} failures
 * @param {number} retryAfter in seconds
 */
function waitBefore(failures, retryAfter) {
  const longest = Math.min(FIRST_WAIT * 2 ** failures, LONGEST_WAIT);
  return retryAfter * 1000 + longest * (0.5 + Math.random() / 2);
}

/**
 * Ends early when the browser says that it is online again. What it says of being offline is not
 * believed: the server may be this machine.
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const end = () => {
      clearTimeout(timer);
      over.abort();
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    window.addEventListener("online", end, { signal: over.signal });
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        over.abort();
        reject(signal.reason);
      },
      { signal: over.signal },
    );
  });
}
