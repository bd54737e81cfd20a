// The white cells of a field: a box in the picture each, a place in the gallery, two opinions.

import { findAll } from "../common/elements.js";

/**
 * A white cell of the page.
 * @typedef {object} Cell
 * @property {SVGRectElement} box in the picture
 * @property {HTMLElement | undefined} item in the gallery, which shows the first ones only
 * @property {number} number
 * @property {string} label what it is shown as: blast, wbc, or candidate, which is not shown
 * @property {string} own its label at the model's own threshold
 * @property {number} blast the detector's probability of a blast
 * @property {number} white the detector's probability of a white cell
 * @property {number} classifier the classifier's probability of an ALL blast
 * @property {string | undefined} classifierLabel the classifier's opinion
 */

/** @type {Map<string | undefined, HTMLElement>} */
const items = new Map(findAll(document, "[data-gallery] > li").map((item) => [item.dataset.cell, item]));

/**
 * @param {SVGRectElement} box
 * @returns {Cell}
 */
function read(box) {
  const { cell, label = "", blast, white, classifier, classifierLabel } = box.dataset;
  return {
    box,
    item: items.get(cell),
    number: Number(cell),
    label,
    own: label,
    blast: Number(blast),
    white: Number(white),
    classifier: Number(classifier),
    classifierLabel,
  };
}

/** @type {Record<string, string>} */
const OPPOSITE = { blast: "normal", wbc: "all_blast" };

export const cells = findAll(document, "rect[data-cell]", SVGRectElement).map(read);

/**
 * Whether the classifier says the opposite; uncertain is no opposite.
 * @param {Pick<Cell, "label" | "classifierLabel">} cell
 */
export function disagreed(cell) {
  return cell.classifierLabel !== undefined && cell.classifierLabel === OPPOSITE[cell.label];
}
