// Moves the probability from which a white cell is called a blast, and recounts at once.

import { find, findAll, findOptional } from "../common/elements.js";
import { gettext } from "../common/language.js";
import { formatShare } from "../common/shares.js";
import { cells } from "./cells.js";
import { refresh } from "./gallery.js";
import { showShares } from "./shares.js";

/** @import { Cell } from "./cells.js" */

const QUIET = 700;

const tools = findOptional(document, "[data-threshold]");
/** @type {Map<string | undefined, SVGGElement>} */
const groups = new Map(findAll(document, "[data-group]", SVGGElement).map((group) => [group.dataset.group, group]));

/** The slider, in per cent; at its first place it stands for the model's own threshold, exactly. */
class Threshold {
  /** @type {number | undefined} */
  frame;

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.part = (/** @type {string} */ name) => find(element, `[data-${name}]`);
    this.slider = find(element, "input", HTMLInputElement);
    this.own = Number(element.dataset.threshold);
    this.white = Number(element.dataset.white);
    this.byClassifier = element.dataset.namedBy === "classifier";
    this.ownPlace = this.slider.value;
    this.slider.addEventListener("input", () => this.soon());
    this.part("reset").addEventListener("click", () => {
      this.slider.value = this.ownPlace;
      this.soon();
    });
    element.hidden = false;
    this.placeMark();
    this.showState();
  }

  get moved() {
    return this.slider.value !== this.ownPlace;
  }

  get value() {
    return this.moved ? this.slider.valueAsNumber / 100 : this.own;
  }

  soon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.apply();
    });
  }

  apply() {
    for (const cell of cells) {
      const label = this.labelOf(cell);
      if (label !== cell.label) relabel(cell, label);
    }
    recount();
    refresh();
    this.showState();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.announce(), QUIET);
  }

  /** @param {Cell} cell */
  labelOf(cell) {
    if (!this.moved || cell.own === "smudge") return cell.own;
    // The classifier's probability says nothing of whether there is a white cell at all.
    if (this.byClassifier && cell.own === "candidate") return "candidate";
    if (cell.probability >= this.value) return "blast";
    return this.byClassifier || cell.white >= this.white ? "wbc" : "candidate";
  }

  placeMark() {
    const [min, max, own] = [this.slider.min, this.slider.max, this.ownPlace].map(Number);
    this.part("mark").style.left = `${100 * (own - min) / (max - min)}%`;
  }

  showState() {
    const at = formatShare(this.value);
    const state = this.part("state");
    this.part("at").textContent = at;
    this.slider.setAttribute("aria-valuetext", at);
    state.classList.toggle("moved", this.moved);
    // They are of the saved result.
    const opinions = findOptional(document, "[data-opinions]");
    if (opinions) opinions.hidden = this.moved;
    state.textContent = this.moved
      ? gettext("Preview at %(at)s. Saved result uses %(own)s", { at, own: state.dataset.own ?? "" })
      : gettext("Default threshold (used in the saved result)");
  }

  /** For those who hear the page: once the slider rests. */
  announce() {
    const shown = countedCells();
    const blasts = shown.filter((cell) => cell.label === "blast").length;
    this.part("announced").textContent = gettext("At %(at)s: blasts %(blasts)s of %(whole)s white cells.", {
      at: formatShare(this.value), blasts, whole: shown.length,
    });
  }
}

/**
 * @param {Cell} cell
 * @param {string} label
 */
function relabel(cell, label) {
  const group = groups.get(label);
  if (!group) return;
  const { name } = group.dataset;
  cell.label = label;
  cell.box.dataset.label = label;
  group.append(cell.box);
  if (!name) return;
  const title = find(cell.box, "title", SVGTitleElement);
  title.textContent = title.textContent.replace(/^[^:]*/, name);
  if (!cell.item) return;
  const button = find(cell.item, "button");
  button.classList.toggle("gallery-blast", label === "blast");
  find(button, "[data-word]").textContent = name;
}

/** The white cells that count: smudges and candidates do not. */
function countedCells() {
  return cells.filter((cell) => cell.label === "blast" || cell.label === "wbc");
}

function recount() {
  const shown = countedCells();
  const blasts = shown.filter((cell) => cell.label === "blast").length;
  const counts = { blast: blasts, wbc: shown.length - blasts };
  for (const [label, count] of Object.entries(counts)) {
    find(document, `[data-count="${label}"]`).textContent = String(count);
  }
  for (const place of findAll(document, "[data-white-cells]")) {
    place.textContent = String(shown.length);
  }
  find(document, "[data-no-white-cell]").hidden = shown.length > 0;
  showResult(stateOf(shown, showShares(shown)));
}

/**
 * The worst of the cells, as `field_state` of services/analyses/findings.py says it.
 * @param {Cell[]} shown
 * @param {number} uncertain
 */
function stateOf(shown, uncertain) {
  if (shown.some((cell) => cell.label === "blast")) return "blasts";
  if (uncertain) return "uncertain_cells";
  return shown.length ? "no_blasts" : "no_white_cells";
}

/** @param {string} result */
function showResult(result) {
  for (const part of findAll(document, "[data-result]")) {
    part.hidden = part.dataset.result !== result;
  }
}

if (tools) new Threshold(tools);
