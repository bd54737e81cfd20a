// A comment on the selected cell, written in a dialog that keeps the text until it is saved.

import { find } from "../common/elements.js";

/** @import { Cell } from "./cells.js" */

export class Comment {
  /** The cell that is commented on. @type {Cell | undefined} */
  cell;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {(cell: Cell, text: string) => Promise<string>} save gives why it was not saved, or nothing
   */
  constructor(dialog, save) {
    this.dialog = dialog;
    this.save = save;
    this.text = find(dialog, "textarea", HTMLTextAreaElement);
    this.error = find(dialog, "#comment-error");
    find(dialog, "form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    find(dialog, "[data-comment-cancel]").addEventListener("click", () => dialog.close());
  }

  /** @param {Cell} cell */
  open(cell) {
    // Another cell gets no comment that was begun on this one.
    if (cell !== this.cell) this.text.value = "";
    this.cell = cell;
    this.error.textContent = "";
    find(this.dialog, "[data-comment-cell]").textContent = cell.name;
    this.dialog.showModal();
    this.text.focus();
  }

  async submit() {
    if (!this.cell) return;
    const button = find(this.dialog, "[type=submit]", HTMLButtonElement);
    button.disabled = true;
    this.error.textContent = await this.save(this.cell, this.text.value);
    button.disabled = false;
    if (this.error.textContent) {
      this.text.focus();
      return;
    }
    this.text.value = "";
    this.dialog.close();
  }
}
