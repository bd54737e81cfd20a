// What counts in the differential, and how a cell is shown.

import assert from "node:assert/strict";
import { test } from "node:test";

import { counts, differential, formatProbability, groupOf, stateOf } from "../../../static/js/room/cells.js";

/** @import { CellClass } from "../../../static/js/room/cells.js" */

/** @type {CellClass[]} */
const CLASSES = [
  { label: "blast", name: "Blast", key: "b", white: true },
  { label: "lymphocyte", name: "Lymphocyte", key: "l", white: true },
  { label: "erythroblast", name: "Erythroblast", key: "r", white: false },
  { label: "not_a_cell", name: "No cell", key: "x", white: false },
];

/**
 * @param {string | null} proposed
 * @param {string | null} label
 */
function cell(proposed, label = proposed, { seen = label !== proposed, candidate = false } = {}) {
  return { proposed, label, seen, candidate };
}

test("cells count as proposed until somebody has reviewed them", () => {
  const { models, reviewer, reviewed, total } = differential([
    cell("blast"), cell("blast"), cell("blast", "lymphocyte"), cell("lymphocyte", "lymphocyte", { seen: true }),
  ], CLASSES);

  assert.deepEqual(models, { counts: { blast: 3, lymphocyte: 1, erythroblast: 0, not_a_cell: 0 }, wbc: 4 });
  assert.deepEqual(reviewer, { counts: { blast: 2, lymphocyte: 2, erythroblast: 0, not_a_cell: 0 }, wbc: 4 });
  assert.deepEqual([reviewed, total], [2, 4]);
});

test("erythroblasts and what is no cell are counted beside the white cells", () => {
  const { models, reviewer } = differential([
    cell("blast", "erythroblast"), cell("blast", "not_a_cell"), cell("blast"),
  ], CLASSES);

  assert.equal(models.wbc, 3);
  assert.deepEqual(reviewer, { counts: { blast: 1, lymphocyte: 0, erythroblast: 1, not_a_cell: 1 }, wbc: 1 });
});

test("candidate cells count once somebody has named them, and never for the models", () => {
  const candidate = cell("blast", "blast", { seen: false, candidate: true });
  const named = cell("blast", "lymphocyte", { seen: true, candidate: true });

  const { models, reviewer, total } = differential([candidate, named], CLASSES);

  assert.deepEqual([models.wbc, reviewer.wbc, total], [0, 1, 1]);
  assert.deepEqual([counts(candidate), counts(named)], [false, true]);
  assert.deepEqual([groupOf(candidate), groupOf(named)], ["candidate", "lymphocyte"]);
});

test("a drawn cell counts only for the reviewer", () => {
  const { models, reviewer } = differential([cell(null, "blast")], CLASSES);

  assert.deepEqual([models.wbc, reviewer.wbc], [0, 1]);
});

test("a case without cells has no white cells", () => {
  assert.deepEqual(differential([], CLASSES).reviewer.wbc, 0);
});

test("only the state is put back", () => {
  const state = { label: "blast", seen: true, by: "ada", mine: true, at: "now", review: 3, key: "k", before: null };

  assert.deepEqual(stateOf({ ...state, ...{ id: "1", conflict: null } }), state);
});

for (const [probability, expected] of /** @type {[number | null, string][]} */ ([
  [null, "–"], [0, "<1%"], [0.0099, "<1%"], [0.01, "1%"], [0.5, "50%"], [0.99, "99%"], [0.995, ">99%"], [1, ">99%"],
])) {
  test(`${probability} is written ${expected}`, () => {
    assert.equal(formatProbability(probability), expected);
  });
}
