// @ts-check
/** Light or dark, list or cards: changed at once, and remembered where the server reads it. */

import { tellTabs } from "./tabs.js";

const SECONDS = 365 * 86_400;

export function startAppearance() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form instanceof HTMLFormElement && form.hasAttribute("data-theme-form")) {
      event.preventDefault();
      const theme = event.submitter?.getAttribute("value") ?? "system";
      showTheme(theme);
      remember("theme", theme);
      tellTabs({ type: "theme", theme });
    }
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-view]") : null;
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    if (link && plain) {
      event.preventDefault();
      showView(link.getAttribute("data-view") ?? "list");
    }
  });
}

/** @param {string} theme system, light or dark */
export function showTheme(theme) {
  if (theme === "system") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }
  for (const button of document.querySelectorAll("[data-theme-form] button")) {
    button.ariaPressed = String(button.getAttribute("value") === theme);
  }
}

/** @param {string} view list or grid */
function showView(view) {
  remember("view", view);
  document.querySelector("#list .files")?.classList.toggle("cards", view === "grid");
  for (const link of document.querySelectorAll("a[data-view]")) {
    if (link.getAttribute("data-view") === view) {
      link.setAttribute("aria-current", "true");
    } else {
      link.removeAttribute("aria-current");
    }
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
function remember(name, value) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${value}; path=/; max-age=${SECONDS}; samesite=lax${secure}`;
}
