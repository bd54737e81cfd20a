// Sorts the gallery by either reader, and filters it to what they disagree about.

import { cells, disagreed } from "./cells.js";

const list = document.querySelector("[data-gallery]");
const tools = document.querySelector("[data-gallery-tools]");
const sort = document.getElementById("sort");
const only = document.querySelector("[data-only]");
const placed = cells.filter((cell) => cell.item);

/** What a cell is sorted by, the highest first; ties by the next. */
const ORDERS = {
  suspicion: (cell) => [cell.label === "blast" || cell.secondLabel === "all_blast", cell.blast],
  detector: (cell) => [cell.blast],
  second: (cell) => [cell.second],
  disagreement: (cell) => [disagreed(cell), Math.abs(cell.blast - cell.second)],
};

function arrange() {
  if (!sort) return;
  const key = ORDERS[sort.value];
  const keyed = placed.map((cell) => ({ item: cell.item, keys: [...key(cell), -cell.number] }));
  keyed.sort((one, other) => {
    const differing = one.keys.findIndex((value, index) => value !== other.keys[index]);
    return other.keys[differing] - one.keys[differing];
  });
  const items = keyed.map(({ item }) => item);
  if (items.some((item, index) => item !== list.children[index])) list.append(...items);
}

function mark(cell) {
  const opposed = disagreed(cell);
  const sign = cell.item.querySelector("[data-disagreed]");
  if (sign) sign.hidden = !opposed;
  cell.item.hidden = cell.label === "doubtful" || (only?.checked && !opposed) || false;
}

function count() {
  const opposed = placed.filter(disagreed).length;
  tools.querySelector("[data-disagreements]").textContent = opposed;
  document.querySelector("[data-no-disagreement]").hidden = !only.checked || opposed > 0;
}

/** Bring the gallery in line with what the cells are shown as. */
export function refresh() {
  arrange();
  placed.forEach(mark);
  if (tools) count();
  const shown = document.querySelector("[data-shown]");
  if (shown) shown.textContent = placed.filter((cell) => cell.label !== "doubtful").length;
}

if (tools) {
  tools.hidden = false;
  sort.addEventListener("change", refresh);
  only.addEventListener("change", refresh);
}
