// The cell that has the focus: in its field with the other boxes, what was said of it, and by whom.

import { counts, groupOf, nameOf, percent } from "./room-cells.js";
import { View, listenToTools } from "./view.js";

const REST = 120;
const KEPT = 8;
const SVG = "http://www.w3.org/2000/svg";
const SECOND_WORDS = { all_blast: "ALL blast", normal: "Normal", uncertain: "Uncertain" };

const when = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });

export class Panel {
  /** `picked` is told the cell whose box was clicked; `history(cell)` promises its corrections. */
  constructor(element, { picked, history }) {
    this.element = element;
    this.part = (name) => element.querySelector(`[data-${name}]`);
    this.history = history;
    this.picture = this.part("picture");
    this.view = new View(this.picture);
    this.images = new Map();
    this.boxes = new Map();
    listenToTools(this.view, this.part("tools"));
    this.picture.addEventListener("click", (event) => {
      const id = event.target.dataset?.box;
      if (id && this.view.clicked && !this.view.still) picked(id);
    });
  }

  /** Show a cell at once in words, and in its field once the focus rests. */
  show(cell, field, cells) {
    [this.cell, this.wanted, this.cells] = [cell, field, cells];
    this.describe();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), REST);
  }

  describe() {
    const { cell } = this;
    this.part("title").textContent = cell.name;
    this.part("detector").textContent = cell.blast === null ? (nameOf(cell.proposed) || "–") : `${percent(cell.blast)} blast`;
    this.part("second").textContent = cell.second === null ? "–" : `${SECOND_WORDS[cell.second_label]}, ${percent(cell.second)} ALL blast`;
    this.part("differ").hidden = !cell.disagreed;
    this.part("doubtful").hidden = counts(cell);
    this.part("label").textContent = counts(cell) ? nameOf(cell.label) : "None yet";
    this.part("by").textContent = this.reviewed(cell);
  }

  reviewed(cell) {
    if (!cell.seen) return "proposed by the models, not reviewed";
    if (!cell.at) return "you, waiting to be saved";
    return `${cell.mine ? "you" : cell.by}, ${when.format(new Date(cell.at))} UTC`;
  }

  /** Show the cell in its field now, without waiting for the focus to rest. */
  settle() {
    if (this.wanted) this.look();
  }

  look() {
    clearTimeout(this.timer);
    if (this.field !== this.wanted) this.enter(this.wanted);
    this.view.around(edges(this.cell.box));
    this.choose();
    this.tellHistory();
  }

  enter(field) {
    this.field = field;
    this.view.size(field.width, field.height);
    this.part("where").textContent = field.name;
    this.drawBoxes();
    this.load(field);
  }

  async load(field) {
    const image = this.part("image");
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
    image.setAttribute("width", field.width);
    image.setAttribute("height", field.height);
    this.say("");
  }

  /** The picture of a field, of which the latest few stay in memory. */
  kept(url) {
    const image = this.images.get(url) ?? new Image();
    this.images.delete(url);
    this.images.set(url, image);
    if (this.images.size > KEPT) this.images.delete(this.images.keys().next().value);
    if (!image.src) image.src = url;
    return image.decode();
  }

  say(sentence) {
    this.part("state").textContent = sentence;
    this.part("state").hidden = !sentence;
  }

  drawBoxes() {
    this.boxes.clear();
    const here = [...this.cells.values()].filter((cell) => cell.field === this.field.id);
    this.part("boxes").replaceChildren(...here.map((cell) => this.drawBox(cell)));
  }

  drawBox(cell) {
    const box = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries(edges(cell.box))) box.setAttribute(name, value);
    box.dataset.box = cell.id;
    box.append(document.createElementNS(SVG, "title"));
    this.boxes.set(cell.id, box);
    paint(box, cell);
    return box;
  }

  /** Bring box and words in line with a cell that changed, is new, or is gone. */
  refresh(cell, gone = false) {
    if (cell.field === this.field?.id) {
      const box = this.boxes.get(cell.id);
      if (gone) box?.remove();
      else if (box) paint(box, cell);
      else this.part("boxes").append(this.drawBox(cell));
    }
    if (cell === this.cell) {
      this.describe();
      this.tellHistory();
    }
  }

  choose() {
    for (const [id, box] of this.boxes) box.classList.toggle("chosen", id === this.cell.id);
    const chosen = this.boxes.get(this.cell.id);
    if (chosen) this.part("boxes").append(chosen);
  }

  async tellHistory() {
    const { cell } = this;
    const list = this.part("history");
    const before = cell.proposed ? [line("The models", `proposed ${nameOf(cell.proposed)}`)] : [];
    if (!cell.at) {
      list.replaceChildren(...before);
      return;
    }
    const told = await this.history(cell);
    if (cell !== this.cell || !told) return;
    list.replaceChildren(...before, ...told.map((one) => line(one.by, words(one), one.at)));
  }
}

function words({ from, to, undone, undoes }) {
  const said = from === to ? `confirmed ${nameOf(to)}` : `${from ? nameOf(from) : "drawn"} → ${nameOf(to)}`;
  if (undoes) return to ? `took back: ${nameOf(from)} → ${nameOf(to)}` : "took it back";
  return undone ? `${said} (taken back)` : said;
}

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

function paint(box, cell) {
  const group = groupOf(cell);
  box.setAttribute("class", `box-${group}${cell.seen ? " seen" : ""}${box.classList.contains("chosen") ? " chosen" : ""}`);
  box.firstElementChild.textContent = `${cell.name}: ${nameOf(cell.label)}`;
}

export function edges([x1, y1, x2, y2]) {
  return { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
}
