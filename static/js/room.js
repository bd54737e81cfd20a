// The reading room: every white cell of a case, corrected by keyboard, pointer or touch.

import { Saving } from "./room-saving.js";
import { classes, groupOf, nameOf, stateOf, DOUBTFUL } from "./room-cells.js";
import { showCounts } from "./room-counts.js";
import { Drag } from "./room-drag.js";
import { Draw } from "./room-draw.js";
import { Gallery } from "./room-gallery.js";
import { newKey } from "./room-outbox.js";
import { Panel } from "./room-panel.js";

const NOT_LOADED = "The cells could not be loaded. Check the connection, then reload the page.";
const CHOOSE = "The detector is unsure about this cell: give it a class, or mark it as not a cell.";
const READ_ONLY = "Nothing can be changed here.";
const MOVES = new Set(["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End"]);
/** What tells a cell of the server's from this page's; the last two a confirmation that was refused. */
const TELLING = ["review", "label", "seen", "at"];
/** Of a cell of which this page knows nobody's word. */
const NO_WORD = { by: null, mine: false, at: null, review: null, key: null, before: null };

const room = document.querySelector("[data-room]");
const part = (name) => room.querySelector(`[data-${name}]`);

class Room {
  constructor() {
    this.cells = new Map();
    this.fields = new Map();
    this.undos = [];
    this.editable = room.dataset.editable === "yes";
    this.gallery = new Gallery(part("gallery"), (cell) => this.look(cell));
    this.panel = new Panel(part("panel"), {
      picked: (id) => this.gallery.go(this.gallery.tiles.get(id)),
      history: (cell) => this.history(cell),
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
    const told = await this.saving.fetchCells();
    part("busy").hidden = true;
    if (!told) return this.fail(NOT_LOADED);
    this.fields = new Map(told.fields.map((field) => [field.id, field]));
    for (const cell of told.cells) this.take(cell);
    this.editable &&= !told.locked;
    this.saving.begin(told);
    this.gallery.fill(this.cells);
    showCounts(this.cells);
    room.classList.toggle("read-only", !this.editable);
    part("empty").hidden = this.cells.size > 0;
    // Other pages name the cell to begin with behind a #.
    this.gallery.go(this.gallery.tiles.get(location.hash.slice(1)) ?? this.gallery.first);
    return undefined;
  }

  fail(sentence) {
    part("failed").textContent = sentence;
    part("failed").hidden = false;
  }

  /** Make a cell of the server's one of this page. */
  take(told) {
    const field = this.fields.get(told.field);
    const order = told.number === null ? -1 : this.cells.size;
    const name = told.number === null ? `Drawn cell, ${field.name}` : `Cell ${told.number + 1}, ${field.name}`;
    this.cells.set(told.id, { ...told, name, order, picture: this.pictureOf(told, field) });
  }

  /** On which sheet of its field a cell is, or the address of its own picture. */
  pictureOf({ id, number }, field) {
    if (field.thumbnail) return { url: field.thumbnail };
    if (number === null) return { url: room.dataset.thumbnail.replace("CELL", id) };
    const { columns, rows } = room.dataset;
    const each = columns * rows;
    const url = field.sheets.replace(/0$/, Math.floor(number / each));
    return { url, place: number % each, columns: Number(columns), rows: Number(rows) };
  }

  look(cell) {
    if (this.draw.on) this.draw.stop();
    this.panel.show(cell, this.fields.get(cell.field), this.cells);
  }

  /** Bring everything in line with cells that changed. */
  changed(cells) {
    for (const cell of cells) {
      this.gallery.place(cell);
      this.panel.refresh(cell);
    }
    this.counts = showCounts(this.cells);
  }

  announce(sentence) {
    const { reviewed, total } = this.counts ?? showCounts(this.cells);
    part("announced").textContent = `${sentence} ${reviewed} of ${total} reviewed.`;
  }

  // What a person does.

  /** Give cells a label; the next cell has the focus then. */
  label(cells, label) {
    if (!this.editable) return this.announce(READ_ONLY);
    if (!cells.length) return undefined;
    const stays = cells.every((cell) => groupOf(cell) === label);
    const next = stays ? this.gallery.tiles.get(cells.at(-1).id) : this.gallery.onward(cells);
    this.record(cells, label);
    this.gallery.go(stays ? this.follower(next) : next ?? this.gallery.first);
    const what = cells.length === 1 ? cells[0].name : `${cells.length} cells`;
    return this.announce(`${what}: ${nameOf(label)}.`);
  }

  follower(tile) {
    return tile.nextElementSibling ?? tile;
  }

  /** Keep a label for cells, or the one that each has. */
  record(cells, label = null) {
    const acts = cells.map((cell) => ({
      ...{ kind: "review", key: newKey(), cell: cell.id, label: label ?? cell.label, before: stateOf(cell) },
      ...(cell.label === null ? { box: cell.box } : {}),
    }));
    for (const cell of cells) this.say(cell, label ?? cell.label);
    this.undos.push(acts);
    this.changed(cells);
    this.saving.add(acts);
  }

  /** The cell has a correction of this page's that is not saved yet. */
  say(cell, label) {
    Object.assign(cell, { label, seen: true, by: room.dataset.name, mine: true, at: null, conflict: null });
  }

  confirm(cells) {
    const sure = cells.filter((cell) => groupOf(cell) !== DOUBTFUL);
    if (!sure.length) return this.announce(CHOOSE);
    if (!this.editable) return this.announce(READ_ONLY);
    const last = this.gallery.tiles.get(sure.at(-1).id);
    this.record(sure);
    this.gallery.go(this.follower(last));
    return this.announce(sure.length === 1 ? `${sure[0].name} confirmed.` : `${sure.length} cells confirmed.`);
  }

  /** Take back what was done last here, or else the person's own latest correction of the case. */
  undo() {
    if (!this.editable) return this.announce(READ_ONLY);
    const acts = this.undos.pop() ?? this.ownLatest();
    if (!acts.length) return this.announce("There is nothing of yours to undo.");
    const back = acts.map((act) => this.cells.get(act.cell)).filter(Boolean);
    for (const act of acts) this.putBack(act);
    this.saving.takeBack(acts);
    const there = back.filter((cell) => this.cells.has(cell.id));
    this.changed(there);
    this.gallery.go(there.length ? this.gallery.tiles.get(there[0].id) : this.gallery.first);
    return this.announce(acts.length === 1 ? "Undone." : `${acts.length} corrections undone.`);
  }

  /** The person's latest word from before this page was loaded; the server tells the rest later. */
  ownLatest() {
    const own = [...this.cells.values()].filter((cell) => cell.mine && cell.review);
    const latest = own.sort((one, other) => other.review - one.review)[0];
    if (!latest) return [];
    const { id, key, before: label, proposed } = latest;
    const before = { ...NO_WORD, label, seen: label !== proposed };
    return [{ key, cell: id, before }];
  }

  putBack({ cell: id, before }) {
    const cell = this.cells.get(id);
    if (!cell) return;
    if (before.label === null) this.remove(cell);
    else Object.assign(cell, before);
  }

  remove(cell) {
    this.cells.delete(cell.id);
    this.gallery.remove(cell.id);
    this.panel.refresh(cell, true);
    this.counts = showCounts(this.cells);
  }

  // A cell that the models missed.

  sideIn(field) {
    const sides = [...this.cells.values()]
      .filter((cell) => cell.field === field.id)
      .map(({ box: [x1, y1, x2, y2] }) => Math.max(x2 - x1, y2 - y1))
      .sort((one, other) => one - other);
    return sides[Math.floor(sides.length / 2)] ?? Math.min(field.width, field.height) / 8;
  }

  drawing(on) {
    part("drawing-help").hidden = !on;
    const button = part("draw");
    if (button) button.setAttribute("aria-pressed", on);
  }

  startDrawing() {
    if (!this.editable) return this.announce(READ_ONLY);
    this.panel.settle();
    if (this.panel.field?.kind !== "detection") return this.announce("Cells can be drawn in fields only.");
    return this.draw.on ? this.draw.stop() : this.draw.start();
  }

  drawn(field, box) {
    const id = `${field.id}.d${newKey(4)}`;
    this.take({
      ...{ id, field: field.id, number: null, box, proposed: null, doubtful: false, disagreed: false },
      ...{ blast: null, second: null, second_label: null },
      ...{ ...NO_WORD, label: null, seen: false },
    });
    const cell = this.cells.get(id);
    this.record([cell], "unclassified");
    this.gallery.go(this.gallery.tiles.get(id));
    this.announce("Cell drawn. Give it a class.");
  }

  // What comes from the server.

  async history(cell) {
    return this.saving.history(cell);
  }

  /** The server's cells, again: what colleagues did meanwhile, and what was taken of this page's. */
  merge({ cells, locked }) {
    const pending = this.saving.pending;
    const changed = [];
    for (const told of cells) {
      const cell = this.cells.get(told.id);
      if (pending.has(told.id)) continue;
      if (!cell) this.take(told);
      else if (TELLING.some((name) => cell[name] !== told[name])) this.replace(cell, told);
      else continue;
      changed.push(this.cells.get(told.id));
    }
    const known = new Set(cells.map(({ id }) => id));
    for (const cell of [...this.cells.values()]) {
      if (!known.has(cell.id) && !pending.has(cell.id)) this.remove(cell);
    }
    this.changed(changed);
    if (locked) this.lock();
    this.tellConflicts(changed.filter((cell) => cell.conflict));
  }

  replace(cell, told) {
    const mine = cell.mine && !told.mine && told.by && cell.label !== told.label;
    const conflict = mine ? { mine: cell.label, theirs: told.label, by: told.by } : null;
    Object.assign(cell, stateOf(told), { conflict });
  }

  tellConflicts(cells) {
    if (!cells.length) return;
    const list = part("conflicts");
    for (const cell of cells) list.querySelector("ul").append(this.conflictLine(cell));
    list.hidden = false;
  }

  conflictLine(cell) {
    const { mine, theirs, by } = cell.conflict;
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-link";
    button.textContent = cell.name;
    button.addEventListener("click", () => this.gallery.go(this.gallery.tiles.get(cell.id)));
    item.append(button, `you said ${nameOf(mine)}, ${by} says ${nameOf(theirs)}; now it is ${nameOf(cell.label)}.`);
    return item;
  }

  lock() {
    this.editable = false;
    room.classList.add("read-only");
    part("locked").hidden = false;
  }

  // Keys and pointers.

  get keys() {
    const { gallery } = this;
    return {
      ArrowRight: (event) => this.step(event, gallery.beside(1)),
      ArrowLeft: (event) => this.step(event, gallery.beside(-1)),
      ArrowDown: (event) => this.step(event, gallery.row(1)),
      ArrowUp: (event) => this.step(event, gallery.row(-1)),
      PageDown: () => gallery.go(gallery.group(1)),
      PageUp: () => gallery.go(gallery.group(-1)),
      Home: (event) => this.step(event, gallery.active?.parentElement.firstElementChild),
      End: (event) => this.step(event, gallery.active?.parentElement.lastElementChild),
      Enter: () => this.confirm(gallery.chosen),
      " ": () => this.confirm(gallery.chosen),
    };
  }

  step(event, tile) {
    if (!tile) return;
    if (event.shiftKey) this.gallery.extend(tile);
    else this.gallery.go(tile);
  }

  /** Keys of single letters, wherever the focus is in the room. */
  get letters() {
    return {
      u: () => this.undo(),
      j: () => this.gallery.go(this.gallery.unseen()),
      d: () => this.startDrawing(),
      f: () => this.panel.view.show(this.panel.view.whole),
      "?": () => part("help").showModal(),
      Escape: () => (this.draw.on ? this.draw.stop() : this.gallery.go(this.gallery.active)),
      ...Object.fromEntries(classes.map(({ key, label }) => [key, () => this.label(this.gallery.chosen, label)])),
    };
  }

  withControl(event) {
    const { gallery } = this;
    const actions = {
      z: () => this.undo(),
      a: () => gallery.active && gallery.selectGroup(gallery.active.closest("[data-group]")),
      " ": () => gallery.active && gallery.toggle(gallery.active),
    };
    return actions[event.key.toLowerCase()];
  }

  key(event) {
    if (event.altKey || event.target.closest("input, textarea, select, dialog")) return;
    const inGallery = Boolean(event.target.closest("[data-cell]"));
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    let action = (inGallery && this.keys[key]) || this.letters[key];
    if (event.ctrlKey || event.metaKey) action = this.withControl(event);
    if (!action) return;
    event.preventDefault();
    // A key that is held moves on and on, but decides nothing twice.
    if (MOVES.has(key) || !event.repeat) action(event);
  }

  listen() {
    room.addEventListener("keydown", (event) => this.key(event));
    part("palette").addEventListener("click", (event) => {
      const button = event.target.closest("[data-label]");
      if (button) this.label(this.gallery.chosen, button.dataset.label);
    });
    const actions = {
      confirm: () => this.confirm(this.gallery.chosen),
      undo: () => this.undo(),
      draw: () => this.startDrawing(),
      "open-help": () => part("help").showModal(),
      "close-conflicts": () => this.closeConflicts(),
    };
    for (const [name, action] of Object.entries(actions)) part(name)?.addEventListener("click", action);
    if (this.editable) this.letDrag();
  }

  closeConflicts() {
    part("conflicts").hidden = true;
    part("conflicts").querySelector("ul").replaceChildren();
  }

  letDrag() {
    new Drag(part("gallery"), part("ghost"), {
      begin: (tile) => {
        if (!this.editable) return 0;
        if (!this.gallery.selected.has(tile.dataset.cell)) this.gallery.go(tile);
        return this.gallery.chosen.length;
      },
      drop: (label) => this.label(this.gallery.chosen, label),
    });
  }
}

new Room().open();
