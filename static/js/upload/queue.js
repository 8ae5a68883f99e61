// @ts-check
/** Files in the order they came, two at once. */

import { Upload } from "./upload.js";

const AT_ONCE = 2;

export class Queue {
  /** @type {Upload[]} */
  uploads = [];
  #onDone;
  /** @type {() => void} */
  onChange = () => {};

  /** @param {{ onDone: (folder: string) => void }} options */
  constructor({ onDone }) {
    this.#onDone = onDone;
  }

  /** Whether leaving the page would lose something. */
  get isBusy() {
    return this.uploads.some((upload) => !upload.hasEnded);
  }

  /**
   * @param {File[]} files
   * @param {string} folder id
   */
  add(files, folder) {
    for (const file of files) {
      this.uploads.push(new Upload(file, folder, () => this.onChange()));
    }
    this.#startMore();
    this.onChange();
  }

  /** @param {Upload} upload that failed or was cancelled */
  retry(upload) {
    upload.state = "waiting";
    this.#startMore();
    this.onChange();
  }

  /** Take what has ended off the list. */
  clear() {
    this.uploads = this.uploads.filter((upload) => !upload.hasEnded);
    this.onChange();
  }

  #startMore() {
    const running = this.uploads.filter((upload) => !upload.hasEnded && upload.state !== "waiting");
    const waiting = this.uploads.filter((upload) => upload.state === "waiting");
    for (const upload of waiting.slice(0, Math.max(0, AT_ONCE - running.length))) {
      void this.#run(upload);
    }
  }

  /** @param {Upload} upload */
  async #run(upload) {
    await upload.run();
    if (upload.state === "done") {
      this.#onDone(upload.folder);
    }
    this.#startMore();
  }
}
