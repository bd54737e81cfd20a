// A lost connection and an ended session: nothing is sent until both are back, then by itself.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Gate } from "../../../static/js/upload/gate.js";

/** @import { Finding, Standing } from "../../../static/js/upload/gate.js" */

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

/** A page whose server and session are as `standing` says. */
class Clinic {
  /** @type {Standing} */
  standing = "open";
  probes = 0;
  /** @type {[Finding, number][]} */
  told = [];
  opened = 0;
  page = new EventTarget();

  gate = new Gate({
    probe: async () => {
      this.probes += 1;
      return { standing: this.standing, name: "ben" };
    },
    closed: (finding, seconds) => this.told.push([finding, seconds]),
    opened: () => { this.opened += 1; },
  }, this.page);

  get seconds() {
    return this.told.map(([, seconds]) => seconds);
  }

  /** @param {number} seconds */
  async pass(seconds) {
    mock.timers.tick(1000 * seconds);
    await settle();
  }

  /** @param {Standing} standing */
  async fail(standing) {
    this.standing = standing;
    this.gate.check();
    await settle();
  }
}

/** Let what was promised happen. */
async function settle() {
  for (let turn = 0; turn < 5; turn += 1) await null;
}

test("while it is found out why a request failed, nothing is sent", async () => {
  const clinic = new Clinic();
  assert.equal(clinic.gate.isOpen, true);
  clinic.gate.check();
  assert.equal(clinic.gate.isOpen, false);
  await settle();
  assert.deepEqual([clinic.gate.isOpen, clinic.opened, clinic.told], [true, 1, []]);
});

test("a lost connection is asked for later and later, and opens by itself", async () => {
  const clinic = new Clinic();
  await clinic.fail("offline");
  for (const seconds of [1, 2, 4, 8, 16, 30]) await clinic.pass(seconds);
  assert.deepEqual(clinic.seconds, [1, 2, 4, 8, 16, 30, 30]);
  assert.equal(clinic.gate.isOpen, false);

  clinic.standing = "open";
  await clinic.pass(30);
  assert.deepEqual([clinic.gate.isOpen, clinic.opened], [true, 1]);
  await clinic.fail("offline");
  assert.equal(clinic.seconds.at(-1), 1);
});

test("several requests that fail together ask once", async () => {
  const clinic = new Clinic();
  clinic.standing = "offline";
  clinic.gate.check();
  clinic.gate.check();
  await settle();
  clinic.gate.check();
  assert.equal(clinic.probes, 1);
});

test("when the browser is online again, or somebody asks, it is tried at once", async () => {
  const clinic = new Clinic();
  await clinic.fail("offline");
  clinic.standing = "open";
  clinic.page.dispatchEvent(new Event("online"));
  await settle();
  assert.equal(clinic.gate.isOpen, true);

  await clinic.pass(60);
  assert.equal(clinic.probes, 2);
  clinic.gate.hurry();
  assert.equal(clinic.probes, 2);
});

test("an ended session opens when the same person is back, and not for another", async () => {
  const clinic = new Clinic();
  await clinic.fail("signed-out");
  clinic.standing = "other";
  await clinic.pass(5);
  assert.deepEqual(clinic.told.map(([{ standing, name }]) => [standing, name]),
    [["signed-out", "ben"], ["other", "ben"]]);
  assert.equal(clinic.gate.isOpen, false);

  clinic.standing = "open";
  clinic.page.dispatchEvent(new Event("focus"));
  await settle();
  assert.equal(clinic.gate.isOpen, true);
});
