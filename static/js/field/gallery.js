// Sorts the gallery by either model, and filters it to their disagreements.

import { find, findOptional } from "../common/elements.js";
import { cells, disagreed } from "./cells.js";

/** @import { Cell } from "./cells.js" */
/** @typedef {Cell & {item: HTMLElement}} PlacedCell A cell that the gallery shows. */

const list = findOptional(document, "[data-gallery]");
const tools = findOptional(document, "[data-gallery-tools]");
const sort = findOptional(document, "#sort", HTMLSelectElement);
const only = findOptional(document, "[data-only]", HTMLInputElement);
const placed = cells.filter(isPlaced);

/**
 * What a cell is sorted by, the highest first; ties by the next.
 * @type {Record<string, (cell: Cell) => number[]>}
 */
const ORDERS = {
  suspicion: (cell) => [Number(cell.label === "blast" || cell.classifierLabel === "all_blast"), cell.blast],
  detector: (cell) => [cell.blast],
  classifier: (cell) => [cell.classifier],
  disagreement: (cell) => [Number(disagreed(cell)), Math.abs(cell.blast - cell.classifier)],
};

/**
 * @param {Cell} cell
 * @returns {cell is PlacedCell}
 */
function isPlaced(cell) {
  return cell.item !== undefined;
}

function arrange() {
  if (!sort || !list) return;
  const key = ORDERS[sort.value];
  const keyed = placed.map((cell) => ({ item: cell.item, keys: [...key(cell), -cell.number] }));
  keyed.sort((one, other) => {
    const differing = one.keys.findIndex((value, index) => value !== other.keys[index]);
    return other.keys[differing] - one.keys[differing];
  });
  const items = keyed.map(({ item }) => item);
  if (items.some((item, index) => item !== list.children[index])) list.append(...items);
}

/** @param {PlacedCell} cell */
function mark(cell) {
  const opposed = disagreed(cell);
  const sign = findOptional(cell.item, "[data-disagreed]");
  if (sign) sign.hidden = !opposed;
  cell.item.hidden = cell.label === "candidate" || (Boolean(only?.checked) && !opposed);
}

function count() {
  const opposed = placed.filter(disagreed).length;
  find(document, "[data-disagreements]").textContent = String(opposed);
  find(document, "[data-no-disagreement]").hidden = !only?.checked || opposed > 0;
}

/** Bring the gallery in line with what the cells are shown as. */
export function refresh() {
  arrange();
  placed.forEach(mark);
  if (tools) count();
  const shown = findOptional(document, "[data-shown]");
  if (shown) shown.textContent = String(placed.filter((cell) => cell.label !== "candidate").length);
}

if (tools) {
  tools.hidden = false;
  sort?.addEventListener("change", refresh);
  only?.addEventListener("change", refresh);
}
