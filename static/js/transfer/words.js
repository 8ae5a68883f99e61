// @ts-check
/** The states of transfers as a person would say them. */

import { Download } from "../download/download.js";
import { sizeText } from "../sizes.js";
import { Upload } from "../upload/upload.js";
import { Chunk } from "./transfer.js";

/** @typedef {import("./transfer.js").Transfer} Transfer */
/** @typedef {"quiet" | "have" | "done" | "stalled" | "failed"} Tone */

/**
 * @param {Transfer} transfer
 * @returns {string}
 */
export function stateText(transfer) {
  if (transfer.hasEnded) {
    return endText(transfer);
  }
  if (transfer.isAsking) {
    return "Waiting for your answer";
  }
  if (transfer.isPaused) {
    return "Paused";
  }
  if (transfer.reason) {
    return transfer.reason;
  }
  return transfer.state === "waiting" ? "Waiting for its turn" : workText(transfer);
}

/** @param {Transfer} transfer */
function endText(transfer) {
  if (transfer.state === "failed") {
    return transfer.reason;
  }
  if (transfer.state === "cancelled") {
    return transfer.reason || "Cancelled";
  }
  return transfer instanceof Upload ? uploadedText(transfer) : transfer instanceof Download ? "Done, verified" : "Done";
}

/** @param {Upload} upload */
function uploadedText(upload) {
  if (upload.isSame || !upload.result) {
    return "Already here, nothing was sent";
  }
  const { file, stats, version } = upload.result;
  const which = version.number > 1 ? `, version ${version.number}` : "";
  const name = file.name === upload.name.normalize("NFC") ? "" : `, as “${file.name}”`;
  if (stats.size && stats.deduplicated_bytes === stats.size) {
    return `Already here, nothing was sent${which}${name}`;
  }
  const spared = stats.deduplicated_bytes ? `; ${sizeText(stats.deduplicated_bytes)} not sent twice` : "";
  return `Done, verified${which}${name}${spared}`;
}

/** @param {Transfer} transfer that is under way */
function workText(transfer) {
  if (transfer.state === "finishing") {
    return transfer instanceof Download ? "Saving the file" : "Making the file";
  }
  if (mostlyHere(transfer)) {
    const { have, count } = tally(transfer);
    return `Already here: ${have} of ${count} chunks skipped`;
  }
  const moving = rangeText(transfer);
  if (transfer instanceof Download) {
    return moving === null ? "Asking for the file" : `Fetching ${moving}`.trim();
  }
  if (moving !== null) {
    return `Sending ${moving}`.trim();
  }
  if (!(transfer instanceof Upload)) {
    return "Making the folder";
  }
  return transfer.state === "moving" && transfer.chunks.includes(Chunk.WAITING)
    ? "Waiting for a free connection"
    : `Hashing: ${sizeText(transfer.hashedBytes)} of ${sizeText(transfer.size)}`;
}

/**
 * @param {Transfer} transfer
 * @returns {string | null} such as "chunk 19 to 22 of 48", "" for the only one, null when none moves
 */
function rangeText({ chunks }) {
  const first = chunks.indexOf(Chunk.MOVING);
  if (first < 0) {
    return null;
  }
  if (chunks.length === 1) {
    return "";
  }
  const last = chunks.lastIndexOf(Chunk.MOVING);
  const which = first === last ? `${first + 1}` : `${first + 1} to ${last + 1}`;
  return `chunk ${which} of ${chunks.length}`;
}

/** @param {Transfer} transfer */
function tally({ chunks }) {
  let have = 0;
  let moved = 0;
  for (const chunk of chunks) {
    have += chunk === Chunk.HAVE ? 1 : 0;
    moved += chunk === Chunk.MOVED ? 1 : 0;
  }
  return { have, moved, count: chunks.length };
}

/** @param {Transfer} transfer */
function mostlyHere(transfer) {
  const { have, moved } = tally(transfer);
  return have > moved;
}

/**
 * @param {Transfer} transfer
 * @returns {Tone}
 */
export function toneOf(transfer) {
  if (transfer.state === "failed") {
    return "failed";
  }
  if (transfer.state === "done") {
    return transfer.chunks.length && tally(transfer).have === transfer.chunks.length ? "have" : "done";
  }
  if (transfer.state === "cancelled" || transfer.isPaused) {
    return "quiet";
  }
  if (transfer.reason || transfer.isAsking) {
    return "stalled";
  }
  return mostlyHere(transfer) ? "have" : "quiet";
}

/** @param {Transfer} transfer */
export function percentOf(transfer) {
  if (transfer.state === "done") {
    return 100;
  }
  return transfer.size ? Math.floor((100 * transfer.bytesDone) / transfer.size) : 0;
}

/**
 * What the tray's first line says.
 * @param {readonly Transfer[]} transfers
 */
export function titleOf(transfers) {
  const open = transfers.filter((transfer) => !transfer.hasEnded).length;
  const done = transfers.filter((transfer) => transfer.state === "done").length;
  const downloads = transfers.filter((transfer) => transfer.kind === "download").length;
  const [doing, did] =
    downloads === 0
      ? ["Uploading", "uploaded"]
      : downloads === transfers.length
        ? ["Downloading", "downloaded"]
        : ["Transferring", "transferred"];
  return open
    ? `${doing} ${numberText(transfers.length - open + 1)} of ${numberText(transfers.length)}`
    : `${numberText(done)} of ${numberText(transfers.length)} ${did}`;
}

const NUMBER = new Intl.NumberFormat("en");

/** @param {number} number */
export function numberText(number) {
  return NUMBER.format(number);
}
