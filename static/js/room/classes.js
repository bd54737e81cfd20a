// The classes that a cell can have, in the order of the page's palette.

import { find, findAll } from "../common/elements.js";

/** @import { CellClass } from "./cells.js" */

/** @type {CellClass[]} */
export const classes = findAll(document, "[data-palette] [data-label]").map(({ dataset }) => ({
  label: dataset.label ?? "",
  name: dataset.name ?? "",
  key: dataset.key ?? "",
  white: dataset.white === "yes",
  proposed: dataset.proposed === "yes",
  retired: "retired" in dataset,
}));

const names = new Map(classes.map(({ label, name }) => [label, name]));

/**
 * @param {string | null} label
 * @returns {string}
 */
export function nameOf(label) {
  return names.get(label ?? "") ?? label ?? "";
}

const buttons = new Map(findAll(document, "[data-palette] [data-label]").map((button) => [
  button.dataset.label ?? "", { button, size: find(button, "[data-size-of]") },
]));

/**
 * Whether this page has a class: one that was added since is unknown to it.
 * @param {string | null} label
 */
export function isKnown(label) {
  return label === null || names.has(label);
}

/**
 * Write how many cells stand under a class into the row of classes; a retired one is shown with any.
 * @param {string} label
 * @param {number} size
 */
export function writeSize(label, size) {
  const place = buttons.get(label);
  if (!place) return;
  place.size.textContent = String(size);
  place.button.hidden = "retired" in place.button.dataset && size === 0;
}
