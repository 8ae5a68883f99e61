// @ts-check
/** Menus are <details>: they open by themselves. This closes and walks them as people expect. */

const NEED = 24; // pixels below a menu that must be free, or it opens upwards

export function startMenus() {
  document.addEventListener("click", closeOthers);
  document.addEventListener("keydown", onKey);
  document.addEventListener("toggle", onToggle, true);
}

/** @param {MouseEvent} event */
function closeOthers(event) {
  for (const menu of openMenus()) {
    const target = event.target;
    const isInside = target instanceof Node && menu.contains(target);
    const isChosen = target instanceof Element && target.closest(".menu-item");
    if (!isInside || isChosen) {
      menu.open = false;
    }
  }
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const menu = openMenus()[0];
  if (!menu) {
    return;
  }
  if (event.key === "Escape") {
    event.preventDefault();
    menu.open = false;
    menu.querySelector("summary")?.focus();
    return;
  }
  const items = [...menu.querySelectorAll(".menu-panel :is(a, button)")].filter((item) => item.checkVisibility());
  const at = items.indexOf(/** @type {Element} */ (document.activeElement));
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (next !== undefined && menu.contains(document.activeElement)) {
    event.preventDefault();
    const item = items.at(next % items.length);
    if (item instanceof HTMLElement) {
      item.focus();
    }
  }
}

/**
 * A menu that would end below the screen opens upwards.
 * @param {Event} event
 */
function onToggle(event) {
  const menu = event.target;
  if (menu instanceof HTMLDetailsElement && menu.matches(".menu")) {
    menu.classList.remove("upwards");
    const panel = menu.open && menu.querySelector(".menu-panel")?.getBoundingClientRect();
    if (panel) {
      const isTooLow = panel.bottom + NEED > window.innerHeight;
      const fitsAbove = menu.getBoundingClientRect().top > panel.height + NEED;
      menu.classList.toggle("upwards", isTooLow && fitsAbove);
    }
  }
}

/** @returns {HTMLDetailsElement[]} */
export function openMenus() {
  return [...document.querySelectorAll("details.menu[open]")].filter(
    (menu) => menu instanceof HTMLDetailsElement,
  );
}
