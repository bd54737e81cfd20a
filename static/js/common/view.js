// Looks around in a field: the view is the picture's viewBox, in pixels of the file.

import { find, findAll } from "./elements.js";

/**
 * A rectangle in pixels of the file.
 * @typedef {object} Rectangle
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 */

const CLOSEST = 48;
const AROUND = 5;
const STEP = 0.15;
const CLICK = 4;

/** What a keyboard, a wheel, a mouse and two fingers do to an SVG that shows a field. */
export class View {
  /** Stops all of it, for as long as something else takes the pointer and the keys. */
  still = false;

  /** How far the pointer has moved since it was pressed. */
  moved = 0;

  /** @type {Map<number, PointerEvent>} */
  pointers = new Map();

  /** Called whenever another part is shown. */
  shownAnew = () => {};

  /** @param {SVGSVGElement} picture */
  constructor(picture) {
    this.picture = picture;
    /** @type {Rectangle} */
    this.whole = { x: 0, y: 0, width: Number(picture.dataset.width), height: Number(picture.dataset.height) };
    /** The part that is shown. */
    this.shown = this.whole;
    this.show(this.whole);
    this.listen();
  }

  /**
   * Begin with the whole of a field of this many pixels.
   * @param {number} width
   * @param {number} height
   */
  size(width, height) {
    this.whole = { x: 0, y: 0, width, height };
    this.show(this.whole);
  }

  /** Whether the pointer that was just let go had clicked rather than dragged. */
  get clicked() {
    return this.moved <= CLICK;
  }

  /**
   * Show a part of the field, of the field's own proportions.
   * @param {{x: number, y: number, width: number}} wanted
   */
  show(wanted) {
    const { whole } = this;
    const width = Math.min(whole.width, Math.max(wanted.width, Math.min(CLOSEST, whole.width)));
    const height = width * whole.height / whole.width;
    this.shown = {
      x: Math.min(Math.max(wanted.x, 0), whole.width - width),
      y: Math.min(Math.max(wanted.y, 0), whole.height - height),
      width,
      height,
    };
    this.picture.setAttribute("viewBox", `${this.shown.x} ${this.shown.y} ${width} ${height}`);
    this.shownAnew();
  }

  /**
   * Show a cell with what lies around it.
   * @param {Rectangle} cell
   */
  around({ x, y, width, height }) {
    const { whole } = this;
    const side = AROUND * Math.max(width, height);
    const shown = Math.max(side, side * whole.width / whole.height);
    const shownHeight = shown * whole.height / whole.width;
    this.show({ x: x + width / 2 - shown / 2, y: y + height / 2 - shownHeight / 2, width: shown });
  }

  /** Zoom by a factor around a point of the file. */
  zoom(/** @type {number} */ factor, point = this.middle) {
    const { shown } = this;
    const width = Math.min(this.whole.width, Math.max(CLOSEST, shown.width / factor));
    const scale = width / shown.width;
    this.show({ x: point.x - (point.x - shown.x) * scale, y: point.y - (point.y - shown.y) * scale, width });
  }

  get middle() {
    return { x: this.shown.x + this.shown.width / 2, y: this.shown.y + this.shown.height / 2 };
  }

  /**
   * @param {number} right
   * @param {number} down
   */
  pan(right, down) {
    this.show({ ...this.shown, x: this.shown.x + right, y: this.shown.y + down });
  }

  /**
   * Where a pointer is, in pixels of the file.
   * @param {MouseEvent} event
   */
  place(event) {
    const toFile = this.picture.getScreenCTM()?.inverse();
    return new DOMPoint(event.clientX, event.clientY).matrixTransform(toFile);
  }

  /** @type {Record<string, () => void>} */
  keys = {
    "+": () => this.zoom(1.5),
    "=": () => this.zoom(1.5),
    "-": () => this.zoom(1 / 1.5),
    0: () => this.show(this.whole),
    ArrowLeft: () => this.pan(-STEP * this.shown.width, 0),
    ArrowRight: () => this.pan(STEP * this.shown.width, 0),
    ArrowUp: () => this.pan(0, -STEP * this.shown.height),
    ArrowDown: () => this.pan(0, STEP * this.shown.height),
  };

  listen() {
    const { picture } = this;
    picture.addEventListener("keydown", (event) => this.key(event));
    picture.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), this.place(event));
    }, { passive: false });
    picture.addEventListener("pointerdown", (event) => this.press(event));
    picture.addEventListener("pointermove", (event) => this.move(event));
    picture.addEventListener("pointerup", (event) => this.lift(event));
    picture.addEventListener("pointercancel", (event) => this.lift(event));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const action = this.keys[event.key];
    if (!action || this.still || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (this.still) return;
    this.pointers.set(event.pointerId, event);
    this.moved = this.pointers.size === 1 ? 0 : CLICK + 1;
  }

  /** @param {PointerEvent} event */
  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    this.moved += distance(before, event);
    if (!this.clicked) {
      this.picture.setPointerCapture(event.pointerId);
      this.picture.classList.add("moving");
      this.drag(before, event);
    }
    this.pointers.set(event.pointerId, event);
  }

  /** @param {PointerEvent} event */
  lift(event) {
    this.pointers.delete(event.pointerId);
    this.picture.classList.remove("moving");
  }

  /**
   * One pointer moves the view, two pinch it.
   * @param {PointerEvent} before
   * @param {PointerEvent} now
   */
  drag(before, now) {
    const other = [...this.pointers.values()].find((each) => each.pointerId !== now.pointerId);
    if (other) {
      this.zoom(distance(now, other) / Math.max(1, distance(before, other)), this.place(other));
      return;
    }
    const [from, to] = [this.place(before), this.place(now)];
    this.pan(from.x - to.x, from.y - to.y);
  }
}

/**
 * @param {MouseEvent} one
 * @param {MouseEvent} other
 */
export function distance(one, other) {
  return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
}

/**
 * Bind the buttons of a picture's toolbar: zoom in, zoom out, the whole field.
 * @param {View} view
 * @param {HTMLElement} tools
 */
export function bindTools(view, tools) {
  for (const button of findAll(tools, "[data-zoom]")) {
    button.addEventListener("click", () => view.zoom(Number(button.dataset.zoom)));
  }
  find(tools, "[data-fit]").addEventListener("click", () => view.show(view.whole));
  tools.hidden = false;
}
