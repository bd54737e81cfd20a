// The page of a field: a cell of the gallery shows its box in the picture, and a box its cell.

import { find, findOptional } from "../common/elements.js";
import { showScaleBar } from "../common/scale_bar.js";
import { bindTools, View } from "../common/view.js";
import { cells } from "./cells.js";
import "./threshold.js";

/** @import { Rectangle } from "../common/view.js" */
/** @import { Cell } from "./cells.js" */

const picture = find(document, "[data-picture]", SVGSVGElement);
const view = new View(picture);

/**
 * @param {SVGRectElement} box
 * @returns {Rectangle}
 */
function edges(box) {
  const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(box.getAttribute(name)));
  return { x, y, width, height };
}

/**
 * Mark one white cell, in the picture and in the gallery.
 * @param {Cell} chosen
 */
function choose(chosen) {
  for (const cell of cells) {
    cell.box.classList.toggle("chosen", cell === chosen);
    cell.item?.firstElementChild?.classList.toggle("chosen", cell === chosen);
  }
}

/** @param {Cell} cell */
function showCell(cell) {
  find(document, `#show-${cell.label}`, HTMLInputElement).checked = true;
  choose(cell);
  view.around(edges(cell.box));
  picture.scrollIntoView({ block: "nearest" });
}

/** @param {Cell} cell */
function showBox(cell) {
  choose(cell);
  cell.item?.scrollIntoView({ block: "nearest" });
}

picture.addEventListener("click", (event) => {
  const cell = cells.find(({ box }) => box === event.target);
  if (view.clicked && cell) showBox(cell);
});

for (const cell of cells) {
  cell.item?.addEventListener("click", () => showCell(cell));
}

const scaleBar = findOptional(document, "[data-scale-bar]");

function measure() {
  const toScreen = picture.getScreenCTM();
  if (scaleBar && toScreen) showScaleBar(scaleBar, Number(picture.dataset.micrometres) / toScreen.a);
}

view.shownAnew = measure;
window.addEventListener("resize", measure);
measure();

bindTools(view, find(document, "[data-tools]"));
