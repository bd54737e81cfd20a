// The stage: the selected cell enlarged, beside a pinned one, on the full screen where wanted.

import { find } from "../common/elements.js";
import { shownAs } from "./cells.js";
import { nameOf } from "./classes.js";
import { drawPicture } from "./gallery.js";
import { diameter, scaleBar, showBar } from "./scale.js";

/** @import { Cell, Field } from "./cells.js" */

const AROUND = 1.6;

export class Stage {
  /** The cell that is enlarged. @type {{cell: Cell, field: Field} | null} */
  shown = null;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.picture = find(element, "[data-enlarged]", SVGSVGElement);
    this.part = (/** @type {string} */ name) => find(element, `[data-${name}]`);
    this.part("full").addEventListener("click", () => this.toggleFull());
    this.part("pin").addEventListener("click", () => this.pin());
    this.part("unpin").addEventListener("click", () => this.unpin());
  }

  /**
   * Show a cell at once, as small as its tile.
   * @param {Cell} cell
   * @param {Field} field
   */
  begin(cell, field) {
    drawPicture(this.part("thumbnail"), cell.picture);
    this.part("diameter").textContent = diameter(cell.box, field);
    // Not by visibility: what is not visible takes no focus.
    this.picture.style.opacity = "0";
    this.part("scale").hidden = true;
  }

  /**
   * Show a cell as large as its field allows, which is loaded.
   * @param {Cell} cell
   * @param {Field} field
   */
  enlarge(cell, field) {
    this.shown = { cell, field };
    const side = draw(this.picture, cell, field);
    this.picture.style.opacity = "1";
    showBar(this.part("scale"), scaleBar(field.micrometres, side));
  }

  get full() {
    return this.element.classList.contains("full");
  }

  toggleFull(on = !this.full) {
    const button = this.part("full");
    const focused = document.activeElement === button;
    this.element.classList.toggle("full", on);
    // The full screen hides the button, and keys reach the room only from within it.
    if (on && focused) this.picture.focus();
    button.setAttribute("aria-pressed", String(on));
  }

  /** Keep the enlarged cell beside those that are looked at next; that again lets it go. */
  pin() {
    if (!this.shown) return;
    const { cell, field } = this.shown;
    if (this.pinned === cell.id) {
      this.unpin();
      return;
    }
    draw(find(this.element, "[data-pinned-picture]", SVGSVGElement), cell, field);
    this.part("pinned-name").textContent = `${cell.name}: ${nameOf(shownAs(cell))}`;
    this.hold(cell.id);
  }

  unpin() {
    this.hold("");
  }

  get pinned() {
    return this.element.dataset.pinnedCell ?? "";
  }

  /** @param {string} id of the pinned cell; empty for none */
  hold(id) {
    this.element.dataset.pinnedCell = id;
    this.part("pinned").hidden = !id;
    this.part("pin").setAttribute("aria-pressed", String(Boolean(id)));
  }
}

/**
 * Show a cell of a field in a square picture; give the side of what is shown, in pixels of the file.
 * @param {SVGSVGElement} picture
 * @param {Cell} cell
 * @param {Field} field
 */
function draw(picture, { box: [x1, y1, x2, y2] }, field) {
  const side = AROUND * Math.max(x2 - x1, y2 - y1);
  picture.setAttribute("viewBox", `${(x1 + x2 - side) / 2} ${(y1 + y2 - side) / 2} ${side} ${side}`);
  const image = find(picture, "image", SVGImageElement);
  if (image.getAttribute("href") !== field.image) image.setAttribute("href", field.image);
  image.setAttribute("width", String(field.width));
  image.setAttribute("height", String(field.height));
  return side;
}
