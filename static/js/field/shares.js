// The table of shares of a field: of the shown white cells, by each model.

import { find, findOptional } from "../common/elements.js";
import { formatInterval, formatShare } from "../common/shares.js";

/** @import { Cell } from "./cells.js" */

/**
 * @param {string} name
 * @param {string} text
 */
function write(name, text) {
  const place = findOptional(document, `[data-figure="${name}"]`);
  if (place) (findOptional(place, "strong") ?? place).textContent = text;
}

/**
 * @param {string} model
 * @param {number} blasts
 * @param {number} whiteCells
 */
function writeShare(model, blasts, whiteCells) {
  write(`${model}-blasts`, `${blasts} of ${whiteCells}`);
  write(`${model}-share`, formatShare(blasts / whiteCells));
  write(`${model}-interval`, formatInterval(blasts, whiteCells));
}

/**
 * Bring the table in line with the white cells that are shown.
 * @param {Cell[]} shown
 */
export function showShares(shown) {
  const table = find(document, "[data-shares]");
  table.hidden = !shown.length;
  if (!shown.length) return;
  const uncertain = shown.filter((cell) => cell.classifierLabel === "uncertain").length;
  const classifier = shown.filter((cell) => cell.classifierLabel === "all_blast").length;
  writeShare("detector", shown.filter((cell) => cell.label === "blast").length, shown.length);
  writeShare("classifier", classifier, shown.length);
  write("classifier-uncertain", String(uncertain));
  write("classifier-at-most", formatShare((classifier + uncertain) / shown.length));
  const remark = findOptional(table, "[data-uncertain]");
  if (remark) remark.hidden = !uncertain;
  const few = find(table, "[data-few]");
  find(few, "[data-few-cells]").textContent = `${shown.length} white ${shown.length === 1 ? "cell" : "cells"}.`;
  few.hidden = shown.length >= Number(few.dataset.few);
}
