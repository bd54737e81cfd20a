// Keys of what is sent.

import assert from "node:assert/strict";
import { test } from "node:test";

import { newKey } from "../../../static/js/common/keys.js";

test("keys differ and are hexadecimal", () => {
  const keys = new Set(Array.from({ length: 1000 }, () => newKey()));

  assert.equal(keys.size, 1000);
  for (const key of keys) assert.match(key, /^[0-9a-f]{32}$/);
  assert.match(newKey(4), /^[0-9a-f]{8}$/);
});
