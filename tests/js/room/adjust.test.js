// Brightness, contrast and an even stain of what is looked at.

import assert from "node:assert/strict";
import { test } from "node:test";

import { adjusted, anchors, evened } from "../../../static/js/room/adjust.js";

test("contrast turns around the middle grey, brightness moves it", () => {
  const same = { slope: 1, intercept: 0 };
  assert.deepEqual(adjusted(same, { brightness: 0, contrast: 100 }), same);
  const { slope, intercept } = adjusted(same, { brightness: 10, contrast: 200 });
  assert.equal(slope * 0.5 + intercept, 0.6);
});

test("an even stain brings background and nuclei of any field to the same colours", () => {
  for (const [background, nucleus] of /** @type {[[number, number, number], [number, number, number]][]} */ ([
    [[0.8, 0.75, 0.7], [0.3, 0.2, 0.4]], [[0.98, 0.97, 0.98], [0.4, 0.2, 0.55]],
  ])) {
    evened(background, nucleus).forEach(({ slope, intercept }, channel) => {
      assert.ok(Math.abs(slope * background[channel] + intercept - [0.93, 0.92, 0.94][channel]) < 1e-9);
    });
  }
  assert.equal(evened([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])[0].slope, 2);
});

test("the anchors are the empty slide and the dark of the cells", () => {
  const pixels = new Uint8ClampedArray(4 * 100).fill(204);
  for (const place of [0, 1, 10, 11]) pixels.set([51, 51, 102, 255], 4 * place);
  const [background, nucleus] = anchors(pixels, 10, [[0, 0, 3, 3]]);
  assert.deepEqual(background, [0.8, 0.8, 0.8]);
  assert.deepEqual(nucleus, [0.2, 0.2, 0.4]);
});
