// A cell's morphology in words, as the classifier reads it and as people correct it.

import { find } from "../common/elements.js";
import { gettext } from "../common/language.js";
import { formatProbability } from "./cells.js";

/**
 * An attribute of a cell's form (pages/cases/reading_room_notes.py).
 * @typedef {object} Attribute
 * @property {string} name
 * @property {string} heading
 * @property {string | null} value what it is taken for now; null where nobody told
 * @property {string | null} words
 * @property {number | null} probability of the classifier's value; null where a person gave it
 * @property {string | null} by name of who gave it last; null where the classifier did
 * @property {[string, string][]} values that it can have, with their words
 */

/** Those that say most of a white cell; the others are below. */
const TELLING = new Set([
  "cell_size", "nuclear_cytoplasmic_ratio", "nucleus_shape", "chromatin_density", "cytoplasm_vacuole", "granule_type",
]);

export class Form {
  /**
   * @param {HTMLElement} element the stage
   * @param {(attribute: string, value: string) => void} correct
   */
  constructor(element, correct) {
    this.words = find(element, "[data-form-words]");
    this.values = find(element, "[data-form-values]");
    this.error = find(element, "[data-form-error]");
    this.caution = find(element, "[data-form-caution]");
    this.values.addEventListener("change", ({ target }) => {
      if (target instanceof HTMLSelectElement && target.value) correct(target.dataset.attribute ?? "", target.value);
    });
  }

  clear() {
    this.words.replaceChildren();
  }

  /**
   * @param {Attribute[]} attributes
   * @param {{blast: boolean, editable: boolean}} cell
   */
  show(attributes, { blast, editable }) {
    const told = attributes.filter(({ name, words }) => words && TELLING.has(name));
    this.words.replaceChildren(...told.map(word));
    this.values.replaceChildren(...attributes.map((one) => row(one, editable)));
    this.error.textContent = "";
    this.caution.hidden = !blast || !told.length;
  }

  /** @param {string} sentence */
  fail(sentence) {
    this.error.textContent = sentence;
  }
}

/** @param {Attribute} attribute */
function confidence({ probability, by }) {
  if (by) return by;
  return probability === null ? "" : formatProbability(probability);
}

/** @param {Attribute} attribute */
function word(attribute) {
  const item = document.createElement("li");
  const sure = document.createElement("span");
  sure.className = "muted";
  sure.textContent = confidence(attribute);
  item.append(`${attribute.words} `, sure);
  return item;
}

/**
 * @param {Attribute} attribute
 * @param {boolean} editable
 */
function row(attribute, editable) {
  const label = document.createElement("label");
  const heading = document.createElement("span");
  heading.textContent = attribute.heading;
  const sure = document.createElement("span");
  sure.className = "muted";
  sure.textContent = confidence(attribute);
  label.append(heading, choice(attribute, editable), sure);
  return label;
}

/**
 * @param {Attribute} attribute
 * @param {boolean} editable
 */
function choice({ name, value, values }, editable) {
  const select = document.createElement("select");
  select.className = "form-select form-select-sm";
  select.dataset.attribute = name;
  select.disabled = !editable;
  if (value === null) select.append(new Option(gettext("Not read"), ""));
  select.append(...values.map(([code, words]) => new Option(words, code, code === value, code === value)));
  return select;
}
