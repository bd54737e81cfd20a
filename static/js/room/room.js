// The reading room: every white cell of a case, corrected by keyboard, pointer or touch.

import { closest, find, findOptional } from "../common/elements.js";
import { CANDIDATE, groupOf, stateOf } from "./cells.js";
import { classes, nameOf } from "./classes.js";
import { showCounts } from "./counts.js";
import { Drag } from "./drag.js";
import { Draw } from "./draw.js";
import { Gallery } from "./gallery.js";
import { newKey } from "./outbox.js";
import { Panel } from "./panel.js";
import { Saving } from "./saving.js";

/** @import { Cell, CellState, Conflict, Field, Picture, ReportedCell } from "./cells.js" */
/** @import { Act } from "./outbox.js" */
/** @import { CaseReport, Done } from "./saving.js" */

const NOT_LOADED = "The cells could not be loaded. Check the connection, then reload the page.";
const CHOOSE = "The detector is unsure about this cell: give it a class, or mark it as not a cell.";
const NOT_A_FIELD = "Cells can be drawn in fields only.";
const READ_ONLY = "Nothing can be changed here.";
const MOVES = new Set(["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End"]);
/**
 * What tells a cell of the server's from this page's; the last two a confirmation that was refused.
 * @type {(keyof CellState)[]}
 */
const TELLING = ["review", "label", "seen", "at"];
/** Of a cell of which this page knows no review. */
const NO_REVIEW = { by: null, mine: false, at: null, review: null, key: null, before: null };

/** @typedef {Record<string, (event: KeyboardEvent) => void>} Actions By key. */

const room = find(document, "[data-room]");
const help = find(room, "[data-help]", HTMLDialogElement);

/** @param {string} name */
function part(name) {
  return find(room, `[data-${name}]`);
}

export class Room {
  /** By id, in the order in which to look at them. @type {Map<string, Cell>} */
  cells = new Map();

  /** The images of the case, by id. @type {Map<string, Field>} */
  fields = new Map();

  /** What was done here and can be undone, the last at the end. @type {Done[][]} */
  undos = [];

  editable = room.dataset.editable === "yes";

  /** How many cells are reviewed, as last shown. @type {{reviewed: number, total: number} | undefined} */
  counts;

  constructor() {
    this.gallery = new Gallery(part("gallery"), (cell) => this.look(cell));
    this.panel = new Panel(part("panel"), {
      picked: (id) => this.gallery.go(this.gallery.tiles.get(id)),
      history: (cell) => this.saving.history(cell),
    });
    this.draw = new Draw(this.panel, {
      sideIn: (field) => this.sideIn(field),
      done: (field, box) => this.drawn(field, box),
      changed: (on) => this.drawing(on),
    });
    this.saving = new Saving(room, this);
    this.listen();
  }

  async open() {
    const report = await this.saving.fetchCells();
    part("busy").hidden = true;
    if (!report) {
      this.fail(NOT_LOADED);
      return;
    }
    this.fields = new Map(report.fields.map((field) => [field.id, field]));
    for (const cell of report.cells) this.take(cell);
    this.editable &&= !report.locked;
    this.saving.begin(report.count);
    this.gallery.fill(this.cells);
    showCounts(this.cells);
    room.classList.toggle("read-only", !this.editable);
    part("empty").hidden = this.cells.size > 0;
    // Other pages name the cell to begin with behind a #.
    this.gallery.go(this.gallery.tiles.get(location.hash.slice(1)) ?? this.gallery.first);
  }

  /** @param {string} sentence */
  fail(sentence) {
    part("failed").textContent = sentence;
    part("failed").hidden = false;
  }

  /**
   * Make a cell of the server's one of this page.
   * @param {ReportedCell} report
   * @returns {Cell}
   */
  take(report) {
    const field = this.fieldOf(report);
    const order = report.number === null ? -1 : this.cells.size;
    const name = report.number === null ? `Drawn cell, ${field.name}` : `Cell ${report.number + 1}, ${field.name}`;
    const cell = { ...report, name, order, picture: this.pictureOf(report, field) };
    this.cells.set(cell.id, cell);
    return cell;
  }

  /** @param {ReportedCell} cell */
  fieldOf(cell) {
    const field = this.fields.get(cell.field);
    if (!field) throw new Error(`The case has no image ${cell.field}`);
    return field;
  }

