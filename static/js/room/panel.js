// The cell that has the focus: in its field with the other boxes, its opinions and history.

import { find } from "../common/elements.js";
import { formatTime, gettext } from "../common/language.js";
import { bindTools, View } from "../common/view.js";
import { Adjust } from "./adjust.js";
import { counts, formatProbability, groupOf, shownAs } from "./cells.js";
import { nameOf } from "./classes.js";
import { Form } from "./form.js";
import { References } from "./references.js";
import { scaleBar, showBar } from "./scale.js";
import { Stage } from "./stage.js";

/** @import { Rectangle } from "../common/view.js" */
/** @import { Cell, Field } from "./cells.js" */
/** @import { Attribute } from "./form.js" */

/**
 * A row of a cell's history (pages/cases/reading_room.py).
 * @typedef {object} Review
 * @property {number} id
 * @property {string} key
 * @property {string} cell
 * @property {string} by
 * @property {string} at
 * @property {string | null} from
 * @property {string | null} to
 * @property {number | null} undoes id of the row that it takes back
 * @property {boolean} undone
 */

/**
 * All that is said of a cell beside its present class.
 * @typedef {object} Told
 * @property {Review[]} reviews
 * @property {Attribute[]} form
 * @property {{by: string, at: string, heading: string, from: string | null, to: string}[]} corrections
 * @property {{by: string, at: string, text: string}[]} comments
 */

/**
 * @typedef {object} PanelActions
 * @property {(id: string) => void} picked is given the cell whose box was clicked
 * @property {(cell: Cell) => Promise<Told | null>} history
 * @property {(cell: Cell, attribute: string, value: string) => void} correct
 * @property {() => boolean} editable
 */

const REST = 120;
const KEPT = 8;
const SVG = "http://www.w3.org/2000/svg";
/** @type {Record<string, string>} */
const CLASSIFIER_WORDS = { all_blast: gettext("ALL blast"), normal: gettext("Normal"), uncertain: gettext(
  "Uncertain",
) };

export class Panel {
  /** The cell that is shown. @type {Cell | undefined} */
  cell;

  /** The field that is shown. @type {Field | null} */
  field = null;

  /** The field of the cell, which is shown once the focus rests. @type {Field | null} */
  wanted = null;

  /** All cells of the case. @type {Map<string, Cell>} */
  cells = new Map();

  /** The latest pictures of fields, by address. @type {Map<string, HTMLImageElement>} */
  images = new Map();

  /** The boxes in the picture, by the id of their cell. @type {Map<string, SVGElement>} */
  boxes = new Map();

  /** The field whose picture is there. @type {Field | null} */
  loaded = null;

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  historyTimer;

  /**
   * @param {HTMLElement} element
   * @param {PanelActions} actions
   */
  constructor(element, { picked, history, correct, editable }) {
    this.element = element;
    this.history = history;
    this.editable = editable;
    this.stage = new Stage(element);
    this.adjust = new Adjust(element);
    this.references = new References(element);
    this.form = new Form(element, (attribute, value) => {
      if (this.cell) correct(this.cell, attribute, value);
    });
    this.picture = find(element, "[data-picture]", SVGSVGElement);
    this.group = find(element, "[data-boxes]", SVGGElement);
    this.view = new View(this.picture);
    bindTools(this.view, this.part("tools"));
    this.view.shownAnew = () => this.measure();
    this.picture.addEventListener("click", (event) => {
      const id = event.target instanceof SVGElement && event.target.dataset.box;
      if (id && this.view.clicked && !this.view.still) picked(id);
    });
  }

  /** @param {string} name */
  part(name) {
    return find(this.element, `[data-${name}]`);
  }

