// Looks around in a field: the view is the picture's viewBox, in pixels of the file.

import { cells } from "./cells.js";
import "./threshold.js";

const CLOSEST = 48;
const AROUND_CELL = 5;
const STEP = 0.15;
const CLICK = 4;

const picture = document.querySelector("[data-picture]");
const whole = { x: 0, y: 0, width: Number(picture.dataset.width), height: Number(picture.dataset.height) };
const pointers = new Map();
let view = { ...whole };
let moved = 0;

function show(wanted) {
  const width = Math.min(whole.width, Math.max(wanted.width, Math.min(CLOSEST, whole.width)));
  const height = width * whole.height / whole.width;
  view = {
    x: Math.min(Math.max(wanted.x, 0), whole.width - width),
    y: Math.min(Math.max(wanted.y, 0), whole.height - height),
    width,
    height,
  };
  picture.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
}

/** Zoom by a factor around a point of the file. */
function zoom(factor, point = { x: view.x + view.width / 2, y: view.y + view.height / 2 }) {
  const width = Math.min(whole.width, Math.max(CLOSEST, view.width / factor));
  const scale = width / view.width;
  show({ x: point.x - (point.x - view.x) * scale, y: point.y - (point.y - view.y) * scale, width });
}

function pan(right, down) {
  show({ ...view, x: view.x + right, y: view.y + down });
}

/** Where a pointer is, in pixels of the file. */
function place(event) {
  return new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM().inverse());
}

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
  const { x, y, width, height } = edges(cell.box);
  const side = AROUND_CELL * Math.max(width, height);
  const shown = Math.max(side, side * whole.width / whole.height);
  show({ x: x + width / 2 - shown / 2, y: y + height / 2 - shown * whole.height / whole.width / 2, width: shown });
  picture.scrollIntoView({ block: "nearest" });
}

function showBox(cell) {
  choose(cell);
  cell.item?.scrollIntoView({ block: "nearest" });
}

const KEYS = {
  "+": () => zoom(1.5),
  "=": () => zoom(1.5),
  "-": () => zoom(1 / 1.5),
  0: () => show(whole),
  ArrowLeft: () => pan(-STEP * view.width, 0),
  ArrowRight: () => pan(STEP * view.width, 0),
  ArrowUp: () => pan(0, -STEP * view.height),
  ArrowDown: () => pan(0, STEP * view.height),
};

picture.addEventListener("keydown", (event) => {
  const action = KEYS[event.key];
  if (action && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    action();
  }
});

picture.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), place(event));
}, { passive: false });

picture.addEventListener("pointerdown", (event) => {
  pointers.set(event.pointerId, event);
  moved = pointers.size === 1 ? 0 : CLICK + 1;
});

picture.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) {
    return;
  }
  moved += Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY);
  if (moved > CLICK) {
    picture.setPointerCapture(event.pointerId);
    picture.classList.add("moving");
    drag(before, event);
  }
  pointers.set(event.pointerId, event);
});

/** One pointer moves the view, two pinch it. */
function drag(before, now) {
  const other = [...pointers.values()].find((each) => each.pointerId !== now.pointerId);
  if (other) {
    const distance = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    zoom(distance(now) / Math.max(1, distance(before)), place(other));
    return;
  }
  const [from, to] = [place(before), place(now)];
  pan(from.x - to.x, from.y - to.y);
}

for (const end of ["pointerup", "pointercancel"]) {
  picture.addEventListener(end, (event) => {
    pointers.delete(event.pointerId);
    picture.classList.remove("moving");
  });
}

picture.addEventListener("click", (event) => {
  const cell = cells.find(({ box }) => box === event.target);
  if (moved <= CLICK && cell) {
    showBox(cell);
  }
});

for (const cell of cells) {
  cell.item?.addEventListener("click", () => showCell(cell));
}

for (const button of document.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () => zoom(Number(button.dataset.zoom)));
}

document.querySelector("[data-fit]").addEventListener("click", () => show(whole));
document.querySelector("[data-tools]").hidden = false;
