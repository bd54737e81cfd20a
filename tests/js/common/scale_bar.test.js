// Scale bars: round lengths that fit.

import assert from "node:assert/strict";
import { test } from "node:test";

import { formatLength, scaleBar } from "../../../static/js/common/scale_bar.js";

for (const [micrometres, pixels, text] of /** @type {[number, number, string][]} */ ([
  [0.25, 80, "20 µm"], [1, 100, "100 µm"], [10, 100, "1 mm"], [0.05, 100, "5 µm"], [0.001, 100, "0.1 µm"],
])) {
  test(`pixels of ${micrometres} µm have a bar of ${text}`, () => {
    const bar = scaleBar(micrometres);
    assert.equal(bar.text, text);
    assert.ok(Math.abs(bar.pixels - pixels) < 1e-9);
  });
}

test("a bar is never longer than its room, nor shorter than two fifths of it", () => {
  for (let micrometres = 0.01; micrometres < 100; micrometres *= 1.07) {
    const { pixels } = scaleBar(micrometres, 140);
    assert.ok(pixels <= 140 && pixels >= 0.4 * 140, `${micrometres}`);
  }
});

test("lengths from a millimetre on are in mm", () => {
  assert.equal(formatLength(999.4), "999 µm");
  assert.equal(formatLength(1234), "1.23 mm");
});
