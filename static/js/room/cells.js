// The white cells of a case: what is known of each, and what counts.

import { formatPercent, gettext } from "../common/language.js";

/**
 * A class that a cell can have.
 * @typedef {object} CellClass
 * @property {string} label
 * @property {string} name
 * @property {string} key that gives a cell this class; empty where there is none
 * @property {boolean} white whether it is a WBC, so part of the differential
 * @property {boolean} proposed whether all models propose it, so that none found is none there
 * @property {boolean} retired whether no cell can get it any more
 */

/**
 * What changes when somebody reviews a cell, and comes back when that is undone.
 * @typedef {object} CellState
 * @property {string | null} label null before a drawn cell has one
 * @property {boolean} seen whether a person has reviewed it
 * @property {string | null} by name of the last reviewer
 * @property {boolean} mine whether that is the person at this page
 * @property {string | null} at time of the last review; null while it is not saved
 * @property {number | null} review id of the last review
 * @property {string | null} key of the last review
 * @property {string | null} before label before the last review
 */

/**
 * A cell as the server tells it (pages/cases/reading_room.py).
 * @typedef {object} CellReport
 * @property {string} id
 * @property {string} field id of its image
 * @property {number | null} number in its field; null where a person drew it
 * @property {number[]} box x1, y1, x2, y2 in pixels of the file
 * @property {string | null} proposed label by the models; null where a person drew it
 * @property {boolean} candidate whether it is below the detector's threshold
 * @property {number | null} probability of a blast, which decides what the models call it
 * @property {number | null} detector the detector's probability of a blast
 * @property {number | null} classifier the classifier's probability of an ALL blast
 * @property {string | null} classifier_label the classifier's opinion
 * @property {boolean} disagreed whether detector and classifier disagree
 * @property {string | null} kind what the classifier takes it for, in words
 * @property {number | null} kind_probability the classifier's of that kind
 * @property {number} comments how many people wrote on it
 * @property {boolean} at_edge whether the edge of the picture may cut it
 * @property {"edge" | "single_image" | null} left_out why it is no part of the counts
 */

/**
 * @typedef {object} Conflict two people who named one cell differently, neither knowing of the other
 * @property {string | null} mine
 * @property {string | null} theirs
 * @property {string} by
 */

/** @typedef {CellReport & CellState} ReportedCell */

/**
 * A cell's picture: its own, or a place on a sheet of cells.
 * @typedef {{url: string, place?: undefined} | {url: string, place: number, columns: number, rows: number}} Picture
 */

/**
 * A cell of the page.
 * @typedef {ReportedCell & {
 *   name: string, order: number, picture: Picture, conflict?: Conflict | null, news?: string | null,
 * }} Cell with `news` the name of a colleague who changed it, until it was looked at
 */

/**
 * An image of the case.
 * @typedef {object} Field
 * @property {string} id
 * @property {string} name
 * @property {number} number in the case, from 1
 * @property {string} file its name
 * @property {string} kind
 * @property {{word: string, icon: string, tone: string, line: string}} state by the models
 * @property {string | null} doubtful what is wrong with the image; null where nothing is
 * @property {number} width
 * @property {number} height
 * @property {number | null} micrometres size of a pixel, where it is known
 * @property {number | null} threshold probability from which on a cell is called a blast, where the models state it
 * @property {number | null} red_cell median diameter of its red cells in pixels, where enough were found
 * @property {string} image address
 * @property {string | null} thumbnail address of its only cell's picture
 * @property {string} sheets address of the first sheet of its cells
 */

/**
 * @typedef {object} Count
 * @property {Record<string, number>} counts by label
 * @property {number} wbc
 */

/**
 * The name of a cell, as `cell_name` of services/cases/review.py gives it, with its file.
 * @param {string} id
 * @param {Pick<Field, "number" | "file">} field
 */
export function nameOfCell(id, { number, file }) {
  const own = id.slice(id.indexOf(".") + 1);
  return /^\d+$/.test(own)
    ? gettext("Cell %(name)s, %(file)s", { name: `${number}.${Number(own) + 1}`, file })
    : gettext("Drawn cell %(name)s, %(file)s", { name: `${number}.${own}`, file });
}

