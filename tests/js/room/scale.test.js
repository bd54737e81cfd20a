// How large things are, where the size of a pixel is known.

import assert from "node:assert/strict";
import { test } from "node:test";

import { diameter, scaleBar } from "../../../static/js/room/scale.js";

test("a scale bar takes at most two fifths of the view", () => {
  assert.deepEqual(scaleBar(0.1, 160), { length: 5, share: 5 / 16 });
  assert.deepEqual(scaleBar(0.25, 2000), { length: 50, share: 0.1 });
  assert.deepEqual(scaleBar(0.01, 100)?.length, 1);
  assert.equal(scaleBar(null, 160), null);
});

test("a cell is measured in µm, or else against red cells", () => {
  assert.equal(diameter([0, 0, 100, 100], { micrometres: 0.1, red_cell: 60 }), "10.0 µm across");
  assert.equal(diameter([0, 0, 90, 160], { micrometres: null, red_cell: 60 }), "2.0 × red cell");
  assert.equal(diameter([0, 0, 90, 160], { micrometres: null, red_cell: null }), "");
});
