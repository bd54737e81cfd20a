// Which cells are offered to be reviewed next.

import assert from "node:assert/strict";
import { test } from "node:test";

import { AT_ONCE, chooseCells } from "../../../static/js/room/teach.js";

/** @import { Teaching } from "../../../static/js/room/teach.js" */

const HALF = new Map([["one", 0.5], ["two", 0.5]]);

/**
 * A cell of which the models are sure, far from all others of other numbers.
 * @param {number} number
 * @param {Partial<Teaching>} differs
 * @returns {Teaching}
 */
function cell(number, differs = {}) {
  const [x, y] = [1000 * (number % 50), 1000 * Math.floor(number / 50)];
  return {
    ...{ id: String(number), field: "one", box: [x, y, x + 40, y + 40], seen: false, candidate: false },
    ...{ disagreed: false, proposed: "lymphocyte", probability: 0.01, kind: "lymphocyte", kind_probability: 0.99 },
    ...differs,
  };
}

/**
 * @param {number} count
 * @param {Partial<Teaching>} differs
 */
function cells(count, differs = {}) {
  return Array.from({ length: count }, (_, number) => cell(number, differs));
}

for (const [what, differs] of /** @type {[string, Partial<Teaching>][]} */ ([
  ["near the threshold", { probability: 0.45 }],
  ["on which the models disagree", { disagreed: true }],
  ["of an unsure kind", { kind_probability: 0.4 }],
])) {
  test(`a cell ${what} comes first`, () => {
    const all = cells(60).concat(cell(70, differs));
    assert.equal(chooseCells(all, HALF)[0], "70");
  });
}

test("how near the threshold is counts in log-odds, and by the threshold of its own field", () => {
  const rare = cell(1, { field: "two", probability: 0.02 });
  const middling = cell(2, { probability: 0.3 });
  assert.equal(chooseCells([rare, middling], HALF)[0], "2");
  assert.equal(chooseCells([rare, middling], new Map([["one", 0.5], ["two", 0.02]]))[0], "1");
  assert.equal(chooseCells([rare, middling], new Map())[0], "2");
});

test("thirty at the most are chosen, each once, and the next thirty are others", () => {
  const all = cells(100, { probability: 0.4 });
  const first = chooseCells(all, HALF);
  assert.deepEqual([first.length, new Set(first).size], [AT_ONCE, AT_ONCE]);

  const second = chooseCells(all.map((one) => ({ ...one, seen: first.includes(one.id) })), HALF);
  assert.equal(second.length, AT_ONCE);
  assert.deepEqual(second.filter((id) => first.includes(id)), []);
});

test("reviewed cells and candidates are not chosen, and of few cells all are", () => {
  const all = [cell(0, { seen: true }), cell(1, { candidate: true }), cell(2), cell(3)];
  assert.deepEqual(chooseCells(all, HALF).sort(), ["2", "3"]);
  assert.deepEqual(chooseCells(all.slice(0, 2), HALF), []);
});

test("of cells that are alike, one stands for all", () => {
  const crowd = cells(110, { box: [0, 0, 40, 40], probability: 0.5, kind_probability: 0.5 });
  const alone = cell(200, { probability: 0.35, kind: "monocyte", kind_probability: 0.55, field: "two" });
  assert.deepEqual(chooseCells([...crowd, alone], HALF).slice(0, 2), ["0", "200"]);
});

for (const [what, differs] of /** @type {[string, Partial<Teaching>][]} */ ([
  ["field", { field: "two" }],
  ["part of the field", { box: [900, 900, 940, 940] }],
  ["kind", { kind: "monocyte" }],
  ["probability", { probability: 0.7 }],
  ["size", { box: [-20, -20, 60, 60] }],
])) {
  test(`a cell of another ${what} than the first is taken before its double`, () => {
    const like = { box: [0, 0, 40, 40], probability: 0.5 };
    const chosen = chooseCells([cell(0, like), cell(1, like), cell(2, { ...like, ...differs })], HALF);
    assert.deepEqual(chosen, ["0", "2", "1"]);
  });
}

test("what resembles a reviewed cell waits", () => {
  const like = { box: [0, 0, 40, 40], probability: 0.5 };
  const all = [cell(0, { ...like, seen: true }), cell(1, like), cell(2, { probability: 0.4 })];
  assert.deepEqual(chooseCells(all, HALF), ["2", "1"]);
});

test("cells of which nothing is known are chosen in their order, drawn ones compared like any", () => {
  const nothing = { probability: null, kind: null, kind_probability: null };
  const drawn = cell(9, { ...nothing, seen: true, proposed: null });
  assert.deepEqual(chooseCells([drawn, cell(0, nothing), cell(1, nothing)], HALF), ["0", "1"]);
});