export const CANDIDATE = "candidate";
const BLAST = "blast";
const UNCLASSIFIED = "unclassified";

/**
 * Whether a cell counts: candidates do not until a person classifies them.
 * @param {Pick<Cell, "seen" | "candidate">} cell
 */
export function counts(cell) {
  return cell.seen || !cell.candidate;
}

/**
 * What a cell is shown as: its label, or until somebody has reviewed it what the models propose.
 * @param {Pick<Cell, "seen" | "label" | "proposed">} cell
 * @returns {string}
 */
export function shownAs({ seen, label, proposed }) {
  return (seen ? label : proposed ?? label) ?? "";
}

/**
 * The class under which a cell is shown; candidates stand apart.
 * @param {Pick<Cell, "seen" | "candidate" | "label" | "proposed">} cell
 */
export function groupOf(cell) {
  return counts(cell) ? shownAs(cell) : CANDIDATE;
}

/**
 * The list of its class in which a cell is shown: proposed cells are apart from reviewed ones.
 * @param {Pick<Cell, "seen" | "candidate" | "label" | "proposed">} cell
 */
export function listOf(cell) {
  return cell.seen || cell.candidate ? groupOf(cell) : `${groupOf(cell)}?`;
}

/**
 * Whether a proposal must be confirmed for this cell by itself (services/cases/review.py).
 * @param {Pick<Cell, "seen" | "label" | "proposed" | "disagreed">} cell
 */
export function alone({ seen, label, proposed, disagreed }) {
  return !seen && (proposed === BLAST || label === BLAST || disagreed);
}

/**
 * How sure the models are of what a cell is shown as.
 * @param {Pick<Cell, "proposed" | "probability" | "kind_probability">} cell
 */
export function certainty({ proposed, probability, kind_probability: ofKind }) {
  return proposed === BLAST || proposed === UNCLASSIFIED ? probability : ofKind;
}

/**
 * What is put back when a correction is undone.
 * @param {CellState} cell
 * @returns {CellState}
 */
export function stateOf({ label, seen, by, mine, at, review, key, before }) {
  return { label, seen, by, mine, at, review, key, before };
}

/**
 * Count cells by label, and white cells; null is no cell.
 * @param {(string | null)[]} labels
 * @param {CellClass[]} classes
 * @returns {Count}
 */
function count(labels, classes) {
  const byLabel = Object.fromEntries(classes.map(({ label }) => [label, 0]));
  for (const label of labels) {
    if (label) byLabel[label] += 1;
  }
  const wbc = classes.filter((one) => one.white).reduce((sum, { label }) => sum + byLabel[label], 0);
  return { counts: byLabel, wbc };
}

/**
 * The differential of the models and that of the reviewer, as services/cases/review.py counts them.
 * @param {Iterable<Pick<Cell, "seen" | "candidate" | "label" | "proposed" | "left_out">>} cells
 * @param {CellClass[]} classes
 */
export function differential(cells, classes) {
  const all = [...cells];
  const shown = all.filter(counts);
  const smear = all.filter((cell) => !cell.left_out);
  const out = (/** @type {string} */ why) => shown.filter((cell) => cell.left_out === why).length;
  return {
    models: count(smear.map((cell) => (cell.candidate ? null : cell.proposed)), classes),
    reviewer: count(smear.map((cell) => (cell.seen ? cell.label : null)), classes),
    reviewed: shown.filter((cell) => cell.seen).length,
    total: shown.length,
    edge: out("edge"),
    single: out("single_image"),
  };
}

/**
 * A probability (0..1) for a tile: whole per cent, never rounded to certainty.
 * @param {number | null} probability
 */
export function formatProbability(probability) {
  if (probability === null) return "–";
  if (probability < 0.01) return "<1%";
  return probability > 0.99 ? `>${formatPercent(99)}` : formatPercent(Math.round(100 * probability));
}
