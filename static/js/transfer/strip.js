// @ts-check
/** The chunk strip: one cell a chunk (or as many as fit), in the colour of what is known of it. */

import { Chunk } from "./transfer.js";

const GAP = 2;
const LEAST_CELL = 4; // pixels, of which the eye still tells one from the next
const MOST_CELLS = 60;
const RADIUS = 1.5;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8Array} chunks of Chunk
 * @param {boolean} isDone a file without chunks is drawn as one cell
 * @param {string[]} colours as of `stripColours`
 */
export function drawStrip(canvas, chunks, isDone, colours) {
  const context = canvas.getContext("2d");
  const scale = window.devicePixelRatio;
  const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
  if (!context || !width) {
    return;
  }
  canvas.width = width;
  canvas.height = height;
  const room = Math.floor(canvas.clientWidth / (LEAST_CELL + GAP));
  const cells = Math.max(1, Math.min(chunks.length, MOST_CELLS, room));
  const step = (width + GAP * scale) / cells;
  for (let cell = 0; cell < cells; cell += 1) {
    const from = Math.floor((cell * chunks.length) / cells);
    const to = Math.floor(((cell + 1) * chunks.length) / cells);
    const state = chunks.length ? stateOf(chunks.subarray(from, to)) : isDone ? Chunk.MOVED : Chunk.UNKNOWN;
    context.globalAlpha = state === Chunk.MOVING ? 0.5 : 1;
    context.fillStyle = colours[state];
    const left = Math.round(cell * step);
    const right = Math.round((cell + 1) * step - GAP * scale);
    context.beginPath();
    context.roundRect(left, 0, Math.max(1, right - left), height, RADIUS * scale);
    context.fill();
  }
}

/**
 * A cell that stands for several chunks shows the one that is furthest behind, but any that moves.
 * @param {Uint8Array} chunks
 */
function stateOf(chunks) {
  const least = chunks.reduce((first, second) => Math.min(first, second), Chunk.HAVE);
  return least < Chunk.MOVING && chunks.includes(Chunk.MOVING) ? Chunk.MOVING : least;
}

/**
 * The colour of each state, in the theme of the moment. Asking takes a while: once for all strips.
 * @param {Element} element
 */
export function stripColours(element) {
  const style = getComputedStyle(element);
  const [line, accent, have] = ["line", "accent", "have"].map((name) =>
    style.getPropertyValue(`--color-${name}`),
  );
  return [line, line, accent, accent, have];
}
