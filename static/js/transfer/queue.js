// @ts-check
/** What is on its way and what waits for its turn: a few at once, small files beside large ones. */

/** @typedef {import("./transfer.js").Transfer} Transfer */
/** @typedef {import("./transfer.js").Lane} Lane */

/**
 * Small files take three calls each, one after another, so several must go at once. Of large ones,
 * whose chunks go in parallel anyway, more at once would only all be done late.
 * @type {Record<Lane, number>}
 */
const AT_ONCE = { small: 6, large: 2, download: 2 };
const LANES = /** @type {Lane[]} */ (Object.keys(AT_ONCE));

export class Queue {
  /** @type {Transfer[]} */
  transfers = [];
  /** Nothing begins, whatever is added. */
  isPaused = false;
  /** Nothing begins, because it would fail like the last: a person was signed out. */
  isHeld = false;
  /** @type {() => void} */
  onChange = () => {};
  /** @type {(transfer: Transfer) => void} */
  onEnd = () => {};

  /** @type {Record<Lane, Transfer[]>} */
  #waiting = { small: [], large: [], download: [] };
  /** @type {Set<Transfer>} */
  #running = new Set();

  /** Whether leaving the page would lose something. */
  get isBusy() {
    return this.#running.size > 0 || LANES.some((lane) => this.#waiting[lane].length > 0);
  }

  /** @param {Transfer[]} transfers */
  add(transfers) {
    for (const transfer of transfers) {
      transfer.onChange = () => this.#changed(transfer);
      this.transfers.push(transfer);
      this.#waiting[transfer.lane].push(transfer);
    }
    this.#startMore();
    this.onChange();
  }

  /** @param {Transfer[]} transfers those of them that failed or were cancelled begin again */
  retry(transfers) {
    this.isHeld = false;
    for (const transfer of transfers) {
      if (transfer.state === "failed" || transfer.state === "cancelled") {
        transfer.renew();
        this.#waiting[transfer.lane].push(transfer);
      }
    }
    this.#startMore();
    this.onChange();
  }

  retryFailed() {
    this.retry(this.transfers.filter((transfer) => transfer.state === "failed"));
  }

  pauseAll() {
    this.isPaused = true;
    for (const transfer of this.#running) {
      transfer.pause();
    }
    this.onChange();
  }

  resumeAll() {
    this.isPaused = false;
    for (const transfer of this.#running) {
      transfer.resume();
    }
    this.#startMore();
    this.onChange();
  }

  cancelAll() {
    this.isPaused = false;
    for (const transfer of this.transfers) {
      transfer.cancel();
    }
    for (const lane of LANES) {
      this.#waiting[lane] = [];
    }
    this.onChange();
  }

  /** Take what has ended off the list. */
  clear() {
    for (const transfer of this.transfers) {
      if (transfer.hasEnded) {
        transfer.dismiss();
      }
    }
    this.transfers = this.transfers.filter((transfer) => !transfer.hasEnded);
    this.isHeld = false;
    this.onChange();
  }

  #startMore() {
    if (this.isPaused || this.isHeld) {
      return;
    }
    const busy = { small: 0, large: 0, download: 0 };
    for (const transfer of this.#running) {
      // Who waits for a person keeps nobody else waiting.
      busy[transfer.lane] += transfer.isPaused || transfer.isAsking ? 0 : transfer.weight;
    }
    for (const lane of LANES) {
      for (let next; busy[lane] < AT_ONCE[lane] && (next = this.#nextOf(lane)); ) {
        busy[lane] += next.weight;
        void this.#run(next);
      }
    }
  }

  /** @param {Lane} lane */
  #nextOf(lane) {
    const waiting = this.#waiting[lane];
    for (;;) {
      const next = waiting.shift();
      if (!next) {
        return null;
      }
      if (next.state === "waiting") {
        const all = next.gather(waiting);
        const taken = new Set(all.members);
        this.#waiting[lane] = taken.size > 1 ? waiting.filter((transfer) => !taken.has(transfer)) : waiting;
        return all;
      } // else it was cancelled before its turn
    }
  }

  /** @param {Transfer} transfer */
  async #run(transfer) {
    this.#running.add(transfer);
    await transfer.run();
    this.#running.delete(transfer);
    this.isHeld ||= transfer.refusal?.isSignedOut ?? false;
    for (const member of transfer.members) {
      if (member.state === "waiting") {
        this.#waiting[member.lane].push(member); // on its own now
      } else {
        this.onEnd(member);
      }
    }
    this.#startMore();
    this.onChange();
  }

  /** @param {Transfer} transfer */
  #changed(transfer) {
    if (transfer.isPaused || transfer.isAsking) {
      this.#startMore();
    }
    this.onChange();
  }
}
