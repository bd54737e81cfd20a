// The cell that has the focus: in its field with the other boxes, its opinions and history.

import { find } from "../common/elements.js";
import { bindTools, View } from "../common/view.js";
import { counts, formatProbability, groupOf } from "./cells.js";
import { nameOf } from "./classes.js";

/** @import { Rectangle } from "../common/view.js" */
/** @import { Cell, Field } from "./cells.js" */

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
 * @typedef {object} PanelActions
 * @property {(id: string) => void} picked is given the cell whose box was clicked
 * @property {(cell: Cell) => Promise<Review[] | null>} history
 */

const REST = 120;
const KEPT = 8;
const SVG = "http://www.w3.org/2000/svg";
/** @type {Record<string, string>} */
const CLASSIFIER_WORDS = { all_blast: "ALL blast", normal: "Normal", uncertain: "Uncertain" };

const when = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });

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

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /**
   * @param {HTMLElement} element
   * @param {PanelActions} actions
   */
  constructor(element, { picked, history }) {
    this.element = element;
    this.history = history;
    this.picture = find(element, "[data-picture]", SVGSVGElement);
    this.group = find(element, "[data-boxes]", SVGGElement);
    this.view = new View(this.picture);
    bindTools(this.view, this.part("tools"));
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
    [this.cell, this.wanted, this.cells] = [cell, field, cells];
    this.describe(cell);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), REST);
  }

  /** @param {Cell} cell */
  describe(cell) {
    this.part("title").textContent = cell.name;
    this.part("detector").textContent = formatDetector(cell);
    this.part("classifier").textContent = formatClassifier(cell);
    this.part("differ").hidden = !cell.disagreed;
    this.part("candidate").hidden = counts(cell);
    this.part("label").textContent = counts(cell) ? nameOf(cell.label) : "None yet";
    this.part("by").textContent = this.reviewed(cell);
  }

  /** @param {Cell} cell */
  reviewed(cell) {
    if (!cell.seen) return "proposed by the models, not reviewed";
    if (!cell.at) return "you, waiting to be saved";
    return `${cell.mine ? "you" : cell.by}, ${when.format(new Date(cell.at))} UTC`;
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
    this.showHistory(cell);
  }

  /** @param {Field} field */
  enter(field) {
    this.field = field;
    this.view.size(field.width, field.height);
    this.part("where").textContent = field.name;
    const doubtful = this.part("doubtful");
    doubtful.textContent = field.doubtful ?? "";
    if (doubtful.parentElement) doubtful.parentElement.hidden = !field.doubtful;
    this.drawBoxes(field);
    this.load(field);
  }

  /** @param {Field} field */
  async load(field) {
    const image = find(this.element, "[data-image]", SVGImageElement);
    image.removeAttribute("href");
    this.say("Loading the field…");
    try {
      await this.kept(field.image);
    } catch {
      this.images.delete(field.image);
      if (field !== this.field) return;
      this.field = null;
      this.say("The field could not be loaded. Select the cell again to retry.");
      return;
    }
    if (field !== this.field) return;
    image.setAttribute("href", field.image);
    image.setAttribute("width", String(field.width));
    image.setAttribute("height", String(field.height));
    this.say("");
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
    if (cell === this.cell) {
      this.describe(cell);
      this.showHistory(cell);
    }
  }

  /** @param {Cell} cell */
  choose(cell) {
    for (const [id, box] of this.boxes) box.classList.toggle("chosen", id === cell.id);
    const chosen = this.boxes.get(cell.id);
    if (chosen) this.group.append(chosen);
  }

  /** @param {Cell} cell */
  async showHistory(cell) {
    const list = this.part("history");
    const before = cell.proposed ? [line("The models", `proposed ${nameOf(cell.proposed)}`)] : [];
    if (!cell.at) {
      list.replaceChildren(...before);
      return;
    }
    const reviews = await this.history(cell);
    if (cell !== this.cell || !reviews) return;
    list.replaceChildren(...before, ...reviews.map((one) => line(one.by, formatReview(one), one.at)));
  }
}

/** @param {Cell} cell */
function formatDetector({ detector, proposed }) {
  return detector === null ? nameOf(proposed) || "–" : `${formatProbability(detector)} blast`;
}

/** @param {Cell} cell */
function formatClassifier({ classifier, classifier_label: label }) {
  return classifier === null ? "–" : `${CLASSIFIER_WORDS[label ?? ""]}, ${formatProbability(classifier)} ALL blast`;
}

/** @param {Review} review */
function formatReview({ from, to, undone, undoes }) {
  const change = from === to ? `confirmed ${nameOf(to)}` : `${from ? nameOf(from) : "drawn"} → ${nameOf(to)}`;
  if (undoes) return to ? `undid: ${nameOf(from)} → ${nameOf(to)}` : "removed the drawn cell";
  return undone ? `${change} (undone)` : change;
}

/**
 * @param {string} who
 * @param {string} what
 * @param {string} [at]
 */
function line(who, what, at) {
  const item = document.createElement("li");
  const name = document.createElement("strong");
  name.textContent = who;
  item.append(name, ` ${what}`);
  if (at) {
    const time = document.createElement("time");
    time.dateTime = at;
    time.textContent = `${when.format(new Date(at))} UTC`;
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
