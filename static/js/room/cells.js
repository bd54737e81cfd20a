// The white cells of a case: what is known of each, and what counts.

/**
 * A class that a cell can have.
 * @typedef {object} CellClass
 * @property {string} label
 * @property {string} name
 * @property {string} key that gives a cell this class
 * @property {boolean} white whether it is a WBC, so part of the differential
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
 */

/**
 * @typedef {object} Conflict two people who named one cell differently
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
 * @typedef {ReportedCell & {name: string, order: number, picture: Picture, conflict?: Conflict | null}} Cell
 */

/**
 * An image of the case.
 * @typedef {object} Field
 * @property {string} id
 * @property {string} name
 * @property {string} kind
 * @property {string | null} doubtful what is wrong with the image; null where nothing is
 * @property {number} width
 * @property {number} height
 * @property {string} image address
 * @property {string | null} thumbnail address of its only cell's picture
 * @property {string} sheets address of the first sheet of its cells
 */

/**
 * @typedef {object} Count
 * @property {Record<string, number>} counts by label
 * @property {number} wbc
 */

export const CANDIDATE = "candidate";

/**
 * Whether a cell counts: candidates do not until a person classifies them.
 * @param {Pick<Cell, "seen" | "candidate">} cell
 */
export function counts(cell) {
  return cell.seen || !cell.candidate;
}

/**
 * Where a cell is shown: under its label, or apart while it is a candidate.
 * @param {Pick<Cell, "seen" | "candidate" | "label">} cell
 * @returns {string}
 */
export function groupOf(cell) {
  return counts(cell) ? cell.label ?? "" : CANDIDATE;
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
 * @param {Iterable<Pick<Cell, "seen" | "candidate" | "label" | "proposed">>} cells
 * @param {CellClass[]} classes
 */
export function differential(cells, classes) {
  const all = [...cells];
  const shown = all.filter(counts);
  return {
    models: count(all.map((cell) => (cell.candidate ? null : cell.proposed)), classes),
    reviewer: count(shown.map((cell) => cell.label), classes),
    reviewed: shown.filter((cell) => cell.seen).length,
    total: shown.length,
  };
}

/**
 * A probability (0..1) for a tile: whole per cent, never rounded to certainty.
 * @param {number | null} probability
 */
export function formatProbability(probability) {
  if (probability === null) return "–";
  if (probability < 0.01) return "<1%";
  return probability > 0.99 ? ">99%" : `${Math.round(100 * probability)}%`;
}
