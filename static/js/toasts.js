// @ts-check
/** What the server has to say after something was done: shown for a while, above everything. */

const SECONDS = 15;

const region = document.createElement("div");
region.className = "toasts";
region.setAttribute("role", "status");
region.setAttribute("data-keep", "");

/**
 * Show the messages and the notice of a page that has come.
 * @param {Document} page
 */
export function sayWhat(page) {
  for (const message of page.querySelectorAll(".messages > .message, main > .folder > .notice")) {
    show(document.adoptNode(message));
  }
}

/**
 * @param {string} text
 * @param {{ isProblem?: boolean }} [options]
 */
export function say(text, { isProblem = true } = {}) {
  const message = document.createElement("p");
  message.className = isProblem ? "message error" : "message";
  message.textContent = text;
  show(message);
}

/** @param {Element} toast */
function show(toast) {
  if (!region.isConnected) {
    document.body.append(region);
  }
  toast.removeAttribute("role"); // the region has it; said twice it would be read twice
  for (const older of [...region.children].filter((each) => each.querySelector("form") || each.textContent === toast.textContent)) {
    older.remove();
  }
  region.append(toast);
  toast.addEventListener("submit", () => toast.remove());
  removeLater(toast);
}

/**
 * Not while it is pointed at or in focus: somebody is reading it, or about to press its button.
 * @param {Element} toast
 */
function removeLater(toast) {
  setTimeout(() => {
    if (toast.matches(":hover, :focus-within")) {
      removeLater(toast);
    } else {
      toast.remove();
    }
  }, SECONDS * 1000);
}
