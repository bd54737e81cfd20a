// The classes that a cell can have, in the order of the page's palette.

import { findAll } from "../common/elements.js";

/** @import { CellClass } from "./cells.js" */

/** @type {CellClass[]} */
export const classes = findAll(document, "[data-palette] [data-label]").map(({ dataset }) => ({
  label: dataset.label ?? "",
  name: dataset.name ?? "",
  key: dataset.key ?? "",
  white: dataset.white === "yes",
}));

const names = new Map(classes.map(({ label, name }) => [label, name]));

/**
 * @param {string | null} label
 * @returns {string}
 */
export function nameOf(label) {
  return names.get(label ?? "") ?? label ?? "";
}
