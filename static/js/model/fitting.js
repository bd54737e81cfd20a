// Shows how far the fitting of a laboratory model is, and the model once it is there.

import { find } from "../common/elements.js";
import { gettext } from "../common/language.js";

/** @typedef {{state: string, done: number, total: number}} Progress (pages/administration/laboratory_models.py) */

const EVERY = 1000;

/** @param {HTMLElement} panel */
function follow(panel) {
  const bar = find(panel, "progress", HTMLProgressElement);
  const sentence = find(panel, "[data-sentence]");
  const look = async () => {
    const headers = { Accept: "application/json" };
    const answer = await fetch(panel.dataset.fitting ?? "", { headers }).catch(() => null);
    if (!answer?.ok) return;
    /** @type {Progress} */
    const { state, done, total } = await answer.json();
    if (state === "done" || state === "failed") {
      location.reload();
      return;
    }
    if (!total) return;
    [bar.max, bar.value] = [total, done];
    sentence.textContent = done < total
      ? gettext("%(done)s of %(total)s fields read", { done: String(done), total: String(total) })
      : gettext("All fields are read. Fitting and testing…");
  };
  setInterval(look, EVERY);
}

document.querySelectorAll("[data-fitting]").forEach((panel) => {
  if (panel instanceof HTMLElement) follow(panel);
});
