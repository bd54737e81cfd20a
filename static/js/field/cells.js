// The white cells of a field: a box in the picture each, a place in the gallery, and what the models say.

import { findAll } from "../common/elements.js";

/**
 * A white cell of the page.
 * @typedef {object} Cell
 * @property {SVGRectElement} box in the picture
 * @property {HTMLElement | undefined} item in the gallery, which shows the first ones only
 * @property {number} number
 * @property {string} label what it is shown as: blast, wbc, smudge, or candidate, which is not shown
 * @property {string} own its label at the model's own threshold
 * @property {number} probability that it is a blast, which decides its label
 * @property {number} detector the detector's probability of a blast
 * @property {number} white the detector's probability of a white cell
 * @property {number} classifier the classifier's probability of an ALL blast
 * @property {string | undefined} classifierLabel the classifier's opinion
 * @property {boolean} disagreed whether the models say the opposite of each other
 */

/** @type {Map<string | undefined, HTMLElement>} */
const items = new Map(findAll(document, "[data-gallery] > li").map((item) => [item.dataset.cell, item]));

/**
 * @param {SVGRectElement} box
 * @returns {Cell}
 */
function read(box) {
  const { cell, label = "", probability, detector, white, classifier, classifierLabel } = box.dataset;
  const item = items.get(cell);
  return {
    box,
    item,
    number: Number(cell),
    label,
    own: label,
    probability: Number(probability),
    detector: Number(detector),
    white: Number(white),
    classifier: Number(classifier),
    classifierLabel,
    disagreed: Boolean(item?.querySelector("[data-disagreed]:not([hidden])")),
  };
}

export const cells = findAll(document, "rect[data-cell]", SVGRectElement).map(read);
