// How far files are, in the words of the page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { count, formatProgress, formatSize, stateOf } from "../../../static/js/upload/progress.js";

/** @import { State } from "../../../static/js/upload/progress.js" */

/** @param {State[]} states */
function files(...states) {
  return states.map((state) => ({ state }));
}

test("states of the server's tasks are those of the page", () => {
  const states = ["waiting", "running", "done", "failed", "dropped", "unknown", "", undefined].map(stateOf);

  assert.deepEqual(states, ["sent", "sent", "read", "refused", "cancelled", undefined, undefined, undefined]);
});

test("failed and cancelled files are counted where there are any", () => {
  assert.equal(formatProgress(files("read", "busy", "sent")), "1 of 3 analysed");
  const sentence = formatProgress(files("read", "refused", "cancelled", "refused"));
  assert.equal(sentence, "1 of 4 analysed, 2 failed, 1 cancelled");
  assert.equal(count(files("sent", "sent", "read"), "sent"), 2);
});

for (const [bytes, expected] of /** @type {[number, string][]} */ ([
  [0, "0 kB"], [1, "1 kB"], [1024, "1 kB"], [1025, "2 kB"],
  [1024 ** 2, "1 MB"], [1.5 * 1024 ** 2, "1.5 MB"], [64 * 1024 ** 2, "64 MB"],
  [1.5 * 1024 ** 3, "1.5 GB"],
])) {
  test(`${bytes} bytes are ${expected}`, () => {
    assert.equal(formatSize(bytes), expected);
  });
}
