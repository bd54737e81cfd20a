// Keys for the cells on which opinions differ, and what was typed stays when one is decided.

import { findAll } from "../common/elements.js";

const KEPT = "kept";
const PRIVATE = new Set(["csrf_token", "seen", "identity", "password", "submit"]);

const lists = findAll(document, "[data-differing], [data-disputed]");
const items = lists.flatMap((list) => [...list.children].filter((item) => item instanceof HTMLElement));

/** Sends the texts of the sign-off along, so that the next page has them again. */
function takeTexts(/** @type {HTMLFormElement} */ form) {
  const signing = document.querySelector("#sign-form");
  if (!(signing instanceof HTMLFormElement)) return;
  for (const [name, value] of new FormData(signing)) {
    if (PRIVATE.has(name) || typeof value !== "string") continue;
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    form.append(field);
  }
}

/** @param {number} place */
function focus(place) {
  const wanted = items[Math.max(0, Math.min(place, items.length - 1))];
  const first = wanted?.querySelector("button") ?? wanted?.querySelector("a");
  if (first instanceof HTMLElement) first.focus();
}

/**
 * Press one of the buttons of an item.
 * @param {number} place
 * @param {number} number from 0
 */
function press(place, number) {
  items[place].querySelectorAll("button")[number]?.click();
}

/** @type {Record<string, (place: number) => void>} */
const OF_DIFFERENCES = { 1: (place) => press(place, 0), 2: (place) => press(place, 1) };

/** @type {Record<string, (place: number) => void>} */
const OF_DISPUTED = { k: (place) => press(place, 0) };

/** @type {Record<string, (place: number) => void>} */
const KEYS = {
  c: (place) => items[place].querySelector("a")?.click(),
  ArrowRight: (place) => focus(place + 1),
  ArrowDown: (place) => focus(place + 1),
  ArrowLeft: (place) => focus(place - 1),
  ArrowUp: (place) => focus(place - 1),
};

for (const form of findAll(document, "[data-keep]")) {
  form.addEventListener("submit", () => {
    sessionStorage.setItem(KEPT, String(items.findIndex((item) => item.contains(form))));
    if (!(form instanceof HTMLFormElement)) return;
    takeTexts(form);
    // Arriving at a heading would take the focus from the next cell.
    form.action = form.action.replace(/#.*/, "");
  });
}

for (const [place, item] of items.entries()) {
  item.addEventListener("keydown", (event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const own = item.closest("[data-differing]") ? OF_DIFFERENCES : OF_DISPUTED;
    const act = own[key] ?? KEYS[key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(place);
  });
}

// The way back from the reading room leads to the page, not to what was sent.
const page = location.pathname.replace(/\/keep$/, "");
if (page !== location.pathname) history.replaceState(null, "", page);

const kept = sessionStorage.getItem(KEPT);
sessionStorage.removeItem(KEPT);
if (kept !== null) focus(Number(kept));
