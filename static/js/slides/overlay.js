// What is drawn over a slide: areas, proposals, cells, and the area that is being marked.

import { find } from "../common/elements.js";

/** @import { Rectangle } from "../common/view.js" */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {"areas" | "cells" | "proposals" | "marked"} Layer */

/** An SVG over the viewer, in pixels of the slide. */
export class Overlay {
  /** @type {Map<Layer, SVGGElement>} */
  layers = new Map();

  /** @param {HTMLElement} root */
  constructor(root) {
    this.svg = find(root, "[data-overlay]", SVGSVGElement);
    for (const name of /** @type {Layer[]} */ (["areas", "cells", "proposals", "marked"])) {
      const group = document.createElementNS(SVG, "g");
      group.dataset.layer = name;
      this.svg.append(group);
      this.layers.set(name, group);
    }
  }

  /**
   * Bring the drawing in line with the part of the slide that is shown.
   * @param {Rectangle} shown
   */
  follow({ x, y, width, height }) {
    this.svg.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
  }

  /**
   * Draw a layer anew.
   * @param {Layer} name
   * @param {(Rectangle & {style: string})[]} rectangles
   */
  draw(name, rectangles) {
    this.layers.get(name)?.replaceChildren(...rectangles.map(drawn));
  }
}

/** @param {Rectangle & {style: string}} rectangle */
function drawn({ x, y, width, height, style }) {
  const rect = document.createElementNS(SVG, "rect");
  rect.setAttribute("class", style);
  for (const [name, value] of Object.entries({ x, y, width, height })) rect.setAttribute(name, String(value));
  return rect;
}
