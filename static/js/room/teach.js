// Which cells to review next: those whose class teaches most, and no two that teach the same.
//
// Uncertainty sampling (Lewis and Gale, SIGIR 1994) chooses a pool; of it cells are picked farthest first
// (Sener and Savarese, ICLR 2018, arXiv 1708.00489), each as far as can be from those that are reviewed or picked.

/** @import { Cell } from "./cells.js" */

import { counts } from "./cells.js";

/**
 * What of a cell decides whether it is chosen.
 * @typedef {Pick<Cell, "id" | "field" | "box" | "seen" | "candidate" | "disagreed">
 *   & Pick<Cell, "proposed" | "probability" | "kind" | "kind_probability">} Teaching
 */

/**
 * What two cells are compared by.
 * @typedef {object} Traits
 * @property {string} field
 * @property {string | null} kind
 * @property {number[]} middle in pixels
 * @property {number} side in pixels
 * @property {number} odds logarithm of those of a blast
 * @property {number} sure probability of the kind
 */

/** Cells that are chosen at a time. */
export const AT_ONCE = 30;

/** Cells among which unlike ones are looked for: those of which the models are least sure. */
const POOL = 120;

/** Probabilities are kept this far from 0 and 1. */
const LEAST = 1e-4;

/** The threshold of an image whose models state none. */
const USUAL_THRESHOLD = 0.5;

/** Difference in log-odds from which on two cells are as unlike as can be. */
const UNLIKE_ODDS = 4;

/** Sides of a cell from which on two cells of a field are no neighbours. */
const NEIGHBOURS = 5;

/** @param {number} probability */
function logOdds(probability) {
  const inside = Math.min(Math.max(probability, LEAST), 1 - LEAST);
  return Math.log(inside / (1 - inside));
}

/**
 * Whether a person has still to review a cell; candidates below the threshold need no review.
 * @param {Pick<Cell, "seen" | "candidate">} cell
 */
export function isOpen(cell) {
  return !cell.seen && counts(cell);
}

/**
 * How unsure the models are of a cell, 0..3: of a blast, of each other, of its kind.
 * @param {Teaching} cell
 * @param {number} threshold probability from which on it is called a blast
 */
function doubt({ probability, disagreed, kind_probability: ofKind }, threshold) {
  const ofBlast = probability === null ? 0 : Math.exp(-Math.abs(logOdds(probability) - logOdds(threshold)));
  return ofBlast + Number(disagreed) + (ofKind === null ? 0 : 1 - ofKind);
}

/**
 * @param {Teaching} cell
 * @returns {Traits}
 */
function traitsOf({ field, box: [x1, y1, x2, y2], proposed, probability, kind, kind_probability: ofKind }) {
  return {
    field,
    kind: kind ?? proposed,
    middle: [(x1 + x2) / 2, (y1 + y2) / 2],
    side: Math.max(x2 - x1, y2 - y1),
    odds: logOdds(probability ?? USUAL_THRESHOLD),
    sure: ofKind ?? 0,
  };
}

/**
 * How unlike two cells are: five differences, 0..1 each, as one distance.
 * @param {Traits} one
 * @param {Traits} other
 */
function distance(one, other) {
  const side = Math.max(one.side, other.side);
  const [x, y] = [one.middle[0] - other.middle[0], one.middle[1] - other.middle[1]];
  return Math.hypot(
    Number(one.kind !== other.kind),
    one.field === other.field ? Math.min(1, Math.hypot(x, y) / (NEIGHBOURS * side)) : 1,
    Math.min(1, Math.abs(one.odds - other.odds) / UNLIKE_ODDS),
    Math.min(1, Math.abs(Math.log2(one.side / other.side))),
    one.sure - other.sure,
  );
}

/**
 * The cells whose review teaches most, the most telling first.
 * @param {Teaching[]} cells all of the case, in its order
 * @param {Map<string, number | null>} thresholds of a blast, by field
 * @returns {string[]} ids, at most `AT_ONCE`
 */
export function chooseCells(cells, thresholds) {
  const doubts = cells.filter(isOpen).map((cell) => ({
    id: cell.id,
    traits: traitsOf(cell),
    doubt: doubt(cell, thresholds.get(cell.field) ?? USUAL_THRESHOLD),
  }));
  const pool = doubts.sort((one, other) => other.doubt - one.doubt).slice(0, POOL);
  return farthestFirst(pool, cells.filter(({ seen }) => seen).map(traitsOf));
}

/**
 * Pick cells one by one: each time the one of most doubt times its distance from what is known by then.
 * @param {{id: string, traits: Traits, doubt: number}[]} pool
 * @param {Traits[]} known
 */
function farthestFirst(pool, known) {
  const nearest = (/** @type {Traits} */ traits) => known.reduce(
    (least, one) => Math.min(least, distance(traits, one)), Math.sqrt(5),
  );
  const left = pool.map((one) => ({ ...one, far: nearest(one.traits) }));
  /** @type {string[]} */
  const picked = [];
  while (left.length && picked.length < AT_ONCE) {
    const gains = left.map((one) => one.doubt * one.far);
    const [best] = left.splice(gains.indexOf(Math.max(...gains)), 1);
    picked.push(best.id);
    for (const one of left) one.far = Math.min(one.far, distance(one.traits, best.traits));
  }
  return picked;
}
