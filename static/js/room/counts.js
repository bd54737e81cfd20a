// The differential beside the gallery: by the models and by the reviewer, at every change.

import { find, findAll } from "../common/elements.js";
import { formatInterval, formatShare } from "../common/shares.js";
import { differential } from "./cells.js";
import { classes } from "./classes.js";

/** @import { Cell, Count } from "./cells.js" */

const table = find(document, "[data-differential]");
const progress = find(document, "[data-progress]");
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
 * @param {"models" | "reviewer"} source
 * @param {Count} count
 */
function writeCounts(source, { counts, wbc }) {
  for (const [label, count] of Object.entries(counts)) write(`${source}-${label}`, String(count));
  write(`${source}-wbc`, String(wbc));
  write(`${source}-share`, wbc ? formatShare(counts.blast / wbc) : "–");
  write(`${source}-interval`, wbc ? formatInterval(counts.blast, wbc) : "–");
  write(`${source}-erythroblasts`, wbc ? (100 * counts.erythroblast / wbc).toFixed(1) : "–");
}

/**
 * Bring the table and the progress in line with the cells.
 * @param {Map<string, Cell>} cells
 */
export function showCounts(cells) {
  const { models, reviewer, reviewed, total } = differential(cells.values(), classes);
  writeCounts("models", models);
  writeCounts("reviewer", reviewer);
  const bar = find(progress, "progress", HTMLProgressElement);
  [bar.max, bar.value] = [Math.max(total, 1), reviewed];
  find(progress, "[data-reviewed]").textContent = `${reviewed} of ${total} cells reviewed`;
  return { reviewed, total };
}
