// Asks the person once, before several cells are confirmed with one key.

import { find } from "../common/elements.js";
import { gettext, ngettext } from "../common/language.js";
import { shownAs } from "./cells.js";
import { nameOf } from "./classes.js";

/** @import { Cell } from "./cells.js" */

export class Ask {
  /** Whether the person has agreed before. */
  agreed = false;

  /** @type {((agreed: boolean) => void) | undefined} */
  answer;

  /** @param {HTMLDialogElement} dialog */
  constructor(dialog) {
    this.dialog = dialog;
    // The event comes a little after: by then, quick keys may have opened it again.
    dialog.addEventListener("close", () => {
      if (!dialog.open) this.settle();
    });
    // A key that is held down since the cells answers nothing.
    dialog.addEventListener("keydown", (event) => {
      if (event.repeat) event.preventDefault();
    });
  }

  /** Answer whoever asked last, by the button that closed the dialog. */
  settle() {
    this.answer?.(this.dialog.returnValue === "yes");
    this.answer = undefined;
  }

  /**
   * @param {Cell[]} cells that would be confirmed
   * @param {number} left how many of the selected ones would not
   * @returns {Promise<boolean>}
   */
  about(cells, left) {
    this.settle();
    if (this.agreed) return Promise.resolve(true);
    const { dialog } = this;
    find(dialog, "[data-ask-classes]").textContent = tally(cells);
    find(dialog, "[data-ask-left]").textContent = leftWords(left);
    find(dialog, "[data-ask-yes]").textContent = gettext("Confirm %(number)s", { number: cells.length });
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => {
      this.answer = (agreed) => {
        this.agreed ||= agreed;
        resolve(agreed);
      };
    });
  }
}

/**
 * How many cells of which class: "Neutrophil 12, Lymphocyte 3".
 * @param {Cell[]} cells
 */
export function tally(cells) {
  const sizes = new Map();
  for (const cell of cells) sizes.set(shownAs(cell), (sizes.get(shownAs(cell)) ?? 0) + 1);
  return [...sizes].map(([label, size]) => `${nameOf(label)} ${size}`).join(", ");
}

/** @param {number} left */
function leftWords(left) {
  if (!left) return "";
  return ngettext(
    "%(num)s cell is left out: confirm blasts and disputed cells one by one.",
    "%(num)s cells are left out: confirm blasts and disputed cells one by one.",
    left,
  );
}
