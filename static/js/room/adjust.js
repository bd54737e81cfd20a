// Brightness, contrast, gamma and an even stain of what is looked at: the view alone changes.

import { find, findAll } from "../common/elements.js";

/** @typedef {[number, number, number]} Colour red, green, blue in 0..1 */
/** @typedef {{slope: number, intercept: number}} Line */

/** Where the empty slide and the nuclei of an evenly stained view lie. */
const BACKGROUND = /** @type {Colour} */ ([0.93, 0.92, 0.94]);
const NUCLEUS = /** @type {Colour} */ ([0.36, 0.22, 0.52]);
const [FLATTEST, STEEPEST] = [0.5, 2];
const SAMPLE = 320;

/**
 * The line of each channel that brings background and nuclei of a field to their places.
 * @param {Colour} background
 * @param {Colour} nucleus
 * @returns {Line[]}
 */
export function evened(background, nucleus) {
  return background.map((bright, channel) => {
    const wanted = (BACKGROUND[channel] - NUCLEUS[channel]) / Math.max(bright - nucleus[channel], 0.05);
    const slope = Math.min(Math.max(wanted, FLATTEST), STEEPEST);
    return { slope, intercept: BACKGROUND[channel] - slope * bright };
  });
}

/**
 * The line that contrast and brightness make of another.
 * @param {Line} line
 * @param {{brightness: number, contrast: number}} wanted -50..50, and per cent
 * @returns {Line}
 */
export function adjusted({ slope, intercept }, { brightness, contrast }) {
  const by = contrast / 100;
  return { slope: by * slope, intercept: by * intercept + (1 - by) / 2 + brightness / 100 };
}

/**
 * Colours of the empty slide and of the nuclei: medians of the brightest tenth of the field, and of
 * the darkest fifth of what lies in the boxes.
 * @param {Uint8ClampedArray} pixels RGBA
 * @param {number} width
 * @param {number[][]} boxes x1, y1, x2, y2 in these pixels
 * @returns {[Colour, Colour]}
 */
export function anchors(pixels, width, boxes) {
  const all = range(pixels.length / 4);
  const inside = boxes.flatMap(([x1, y1, x2, y2]) => range(y2 - y1).flatMap(
    (row) => range(x2 - x1).map((column) => (Math.floor(y1) + row) * width + Math.floor(x1) + column),
  )).filter((place) => place >= 0 && place < all.length);
  const light = (/** @type {number} */ place) => pixels[4 * place] + pixels[4 * place + 1] + pixels[4 * place + 2];
  const sorted = (/** @type {number[]} */ places) => places.sort((one, other) => light(one) - light(other));
  const bright = sorted(all).slice(-Math.ceil(all.length / 10));
  const dark = sorted(inside.length ? inside : [...bright]);
  return [median(pixels, bright), median(pixels, dark.slice(0, Math.ceil(dark.length / 5)))];
}

/** @param {number} length */
function range(length) {
  return Array.from({ length: Math.max(Math.floor(length), 0) }, (_, index) => index);
}

/**
 * @param {Uint8ClampedArray} pixels
 * @param {number[]} places
 * @returns {Colour}
 */
function median(pixels, places) {
  const of = (/** @type {number} */ channel) => {
    const values = places.map((place) => pixels[4 * place + channel]).sort((one, other) => one - other);
    return (values[values.length >> 1] ?? 128) / 255;
  };
  return [of(0), of(1), of(2)];
}

/** @type {Line} */
const SAME = { slope: 1, intercept: 0 };

export class Adjust {
  /** The lines of the field that is shown, where its stain is evened out. @type {Line[] | null} */
  lines = null;

  /** The picture of the field that is shown. @type {HTMLImageElement | null} */
  image = null;

  /** Boxes of its white cells, as shares of its sides. @type {number[][]} */
  boxes = [];

  /** @param {HTMLElement} element the stage */
  constructor(element) {
    this.element = element;
    this.sliders = findAll(element, "[data-slider]", HTMLInputElement);
    this.button = find(element, "[data-even]");
    const filter = find(element, "#view-filter", SVGElement);
    this.linear = findAll(filter, "[type=linear]", SVGElement);
    this.powers = findAll(filter, "[type=gamma]", SVGElement);
    for (const slider of this.sliders) slider.addEventListener("input", () => this.apply());
    this.button.addEventListener("click", () => this.toggleEven());
    find(element, "[data-reset]").addEventListener("click", () => this.reset());
  }

  /**
   * @param {HTMLImageElement} image of the field that is shown now
   * @param {number[][]} boxes of its white cells, as shares of its sides
   */
  enter(image, boxes) {
    [this.image, this.boxes] = [image, boxes];
    if (this.even) this.measure();
    this.apply();
  }

  get even() {
    return this.button.getAttribute("aria-pressed") === "true";
  }

  toggleEven() {
    this.button.setAttribute("aria-pressed", String(!this.even));
    if (this.even) this.measure();
    this.apply();
  }

  measure() {
    const { image, boxes } = this;
    if (!image?.naturalWidth) return;
    const scale = Math.min(1, SAMPLE / Math.max(image.naturalWidth, image.naturalHeight));
    const [width, height] = [image.naturalWidth, image.naturalHeight].map((side) => Math.ceil(side * scale));
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    if (!context) return;
    context.drawImage(image, 0, 0, width, height);
    const there = boxes.map(([x1, y1, x2, y2]) => [x1 * width, y1 * height, x2 * width, y2 * height]);
    this.lines = evened(...anchors(context.getImageData(0, 0, width, height).data, width, there));
  }

  reset() {
    for (const slider of this.sliders) slider.value = slider.defaultValue;
    this.button.setAttribute("aria-pressed", "false");
    this.apply();
  }

  get values() {
    const entries = this.sliders.map(({ dataset, value }) => [dataset.slider, Number(value)]);
    return /** @type {{brightness: number, contrast: number, gamma: number}} */ (Object.fromEntries(entries));
  }

  apply() {
    const { values, even } = this;
    const lines = (even && this.lines) || [SAME, SAME, SAME];
    lines.forEach((line, channel) => {
      const { slope, intercept } = adjusted(line, values);
      this.linear[channel].setAttribute("slope", slope.toFixed(3));
      this.linear[channel].setAttribute("intercept", intercept.toFixed(3));
      this.powers[channel].setAttribute("exponent", (100 / values.gamma).toFixed(3));
    });
    const changed = even || this.sliders.some(({ value, defaultValue }) => value !== defaultValue);
    find(this.element, "[data-adjusted]").hidden = !changed;
    for (const image of findAll(this.element, "image", SVGImageElement)) {
      if (changed) image.setAttribute("filter", "url(#view-filter)");
      else image.removeAttribute("filter");
    }
  }
}
