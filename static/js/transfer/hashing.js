// @ts-check
/** SHA-256 of blobs, by a few workers that all transfers of the page share. */

import { Refusal } from "./refusal.js";

/** @typedef {{ blob: Blob, resolve: (sha256: string) => void, reject: (why: Refusal) => void }} Job */

const MOST_WORKERS = 4;

/** @type {Job[]} */
const waiting = [];
/** @type {Worker[]} */
const idle = [];
let started = 0;

/**
 * @param {Blob} blob
 * @returns {Promise<string>} 64 hexadecimal digits; a Refusal when the bytes can't be read
 */
export function sha256(blob) {
  return new Promise((resolve, reject) => {
    waiting.push({ blob, resolve, reject });
    next(idle.pop() ?? another());
  });
}

/** @param {Worker | null} worker that has nothing to do */
function next(worker) {
  const job = worker && waiting.shift();
  if (!worker || !job) {
    if (worker) {
      idle.push(worker);
    }
    return;
  }
  worker.onmessage = ({ data }) => {
    finish(job, data);
    next(worker);
  };
  worker.onerror = (event) => {
    worker.terminate();
    started -= 1;
    finish(job, { broken: event.message });
    next(waiting.length ? another() : null);
  };
  worker.postMessage(job.blob);
}

/**
 * @param {Job} job
 * @param {import("./hasher.js").Answer} answer
 */
function finish(job, answer) {
  if (answer.sha256) {
    job.resolve(answer.sha256);
  } else if (answer.unreadable) {
    job.reject(unreadable());
  } else {
    console.error("The hasher failed.", answer.broken);
    job.reject(new Refusal("This browser could not hash the file. Load the page again, then retry."));
  }
}

/** @returns {Refusal} */
export function unreadable() {
  return new Refusal("The file can't be read: it was changed, moved or is a folder. Drop it again.");
}

/** @returns {Worker | null} null when there are enough of them */
function another() {
  if (started >= Math.min(navigator.hardwareConcurrency || 2, MOST_WORKERS)) {
    return null;
  }
  started += 1;
  return new Worker(new URL("./hasher.js", import.meta.url), { type: "module" });
}
