// The line of cells: where each key leads.

import assert from "node:assert/strict";
import { test } from "node:test";

import { beside, between, insertionIndex, nextRow } from "../../../static/js/room/line.js";

const ITEMS = ["a", "b", "c", "d", "e"];

/** Two classes in rows of three: five cells, then four. */
const LISTS = [ITEMS, ["p", "q", "r", "s"]];

test("a cell is inserted where its order has it, behind equal ones' first", () => {
  const orders = [2, 4, 4, 8];
  const indexes = [1, 2, 3, 4, 5, 8, 9].map((order) => insertionIndex(orders.length, (at) => orders[at], order));

  assert.deepEqual(indexes, [0, 0, 1, 1, 3, 3, 4]);
  assert.equal(insertionIndex(0, () => NaN, 5), 0);
});

test("insertion keeps a list sorted, in whichever order cells come", () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const orders = Array.from({ length: 20 }, (_, index) => (index * 7 + seed * 3) % 20);
    /** @type {number[]} */
    const list = [];
    for (const order of orders) list.splice(insertionIndex(list.length, (at) => list[at], order), 0, order);
    assert.deepEqual(list, [...orders].sort((one, other) => one - other));
  }
});

test("beside stops at both ends", () => {
  assert.equal(beside(ITEMS, "b", 1), "c");
  assert.equal(beside(ITEMS, "e", 1), "e");
  assert.equal(beside(ITEMS, "a", -1), "a");
  assert.equal(beside(ITEMS, null, 1), "a");
  assert.equal(beside([], null, 1), undefined);
});

for (const [from, step, expected] of /** @type {[string, 1 | -1, string][]} */ ([
  ["a", 1, "d"], ["d", -1, "a"],
  // Below c there is none, but a last row.
  ["c", 1, "e"],
  // From the last row into the next class, and back, in the same column.
  ["d", 1, "p"], ["e", 1, "q"], ["p", -1, "d"], ["q", -1, "e"], ["r", -1, "e"],
  ["r", 1, "s"], ["s", 1, "s"], ["b", -1, "b"],
])) {
  test(`a row ${step > 0 ? "down" : "up"} from ${from} is ${expected}`, () => {
    assert.equal(nextRow(LISTS, from, step, 3), expected);
  });
}

test("between takes both ends, in either order", () => {
  assert.deepEqual(between(ITEMS, "b", "d"), ["b", "c", "d"]);
  assert.deepEqual(between(ITEMS, "d", "b"), ["b", "c", "d"]);
  assert.deepEqual(between(ITEMS, "c", "c"), ["c"]);
});

test("a selection whose beginning is gone begins at the first", () => {
  assert.deepEqual(between(ITEMS, "gone", "b"), ["a", "b"]);
});
