// Which key was pressed, on whatever keyboard.

import assert from "node:assert/strict";
import { test } from "node:test";

import { keyOf } from "../../../static/js/room/keys.js";

for (const [key, code, expected] of [
  ["l", "KeyL", "l"], ["L", "KeyL", "l"], ["a", "KeyQ", "a"],
  ["д", "KeyL", "l"], ["Д", "KeyL", "l"], ["λ", "KeyL", "l"],
  ["ل", "KeyG", "g"],
  ["ö", "Semicolon", "ö"], ["ж", "Semicolon", "ж"], ["?", "Slash", "?"], ["Enter", "Enter", "Enter"],
]) {
  test(`${key} at ${code} is ${expected}`, () => {
    assert.equal(keyOf({ key, code }), expected);
  });
}
