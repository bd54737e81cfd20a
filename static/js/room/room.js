// The reading room: every white cell of a case, corrected by keyboard, pointer or touch.

import { closest, find, findOptional } from "../common/elements.js";
import { newKey } from "../common/keys.js";
import { gettext, ngettext } from "../common/language.js";
import { alone, CANDIDATE, groupOf, nameOfCell, shownAs, stateOf } from "./cells.js";
import { Ask } from "./ask.js";
import { classes, isKnown, nameOf } from "./classes.js";
import { Conflicts } from "./conflicts.js";
import { showCounts } from "./counts.js";
import { Comment } from "./comment.js";
import { Drag } from "./drag.js";
import { Draw } from "./draw.js";
import { Gallery } from "./gallery.js";
import { keyOf } from "./keys.js";
import { differs, formatNews, replace } from "./news.js";
import { Panel } from "./panel.js";
import { Saving } from "./saving.js";
import { letChooseSize } from "./sizes.js";
import { TEACH, Teaching } from "./teaching.js";

/** @import { Cell, Field, Picture, ReportedCell } from "./cells.js" */
/** @import { Act } from "./outbox.js" */
/** @import { CaseReport, Done } from "./saving.js" */

const NOT_LOADED = gettext("The cells could not be loaded. Check the connection, then reload the page.");
const NEW_CLASS = gettext("A cell has a class that was added since this page was loaded. Reload the page.");
const CHOOSE = gettext("The detector is unsure about this cell: give it a class, or mark it as not a cell.");
const NOT_A_FIELD = gettext("Cells can be drawn in fields only.");
const ONE_BY_ONE = gettext("Blasts and cells on which the models disagree are confirmed one by one.");
const READ_ONLY = gettext("Nothing can be changed here.");
const MOVES = new Set(["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End"]);
/** Of a cell of which this page knows no review. */
const NO_REVIEW = { by: null, mine: false, at: null, review: null, key: null, before: null };

/** @typedef {Record<string, (event: KeyboardEvent) => void>} Actions By key. */

const room = find(document, "[data-room]");
const help = find(room, "[data-help]", HTMLDialogElement);

/** Parts of the page by name: searching it anew would pass by all tiles. @type {Map<string, HTMLElement>} */
const parts = new Map();

/** @param {string} name */
function part(name) {
  const known = parts.get(name) ?? find(room, `[data-${name}]`);
  parts.set(name, known);
  return known;
}

export class Room {
  /** By id, in the order in which to look at them. @type {Map<string, Cell>} */
  cells = new Map();

  /** The images of the case, by id. @type {Map<string, Field>} */
  fields = new Map();

  /** What was done here and can be undone, the last at the end. @type {Done[][]} */
  undos = [];

  editable = room.dataset.editable === "yes";

  /** Where it is written how many cells are selected; a reader who may change nothing has neither. */
  chosenPlaces = { words: findOptional(room, "[data-selected]"), button: findOptional(room, "[data-confirm] span") };

  /** How many cells are reviewed, as last shown. @type {{reviewed: number, total: number} | undefined} */
  counts;

  constructor() {
    this.gallery = new Gallery(part("gallery"), {
      moved: (cell) => this.look(cell),
      chose: (count) => this.chose(count),
      confirm: (cells) => this.confirm(cells),
    });
    this.ask = new Ask(find(room, "[data-ask]", HTMLDialogElement));
    this.panel = new Panel(part("panel"), {
      picked: (id) => this.gallery.go(this.gallery.tiles.get(id)),
      history: (cell) => this.saving.history(cell),
      correct: (cell, attribute, value) => this.correctForm(cell, attribute, value),
      editable: () => this.editable,
    });
    const dialog = find(room, "[data-comment]", HTMLDialogElement);
    this.comment = new Comment(dialog, (cell, text) => this.keepComment(cell, text));
    this.draw = new Draw(this.panel, {
      sideIn: (field) => this.sideIn(field),
      done: (field, box) => this.drawn(field, box),
      changed: (on) => this.drawing(on),
    });
    this.saving = new Saving(room, this);
    this.conflicts = new Conflicts(part("conflicts"), {
      cells: () => this.cells.values(),
      current: () => this.panel.cell,
      go: (cell) => this.gallery.go(this.gallery.tiles.get(cell.id)),
      record: (cell, label) => this.record([cell], () => label),
      changed: (cells) => this.changed(cells),
      announce: (sentence) => this.announce(sentence),
    });
    this.teaching = new Teaching(part("teaching"), this, () => this.teach());
    this.listen();
  }

