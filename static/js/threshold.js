// Moves the probability from which a white cell is called a blast, and recounts at once.

import { cells } from "./cells.js";
import { refresh } from "./gallery.js";
import { shareWords, showShares } from "./shares.js";

const QUIET = 700;

const tools = document.querySelector("[data-threshold]");
const groups = new Map(
  [...document.querySelectorAll("[data-group]")].map((group) => [group.dataset.group, group]),
);

/** The slider, in per cent; at its first place it stands for the model's own threshold, exactly. */
class Threshold {
  constructor(element) {
    this.part = (name) => element.querySelector(`[data-${name}]`);
    this.slider = element.querySelector("input");
    this.own = Number(element.dataset.threshold);
    this.white = Number(element.dataset.white);
    this.ownPlace = this.slider.value;
    this.slider.addEventListener("input", () => this.soon());
    this.part("reset").addEventListener("click", () => {
      this.slider.value = this.ownPlace;
      this.soon();
    });
    element.hidden = false;
    this.placeMark();
    this.tell();
  }

  get moved() {
    return this.slider.value !== this.ownPlace;
  }

  get value() {
    return this.moved ? this.slider.value / 100 : this.own;
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
    this.tell();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.announce(), QUIET);
  }

  labelOf(cell) {
    if (!this.moved) return cell.own;
    if (cell.blast >= this.value) return "blast";
    return cell.white >= this.white ? "wbc" : "doubtful";
  }

  placeMark() {
    const { min, max } = this.slider;
    this.part("mark").style.left = `${100 * (this.ownPlace - min) / (max - min)}%`;
  }

  tell() {
    const at = shareWords(this.value);
    const state = this.part("state");
    this.part("at").textContent = at;
    this.slider.setAttribute("aria-valuetext", at);
    state.classList.toggle("moved", this.moved);
    state.textContent = this.moved
      ? `Preview at ${at}. Saved result uses ${state.dataset.own}`
      : "Default threshold (used in the saved result)";
  }

  /** For those who hear the page: once the slider rests. */
  announce() {
    const shown = cells.filter((cell) => cell.label !== "doubtful");
    const blasts = shown.filter((cell) => cell.label === "blast").length;
    this.part("announced").textContent =
      `At ${shareWords(this.value)}: blasts ${blasts} of ${shown.length} white cells.`;
  }
}

function relabel(cell, label) {
  const group = groups.get(label);
  const { name } = group.dataset;
  cell.label = label;
  cell.box.dataset.label = label;
  group.append(cell.box);
  if (!name) return;
  const title = cell.box.querySelector("title");
  title.textContent = title.textContent.replace(/^[^:]*/, name);
  if (!cell.item) return;
  const button = cell.item.querySelector("button");
  button.classList.toggle("gallery-blast", label === "blast");
  button.querySelector("[data-word]").textContent = name;
}

function recount() {
  const shown = cells.filter((cell) => cell.label !== "doubtful");
  const blasts = shown.filter((cell) => cell.label === "blast").length;
  const counts = { blast: blasts, wbc: shown.length - blasts };
  for (const [label, count] of Object.entries(counts)) {
    document.querySelector(`[data-count="${label}"]`).textContent = count;
  }
  for (const place of document.querySelectorAll("[data-white-cells]")) {
    place.textContent = shown.length;
  }
  document.querySelector("[data-no-white-cell]").hidden = shown.length > 0;
  showShares(shown);
  showResult(blasts ? "blasts" : shown.length ? "no_blasts" : "no_white_cells");
}

function showResult(result) {
  for (const part of document.querySelectorAll("[data-result]")) {
    part.hidden = part.dataset.result !== result;
  }
}

if (tools) new Threshold(tools);
