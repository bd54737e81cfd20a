// A scale bar: a round length in µm or mm that is about as long on the screen as there is room.

import { find } from "./elements.js";

const STEPS = [5, 2, 1];

/**
 * @param {number} micrometres of one pixel of the screen
 * @param {number} most pixels of the screen
 * @returns {{pixels: number, text: string}}
 */
export function scaleBar(micrometres, most = 140) {
  const room = micrometres * most;
  const decade = 10 ** Math.floor(Math.log10(room));
  const length = decade * (STEPS.find((step) => step * decade <= room) ?? 1);
  return { pixels: length / micrometres, text: formatLength(length) };
}

/**
 * Show the scale bar of a picture; it stays hidden where the size of its pixels is not known.
 * @param {HTMLElement} bar
 * @param {number} micrometres of one pixel of the screen
 */
export function showScaleBar(bar, micrometres) {
  const { pixels, text } = scaleBar(micrometres);
  find(bar, "[data-bar]").style.width = `${pixels}px`;
  find(bar, "[data-length]").textContent = text;
  bar.hidden = false;
}

/**
 * A length in µm, from a millimetre on in mm.
 * @param {number} micrometres
 */
export function formatLength(micrometres) {
  const [value, unit] = micrometres >= 1000 ? [micrometres / 1000, "mm"] : [micrometres, "µm"];
  return `${Number(value.toPrecision(3))} ${unit}`;
}
