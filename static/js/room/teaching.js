// "Teach": shows the cells whose review teaches most, says how many are left, and offers the next ones.

/** @import { Cell, Field } from "./cells.js" */

import { find } from "../common/elements.js";
import { gettext, ngettext } from "../common/language.js";
import { AT_ONCE, chooseCells, isOpen } from "./teach.js";

/** What the choice of cells to show calls it. */
export const TEACH = "teach";

/**
 * @typedef {object} Known what the room knows of a case
 * @property {Map<string, Cell>} cells
 * @property {Map<string, Field>} fields
 */

export class Teaching {
  /** Ids of the cells that are shown; null while others are. @type {Set<string> | null} */
  chosen = null;

  /** Id of the only field whose cells are shown; empty for all. */
  field = "";

  /**
   * @param {HTMLElement} element
   * @param {Known} known
   * @param {() => void} next asks for the next cells
   */
  constructor(element, known, next) {
    this.element = element;
    this.known = known;
    this.button = find(element, "[data-teach-next]", HTMLButtonElement);
    this.button.addEventListener("click", next);
  }

  /** The cells of the field, or of all. */
  get cells() {
    return [...this.known.cells.values()].filter(({ field }) => !this.field || field === this.field);
  }

  /**
   * Choose cells if these are to be shown; those chosen stay until others are asked for.
   * @param {{show: string, field: string}} wanted
   */
  choose({ show, field }) {
    const kept = show === TEACH && field === this.field && this.chosen;
    this.field = field;
    if (!kept) this.chosen = show === TEACH ? this.chooseAnew() : null;
    this.tell();
    return this.chosen;
  }

  chooseAnew() {
    const fields = [...this.known.fields.values()];
    return new Set(chooseCells(this.cells, new Map(fields.map(({ id, threshold }) => [id, threshold]))));
  }

  /** Forget the cells that were chosen, so that others are. */
  forget() {
    this.chosen = null;
  }

  /** Say how many of the chosen cells are left. */
  tell() {
    this.element.hidden = this.chosen === null;
    if (!this.chosen) return;
    const left = [...this.chosen].filter((id) => this.known.cells.get(id)?.seen === false).length;
    const open = left ? 0 : Math.min(this.cells.filter(isOpen).length, AT_ONCE);
    find(this.element, "[data-teaching-text]").textContent = this.sentence(left, open);
    this.button.hidden = !open;
    this.button.textContent = ngettext("Next %(num)s cell", "Next %(num)s cells", open);
  }

  /**
   * @param {number} left cells that were chosen and nobody has reviewed
   * @param {number} open cells that can be chosen next
   */
  sentence(left, open) {
    if (left) {
      return ngettext(
        "%(num)s cell to review next: uncertain, disputed or unlike the others.",
        "%(num)s cells to review next: uncertain, disputed, and unlike each other.",
        left,
      );
    }
    if (open) return gettext("These cells are reviewed.");
    return this.field ? gettext("No cell left to review in this image.") : gettext("No cell left to review.");
  }

  /** Give the focus to what is left where no cell is. */
  focus() {
    if (this.element.hidden) return;
    (this.button.hidden ? this.element : this.button).focus();
  }
}
