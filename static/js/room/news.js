// What colleagues changed since this page was loaded.

import { gettext, ngettext } from "../common/language.js";
import { stateOf } from "./cells.js";
import { nameOf } from "./classes.js";

/** @import { Cell, ReportedCell } from "./cells.js" */

/**
 * What tells a cell of the server's from this page's; "seen" and "at" a confirmation that was refused.
 * @type {(keyof ReportedCell)[]}
 */
const TELLING = ["review", "label", "seen", "at", "comments"];

/**
 * Whether the server tells something else of a cell than this page.
 * @param {Cell} cell
 * @param {ReportedCell} report
 */
export function differs(cell, report) {
  return TELLING.some((name) => cell[name] !== report[name]);
}

/**
 * Bring a cell in line with the server, and mark it where a colleague changed it.
 * @param {Cell} cell
 * @param {ReportedCell} report
 * @returns {Cell}
 */
export function replace(cell, report) {
  const news = whoChanged(cell, report) ?? cell.news;
  const conflict = conflictNow(cell, report);
  return Object.assign(cell, stateOf(report), { comments: report.comments, conflict, news });
}

/**
 * The name of the colleague who changed a cell; null where nobody else did.
 * @param {Cell} cell
 * @param {ReportedCell} report
 */
function whoChanged(cell, report) {
  if (report.review === cell.review && report.label === cell.label) return null;
  if (report.by) return report.mine ? null : report.by;
  // Who takes a word back is who had said it.
  return cell.mine ? null : cell.by;
}

/**
 * @param {Cell} cell
 * @param {ReportedCell} report
 */
function conflictNow({ conflict }, { mine, label, by }) {
  if (!conflict || mine) return null;
  return by ? { ...conflict, theirs: label, by } : conflict;
}

/**
 * Say what colleagues changed, in a sentence.
 * @param {Cell[]} cells with news
 */
export function formatNews(cells) {
  const people = [...new Set(cells.map(({ news }) => news))].join(", ");
  const [one] = cells;
  if (cells.length > 1) return ngettext(
    "%(people)s changed %(num)s cell.", "%(people)s changed %(num)s cells.", cells.length, { people },
  );
  const label = one.seen ? nameOf(one.label) : gettext("not reviewed");
  return gettext("%(people)s changed %(name)s: %(label)s.", { people, name: one.name, label });
}