  /**
   * Show a cell at once in words, and in its field once the focus rests.
   * @param {Cell} cell
   * @param {Field} field
   * @param {Map<string, Cell>} cells
   */
  show(cell, field, cells) {
    if (cell !== this.cell) this.form.clear();
    [this.cell, this.wanted, this.cells] = [cell, field, cells];
    this.stage.begin(cell, field);
    this.describe(cell);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), REST);
  }

  /** @param {Cell} cell */
  describe(cell) {
    this.part("title").textContent = cell.name;
    this.references.show(shownAs(cell));
    this.part("detector").textContent = formatDetector(cell);
    this.part("kind").textContent = formatKind(cell);
    this.part("classifier").textContent = formatClassifier(cell);
    this.part("differ").hidden = !cell.disagreed;
    this.part("cut").textContent = formatCut(cell);
    this.part("cut").hidden = !formatCut(cell);
    this.part("candidate").hidden = counts(cell);
    this.part("label").textContent = counts(cell) ? `${nameOf(shownAs(cell))}${cell.seen ? "" : "?"}` : gettext(
      "None yet",
    );
    this.part("by").textContent = this.reviewed(cell);
  }

  /** @param {Cell} cell */
  reviewed(cell) {
    if (!cell.seen) return gettext("proposed, not reviewed");
    if (!cell.at) return gettext("you, waiting to be saved");
    return `${cell.mine ? gettext("you") : cell.by}, ${formatTime(cell.at)}`;
  }

  /** Show the cell in its field now, without waiting for the focus to rest. */
  settle() {
    this.look();
  }

  look() {
    clearTimeout(this.timer);
    const { cell, wanted } = this;
    if (!cell || !wanted) return;
    if (this.field !== wanted) this.enter(wanted);
    this.view.around(edges(cell.box));
    this.choose(cell);
    if (this.loaded === wanted) this.stage.enlarge(cell, wanted);
    this.showHistory(cell);
  }

  /** Show how long some µm are in the part of the field that is shown. */
  measure() {
    const micrometres = this.field?.micrometres ?? null;
    // Asking for the size of the picture has the browser lay out the page.
    if (!micrometres) {
      showBar(this.part("field-scale"), null);
      return;
    }
    const { width, height } = this.picture.getBoundingClientRect();
    const { shown } = this.view;
    // The picture lies in the middle where it has other proportions than its place.
    const across = height ? Math.max(shown.width, shown.height * width / height) : shown.width;
    showBar(this.part("field-scale"), scaleBar(micrometres, across));
  }

  /** @param {Field} field */
  enter(field) {
    this.field = field;
    this.view.size(field.width, field.height);
    this.part("where").textContent = field.name;
    const doubtful = this.part("doubtful");
    doubtful.textContent = field.doubtful ?? "";
    if (doubtful.parentElement) doubtful.parentElement.hidden = !field.doubtful;
    this.tell(field);
    this.drawBoxes(field);
    this.load(field);
  }

  /**
   * Say what the models make of a field.
   * @param {Field} field
   */
  tell({ state }) {
    const badge = this.part("badge");
    const use = find(badge, "use", SVGUseElement);
    badge.className = `result-badge tone-${state.tone}`;
    use.setAttribute("href", `${use.getAttribute("href")?.split("#")[0]}#${state.icon}`);
    this.part("word").textContent = state.word;
    this.part("line").textContent = state.line;
    this.part("field-state").hidden = false;
  }

  /** @param {Field} field */
  async load(field) {
    const image = find(this.element, "[data-image]", SVGImageElement);
    image.removeAttribute("href");
    this.say(gettext("Loading the field…"));
    this.loaded = null;
    try {
      await this.kept(field.image);
    } catch {
      this.images.delete(field.image);
      if (field !== this.field) return;
      this.field = null;
      this.say(gettext("The field could not be loaded. Select the cell again to retry."));
      return;
    }
    if (field !== this.field) return;
    image.setAttribute("href", field.image);
    image.setAttribute("width", String(field.width));
    image.setAttribute("height", String(field.height));
    this.say("");
    this.arrived(field);
  }

  /**
   * The picture of the field is there: enlarge the cell, and adjust what is seen.
   * @param {Field} field
   */
  arrived(field) {
    this.loaded = field;
    const { cell } = this;
    if (cell?.field === field.id) this.stage.enlarge(cell, field);
    const here = [...this.cells.values()].filter((one) => one.field === field.id);
    const sides = [field.width, field.height, field.width, field.height];
    const boxes = here.map(({ box }) => box.map((edge, index) => edge / sides[index]));
    const image = this.images.get(field.image);
    if (image) this.adjust.enter(image, boxes);
  }

  /**
   * Load the picture of a field, of which the latest few stay in memory.
   * @param {string} url
   */
  kept(url) {
    const image = this.images.get(url) ?? new Image();
    this.images.delete(url);
    this.images.set(url, image);
    const [oldest] = this.images.keys();
    if (this.images.size > KEPT) this.images.delete(oldest);
    if (!image.src) image.src = url;
    return image.decode();
  }

  /** @param {string} sentence */
  say(sentence) {
    this.part("state").textContent = sentence;
    this.part("state").hidden = !sentence;
  }

  /** @param {Field} field */
  drawBoxes(field) {
    this.boxes.clear();
    const here = [...this.cells.values()].filter((cell) => cell.field === field.id);
    this.group.replaceChildren(...here.map((cell) => this.drawBox(cell)));
  }

  /** @param {Cell} cell */
  drawBox(cell) {
    const box = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries(edges(cell.box))) box.setAttribute(name, String(value));
    box.dataset.box = cell.id;
    box.append(document.createElementNS(SVG, "title"));
    this.boxes.set(cell.id, box);
    paint(box, cell);
    return box;
  }

  /**
   * Bring box and words in line with a cell that changed, is new, or is gone.
   * @param {Cell} cell
   */
  refresh(cell, gone = false) {
    if (cell.field === this.field?.id) {
      const box = this.boxes.get(cell.id);
      if (gone) box?.remove();
      else if (box) paint(box, cell);
      else this.group.append(this.drawBox(cell));
    }
    if (cell !== this.cell) return;
    this.describe(cell);
    clearTimeout(this.historyTimer);
    this.historyTimer = setTimeout(() => this.cell && this.showHistory(this.cell), REST);
  }

  /** @param {Cell} cell */
  choose(cell) {
    for (const [id, box] of this.boxes) box.classList.toggle("chosen", id === cell.id);
    const chosen = this.boxes.get(cell.id);
    if (chosen) this.group.append(chosen);
  }

  /** @param {Cell} cell */
  async showHistory(cell) {
    this.part("history").replaceChildren(...firstLine(cell));
    // The server may not know a drawn cell yet.
    if (cell.number === null && !cell.at) return;
    const told = await this.history(cell);
    if (cell === this.cell && told) this.showNotes(cell, told);
  }

  /**
   * @param {Cell} cell
   * @param {Told} told
   */
  showNotes(cell, { reviews, form, corrections, comments }) {
    this.form.show(form, { blast: shownAs(cell) === "blast", editable: this.editable() });
    const lines = [
      ...reviews.map((one) => line(one.by, formatReview(one), one.at)),
      ...corrections.map((one) => line(one.by, `${one.heading}: ${one.from ?? gettext(
        "not read",
      )} → ${one.to}`, one.at)),
      ...comments.map((one) => line(one.by, one.text, one.at, "comment")),
    ].sort((one, other) => (one.dataset.at ?? "").localeCompare(other.dataset.at ?? ""));
    this.part("history").replaceChildren(...firstLine(cell), ...lines);
  }
}

