// In which order cells are shown, and which of them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { isWanted, ranks } from "../../../static/js/room/order.js";

/** @import { Sorted } from "../../../static/js/room/order.js" */

const FIELDS = ["one", "two"];

/**
 * @param {string} id
 * @param {Partial<Sorted>} differs
 */
function cell(id, differs = {}) {
  return {
    ...{ id, order: Number(id), field: "one", box: [0, 0, 10, 10], seen: false, disagreed: false },
    ...{ proposed: "neutrophil", probability: 0.1, kind_probability: 0.9 },
    ...differs,
  };
}

const CELLS = [
  cell("0", { field: "two", kind_probability: 0.6 }),
  cell("1", { disagreed: true, box: [0, 0, 30, 30] }),
  cell("2", { proposed: "blast", probability: 0.95, seen: true }),
  cell("3", { proposed: null, probability: null, kind_probability: null, seen: true }),
];

for (const [by, expected] of /** @type {[string, string][]} */ ([
  ["suspicion", "0123"], ["field", "1230"], ["disagreement", "1023"],
  ["sure", "2103"], ["unsure", "3012"], ["large", "1023"], ["small", "0231"],
])) {
  test(`cells are sorted by ${by}`, () => {
    assert.equal([...ranks(CELLS, by, FIELDS).keys()].join(""), expected);
  });
}

for (const [show, field, expected] of /** @type {[string, string, string][]} */ ([
  ["all", "", "0123"], ["unreviewed", "", "01"], ["disagreed", "", "1"], ["all", "two", "0"], ["disagreed", "two", ""],
])) {
  test(`of ${show} in ${field || "all fields"}, ${expected || "none"} is shown`, () => {
    const shown = CELLS.filter((one) => isWanted(one, { show, field, chosen: null }));
    assert.equal(shown.map(({ id }) => id).join(""), expected);
  });
}

test("of chosen cells, those that nobody has reviewed are shown", () => {
  const wanted = { show: "teach", field: "", chosen: new Set(["1", "2"]) };
  assert.deepEqual(CELLS.filter((one) => isWanted(one, wanted)).map(({ id }) => id), ["1"]);
});
