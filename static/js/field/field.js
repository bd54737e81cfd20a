// The page of a field: a cell of the gallery shows its box in the picture, and a box its cell.

import { cells } from "./cells.js";
import "./threshold.js";
import { View, listenToTools } from "../common/view.js";

const picture = document.querySelector("[data-picture]");
const view = new View(picture);

function edges(box) {
  const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(box.getAttribute(name)));
  return { x, y, width, height };
}

/** Mark one white cell, in the picture and in the gallery. */
function choose(chosen) {
  for (const cell of cells) {
    cell.box.classList.toggle("chosen", cell === chosen);
    cell.item?.firstElementChild.classList.toggle("chosen", cell === chosen);
  }
}

function showCell(cell) {
  document.getElementById(`show-${cell.label}`).checked = true;
  choose(cell);
  view.around(edges(cell.box));
  picture.scrollIntoView({ block: "nearest" });
}

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

listenToTools(view, document.querySelector("[data-tools]"));