/**
 * The first line of a cell's history; none of a drawn cell.
 * @param {Cell} cell
 */
function firstLine({ proposed: label }) {
  return label ? [line(gettext("The models"), gettext("proposed %(label)s", { label: nameOf(label) }))] : [];
}

/** @param {Cell} cell */
function formatKind({ kind, kind_probability: probability }) {
  return kind ? `${kind} ${formatProbability(probability)}` : "–";
}

/** @param {Cell} cell */
function formatCut({ at_edge: atEdge, left_out: leftOut }) {
  if (leftOut === "single_image") return gettext("Uploaded as a single image: not counted in the smear.");
  if (!atEdge) return "";
  return leftOut ? gettext("Cut by the edge of the picture: not counted.") : gettext("Cut by the edge of the picture.");
}

/** @param {Cell} cell */
function formatDetector({ detector, proposed }) {
  return detector === null ? nameOf(proposed) || "–" : gettext(
    "%(share)s blast", { share: formatProbability(detector) },
  );
}

/** @param {Cell} cell */
function formatClassifier({ classifier, classifier_label: label }) {
  return classifier === null ? "–" : `${CLASSIFIER_WORDS[label ?? ""]}, ${gettext(
    "%(share)s ALL blast", { share: formatProbability(classifier) },
  )}`;
}

/** @param {Review} review */
function formatReview({ from, to, undone, undoes }) {
  const change = from === to
    ? gettext("confirmed %(label)s", { label: nameOf(to) })
    : `${from ? nameOf(from) : gettext("drawn")} → ${nameOf(to)}`;
  if (undoes) {
    return to
      ? gettext("undid: %(before)s → %(after)s", { before: nameOf(from), after: nameOf(to) })
      : gettext("removed the drawn cell");
  }
  return undone ? gettext("%(change)s (undone)", { change }) : change;
}

/**
 * @param {string} who
 * @param {string} what
 * @param {string} [at]
 * @param {string} [kind]
 */
function line(who, what, at, kind = "review") {
  const item = document.createElement("li");
  item.className = `history-${kind}`;
  item.dataset.at = at ?? "";
  const name = document.createElement("strong");
  name.textContent = who;
  item.append(name, ` ${what}`);
  if (at) {
    const time = document.createElement("time");
    time.dateTime = at;
    time.textContent = formatTime(at);
    item.append(time);
  }
  return item;
}

/**
 * @param {SVGElement} box
 * @param {Cell} cell
 */
function paint(box, cell) {
  const marks = [cell.seen && "seen", box.classList.contains("chosen") && "chosen"];
  box.setAttribute("class", [`box-${groupOf(cell)}`, ...marks].filter(Boolean).join(" "));
  find(box, "title", SVGTitleElement).textContent = `${cell.name}: ${nameOf(cell.label)}`;
}

/**
 * @param {number[]} box
 * @returns {Rectangle}
 */
function edges([x1, y1, x2, y2]) {
  return { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
}
