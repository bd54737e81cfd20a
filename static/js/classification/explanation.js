// Lays the activation map over the cell, and follows SHAP values while they are computed.

import { find, findOptional } from "../common/elements.js";
import { formatPercent, gettext } from "../common/language.js";

/**
 * The state of the SHAP values, as the server tells it (pages/analyses/explanation.py).
 * @typedef {object} Explanation
 * @property {string} state
 * @property {number} [done]
 * @property {number} [total]
 * @property {string} [picture_url]
 * @property {string} [error]
 */

const EVERY = 1000;
const UNREACHABLE = gettext("The server could not be reached. Check the connection, then try again.");

const BUSY = 5000;
const TRIES = 20;

/**
 * Ask again for a map that a busy server did not draw, at another time than others.
 * @param {HTMLImageElement} picture
 */
function persist(picture) {
  let tries = 0;
  const load = () => {
    picture.src = picture.getAttribute("src") ?? "";
  };
  const again = () => {
    tries += 1;
    if (tries <= TRIES) setTimeout(load, BUSY * (0.5 + Math.random()));
  };
  picture.addEventListener("error", again);
  // It may have failed before this script came.
  if (picture.complete && !picture.naturalWidth) again();
}

/**
 * Lay the map over the cell, as strong as the slider says.
 * @param {HTMLElement} figure
 */
function overlay(figure) {
  const map = find(figure, "[data-overlay]");
  const slider = find(figure, "input", HTMLInputElement);
  const shown = find(figure, "output", HTMLOutputElement);
  const apply = () => {
    map.style.opacity = String(slider.valueAsNumber / 100);
    shown.value = formatPercent(slider.value);
    slider.setAttribute("aria-valuetext", shown.value);
  };
  figure.classList.add("laid-over");
  find(figure, "[data-slider]").hidden = false;
  slider.addEventListener("input", apply);
  apply();
}

/** The SHAP values of this page, in the state that the server tells. */
class Shap {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.form = find(element, "[data-ask]", HTMLFormElement);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
    if (["waiting", "running"].includes(element.dataset.state ?? "")) this.follow();
  }

  async ask() {
    this.show({ state: "waiting" });
    this.show(await this.fetch(this.form.action, { method: "POST", body: new FormData(this.form) }));
  }

  follow() {
    setTimeout(async () => this.show(await this.fetch(this.element.dataset.url ?? "")), EVERY);
  }

  /**
   * What the server answers; a sentence where it does not.
   * @param {string} url
   * @param {RequestInit} options
   * @returns {Promise<Explanation>}
   */
  async fetch(url, options = {}) {
    try {
      const answer = await fetch(url, { ...options, headers: { Accept: "application/json" } });
      const explanation = await answer.json();
      return answer.ok ? explanation : { state: "failed", error: explanation.error };
    } catch {
      return { state: "failed", error: UNREACHABLE };
    }
  }

  /** @param {Explanation} explanation */
  show({ state, done, total, picture_url: picture, error }) {
    const underWay = state === "waiting" || state === "running";
    const result = find(this.element, "[data-picture]");
    this.element.dataset.state = state;
    this.form.hidden = underWay || state === "done";
    find(this.element, "[data-progress]").hidden = !underWay;
    result.hidden = state !== "done";
    if (underWay) this.advance(state, done, total);
    if (state === "done") find(result, "img", HTMLImageElement).src = picture ?? "";
    if (state === "failed") this.fail(error);
    if (underWay && done !== undefined) this.follow();
  }

  /**
   * @param {string} state
   * @param {number} [done]
   * @param {number} [total]
   */
  advance(state, done = 0, total = 0) {
    const bar = find(this.element, "[data-progress] progress", HTMLProgressElement);
    if (total) [bar.max, bar.value] = [total, done];
    else bar.removeAttribute("value");
    const sentence = state === "waiting" ? gettext("Waiting…") : gettext("Computing…");
    const percent = total ? ` ${formatPercent(Math.round(100 * done / total))}` : "";
    find(this.element, "[data-status]").textContent = sentence + percent;
  }

  /** @param {string} [sentence] */
  fail(sentence = "") {
    const place = find(this.element, "[data-error]");
    place.textContent = sentence;
    place.hidden = false;
    // Whoever only looks has no button.
    const button = findOptional(this.form, "button");
    if (button) button.textContent = gettext("Try again");
  }
}

persist(find(document, "[data-overlay]", HTMLImageElement));
overlay(find(document, "[data-map]"));
new Shap(find(document, "[data-shap]"));
