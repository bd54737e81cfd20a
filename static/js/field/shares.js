// The table of shares of a field: blasts among the shown white cells.

import { find, findOptional } from "../common/elements.js";
import { gettext, ngettext } from "../common/language.js";
import { formatInterval, formatShare } from "../common/shares.js";

/** @import { Cell } from "./cells.js" */

const byClassifier = findOptional(document, "[data-named-by='classifier']") !== null;

/**
 * Only the classifier is ever uncertain, which matters where it names the cells.
 * @param {Cell} cell
 */
function isUncertain(cell) {
  return byClassifier && cell.classifierLabel === "uncertain";
}

/**
 * @param {string} name
 * @param {string} text
 */
function write(name, text) {
  const place = findOptional(document, `[data-figure="${name}"]`);
  if (place) (findOptional(place, "strong") ?? place).textContent = text;
}

/**
 * Bring the table in line with the white cells that are shown, and give how many are uncertain.
 * @param {Cell[]} shown
 */
export function showShares(shown) {
  const table = find(document, "[data-shares]");
  table.hidden = !shown.length;
  if (!shown.length) return 0;
  const blasts = shown.filter((cell) => cell.label === "blast").length;
  const uncertain = shown.filter((cell) => cell.label !== "blast" && isUncertain(cell)).length;
  write("blasts", gettext("%(blasts)s of %(whole)s", { blasts, whole: shown.length }));
  write("share", formatShare(blasts / shown.length));
  write("interval", formatInterval(blasts, shown.length));
  write("uncertain", String(uncertain));
  write("at-most", formatShare((blasts + uncertain) / shown.length));
  const remark = findOptional(table, "[data-uncertain]");
  if (remark) remark.hidden = !uncertain;
  const few = find(table, "[data-few]");
  find(few, "[data-few-cells]").textContent = ngettext(
    "Only %(num)s white cell.", "Only %(num)s white cells.", shown.length,
  );
  few.hidden = shown.length >= Number(few.dataset.few);
  return uncertain;
}
