// How large things are, where the size of a pixel is known.

import { formatNumber, gettext } from "../common/language.js";

/** @import { Field } from "./cells.js" */

const LENGTHS = [50, 20, 10, 5, 2, 1];
const MOST = 0.4;

/**
 * The length of a scale bar (µm) for a view, and what share of its width the bar takes.
 * @param {number | null} micrometres the size of a pixel
 * @param {number} width of the view in pixels of the file
 */
export function scaleBar(micrometres, width) {
  if (!micrometres) return null;
  const length = LENGTHS.find((one) => one <= MOST * width * micrometres) ?? LENGTHS[LENGTHS.length - 1];
  return { length, share: length / (width * micrometres) };
}

/**
 * The size of a cell, as its box tells: in µm, or else against the red cells of its field.
 * @param {number[]} box
 * @param {Pick<Field, "micrometres" | "red_cell">} field
 */
export function diameter([x1, y1, x2, y2], { micrometres, red_cell: redCell }) {
  const side = Math.sqrt((x2 - x1) * (y2 - y1));
  if (micrometres) return gettext("%(size)s µm across", { size: formatNumber((micrometres * side).toFixed(1)) });
  return redCell ? gettext("%(times)s × red cell", { times: formatNumber((side / redCell).toFixed(1)) }) : "";
}

/**
 * @param {HTMLElement} place
 * @param {ReturnType<typeof scaleBar>} bar
 */
export function showBar(place, bar) {
  place.hidden = bar === null;
  if (!bar) return;
  place.style.width = `${100 * bar.share}%`;
  place.textContent = `${bar.length} µm`;
}