  /**
   * On which sheet of its field a cell is, or the address of its own picture.
   * @param {ReportedCell} cell
   * @param {Field} field
   * @returns {Picture}
   */
  pictureOf({ id, number }, field) {
    if (field.thumbnail) return { url: field.thumbnail };
    if (number === null) return { url: (room.dataset.thumbnail ?? "").replace("CELL", id) };
    const [columns, rows] = [Number(room.dataset.columns), Number(room.dataset.rows)];
    const each = columns * rows;
    const url = field.sheets.replace(/0$/, String(Math.floor(number / each)));
    return { url, place: number % each, columns, rows };
  }

  /** @param {Cell} cell */
  look(cell) {
    if (this.draw.on) this.draw.stop();
    this.panel.show(cell, this.fieldOf(cell), this.cells);
  }

  /**
   * Bring everything in line with cells that changed.
   * @param {Cell[]} cells
   */
  changed(cells) {
    for (const cell of cells) {
      this.gallery.place(cell);
      this.panel.refresh(cell);
    }
    this.counts = showCounts(this.cells);
  }

  /** @param {string} sentence */
  announce(sentence) {
    const { reviewed, total } = this.counts ?? showCounts(this.cells);
    part("announced").textContent = `${sentence} ${reviewed} of ${total} reviewed.`;
  }

  // What a person does.

  /**
   * Give cells a label; the next cell has the focus then.
   * @param {Cell[]} cells
   * @param {string} label
   */
  label(cells, label) {
    if (!this.editable) return this.announce(READ_ONLY);
    if (!cells.length) return undefined;
    const stays = cells.every((cell) => groupOf(cell) === label);
    const next = stays ? undefined : this.gallery.onward(cells);
    this.record(cells, label);
    this.gallery.go(stays ? this.follower(cells) : next ?? this.gallery.first);
    const what = cells.length === 1 ? cells[0].name : `${cells.length} cells`;
    return this.announce(`${what}: ${nameOf(label)}.`);
  }

  /**
   * The tile behind the last of these cells.
   * @param {Cell[]} cells
   */
  follower(cells) {
    const tile = this.gallery.tiles.get(cells[cells.length - 1].id);
    const next = tile?.nextElementSibling;
    return next instanceof HTMLElement ? next : tile;
  }

  /**
   * Keep a label for cells, or the one that each has.
   * @param {Cell[]} cells
   * @param {string} [label]
   */
  record(cells, label) {
    /** @type {Act[]} */
    const acts = cells.map((cell) => ({
      kind: "review",
      key: newKey(),
      cell: cell.id,
      label: label ?? cell.label,
      before: stateOf(cell),
      ...(cell.label === null ? { box: cell.box } : {}),
    }));
    for (const cell of cells) this.say(cell, label ?? cell.label);
    this.undos.push(acts);
    this.changed(cells);
    this.saving.add(acts);
  }

  /**
   * The cell has a correction of this page's that is not saved yet.
   * @param {Cell} cell
   * @param {string | null} label
   */
  say(cell, label) {
    Object.assign(cell, { label, seen: true, by: room.dataset.name, mine: true, at: null, conflict: null });
  }

  /** @param {Cell[]} cells */
  confirm(cells) {
    const sure = cells.filter((cell) => groupOf(cell) !== CANDIDATE);
    if (!sure.length) return this.announce(CHOOSE);
    if (!this.editable) return this.announce(READ_ONLY);
    this.record(sure);
    this.gallery.go(this.follower(sure));
    return this.announce(sure.length === 1 ? `${sure[0].name} confirmed.` : `${sure.length} cells confirmed.`);
  }

  /** Take back what was done last here, or else the person's own latest correction of the case. */
  undo() {
    if (!this.editable) return this.announce(READ_ONLY);
    const acts = this.undos.pop() ?? this.ownLatest();
    if (!acts.length) return this.announce("You have nothing to undo.");
    const back = acts.map((act) => this.cells.get(act.cell)).filter((cell) => cell !== undefined);
    for (const act of acts) this.putBack(act);
    this.saving.takeBack(acts);
    const there = back.filter((cell) => this.cells.has(cell.id));
    this.changed(there);
    this.gallery.go(there.length ? this.gallery.tiles.get(there[0].id) : this.gallery.first);
    return this.announce(acts.length === 1 ? "Undone." : `${acts.length} corrections undone.`);
  }

