// @ts-check
/**
 * Collects the icons of the pages from the npm package `heroicons` into one template of symbols,
 * templates/components/icons.html: drawn once in a page, shown by `<use href="#i-NAME">`.
 *
 * Run by `make icons`; `make check` compares. To add an icon, name it below.
 */

import { readFileSync } from "node:fs";

/** Our names (what an icon means here), and the ones of heroicons (what it shows). */
const ICONS = {
  folder: "folder",
  team: "user-group",
  share: "user-plus",
  link: "link",
  file: "document",
  text: "document-text",
  image: "photo",
  video: "film",
  audio: "musical-note",
  archive: "archive-box",
  trash: "trash",
  upload: "arrow-up-tray",
  "upload-folder": "folder-plus",
  download: "arrow-down-tray",
  plus: "plus",
  more: "ellipsis-horizontal",
  search: "magnifying-glass",
  list: "bars-3",
  sort: "arrows-up-down",
  grid: "squares-2x2",
  rename: "pencil",
  move: "folder-arrow-down",
  copy: "document-duplicate",
  restore: "arrow-uturn-left",
  close: "x-mark",
  check: "check",
  chevron: "chevron-right",
  up: "arrow-up",
  down: "arrow-down",
  system: "computer-desktop",
  light: "sun",
  dark: "moon",
  settings: "cog-6-tooth",
  help: "question-mark-circle",
  admin: "wrench-screwdriver",
  out: "arrow-right-on-rectangle",
  pause: "pause",
  play: "play",
  retry: "arrow-path",
  warn: "exclamation-triangle",
  fold: "chevron-down",
};

/**
 * @param {string} name
 * @param {string} drawing the file's name in heroicons
 */
function symbol(name, drawing) {
  const file = new URL(`../node_modules/heroicons/24/outline/${drawing}.svg`, import.meta.url);
  const paths = readFileSync(file, "utf8").match(/<(path|circle|rect)\b[^>]*>/g) ?? [];
  const shapes = paths.map((path) => path.replace(/ (stroke|stroke-width|stroke-linecap|stroke-linejoin)="[^"]*"/g, ""));
  return `  <symbol id="i-${name}" viewBox="0 0 24 24">${shapes.join("")}</symbol>`;
}

process.stdout.write(`{# Built by \`make icons\` from Heroicons, (c) Tailwind Labs, MIT: static/vendor/heroicons/LICENSE. #}
<svg class="icons" aria-hidden="true" focusable="false" data-keep>
${Object.entries(ICONS).map(([name, drawing]) => symbol(name, drawing)).join("\n")}
</svg>
`);
