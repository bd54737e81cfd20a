// The same file twice is told before it is sent, from this list and from earlier uploads.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Checker, sha256 } from "../../../static/js/upload/checker.js";

/** @import { Known } from "../../../static/js/upload/checker.js" */

/** A list of files, what the server knows of them, and what becomes of each. */
class Clinic {
  /** @type {string[][]} */
  asked = [];

  /** @type {Record<string, string>} */
  told = {};

  /** @type {Record<string, Known>} */
  known = {};

  checker = new Checker(async (hashes) => {
    this.asked.push(hashes);
    return this.known;
  }, async (content) => `hash of ${await content.text()}`);

  /**
   * @param {string} name
   * @param {string | null} content
   */
  add(name, content, { wanted = true, stands = true } = {}) {
    this.checker.add({
      name,
      content: content === null ? null : new Blob([content]),
      wanted: () => wanted,
      stands: () => stands,
      clear: () => { this.told[name] = "send"; },
      tell: ({ sentence }) => { this.told[name] = sentence; },
    });
  }

  async end() {
    while (this.checker.busy) await new Promise((resolve) => { setTimeout(resolve, 1); });
  }
}

test("a file that is nowhere else is sent, and the server is asked once for several", async () => {
  const clinic = new Clinic();
  clinic.add("1.png", "one");
  clinic.add("2.png", "two");
  await clinic.end();

  assert.deepEqual(clinic.told, { "1.png": "send", "2.png": "send" });
  assert.deepEqual(clinic.asked, [["hash of one", "hash of two"]]);
});

test("the second of two in the list is told with the first one's name", async () => {
  const clinic = new Clinic();
  for (const name of ["1.png", "copy of 1.png"]) clinic.add(name, "one");
  await clinic.end();

  assert.deepEqual(clinic.told, { "1.png": "send", "copy of 1.png": "The same file as “1.png” in this list." });
});

test("a file that was refused or cancelled may be chosen again", async () => {
  const clinic = new Clinic();
  clinic.add("1.png", "one", { stands: false });
  clinic.add("1.png again", "one");
  clinic.add("twin", "one");
  await clinic.end();

  assert.equal(clinic.told["1.png again"], "send");
  assert.equal(clinic.told.twin, "The same file as “1.png again” in this list.");
});

test("a file of before is told as the server says", async () => {
  const clinic = new Clinic();
  clinic.known = { "hash of one": { sentence: "Uploaded before.", url: "/detect/1" } };
  clinic.add("1.png", "one");
  await clinic.end();

  assert.deepEqual(clinic.told, { "1.png": "Uploaded before." });
});

test("hundreds are asked for in groups, the first soon", async () => {
  const clinic = new Clinic();
  for (let number = 0; number < 25; number += 1) clinic.add(`${number}.png`, String(number));
  await clinic.end();

  assert.deepEqual(clinic.asked.map(({ length }) => length), [10, 10, 5]);
});

test("what cannot be checked here is sent: the server checks it", async () => {
  const clinic = new Clinic();
  clinic.checker.ask = () => Promise.reject(new Error("no connection"));
  clinic.add("1.png", "one");
  clinic.add("entry of a ZIP", null);
  await clinic.end();
  clinic.checker.digest = () => Promise.reject(new Error("the file is gone"));
  clinic.add("2.png", "two");
  await clinic.end();

  assert.deepEqual(clinic.told, { "1.png": "send", "entry of a ZIP": "send", "2.png": "send" });
});

test("of a file that was cancelled meanwhile nothing is told", async () => {
  const clinic = new Clinic();
  clinic.add("1.png", "one", { wanted: false });
  await clinic.end();

  assert.deepEqual([clinic.told, clinic.asked], [{}, []]);
});

test("the hash is the one that the server computes", async () => {
  assert.equal(await sha256(new Blob(["abc"])), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});
