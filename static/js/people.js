// @ts-check
/** Names to choose from, while somebody is typed whom something is to be shared with. */

import { onPageShown } from "./shown.js";

const PAUSE = 200; // after the last key: each question is a request
const MOST = 8;

export function startPeople() {
  onPageShown((root) => {
    for (const field of root.querySelectorAll("input[data-people]")) {
      if (field instanceof HTMLInputElement) {
        suggest(field);
      }
    }
  });
}

/** @param {HTMLInputElement} field with a `datalist` of its own */
function suggest(field) {
  let timer = 0;
  field.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void fill(field), PAUSE);
  });
}

/** @param {HTMLInputElement} field */
async function fill(field) {
  const query = new URLSearchParams({ q: field.value, limit: String(MOST) });
  const answer = await fetch(`/api/users?${query}`).catch(() => null);
  if (!answer?.ok || !field.list) {
    return; // whoever is meant can be typed in full
  }
  const { results } = await answer.json();
  field.list.replaceChildren(...results.map(option));
}

/** @param {{ username: string, display_name: string }} person */
function option(person) {
  const choice = document.createElement("option");
  choice.value = person.username;
  choice.label = person.display_name;
  return choice;
}
