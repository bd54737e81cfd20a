// Shows all files of a long list, or only those that need somebody, are under way, or are analysed.

import { find, findAll } from "../common/elements.js";

/** @import { Line } from "./line.js" */

/** Lines that fit on a page: a longer list scrolls within itself. */
const LONG = 12;

/** @type {Record<string, (line: Line) => boolean>} */
const KINDS = {
  all: () => true,
  problems: ({ state, element }) =>
    ["refused", "known"].includes(state) || element.classList.contains("tone-not-usable"),
  open: ({ state }) => !["refused", "known", "read", "cancelled"].includes(state),
  read: ({ state }) => state === "read",
};

export class Filter {
  /** @param {ParentNode} root */
  constructor(root) {
    this.bar = find(root, "[data-filter]");
    this.list = find(root, "[data-list]");
    this.buttons = findAll(this.bar, "[data-show]");
    for (const button of this.buttons) button.addEventListener("click", () => this.choose(button));
  }

  /** @param {HTMLElement} chosen */
  choose(chosen) {
    for (const button of this.buttons) button.ariaPressed = String(button === chosen);
    this.list.dataset.show = chosen.dataset.show;
    this.list.scrollTop = 0;
  }

  /** @param {Line[]} lines */
  count(lines) {
    const long = lines.length > LONG;
    this.bar.hidden = !long;
    this.list.classList.toggle("upload-list-long", long);
    if (long) this.list.tabIndex = 0;
    for (const button of this.buttons) {
      const number = lines.filter(KINDS[button.dataset.show ?? "all"]).length;
      find(button, "[data-number]").textContent = String(number);
    }
  }
}
