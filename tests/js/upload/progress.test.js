// How far files are, in the words of the page.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  count, formatProgress, formatSize, shareDone, startable, stateOf,
} from "../../../static/js/upload/progress.js";

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
  assert.equal(formatProgress(files("read", "sent", "sent")), "1 of 3 analysed");
  const sentence = formatProgress(files("read", "refused", "cancelled", "refused"));
  assert.equal(sentence, "1 of 4 analysed, 2 failed, 1 cancelled");
  assert.equal(count(files("sent", "sent", "read"), "sent"), 2);
});

test("as long as some are to be sent, it is told how many are", () => {
  assert.equal(formatProgress(files("read", "busy", "sent", "refused")), "2 of 4 sent, 1 refused");
  assert.equal(formatProgress(files("waiting", "known", "known")), "0 of 3 sent, 2 duplicates");
  assert.equal(formatProgress(files("known", "read")), "1 of 2 analysed, 1 duplicate");
});

test("one bar for all never goes back: what is sent is half way", () => {
  assert.equal(shareDone([]), 0);
  assert.equal(shareDone(files("waiting", "busy")), 0);
  assert.equal(shareDone(files("sent", "busy")), 0.25);
  assert.equal(shareDone(files("read", "refused", "cancelled", "sent")), 0.875);
  assert.equal(shareDone(files("read", "known")), 1);
});

test("a few files are on their way at a time, and those that a busy server did not take keep their place", () => {
  /** @param {State[]} states */
  const started = (...states) => startable(states.map((state) => ({ state, checked: true })), 2).length;

  assert.equal(started("waiting", "waiting", "waiting"), 2);
  assert.equal(started("busy", "waiting", "waiting"), 1);
  assert.equal(started("busy", "postponed", "waiting"), 0);
  assert.equal(started("busy", "busy", "busy", "waiting"), 0);
  assert.deepEqual(startable([{ state: "waiting", checked: false }], 2), []);
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
