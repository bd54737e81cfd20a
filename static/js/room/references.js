// Reference cells: of the class that the pointer is on, else of the selected cell's.

import { closest, find, findAll } from "../common/elements.js";
import { gettext } from "../common/language.js";
import { classes, nameOf } from "./classes.js";

const REST = 150;
/** Cells that fill the width of the panel: IN_A_ROW of services/cases/references.py. */
const IN_A_ROW = 6;

export class References {
  /** The class of the selected cell. */
  label = "";

  /** The class below the pointer. @type {string | undefined} */
  pointed;

  /** Addresses of what the team has signed, by class; empty where that is nothing. @type {Map<string, string>} */
  signed = new Map();

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /** @param {HTMLElement} element the stage */
  constructor(element) {
    this.element = find(element, "[data-references]");
    this.strips = findAll(this.element, "[data-reference]");
    this.figure = find(this.element, "[data-signed-references]");
    this.image = find(this.figure, "[data-signed-cells]", HTMLImageElement);
    this.image.addEventListener("load", () => this.fit());
    for (const place of findAll(document, "[data-palette], [data-gallery]")) {
      place.addEventListener("pointerover", (event) => this.turn(closest(event, "[data-label], [data-list] header")));
      place.addEventListener("pointerleave", () => this.turn(null));
    }
  }

  /** @param {string} label of the selected cell */
  show(label) {
    if (label === this.label) return;
    this.label = label;
    this.turn(null);
  }

  /** @param {HTMLElement | null} place of a class, below the pointer */
  turn(place) {
    const group = place?.closest("[data-group]");
    this.pointed = place?.dataset.label ?? (group instanceof HTMLElement ? group.dataset.group : undefined);
    this.draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(this.pointed ?? this.label), REST);
  }

  /** Show the class that is pointed at, or the selected cell's where that one has no reference cells. */
  draw() {
    const { pointed = "" } = this;
    const known = this.signed.get(pointed) || this.strips.some((strip) => strip.dataset.reference === pointed);
    const wanted = known ? pointed : this.label;
    for (const strip of this.strips) strip.hidden = strip.dataset.reference !== wanted;
    const address = this.signed.get(wanted) ?? "";
    this.figure.hidden = !address;
    if (address) this.drawSigned(wanted, address);
    this.element.hidden = this.figure.hidden && this.strips.every((strip) => strip.hidden);
  }

  /**
   * @param {string} label
   * @param {string} address
   */
  drawSigned(label, address) {
    if (this.image.src !== address) this.image.src = address;
    this.image.alt = gettext("Cells signed in your team: %(name)s", { name: nameOf(label) });
    find(this.figure, "[data-signed-class]").textContent = nameOf(label);
  }

  /** Show the cells, which are squares in a row, as large as those of a full one. */
  fit() {
    const cells = this.image.naturalWidth / this.image.naturalHeight;
    this.image.style.width = `${(100 * cells) / IN_A_ROW}%`;
  }

  /**
   * Ask once for the cells that the team has signed as a class.
   * @param {string} label
   */
  async ask(label) {
    if (this.signed.has(label) || !classes.some((one) => one.label === label)) return;
    this.signed.set(label, "");
    const picture = await this.fetchSigned(label);
    if (picture === null) this.signed.delete(label);
    else if (picture.size) this.signed.set(label, URL.createObjectURL(picture));
    this.draw();
  }

  /**
   * @param {string} label
   * @returns {Promise<Blob | null>} empty where there are none, null where the server did not say
   */
  async fetchSigned(label) {
    const address = (this.figure.dataset.address ?? "").replace("LABEL", label);
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      return answer.ok ? await answer.blob() : null;
    } catch {
      return null;
    }
  }
}