  async open() {
    const report = await this.saving.fetchCells();
    part("busy").hidden = true;
    if (!report) {
      this.saving.outbox.report("offline");
      // What is sent before the cells are there could not be decided if a colleague was faster.
      part("retry").hidden = true;
      this.fail(NOT_LOADED);
      return;
    }
    this.fields = new Map(report.fields.map((field) => [field.id, field]));
    for (const cell of report.cells) this.take(cell);
    this.editable &&= !report.locked && !report.closed;
    this.saving.begin(report.count);
    this.gallery.fill(this.cells, [...this.fields.keys()]);
    this.nameFields([...this.fields.values()]);
    this.counts = showCounts(this.cells);
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

  /** A cell has a class that this page does not know. */
  lacksClass() {
    this.fail(NEW_CLASS);
  }

  /**
   * Make a cell of the server's one of this page.
   * @param {ReportedCell} report
   * @returns {Cell}
   */
  take(report) {
    const field = this.fieldOf(report);
    const order = report.number === null ? -1 : this.cells.size;
    const cell = { ...report, name: nameOfCell(report.id, field), order, picture: this.pictureOf(report, field) };
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
    this.leaveNews(cell);
    this.panel.show(cell, this.fieldOf(cell), this.cells);
  }

  /**
   * A cell that a colleague changed was looked at once the person goes on.
   * @param {Cell} next
   */
  leaveNews(next) {
    const { cell } = this.panel;
    if (!cell?.news || cell === next || !this.cells.has(cell.id)) return;
    cell.news = null;
    this.gallery.place(cell);
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
    this.tellWhetherAnyIsShown();
  }

  /** @param {string} sentence */
  announce(sentence) {
    const { reviewed, total } = this.counts ?? showCounts(this.cells);
    part("announced").textContent = `${sentence} ${gettext(
      "%(reviewed)s of %(total)s reviewed.", { reviewed, total },
    )}`;
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
    const taken = cells.filter((cell) => cells.length === 1 || !alone(cell) || !agrees(cell, label));
    if (!taken.length) return this.announce(ONE_BY_ONE);
    this.decide(taken, cells, () => label);
    const what = taken.length === 1 ? taken[0].name : ngettext("%(num)s cell", "%(num)s cells", taken.length);
    return this.announce(`${what}: ${nameOf(label)}.${taken.length < cells.length ? ` ${ONE_BY_ONE}` : ""}`);
  }

  /**
   * Give cells their labels, and go on: to what was left out of the selection, else to the next one.
   * @param {Cell[]} cells
   * @param {Cell[]} selected
   * @param {(cell: Cell) => string} labelOf
   */
  decide(cells, selected, labelOf) {
    const left = selected.filter((cell) => !cells.includes(cell));
    const stay = cells.every((cell) => cell.seen && cell.label === labelOf(cell));
    const next = stay ? undefined : this.gallery.onward(cells);
    this.record(cells, labelOf);
    if (left.length) this.gallery.go(this.gallery.tiles.get(left[0].id));
    else this.gallery.go(stay ? this.follower(cells) : next ?? this.gallery.first);
    if (!this.gallery.first) this.teaching.focus();
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
   * Keep the label that each cell gets.
   * @param {Cell[]} cells
   * @param {(cell: Cell) => string} labelOf
   */
  record(cells, labelOf) {
    /** @type {Act[]} */
    const acts = cells.map((cell) => ({
      kind: "review",
      key: newKey(),
      cell: cell.id,
      label: labelOf(cell),
      before: stateOf(cell),
      ...(cell.label === null ? { box: cell.box } : {}),
      ...(cells.length > 1 ? { bulk: true } : {}),
    }));
    cells.forEach((cell, index) => this.say(cell, acts[index].label ?? null));
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

  /**
   * Confirm what cells are shown as. Of several, blasts and disputed ones are left to be confirmed
   * by themselves, and the person is asked the first time.
   * @param {Cell[]} cells
   */
  async confirm(cells) {
    const named = cells.filter((cell) => groupOf(cell) !== CANDIDATE);
    if (!named.length) return this.announce(CHOOSE);
    if (!this.editable) return this.announce(READ_ONLY);
    const taken = named.length > 1 ? named.filter((cell) => !alone(cell)) : named;
    if (!taken.length) return this.announce(ONE_BY_ONE);
    if (taken.length > 1 && !(await this.ask.about(taken, cells.length - taken.length))) return undefined;
    this.decide(taken, named, shownAs);
    const words = taken.length === 1
      ? gettext("%(name)s confirmed.", { name: taken[0].name })
      : ngettext("%(num)s cell confirmed.", "%(num)s cells confirmed.", taken.length);
    return this.announce(taken.length < named.length ? `${words} ${ONE_BY_ONE}` : words);
  }

  /** Take back what was done last here, or else the person's own latest correction of the case. */
  undo() {
    if (!this.editable) return this.announce(READ_ONLY);
    const acts = this.undos.pop() ?? this.ownLatest();
    if (!acts.length) return this.announce(gettext("You have nothing to undo."));
    const back = acts.map((act) => this.cells.get(act.cell)).filter((cell) => cell !== undefined);
    for (const act of acts) this.putBack(act);
    this.saving.takeBack(acts);
    const there = back.filter((cell) => this.cells.has(cell.id));
    this.changed(there);
    this.gallery.go(there.length ? this.gallery.tiles.get(there[0].id) : this.gallery.first);
    return this.announce(ngettext("Undone.", "%(num)s corrections undone.", acts.length));
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
    const unseen = label === proposed || (proposed !== null && label === "unclassified");
    const before = { ...NO_REVIEW, label, seen: !unseen };
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
      ...{ at_edge: false, left_out: null },
      ...{ probability: null, detector: null, classifier: null, classifier_label: null },
      ...{ kind: null, kind_probability: null, comments: 0 },
      ...{ ...NO_REVIEW, label: null, seen: false },
    });
    this.record([cell], () => "unclassified");
    this.gallery.go(this.gallery.tiles.get(id));
    this.announce(gettext("Cell drawn. Give it a class."));
  }

  // What comes from the server.

  /**
   * The server's cells, again: what colleagues did meanwhile, and what was taken of this page's.
   * @param {CaseReport} report
   */
  merge({ fields, cells, locked, closed }) {
    const { activeElement } = document;
    this.addFields(fields);
    const changed = this.withReports(cells);
    this.removeAllBut(new Set(cells.map(({ id }) => id)));
    this.changed(changed);
    if (locked) this.lock();
    if (closed) this.lock("closed");
    this.conflicts.show();
    const news = changed.filter((cell) => cell.news);
    if (news.length) part("news").textContent = formatNews(news);
    // A tile that moves to another class loses the focus.
    const lost = activeElement instanceof HTMLElement && activeElement !== document.activeElement;
    if (lost) activeElement.focus({ preventScroll: true });
  }

  /**
   * Take over what the server tells otherwise; give the cells that changed.
   * @param {ReportedCell[]} reports
   */
  withReports(reports) {
    const { pending } = this.saving;
    const changed = [];
    for (const report of reports) {
      const cell = this.cells.get(report.id);
      if (pending.has(report.id)) continue;
      if (!isKnown(report.label)) {
        this.lacksClass();
        continue;
      }
      if (!cell) changed.push(Object.assign(this.take(report), { news: report.mine ? null : report.by }));
      else if (differs(cell, report)) changed.push(replace(cell, report));
    }
    return changed;
  }

  /**
   * Remove cells that the server does not know, but those that wait to be saved.
   * @param {Set<string>} known
   */
  removeAllBut(known) {
    const { pending } = this.saving;
    const gone = [...this.cells.values()].filter(({ id }) => !known.has(id) && !pending.has(id));
    for (const cell of gone) this.remove(cell);
  }

  /** @param {Field[]} fields */
  addFields(fields) {
    const added = fields.filter(({ id }) => !this.fields.has(id));
    for (const field of added) this.fields.set(field.id, field);
    this.nameFields(added);
    this.gallery.fields = [...this.fields.keys()];
  }

  /**
   * Colleagues have named cells that were named here, before the server had it: the person decides.
   * @param {Cell[]} cells
   * @param {Set<string>} keys of what was not taken
   */
  clashed(cells, keys) {
    const kept = this.undos.map((acts) => acts.filter(({ key }) => !keys.has(key)));
    this.undos = kept.filter((acts) => acts.length);
    this.changed(cells);
    this.conflicts.show();
  }

  /** @param {"locked" | "closed"} notice that says why */
  lock(notice = "locked") {
    this.editable = false;
    room.classList.add("read-only");
    part(notice).hidden = false;
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
    };
  }