  /**
   * The person's latest review from before this page was loaded; the server tells the rest later.
   * @returns {Done[]}
   */
  ownLatest() {
    const own = [...this.cells.values()].filter((cell) => cell.mine && cell.review);
    const [latest] = own.sort((one, other) => (other.review ?? 0) - (one.review ?? 0));
    if (!latest?.key) return [];
    const { id, key, before: label, proposed } = latest;
    const before = { ...NO_REVIEW, label, seen: label !== proposed };
    return [{ key, cell: id, before }];
  }

  /** @param {Done} act */
  putBack({ cell: id, before }) {
    const cell = this.cells.get(id);
    if (!cell) return;
    if (before.label === null) this.remove(cell);
    else Object.assign(cell, before);
  }

  /** @param {Cell} cell */
  remove(cell) {
    this.cells.delete(cell.id);
    this.gallery.remove(cell.id);
    this.panel.refresh(cell, true);
    this.counts = showCounts(this.cells);
  }

  // A cell that the models missed.

  /**
   * The usual side of a cell in a field: the median of those known.
   * @param {Field} field
   */
  sideIn(field) {
    const sides = [...this.cells.values()]
      .filter((cell) => cell.field === field.id)
      .map(({ box: [x1, y1, x2, y2] }) => Math.max(x2 - x1, y2 - y1))
      .sort((one, other) => one - other);
    return sides[Math.floor(sides.length / 2)] ?? Math.min(field.width, field.height) / 8;
  }

  /** @param {boolean} on */
  drawing(on) {
    part("drawing-help").hidden = !on;
    findOptional(room, "[data-draw]")?.setAttribute("aria-pressed", String(on));
  }

  startDrawing() {
    if (!this.editable) return this.announce(READ_ONLY);
    this.panel.settle();
    if (this.panel.field?.kind !== "detection") return this.announce(NOT_A_FIELD);
    return this.draw.on ? this.draw.stop() : this.draw.start();
  }

  /**
   * @param {Field} field
   * @param {number[]} box
   */
  drawn(field, box) {
    const id = `${field.id}.d${newKey(4)}`;
    const cell = this.take({
      ...{ id, field: field.id, number: null, box, proposed: null, candidate: false, disagreed: false },
      ...{ probability: null, detector: null, classifier: null, classifier_label: null },
      ...{ ...NO_REVIEW, label: null, seen: false },
    });
    this.record([cell], "unclassified");
    this.gallery.go(this.gallery.tiles.get(id));
    this.announce("Cell drawn. Give it a class.");
  }

  // What comes from the server.

  /**
   * The server's cells, again: what colleagues did meanwhile, and what was taken of this page's.
   * @param {CaseReport} report
   */
  merge({ cells, locked }) {
    const { pending } = this.saving;
    const changed = [];
    for (const report of cells) {
      if (pending.has(report.id)) continue;
      const cell = this.cells.get(report.id);
      if (!cell) changed.push(this.take(report));
      else if (TELLING.some((name) => cell[name] !== report[name])) changed.push(this.replace(cell, report));
    }
    const known = new Set(cells.map(({ id }) => id));
    for (const cell of [...this.cells.values()]) {
      if (!known.has(cell.id) && !pending.has(cell.id)) this.remove(cell);
    }
    this.changed(changed);
    if (locked) this.lock();
    this.tellConflicts(changed.filter((cell) => cell.conflict));
  }

  /**
   * @param {Cell} cell
   * @param {ReportedCell} report
   */
  replace(cell, report) {
    const mine = cell.mine && !report.mine && report.by && cell.label !== report.label;
    const conflict = mine ? { mine: cell.label, theirs: report.label, by: report.by } : null;
    return Object.assign(cell, stateOf(report), { conflict });
  }

  /** @param {Cell[]} cells */
  tellConflicts(cells) {
    if (!cells.length) return;
    const list = part("conflicts");
    for (const cell of cells) if (cell.conflict) find(list, "ul").append(this.conflictLine(cell, cell.conflict));
    list.hidden = false;
  }

