// What counts in the differential, and how a cell is shown.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  alone, counts, differential, formatProbability, groupOf, listOf, nameOfCell, stateOf,
} from "../../../static/js/room/cells.js";

/** @import { CellClass } from "../../../static/js/room/cells.js" */

/** @type {CellClass[]} */
const CLASSES = [
  { label: "blast", name: "Blast", key: "b", white: true, proposed: true, retired: false },
  { label: "lymphocyte", name: "Lymphocyte", key: "l", white: true, proposed: false, retired: false },
  { label: "erythroblast", name: "Erythroblast", key: "r", white: false, proposed: false, retired: false },
  { label: "not_a_cell", name: "No cell", key: "x", white: false, proposed: false, retired: false },
];

/**
 * @param {string | null} proposed
 * @param {string | null} label
 */
function cell(proposed, label = proposed, { seen = label !== proposed, candidate = false, out = null } = {}) {
  return { proposed, label, seen, candidate, left_out: /** @type {"edge" | "single_image" | null} */ (out) };
}

test("the reviewer has counted only what a person decided", () => {
  const { models, reviewer, reviewed, total } = differential([
    cell("blast"), cell("blast"), cell("blast", "lymphocyte"), cell("lymphocyte", "lymphocyte", { seen: true }),
  ], CLASSES);

  assert.deepEqual(models, { counts: { blast: 3, lymphocyte: 1, erythroblast: 0, not_a_cell: 0 }, wbc: 4 });
  assert.deepEqual(reviewer, { counts: { blast: 0, lymphocyte: 2, erythroblast: 0, not_a_cell: 0 }, wbc: 2 });
  assert.deepEqual([reviewed, total], [2, 4]);
});

test("erythroblasts and what is no cell are counted beside the white cells", () => {
  const { models, reviewer } = differential([
    cell("blast", "erythroblast"), cell("blast", "not_a_cell"), cell("blast"),
  ], CLASSES);

  assert.equal(models.wbc, 3);
  assert.deepEqual(reviewer, { counts: { blast: 0, lymphocyte: 0, erythroblast: 1, not_a_cell: 1 }, wbc: 0 });
});

test("candidate cells count once somebody has named them, and never for the models", () => {
  const candidate = cell("blast", "blast", { seen: false, candidate: true });
  const named = cell("blast", "lymphocyte", { seen: true, candidate: true });

  const { models, reviewer, total } = differential([candidate, named], CLASSES);

  assert.deepEqual([models.wbc, reviewer.wbc, total], [0, 1, 1]);
  assert.deepEqual([counts(candidate), counts(named)], [false, true]);
  assert.deepEqual([groupOf(candidate), groupOf(named)], ["candidate", "lymphocyte"]);
});

test("a proposed kind is shown under its class, and counts as unclassified until it is confirmed", () => {
  const proposed = cell("lymphocyte", "unclassified", { seen: false });
  const confirmed = cell("lymphocyte", "lymphocyte", { seen: true });

  assert.deepEqual([groupOf(proposed), listOf(proposed)], ["lymphocyte", "lymphocyte?"]);
  assert.deepEqual([groupOf(confirmed), listOf(confirmed)], ["lymphocyte", "lymphocyte"]);
  assert.deepEqual(listOf(cell("blast", "blast", { candidate: true })), "candidate");
});

test("blasts and disputed cells are confirmed by themselves until somebody has reviewed them", () => {
  assert.ok(alone({ ...cell("blast"), disagreed: false }));
  assert.ok(alone({ ...cell("lymphocyte", "unclassified", { seen: false }), disagreed: true }));
  assert.ok(!alone({ ...cell("lymphocyte", "unclassified", { seen: false }), disagreed: false }));
  assert.ok(!alone({ ...cell("blast", "blast", { seen: true }), disagreed: true }));
});

test("a drawn cell counts only for the reviewer", () => {
  const { models, reviewer } = differential([cell(null, "blast")], CLASSES);

  assert.deepEqual([models.wbc, reviewer.wbc], [0, 1]);
});

test("a case without cells has no white cells", () => {
  assert.deepEqual(differential([], CLASSES).reviewer.wbc, 0);
});

test("what is no part of the smear is reviewed and not counted", () => {
  const cut = { ...cell("blast", "blast", { seen: true }), left_out: /** @type {const} */ ("edge") };
  const single = { ...cell("blast"), left_out: /** @type {const} */ ("single_image") };

  const { models, reviewer, reviewed, total, edge, ...rest } = differential([cut, single, cell("blast")], CLASSES);

  assert.deepEqual([models.wbc, reviewer.wbc], [1, 0]);
  assert.deepEqual([reviewed, total, edge, rest.single], [1, 3, 1, 1]);
});

test("a cell goes by the numbers of its image and its own", () => {
  const field = { number: 2, file: "smear_3.tif" };

  assert.equal(nameOfCell("abc.11", field), "Cell 2.12, smear_3.tif");
  assert.equal(nameOfCell("abc.d0000000f", field), "Drawn cell 2.d0000000f, smear_3.tif");
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