  /**
   * Keys together with Shift.
   * @type {Actions}
   */
  withShift = {
    c: () => this.panel.stage.pin(),
    j: () => this.teach(),
    m: () => this.conflicts.decide(true),
    n: () => this.openComment(),
    t: () => this.conflicts.decide(false),
  };

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
      " ": () => this.toggleFull(),
      Escape: () => this.leave(),
      ...Object.fromEntries(classes.filter(({ key }) => key).map(
        ({ key, label }) => [key, () => this.label(this.gallery.chosen, label)],
      )),
    };
  }

  /**
   * Keys together with Control.
   * @returns {Actions}
   */
  get withControl() {
    const { gallery } = this;
    const { active } = gallery;
    const list = active && gallery.listAround(active);
    return {
      z: () => this.undo(),
      a: () => list && gallery.selectList(list),
      " ": () => active && gallery.toggle(active),
    };
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.altKey || closest(event, "input, textarea, select, dialog")) return;
    const key = keyOf(event);
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
    if (event.shiftKey && this.withShift[key]) return this.withShift[key];
    // A button does what it is for.
    if (key === " " && closest(event, "button, a, summary")) return undefined;
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
      "write": () => this.openComment(),
      "open-help": () => help.showModal(),
    };
    for (const [name, action] of Object.entries(actions)) {
      findOptional(room, `[data-${name}]`)?.addEventListener("click", action);
    }
    letChooseSize(part("tile-size"), part("gallery"));
    part("arranging").addEventListener("change", () => this.arrange());
    if (this.editable) this.letDrag();
  }

  /** Sort and filter the cells as the person has chosen. */
  arrange() {
    const value = (/** @type {string} */ name) => find(room, `[data-${name}]`, HTMLSelectElement).value;
    const wanted = { sort: value("sort"), show: value("show"), field: value("of-field") };
    this.gallery.want({ ...wanted, chosen: this.teaching.choose(wanted) });
    this.tellWhetherAnyIsShown();
  }

  /** Show the cells whose review teaches most, chosen anew. */
  teach() {
    find(room, "[data-show]", HTMLSelectElement).value = TEACH;
    this.teaching.forget();
    this.arrange();
    if (this.gallery.first) this.gallery.go(this.gallery.first);
    else this.teaching.focus();
  }

  tellWhetherAnyIsShown() {
    this.teaching.tell();
    const told = this.cells.size === 0 || this.teaching.chosen !== null;
    part("none-shown").hidden = told || this.gallery.first !== null;
  }

  /**
   * Let the person choose one of the images.
   * @param {Field[]} fields
   */
  nameFields(fields) {
    const choice = find(room, "[data-of-field]", HTMLSelectElement);
    choice.append(...fields.map(({ id, name }) => new Option(name, id)));
  }

  /** @param {number} count of selected cells */
  chose(count) {
    const { words, button } = this.chosenPlaces;
    if (words) words.textContent = count > 1 ? ngettext("%(num)s selected", "%(num)s selected", count) : "";
    if (button) button.textContent = count > 1 ? gettext("Confirm %(number)s", { number: count }) : gettext("Confirm");
  }

  toggleFull(on = !this.panel.stage.full) {
    this.panel.stage.toggleFull(on);
    this.panel.measure();
  }

  /** Leave what is under way: drawing, the full screen, or a selection of several. */
  leave() {
    if (this.draw.on) this.draw.stop();
    else if (this.panel.stage.full) this.toggleFull(false);
    else this.gallery.go(this.gallery.active);
  }

  openComment() {
    if (!this.editable) return this.announce(READ_ONLY);
    const { cell } = this.panel;
    return cell && this.comment.open(cell);
  }

  /**
   * @param {Cell} cell
   * @param {string} text
   * @returns {Promise<string>} why it was not kept, or nothing
   */
  async keepComment(cell, text) {
    const told = await this.saving.note(cell, "comments", { key: newKey(), text });
    if (typeof told === "string") return told;
    cell.comments = told.comments.length;
    this.gallery.place(cell);
    if (cell === this.panel.cell) this.panel.showNotes(cell, told);
    this.announce(gettext("Comment saved."));
    return "";
  }

  /**
   * @param {Cell} cell
   * @param {string} attribute
   * @param {string} value
   */
  async correctForm(cell, attribute, value) {
    const told = await this.saving.note(cell, "attributes", { key: newKey(), attribute, value });
    if (cell !== this.panel.cell) return;
    if (typeof told === "string") this.panel.form.fail(told);
    else this.panel.showNotes(cell, told);
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

/**
 * Whether a label is what the models say.
 * @param {Cell} cell
 * @param {string} label
 */
function agrees(cell, label) {
  return label === cell.proposed || label === cell.label;
}

new Room().open();
