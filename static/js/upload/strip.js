// @ts-check
/** The chunk strip: one cell a chunk (or as many as fit), in the colour of what is known of it. */

import { Chunk } from "./upload.js";

const GAP = 2;
const MOST_CELLS = 48;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8Array} chunks of Chunk
 * @param {boolean} isDone a file without chunks is drawn as one cell
 */
export function drawStrip(canvas, chunks, isDone) {
  const context = canvas.getContext("2d");
  const scale = window.devicePixelRatio;
  const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
  if (!context || !width) {
    return;
  }
  canvas.width = width;
  canvas.height = height;
  const colours = coloursOf(canvas);
  const cells = Math.max(1, Math.min(chunks.length, MOST_CELLS));
  const step = (width + GAP * scale) / cells;
  for (let cell = 0; cell < cells; cell += 1) {
    const from = Math.floor((cell * chunks.length) / cells);
    const to = Math.floor(((cell + 1) * chunks.length) / cells);
    const state = chunks.length ? leastOf(chunks.subarray(from, to)) : isDone ? Chunk.SENT : Chunk.UNKNOWN;
    context.globalAlpha = state === Chunk.SENDING ? 0.5 : 1;
    context.fillStyle = colours[state];
    const left = Math.round(cell * step);
    context.fillRect(left, 0, Math.round((cell + 1) * step - GAP * scale) - left, height);
  }
}

/**
 * A cell that stands for several chunks shows the one that is furthest behind, but any sending.
 * @param {Uint8Array} chunks
 */
function leastOf(chunks) {
  const least = chunks.reduce((first, second) => Math.min(first, second), Chunk.HAVE);
  return least < Chunk.SENDING && chunks.includes(Chunk.SENDING) ? Chunk.SENDING : least;
}

/** @param {Element} element */
function coloursOf(element) {
  const style = getComputedStyle(element);
  const [line, accent, have] = ["line", "accent", "have"].map((name) =>
    style.getPropertyValue(`--color-${name}`),
  );
  return [line, line, accent, accent, have];
}
