// Shares and their intervals, as the server writes them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { formatInterval, formatShare, interval } from "../../../static/js/common/shares.js";

for (const [share, expected] of /** @type {[number, string][]} */ ([
  [0, "0%"], [0.0449, "4.5%"], [0.0999, "10%"], [0.1, "10%"], [0.125, "13%"],
  [0.9, "90%"], [0.9001, "90%"], [0.955, "95.5%"], [1, "100%"],
])) {
  test(`a share of ${share} is written ${expected}`, () => {
    assert.equal(formatShare(share), expected);
  });
}

test("Wilson's interval stays within 0 and 1 and around the share", () => {
  for (const total of [1, 2, 10, 100, 3000]) {
    for (let successes = 0; successes <= total; successes += Math.ceil(total / 10)) {
      const [low, high] = interval(successes, total);
      assert.ok(low >= 0 && high <= 1, `${successes} of ${total}`);
      assert.ok(low <= successes / total && successes / total <= high + 1e-12, `${successes} of ${total}`);
    }
  }
});

test("the interval of 10 of 100", () => {
  // Newcombe (1998) and R's prop.test(10, 100, correct = FALSE): 0.0552 to 0.1744.
  const [low, high] = interval(10, 100);

  assert.ok(Math.abs(low - 0.0552291) < 1e-6, String(low));
  assert.ok(Math.abs(high - 0.1743657) < 1e-6, String(high));
  assert.equal(formatInterval(10, 100), "5.5% to 17%");
});
