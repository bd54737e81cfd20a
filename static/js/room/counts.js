// The differential beside the gallery: by the models and by the reviewer, at every change.

import { find, findAll } from "../common/elements.js";
import { formatNumber, gettext, ngettext } from "../common/language.js";
import { formatInterval, formatShare } from "../common/shares.js";
import { differential } from "./cells.js";
import { classes } from "./classes.js";

/** @import { Cell, CellClass, Count } from "./cells.js" */

const table = find(document, "[data-differential]");
const progress = find(document, "[data-progress]");
const panel = find(document, "[data-differential-panel]");
const places = new Map(findAll(table, "[data-count]").map((place) => [place.dataset.count, place]));

/**
 * @param {string} name
 * @param {string} text
 */
function write(name, text) {
  const place = places.get(name);
  if (!place) throw new Error(`The differential has no place for ${name}`);
  if (place.textContent !== text) place.textContent = text;
}

/**
 * Write what one side counts, and "–" where it cannot tell: before every cell is reviewed there is no
 * share of the reviewer's, and where models may not look for a class, none found is no zero.
 * @param {"models" | "reviewer"} source
 * @param {Count} count
 * @param {boolean} complete
 */
function writeCounts(source, { counts, wbc }, complete) {
  const tells = (/** @type {CellClass} */ one) => source === "reviewer" || one.proposed || counts[one.label] > 0;
  for (const one of classes) write(`${source}-${one.label}`, tells(one) ? String(counts[one.label]) : "–");
  write(`${source}-wbc`, String(wbc));
  const known = complete && wbc > 0;
  write(`${source}-share`, known ? formatShare(counts.blast / wbc) : "–");
  write(`${source}-interval`, known ? formatInterval(counts.blast, wbc) : "–");
  for (const one of classes.filter(({ label }) => label === "erythroblast" || label === "smudge")) {
    const ratio = formatNumber((100 * counts[one.label] / wbc).toFixed(1));
    write(`${source}-${one.label}-ratio`, known && tells(one) ? ratio : "–");
  }
}

/**
 * Show the lines of retired classes that a cell still has.
 * @param {Count} reviewer
 */
function showRetired({ counts }) {
  for (const { label } of classes.filter(({ retired }) => retired)) {
    const line = places.get(`reviewer-${label}`)?.closest("tr");
    if (line) line.hidden = counts[label] === 0;
  }
}

/**
 * @param {string} name
 * @param {string} sentence empty where there is nothing to say
 */
function tell(name, sentence) {
  const place = find(panel, `[data-${name}]`);
  place.textContent = sentence;
  place.hidden = !sentence;
}

/**
 * @param {number} edge
 * @param {number} single
 */
function formatLeftOut(edge, single) {
  const parts = [
    edge && ngettext("%(num)s cell cut by the edge", "%(num)s cells cut by the edge", edge),
    single && ngettext("%(num)s single cell image", "%(num)s single cell images", single),
  ];
  const listed = parts.filter(Boolean).join(", ");
  return listed && gettext("Not counted: %(listed)s.", { listed });
}

/**
 * Bring the table and the progress in line with the cells.
 * @param {Map<string, Cell>} cells
 */
export function showCounts(cells) {
  const { models, reviewer, reviewed, total, edge, single } = differential(cells.values(), classes);
  const complete = reviewed === total;
  writeCounts("models", models, true);
  writeCounts("reviewer", reviewer, complete);
  showRetired(reviewer);
  const blasts = ngettext("%(num)s blast", "%(num)s blasts", reviewer.counts.blast);
  const soFar = ngettext(
    "Reviewed so far: %(blasts)s of %(num)s white cell", "Reviewed so far: %(blasts)s of %(num)s white cells",
    reviewer.wbc, { blasts },
  );
  tell("so-far", reviewed && !complete ? soFar : "");
  tell("left-out", formatLeftOut(edge, single));
  const bar = find(progress, "progress", HTMLProgressElement);
  [bar.max, bar.value] = [Math.max(total, 1), reviewed];
  find(progress, "[data-reviewed]").textContent = gettext(
    "%(reviewed)s of %(total)s cells reviewed", { reviewed, total },
  );
  find(progress, "[data-done]").hidden = total === 0 || reviewed < total;
  find(progress, "[data-done-text]").textContent = gettext("All %(total)s reviewed", { total });
  return { reviewed, total };
}
