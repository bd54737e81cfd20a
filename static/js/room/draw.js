// Draws the box of a missed cell in its field: with a pointer, or with the arrow keys.

import { find } from "../common/elements.js";

/** @import { Rectangle } from "../common/view.js" */
/** @import { Field } from "./cells.js" */
/** @import { Panel } from "./panel.js" */

const SMALLEST = 8;
const STEPS = 8;
/** @type {Record<string, [number, number]>} */
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * What drawing needs, and does.
 * @typedef {object} DrawActions
 * @property {(field: Field) => number} sideIn gives the usual side of a cell there
 * @property {(field: Field, box: number[]) => void} done is given the box that was drawn
 * @property {(on: boolean) => void} changed is given whether a box is drawn now
 */

export class Draw {
  /** The box that is drawn. @type {Rectangle} */
  box = { x: 0, y: 0, width: 0, height: 0 };

  /** The usual side of a cell in this field. */
  side = 0;

  /** Where the pointer was pressed. @type {{x: number, y: number} | null} */
  corner = null;

  /**
   * @param {Panel} panel
   * @param {DrawActions} actions
   */
  constructor(panel, { sideIn, done, changed }) {
    this.panel = panel;
    this.view = panel.view;
    this.sideIn = sideIn;
    this.done = done;
    this.changed = changed;
    this.rect = find(panel.element, "[data-drawing]", SVGRectElement);
    const { picture } = panel;
    picture.addEventListener("pointerdown", (event) => this.press(event));
    picture.addEventListener("pointermove", (event) => this.move(event));
    picture.addEventListener("pointerup", (event) => this.lift(event));
    picture.addEventListener("pointercancel", () => { this.corner = null; });
    picture.addEventListener("keydown", (event) => this.key(event));
  }

  start() {
    if (!this.panel.field) return;
    const side = this.sideIn(this.panel.field);
    const { x, y } = this.view.middle;
    this.view.still = true;
    this.side = side;
    this.show({ x: x - side / 2, y: y - side / 2, width: side, height: side });
    this.panel.picture.classList.add("drawing");
    this.panel.picture.focus();
    this.changed(true);
  }

  stop() {
    this.view.still = false;
    this.corner = null;
    this.rect.setAttribute("visibility", "hidden");
    this.panel.picture.classList.remove("drawing");
    this.changed(false);
  }

  get on() {
    return this.view.still;
  }

  /**
   * Show the box, kept inside the field.
   * @param {Rectangle} wanted
   */
  show({ x, y, width, height }) {
    const { whole } = this.view;
    const w = Math.min(Math.max(width, SMALLEST), whole.width);
    const h = Math.min(Math.max(height, SMALLEST), whole.height);
    this.box = {
      x: Math.min(Math.max(x, 0), whole.width - w),
      y: Math.min(Math.max(y, 0), whole.height - h),
      width: w,
      height: h,
    };
    for (const [name, value] of Object.entries(this.box)) this.rect.setAttribute(name, String(value));
    this.rect.setAttribute("visibility", "visible");
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (!this.on || event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    this.panel.picture.setPointerCapture(event.pointerId);
    this.corner = this.view.place(event);
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (this.corner) this.between(this.corner, this.view.place(event));
  }

  /**
   * @param {{x: number, y: number}} one
   * @param {{x: number, y: number}} other
   */
  between(one, other) {
    const { whole } = this.view;
    const inside = (/** @type {number} */ value, /** @type {number} */ end) => Math.min(Math.max(value, 0), end);
    const [x1, x2] = [inside(one.x, whole.width), inside(other.x, whole.width)];
    const [y1, y2] = [inside(one.y, whole.height), inside(other.y, whole.height)];
    this.show({ x: Math.min(x1, x2), y: Math.min(y1, y2), width: Math.abs(x2 - x1), height: Math.abs(y2 - y1) });
  }

  /**
   * A click without a drag puts the usual box around its place.
   * @param {PointerEvent} event
   */
  lift(event) {
    if (!this.corner) return;
    const end = this.view.place(event);
    const small = Math.max(Math.abs(end.x - this.corner.x), Math.abs(end.y - this.corner.y)) < SMALLEST;
    if (small) this.show({ x: end.x - this.side / 2, y: end.y - this.side / 2, width: this.side, height: this.side });
    else this.between(this.corner, end);
    // The click that follows chooses no cell.
    this.view.moved = Infinity;
    this.finish();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.on || event.ctrlKey || event.metaKey || event.altKey) return;
    const direction = DIRECTIONS[event.key];
    if (direction) this.step(direction, event.shiftKey);
    else if (event.key === "Enter" && !event.repeat) this.finish();
    else if (event.key === "Escape") this.stop();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * Move the box, or make it wider and higher.
   * @param {[number, number]} direction
   * @param {boolean} resize
   */
  step([right, down], resize) {
    const { box } = this;
    const by = this.side / STEPS;
    if (resize) this.show({ ...box, width: box.width + right * by, height: box.height + down * by });
    else this.show({ ...box, x: box.x + right * by, y: box.y + down * by });
  }

  finish() {
    const { x, y, width, height } = this.box;
    const { field } = this.panel;
    this.stop();
    if (field) this.done(field, [x, y, x + width, y + height].map((edge) => Math.round(10 * edge) / 10));
  }
}
