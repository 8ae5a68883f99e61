// @ts-check
/** Menus are <details>: they open by themselves. This closes them as people expect. */

export function closeMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) {
      if (!(event.target instanceof Node && menu.contains(event.target))) {
        menu.open = false;
      }
    }
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" ? openMenus()[0] : undefined;
    if (menu) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });
  // The field in a menu is what it was opened for.
  document.addEventListener("toggle", focusField, true);
}

/** @param {Event} event */
function focusField(event) {
  const menu = event.target;
  if (menu instanceof HTMLDetailsElement && menu.open) {
    const field = menu.querySelector("input:not([type=hidden])");
    if (field instanceof HTMLElement) {
      field.focus();
    }
  }
}

/** @returns {HTMLDetailsElement[]} */
function openMenus() {
  return [...document.querySelectorAll("details.menu[open]")].filter(
    (menu) => menu instanceof HTMLDetailsElement,
  );
}
