// In which order cells are shown, and which of them.

/** @import { Cell } from "./cells.js" */

import { certainty } from "./cells.js";

/**
 * What of a cell decides where it is shown.
 * @typedef {Pick<Cell, "id" | "order" | "field" | "box" | "seen" | "disagreed">
 *   & Pick<Cell, "proposed" | "probability" | "kind_probability">} Sorted
 */

/** @param {Sorted} cell */
function area({ box: [x1, y1, x2, y2] }) {
  return (x2 - x1) * (y2 - y1);
}

/**
 * What to sort cells by, smallest first; among equals the most suspicious comes first.
 * @type {Record<string, (cell: Sorted, fields: string[]) => number>}
 */
const SORTS = {
  suspicion: () => 0,
  field: ({ field }, fields) => fields.indexOf(field),
  disagreement: ({ disagreed }) => Number(!disagreed),
  sure: (cell) => -(certainty(cell) ?? -1),
  unsure: (cell) => certainty(cell) ?? -1,
  large: (cell) => -area(cell),
  small: area,
};

/** @type {Record<string, (cell: Sorted) => boolean>} */
const FILTERS = {
  all: () => true,
  unreviewed: ({ seen }) => !seen,
  disagreed: ({ disagreed }) => disagreed,
  teach: ({ seen }) => !seen,
};

/**
 * Give each cell its place among all, by id.
 * @param {Sorted[]} cells
 * @param {string} by one of the page's ways to sort
 * @param {string[]} fields ids in the order of the case
 */
export function ranks(cells, by, fields) {
  const keyed = cells.map((cell) => ({ id: cell.id, key: SORTS[by](cell, fields), order: cell.order }));
  keyed.sort((one, other) => one.key - other.key || one.order - other.order);
  return new Map(keyed.map(({ id }, rank) => [id, rank]));
}

/**
 * Whether a cell is shown.
 * @param {Sorted} cell
 * @param {{show: string, field: string, chosen: Set<string> | null}} wanted `field` is empty for all of them, `chosen`
 *   has the ids of the only ones that are
 */
export function isWanted(cell, { show, field, chosen }) {
  return FILTERS[show](cell) && (!field || cell.field === field) && (!chosen || chosen.has(cell.id));
}
