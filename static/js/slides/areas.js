// The areas of a slide in a list that follows their progress, and their cells in the viewer.

import { find, findAll } from "../common/elements.js";
import { Follower } from "../upload/follow.js";
import { Line } from "../upload/line.js";
import { count, formatProgress } from "../upload/progress.js";

/** @import { Rectangle } from "../common/view.js" */
/** @import { FileReport } from "../upload/progress.js" */
/** @import { Overlay } from "./overlay.js" */

/** @typedef {FileReport & {box: number[], cells: string | null}} AreaReport */
/** @typedef {Rectangle & {style: string}} Drawn */

/** @type {Record<string, string>} */
const STYLES = { waiting: "area area-busy", running: "area area-busy", failed: "area area-failed", done: "area" };

/** @param {number[]} box */
function rectangle([x1, y1, x2, y2]) {
  return { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
}

/** The list of areas. */
export class Areas {
  /** @type {Map<string, Drawn[]>} */
  cells = new Map();

  /**
   * @param {string} address
   * @param {Overlay} overlay
   */
  constructor(address, overlay) {
    this.overlay = overlay;
    this.list = find(document, "[data-list]");
    this.lines = findAll(this.list, ":scope > li").map((element) => this.follow(new Line(element)));
    this.follower = new Follower(
      address, (files) => this.show(/** @type {AreaReport[]} */ (files)), find(document, "[data-lost]"),
    );
    this.follower.start();
  }

  /** @param {Line} line */
  follow(line) {
    for (const name of /** @type {const} */ (["cancel", "retry"])) {
      line.form(name).addEventListener("submit", () => this.follower.start());
    }
    return line;
  }

  /**
   * Add an area that was just marked.
   * @param {AreaReport} report
   */
  add(report) {
    const template = find(document, "template[data-item]", HTMLTemplateElement);
    const line = this.follow(new Line(find(document.importNode(template.content, true), "li")));
    line.part("name").textContent = report.file ?? "";
    for (const part of findAll(line.element, "[data-of]")) part.textContent = ` ${report.file}`;
    line.report(report);
    this.list.append(line.element);
    this.lines.push(line);
    find(document, "[data-no-areas]").hidden = true;
    this.follower.start();
  }

  /**
   * Show what the server tells; give whether some are under way still.
   * @param {AreaReport[]} reports
   */
  show(reports) {
    const known = new Map(this.lines.map((line) => [line.id, line]));
    for (const report of reports) known.get(report.id)?.report(report);
    const drawn = reports.map((report) => ({ ...rectangle(report.box), style: STYLES[report.state ?? "done"] }));
    this.overlay.draw("areas", drawn);
    for (const report of reports) if (report.cells && report.id) this.fetch(report.id, report.cells);
    find(document, "[data-status]").textContent = this.lines.length ? formatProgress(this.lines) : "";
    return count(this.lines, "sent") > 0;
  }

  /**
   * Draw the cells of an area once it is read.
   * @param {string} id
   * @param {string} address
   */
  async fetch(id, address) {
    if (this.cells.has(id)) return;
    this.cells.set(id, []);
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      /** @type {{cells: {box: number[], label: string}[]}} */
      const { cells } = await answer.json();
      this.cells.set(id, cells.map(({ box, label }) => ({ ...rectangle(box), style: `cell-${label}` })));
      this.overlay.draw("cells", [...this.cells.values()].flat());
    } catch {
      // The list says that the server is not reached; the next look tries again.
      this.cells.delete(id);
    }
  }
}
