// Cells that a colleague named while the person did: both classes, and one key for each.

import { find } from "../common/elements.js";
import { gettext } from "../common/language.js";
import { nameOf } from "./classes.js";

/** @import { Cell, Conflict } from "./cells.js" */

/**
 * @typedef {object} ConflictActions
 * @property {() => Iterable<Cell>} cells all cells of the case
 * @property {() => Cell | undefined} current the cell that is shown
 * @property {(cell: Cell) => void} go
 * @property {(cell: Cell, label: string) => void} record gives a cell the person's own class
 * @property {(cells: Cell[]) => void} changed
 * @property {(sentence: string) => void} announce
 */

export class Conflicts {
  /** What is listed, to write it only when it changes: an alert is spoken whenever it is written. */
  shown = "[]";

  /**
   * @param {HTMLElement} element
   * @param {ConflictActions} actions
   */
  constructor(element, actions) {
    this.element = element;
    this.actions = actions;
    find(element, "[data-take-all]").addEventListener("click", () => this.takeAll());
    window.addEventListener("beforeunload", (event) => {
      if (this.open.length) event.preventDefault();
    });
  }

  get open() {
    return [...this.actions.cells()].filter((cell) => cell.conflict);
  }

  /** List the cells on which this person and a colleague differ. */
  show() {
    const { open } = this;
    const shown = JSON.stringify(open.map(({ id, conflict }) => [id, conflict]));
    if (this.shown === shown) return;
    this.shown = shown;
    const lines = open.flatMap((cell) => (cell.conflict ? [this.line(cell, cell.conflict)] : []));
    find(this.element, "ul").replaceChildren(...lines);
    find(this.element, "[data-take-all]").hidden = lines.length < 2;
    this.element.hidden = !lines.length;
  }

  /**
   * @param {Cell} cell
   * @param {Conflict} conflict
   */
  line(cell, { mine, theirs, by }) {
    const item = document.createElement("li");
    const link = button(cell.name, "btn btn-link", () => this.actions.go(cell));
    const own = choice(gettext(
      "Yours: %(label)s", { label: nameOf(mine) },
    ), "⇧M", cell, () => this.resolve(cell, true));
    const other = choice(`${by}: ${nameOf(theirs)}`, "⇧T", cell, () => this.resolve(cell, false));
    item.append(link, " ", own, " ", other);
    return item;
  }

  /**
   * Decide the conflict of the cell that is shown; of another one only once it was looked at.
   * @param {boolean} mine whether the person keeps their own class, or takes the colleague's
   */
  decide(mine) {
    const { announce, current, go } = this.actions;
    const cell = current();
    if (cell?.conflict) return this.resolve(cell, mine);
    const [first] = this.open;
    if (!first?.conflict) return announce(gettext("No conflict."));
    go(first);
    const { mine: own, theirs, by } = first.conflict;
    return announce(gettext("%(cell)s: you said %(mine)s, %(by)s %(theirs)s. Press again to decide.", {
      cell: first.name, mine: nameOf(own), by, theirs: nameOf(theirs),
    }));
  }

  /**
   * @param {Cell} cell
   * @param {boolean} mine
   */
  resolve(cell, mine) {
    const own = mine ? cell.conflict?.mine : null;
    cell.conflict = null;
    if (own) this.actions.record(cell, own);
    else this.actions.changed([cell]);
    this.show();
    this.actions.go(cell);
    this.actions.announce(`${cell.name}: ${nameOf(cell.label)}.`);
  }

  /** Take what colleagues said, of all cells. */
  takeAll() {
    const cells = this.open;
    for (const cell of cells) cell.conflict = null;
    this.actions.changed(cells);
    this.show();
    if (cells.length) this.actions.go(cells[0]);
  }
}

/**
 * @param {string} words
 * @param {string} style
 * @param {() => void} act
 */
function button(words, style, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = style;
  made.textContent = words;
  made.addEventListener("click", act);
  return made;
}

/**
 * A button that decides a conflict.
 * @param {string} words
 * @param {string} key that does the same
 * @param {Cell} cell
 * @param {() => void} act
 */
function choice(words, key, { name }, act) {
  const made = button(words, "btn btn-sm btn-outline-secondary", act);
  const [of, shown] = [document.createElement("span"), document.createElement("kbd")];
  of.className = "visually-hidden";
  of.textContent = ` ${gettext("for %(name)s", { name })}`;
  shown.textContent = key;
  shown.setAttribute("aria-hidden", "true");
  made.append(of, " ", shown);
  return made;
}
