// The server is asked again and again, but only while somebody looks.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Changes } from "../../../static/js/room/changes.js";

/** @import { Answered } from "../../../static/js/room/changes.js" */

class Page extends EventTarget {
  hidden = false;
}

let page = new Page();
let asked = 0;
/** @type {Answered} */
let answer = "same";

/** @param {number} seconds */
async function pass(seconds) {
  for (let each = 0; each < seconds; each += 1) {
    mock.timers.tick(1000);
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  }
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  [page, asked, answer] = [new Page(), 0, "same"];
  new Changes(async () => {
    asked += 1;
    return answer;
  }, page).begin();
});

test("it asks every four seconds", async () => {
  await pass(12);
  assert.equal(asked, 3);
});

test("it asks nothing while the page is hidden, and at once when it is seen again", async () => {
  page.hidden = true;
  await pass(60);
  assert.equal(asked, 0);
  page.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));
  await pass(5);
  assert.equal(asked, 2);
});

test("it asks more rarely while the server is not reached", async () => {
  answer = "unreachable";
  await pass(60);
  assert.equal(asked, 4);
});

test("it stops once the person is signed out", async () => {
  answer = "signed-out";
  await pass(60);
  assert.equal(asked, 1);
});
