// Drags tiles to a class: at once with a mouse or a pen, after a long press with a finger.

import { closest } from "../common/elements.js";
import { ngettext } from "../common/language.js";
import { distance } from "../common/view.js";

const FAR = 6;
const LONG = 350;
const EDGE = 60;
const SPEED = 14;

/**
 * What a drag does.
 * @typedef {object} DragActions
 * @property {(tile: HTMLElement) => number} begin gives how many cells are dragged
 * @property {(label: string) => void} drop is given the class on which they were dropped
 */

export class Drag {
  /** Whether tiles are dragged now. */
  on = false;

  /** Whether the next click is the end of a drag. */
  swallowing = false;

  /** @type {HTMLElement | null} */
  tile = null;

  /** Where the tiles would be dropped. @type {HTMLElement | null} */
  target = null;

  /** Where the pointer was pressed, and where it is. @type {{from: PointerEvent, at: PointerEvent} | null} */
  pointer = null;

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /**
   * @param {HTMLElement} gallery
   * @param {HTMLElement} ghost
   * @param {DragActions} actions
   */
  constructor(gallery, ghost, { begin, drop }) {
    this.ghost = ghost;
    this.begin = begin;
    this.drop = drop;
    gallery.addEventListener("pointerdown", (event) => this.press(event));
    window.addEventListener("pointermove", (event) => this.move(event));
    window.addEventListener("pointerup", (event) => this.end(event, true));
    window.addEventListener("pointercancel", (event) => this.end(event, false));
    window.addEventListener("keydown", (event) => this.key(event), { capture: true });
    // Else a finger that drags would scroll the page, or open its menu.
    window.addEventListener("touchmove", (event) => {
      if (this.on) event.preventDefault();
    }, { passive: false });
    gallery.addEventListener("contextmenu", (event) => {
      if (this.touched) event.preventDefault();
    });
    gallery.addEventListener("click", (event) => this.swallow(event), { capture: true });
  }

  /** Whether a finger was pressed last. */
  get touched() {
    return this.pointer?.from.pointerType === "touch";
  }

  /** @param {PointerEvent} event */
  press(event) {
    const tile = closest(event, "[data-cell]");
    this.swallowing = false;
    if (!tile || event.button !== 0 || !event.isPrimary) return;
    this.tile = tile;
    this.pointer = { from: event, at: event };
    if (this.touched) this.timer = setTimeout(() => this.start(event), LONG);
  }

  /** @param {PointerEvent} event */
  start(event) {
    const count = this.tile ? this.begin(this.tile) : 0;
    if (!count) {
      this.stop();
      return;
    }
    this.on = true;
    this.ghost.textContent = ngettext("%(num)s cell", "%(num)s cells", count);
    this.ghost.hidden = false;
    document.body.classList.add("dragging");
    this.follow(event);
    this.scroll();
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (!this.tile || !this.pointer || !event.isPrimary) return;
    const far = distance(this.pointer.from, event) > FAR;
    if (!this.on && far) {
      if (this.touched) this.stop();
      else this.start(event);
    }
    if (this.on) this.follow(event);
  }

  /** @param {PointerEvent} event */
  follow(event) {
    if (this.pointer) this.pointer.at = event;
    this.ghost.style.transform = `translate(${event.clientX + 12}px, ${event.clientY + 12}px)`;
    const under = document.elementFromPoint(event.clientX, event.clientY);
    /** @type {HTMLElement | null} */
    const target = under?.closest("[data-palette] [data-label]:enabled, [data-group][data-droppable]") ?? null;
    if (target === this.target) return;
    this.target?.classList.remove("dropping");
    target?.classList.add("dropping");
    this.target = target;
  }

  /** The page follows while something is held near its upper or lower edge. */
  scroll() {
    if (!this.on || !this.pointer) return;
    const { clientY } = this.pointer.at;
    const up = clientY < EDGE ? -SPEED : 0;
    const down = clientY > window.innerHeight - EDGE ? SPEED : 0;
    window.scrollBy({ top: up + down, behavior: "instant" });
    requestAnimationFrame(() => this.scroll());
  }

  /**
   * @param {PointerEvent} event
   * @param {boolean} dropped
   */
  end(event, dropped) {
    if (!event.isPrimary) return;
    const { on, target } = this;
    this.stop();
    this.swallowing = on;
    if (on && dropped && target) this.drop(target.dataset.label ?? target.dataset.group ?? "");
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.on || event.key !== "Escape") return;
    event.stopPropagation();
    this.stop();
    this.swallowing = true;
  }

  stop() {
    clearTimeout(this.timer);
    this.target?.classList.remove("dropping");
    this.ghost.hidden = true;
    document.body.classList.remove("dragging");
    this.on = false;
    this.tile = null;
    this.target = null;
  }

  /**
   * Letting go after a drag is no click.
   * @param {MouseEvent} event
   */
  swallow(event) {
    if (!this.swallowing) return;
    this.swallowing = false;
    event.stopPropagation();
  }
}
