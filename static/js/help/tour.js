// The tour: ends in place, and has the focus on each page that it leads to, unless a person was faster.

import { find } from "../common/elements.js";

const tour = document.querySelector("[data-tour]");

/**
 * End the tour for this person; where that fails, the page's own form does it.
 * @param {HTMLElement} section
 * @param {HTMLFormElement} form
 */
async function end(section, form) {
  try {
    const headers = { Accept: "application/json" };
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers });
    if (!answer.ok) throw new Error(`The tour was not ended: ${answer.status}`);
  } catch {
    form.submit();
    return;
  }
  section.remove();
  find(document, "#main").focus({ preventScroll: true });
}

if (tour instanceof HTMLElement) {
  const form = find(tour, "[data-tour-end]", HTMLFormElement);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    end(tour, form);
  });
  tour.addEventListener("keydown", (event) => {
    if (event.key === "Escape") form.requestSubmit();
  });
  if ("asked" in tour.dataset && document.activeElement === document.body) find(tour, "#tour-title").focus();
}
