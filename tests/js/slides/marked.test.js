// The area that a person marks.

import assert from "node:assert/strict";
import { test } from "node:test";

import { between, refusal } from "../../../static/js/slides/marked.js";

const LIMITS = { width: 5000, height: 3000, minSide: 256, maxPixels: 4_000_000 };

test("two corners give a rectangle, whichever comes first", () => {
  const expected = { x: 100, y: 200, width: 300, height: 250 };
  assert.deepEqual(between({ x: 100.4, y: 450.2 }, { x: 399.6, y: 199.7 }, LIMITS), expected);
  assert.deepEqual(between({ x: 399.6, y: 199.7 }, { x: 100.4, y: 450.2 }, LIMITS), expected);
});

test("what is dragged beyond the slide ends at its edge", () => {
  const area = between({ x: -50, y: 2900 }, { x: 6000, y: 3500 }, LIMITS);
  assert.deepEqual(area, { x: 0, y: 2900, width: 5000, height: 100 });
});

for (const [area, sentence] of /** @type {[number[], RegExp | null][]} */ ([
  [[0, 0, 1000, 1000], null],
  [[4000, 0, 1000, 1000], null],
  [[4001, 0, 1000, 1000], /beyond the slide, which has 5000 × 3000/],
  [[-1, 0, 1000, 1000], /beyond/],
  [[0, 0, 255, 1000], /At least 256 × 256/],
  [[0, 0, 2001, 2000], /At most 4 megapixels/],
])) {
  test(`the area ${area} is ${sentence ? "refused" : "taken"}`, () => {
    const [x, y, width, height] = area;
    const said = refusal({ x, y, width, height }, LIMITS);
    if (sentence) assert.match(said ?? "", sentence);
    else assert.equal(said, null);
  });
}
