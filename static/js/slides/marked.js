// The area that a person marks: a rectangle of whole pixels inside of the slide.

import { gettext } from "../common/language.js";

/** @import { Rectangle } from "../common/view.js" */

/**
 * @typedef {object} Limits
 * @property {number} width of the slide
 * @property {number} height
 * @property {number} minSide
 * @property {number} maxPixels
 */

/**
 * The rectangle between two corners, in whole pixels and inside of the slide.
 * @param {{x: number, y: number}} one
 * @param {{x: number, y: number}} other
 * @param {{width: number, height: number}} slide
 * @returns {Rectangle}
 */
export function between(one, other, slide) {
  const [left, right] = [one.x, other.x].map((x) => clamp(x, slide.width)).sort((a, b) => a - b);
  const [top, bottom] = [one.y, other.y].map((y) => clamp(y, slide.height)).sort((a, b) => a - b);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/**
 * @param {number} value
 * @param {number} most
 */
function clamp(value, most) {
  return Math.round(Math.min(Math.max(value, 0), most));
}

/**
 * Why an area cannot be read; null if it can. The server says the same.
 * @param {Rectangle} area
 * @param {Limits} limits
 */
export function refusal({ x, y, width, height }, { minSide, maxPixels, ...slide }) {
  if (x < 0 || y < 0 || x + width > slide.width || y + height > slide.height) {
    return gettext("The area reaches beyond the slide, which has %(width)s × %(height)s pixels.", {
      width: slide.width, height: slide.height,
    });
  }
  if (Math.min(width, height) < minSide) {
    return gettext("At least %(side)s × %(side)s pixels are needed. Mark a larger area.", { side: minSide });
  }
  if (width * height > maxPixels) {
    return gettext(
      "At most %(most)s megapixels are read at once. Mark a smaller area.", { most: Math.round(maxPixels / 1e6) },
    );
  }
  return null;
}