  /**
   * @param {Cell} cell
   * @param {Conflict} conflict
   */
  conflictLine(cell, { mine, theirs, by }) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-link";
    button.textContent = cell.name;
    button.addEventListener("click", () => this.gallery.go(this.gallery.tiles.get(cell.id)));
    item.append(button, `: you ${nameOf(mine)}, ${by} ${nameOf(theirs)}. Current class: ${nameOf(cell.label)}.`);
    return item;
  }

  lock() {
    this.editable = false;
    room.classList.add("read-only");
    part("locked").hidden = false;
  }

  // Keys and pointers.

  /** @returns {Actions} */
  get keys() {
    const { gallery } = this;
    return {
      ArrowRight: (event) => this.step(event, gallery.beside(1)),
      ArrowLeft: (event) => this.step(event, gallery.beside(-1)),
      ArrowDown: (event) => this.step(event, gallery.row(1)),
      ArrowUp: (event) => this.step(event, gallery.row(-1)),
      PageDown: () => gallery.go(gallery.nextClass(1)),
      PageUp: () => gallery.go(gallery.nextClass(-1)),
      Home: (event) => this.step(event, gallery.end("first")),
      End: (event) => this.step(event, gallery.end("last")),
      Enter: () => this.confirm(gallery.chosen),
      " ": () => this.confirm(gallery.chosen),
    };
  }

  /**
   * @param {KeyboardEvent} event
   * @param {HTMLElement | null | undefined} tile
   */
  step(event, tile) {
    if (!tile) return;
    if (event.shiftKey) this.gallery.extend(tile);
    else this.gallery.go(tile);
  }

  /**
   * Keys of single letters, wherever the focus is in the room.
   * @returns {Actions}
   */
  get letters() {
    return {
      u: () => this.undo(),
      j: () => this.gallery.go(this.gallery.unseen()),
      d: () => this.startDrawing(),
      f: () => this.panel.view.show(this.panel.view.whole),
      "?": () => help.showModal(),
      Escape: () => (this.draw.on ? this.draw.stop() : this.gallery.go(this.gallery.active)),
      ...Object.fromEntries(classes.map(({ key, label }) => [key, () => this.label(this.gallery.chosen, label)])),
    };
  }

  /**
   * Keys together with Control.
   * @returns {Actions}
   */
  get withControl() {
    const { gallery } = this;
    const { active } = gallery;
    const group = active && gallery.groupAround(active);
    return {
      z: () => this.undo(),
      a: () => group && gallery.selectGroup(group),
      " ": () => active && gallery.toggle(active),
    };
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.altKey || closest(event, "input, textarea, select, dialog")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = this.actionFor(event, key);
    if (!action) return;
    event.preventDefault();
    // A key that is held moves on and on, but decides nothing twice.
    if (MOVES.has(key) || !event.repeat) action(event);
  }

  /**
   * @param {KeyboardEvent} event
   * @param {string} key
   */
  actionFor(event, key) {
    if (event.ctrlKey || event.metaKey) return this.withControl[key];
    return (closest(event, "[data-cell]") && this.keys[key]) || this.letters[key];
  }

  listen() {
    room.addEventListener("keydown", (event) => this.key(event));
    part("palette").addEventListener("click", (event) => {
      const label = closest(event, "[data-label]")?.dataset.label;
      if (label) this.label(this.gallery.chosen, label);
    });
    const actions = {
      confirm: () => this.confirm(this.gallery.chosen),
      undo: () => this.undo(),
      draw: () => this.startDrawing(),
      "open-help": () => help.showModal(),
      "close-conflicts": () => this.closeConflicts(),
    };
    for (const [name, action] of Object.entries(actions)) {
      findOptional(room, `[data-${name}]`)?.addEventListener("click", action);
    }
    if (this.editable) this.letDrag();
  }

  closeConflicts() {
    part("conflicts").hidden = true;
    find(part("conflicts"), "ul").replaceChildren();
  }

  letDrag() {
    new Drag(part("gallery"), part("ghost"), {
      begin: (tile) => {
        if (!this.editable) return 0;
        if (!this.gallery.isSelected(tile)) this.gallery.go(tile);
        return this.gallery.chosen.length;
      },
      drop: (label) => this.label(this.gallery.chosen, label),
    });
  }
}

new Room().open();
