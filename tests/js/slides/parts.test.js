// Files that are sent in parts.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ATTEMPTS, Refused, sendParts } from "../../../static/js/slides/parts.js";

const ADDRESSES = { parts: "/slides/a/parts/", finish: "", drop: "" };
const FILE = new Blob(["0123456789"]);

/**
 * A server that keeps what comes, and does what `answers` say first.
 * @param {({status: number, answer: any} | null)[]} answers null for an answer that is lost
 */
function server(...answers) {
  const kept = { text: "", addresses: /** @type {string[]} */ ([]) };
  /**
   * @param {string} address
   * @param {Blob} body
   */
  async function send(address, body) {
    kept.addresses.push(address);
    const planned = answers.shift();
    if (planned) return planned;
    if (Number(address.split("/").at(-1)) !== kept.text.length) {
      return { status: 409, answer: { error: "interrupted", received: kept.text.length } };
    }
    kept.text += await body.text();
    if (planned === null) return { status: 0, answer: {} };
    return { status: 200, answer: { received: kept.text.length } };
  }
  return { kept, send };
}

const OPTIONS = { partBytes: 4, progress: () => true, pause: async () => {} };

test("all parts arrive in order", async () => {
  const { kept, send } = server();
  assert.equal(await sendParts(FILE, ADDRESSES, { ...OPTIONS, send }), true);
  assert.equal(kept.text, "0123456789");
  assert.deepEqual(kept.addresses, ["0", "4", "8"].map((at) => ADDRESSES.parts + at));
});

test("a part whose answer is lost arrives once", async () => {
  const { kept, send } = server(null);
  assert.equal(await sendParts(FILE, ADDRESSES, { ...OPTIONS, send }), true);
  assert.equal(kept.text, "0123456789");
});

test("a busy server is asked again, and then given up", async () => {
  const busy = { status: 503, answer: { error: "busy" } };
  const { kept, send } = server(busy, busy);
  assert.equal(await sendParts(FILE, ADDRESSES, { ...OPTIONS, send }), true);
  assert.equal(kept.text, "0123456789");
  const dead = server(...Array(ATTEMPTS).fill({ status: 0, answer: {} }));
  await assert.rejects(sendParts(FILE, ADDRESSES, { ...OPTIONS, send: dead.send }), /could not be reached/);
});

test("a refusal ends it with the server's sentence", async () => {
  const { send } = server({ status: 422, answer: { error: "This is a PNG image." } });
  await assert.rejects(sendParts(FILE, ADDRESSES, { ...OPTIONS, send }), new Refused("This is a PNG image."));
});

test("a person ends it", async () => {
  const { kept, send } = server();
  const progress = (/** @type {number} */ received) => received < 4;
  assert.equal(await sendParts(FILE, ADDRESSES, { ...OPTIONS, progress, send }), false);
  assert.equal(kept.text, "0123");
});
