// Corrections on their way: nothing is lost, nothing is sent twice as two, the order is kept.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Outbox } from "../../../static/js/room/outbox.js";

/** @import { Act, Kind, OutboxActions, Standing } from "../../../static/js/room/outbox.js" */

const BEFORE = {
  label: "blast", seen: false, by: null, mine: false, at: null, review: null, key: null, before: null,
};

/** What a browser keeps: names are the object's own properties, as in localStorage. */
class Shelf {
  /** Whether it takes anything more. */
  static full = false;

  /** @param {string} name @returns {string | null} */
  getItem(name) {
    return Object.getOwnPropertyDescriptor(this, name)?.value ?? null;
  }

  /** @param {string} name @param {string} value */
  setItem(name, value) {
    if (Shelf.full) throw new DOMException("full", "QuotaExceededError");
    Object.defineProperty(this, name, { value, enumerable: true, configurable: true, writable: true });
  }

  /** @param {string} name */
  removeItem(name) {
    Reflect.deleteProperty(this, name);
  }
}

/** A server with set answers, and what it and the page received. */
class Clinic {
  shelf = new Shelf();
  page = new EventTarget();
  /** @type {string[][]} */
  sent = [];
  /** @type {string[]} */
  taken = [];
  /** @type {[string, string][]} */
  refused = [];
  /** @type {string[]} */
  clashed = [];
  /** @type {[Standing, number, string]} */
  reported = ["saved", 0, ""];

  /** @type {(kind: Kind, acts: Act[]) => Promise<Response>} */
  answer = async () => json({ reviews: [], count: 0 });

  open(prefix = "room.ada.case-1.") {
    return new Outbox(prefix, this.actions, this.shelf, this.page);
  }

  /** @returns {OutboxActions} */
  get actions() {
    return {
      send: (kind, acts) => {
        this.sent.push(acts.map(({ key }) => key));
        return this.answer(kind, acts);
      },
      taken: (_, acts) => this.taken.push(...acts.map(({ key }) => key)),
      refused: ([{ key }], sentence) => this.refused.push([key, sentence]),
      clashed: (acts) => this.clashed.push(...acts.map(({ key }) => key)),
      report: (standing, count, sentence) => {
        this.reported = [standing, count, sentence];
      },
    };
  }

  get kept() {
    return Object.keys(this.shelf).length;
  }
}

/** @param {object} body */
function json(body, status = 200) {
  return new Response(JSON.stringify(body), { status });
}

/**
 * @param {string} key
 * @param {Partial<Act>} other
 * @returns {Act}
 */
function act(key, other = {}) {
  return { kind: "review", key, cell: `cell-${key}`, label: "lymphocyte", before: BEFORE, ...other };
}

/** Let everything happen that waits for no time to pass. */
function settled() {
  return new Promise((resolve) => { setImmediate(resolve); });
}

/** @type {Clinic} */
let clinic;

beforeEach(() => {
  Shelf.full = false;
  clinic = new Clinic();
});

test("what the server takes is forgotten", async () => {
  const outbox = clinic.open();

  outbox.add([act("a"), act("b")]);
  assert.equal(clinic.kept, 2);
  await settled();

  assert.deepEqual(clinic.sent, [["a", "b"]]);
  assert.deepEqual(clinic.taken, ["a", "b"]);
  assert.deepEqual(clinic.reported, ["saved", 0, ""]);
  assert.equal(clinic.kept, 0);
});

test("what is added while something is sent follows in order", async () => {
  const outbox = clinic.open();

  outbox.add([act("a")]);
  outbox.add([act("b")]);
  outbox.add([act("c")]);
  await settled();

  assert.deepEqual(clinic.sent, [["a"], ["b", "c"]]);
});

test("one request holds acts of one kind, in order", async () => {
  const outbox = clinic.open();

  outbox.add([act("a"), act("b", { kind: "undo", undoes: "a" }), act("c")]);
  await settled();

  assert.deepEqual(clinic.sent, [["a"], ["b"], ["c"]]);
});

test("one request holds 200 acts at most", async () => {
  const outbox = clinic.open();

  outbox.add(Array.from({ length: 450 }, (_, index) => act(String(index))));
  await settled();

  assert.deepEqual(clinic.sent.map(({ length }) => length), [200, 200, 50]);
});

test("without a connection acts wait, are tried again at growing intervals, and then go", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  clinic.answer = () => Promise.reject(new TypeError("Failed to fetch"));
  const outbox = clinic.open();

  outbox.add([act("a")]);
  await settled();
  assert.deepEqual(clinic.reported, ["offline", 1, ""]);

  for (const pause of [2000, 4000, 8000, 10_000, 10_000]) {
    const before = clinic.sent.length;
    context.mock.timers.tick(pause - 1);
    await settled();
    assert.equal(clinic.sent.length, before);
    context.mock.timers.tick(1);
    await settled();
    assert.equal(clinic.sent.length, before + 1);
  }

  clinic.answer = async () => json({ reviews: [], count: 1 });
  clinic.page.dispatchEvent(new Event("online"));
  await settled();
  assert.deepEqual(clinic.taken, ["a"]);
  assert.equal(clinic.kept, 0);
});

test("an act that is added while the server is not reached does not ask it sooner", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  clinic.answer = () => Promise.reject(new TypeError("Failed to fetch"));
  const outbox = clinic.open();
  outbox.add([act("a")]);
  await settled();

  outbox.add([act("b")]);
  await settled();

  assert.equal(clinic.sent.length, 1);
  assert.deepEqual(clinic.reported, ["offline", 2, ""]);
});

for (const [name, answer] of Object.entries({
  "a proxy's page": () => new Response("<h1>Sign in</h1>"),
  "a body cut off": () => new Response('{"reviews": ['),
  "an answer of another kind": () => json({ ok: true }),
  "a list of nothing": () => json([]),
  "null": () => new Response("null"),
  "an address not known": () => new Response("", { status: 404 }),
  "a proxy's refusal": () => new Response("<h1>409</h1>", { status: 409 }),
  "a fault": () => new Response("", { status: 500 }),
})) {
  test(`${name} takes nothing and refuses nothing`, async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    clinic.answer = async () => answer();
    const outbox = clinic.open();

    outbox.add([act("a")]);
    await settled();

    assert.deepEqual(outbox.waiting.map(({ key }) => key), ["a"]);
    assert.equal(clinic.kept, 1);
    assert.deepEqual([clinic.taken, clinic.refused], [[], []]);
    assert.deepEqual(clinic.reported, ["offline", 1, ""]);
  });
}

test("the message of the server is reported while it takes nothing", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  clinic.answer = async () => json({ error: "The database is locked." }, 503);
  const outbox = clinic.open();

  outbox.add([act("a")]);
  await settled();
  assert.deepEqual(clinic.reported, ["stopped", 1, "The database is locked."]);
  outbox.add([act("b")]);
  assert.deepEqual(clinic.reported, ["stopped", 2, "The database is locked."]);
});

for (const status of [400, 403]) {
  test(`${status} stops without trying again by itself`, async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    clinic.answer = async () => json({ error: "Somebody else is signed in." }, status);
    const outbox = clinic.open();

    outbox.add([act("a")]);
    await settled();
    context.mock.timers.tick(60_000);
    await settled();

    assert.equal(clinic.sent.length, 1);
    assert.deepEqual(clinic.reported, ["stopped", 1, "Somebody else is signed in."]);
    assert.equal(clinic.kept, 1);
  });
}

test("signed out, acts wait until they are sent again", async () => {
  clinic.answer = async () => json({}, 401);
  const outbox = clinic.open();
  outbox.add([act("a")]);
  await settled();
  assert.deepEqual(clinic.reported, ["signed-out", 1, ""]);

  clinic.answer = async () => json({ reviews: [], count: 1 });
  await outbox.hurry();

  assert.deepEqual(clinic.taken, ["a"]);
});

for (const status of [409, 422]) {
  test(`of several acts only the one that is refused with ${status} is dropped`, async () => {
    clinic.answer = async (_, acts) => (
      acts.some(({ key }) => key === "b") ? json({ error: "No such cell." }, status) : json({ reviews: [], count: 0 })
    );
    const outbox = clinic.open();

    outbox.add([act("a"), act("b"), act("c")]);
    await settled();

    assert.deepEqual(clinic.sent, [["a", "b", "c"], ["a"], ["b"], ["c"]]);
    assert.deepEqual(clinic.taken, ["a", "c"]);
    assert.deepEqual(clinic.refused, [["b", "No such cell."]]);
    assert.equal(clinic.kept, 0);

    outbox.add([act("d"), act("e")]);
    await settled();
    assert.deepEqual(clinic.sent.at(-1), ["d", "e"]);
  });
}

test("an act that was never sent is withdrawn, one that may have been is not", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  clinic.answer = () => Promise.reject(new TypeError("Failed to fetch"));
  const outbox = clinic.open();
  outbox.add([act("a")]);
  await settled();
  outbox.add([act("b")]);

  assert.equal(outbox.withdraw("b"), true);
  assert.equal(outbox.withdraw("a"), false);
  assert.equal(outbox.withdraw("unknown"), false);

  assert.deepEqual(outbox.waiting.map(({ key }) => key), ["a"]);
  assert.equal(clinic.kept, 1);
});

test("another page finds what waits for the same person and case, in order", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  clinic.answer = () => Promise.reject(new TypeError("Failed to fetch"));
  const outbox = clinic.open();
  outbox.add([act("z")]);
  await settled();
  outbox.add([act("y"), act("x", { box: [1, 2, 3, 4] })]);

  const waiting = clinic.open().waiting;

  assert.deepEqual(waiting, outbox.waiting);
  assert.deepEqual(waiting.map(({ key, sent }) => [key, sent]), [["z", true], ["y", undefined], ["x", undefined]]);
  assert.deepEqual(clinic.open("room.ada.case-2.").waiting, []);
  assert.deepEqual(clinic.open("room.bob.case-1.").waiting, []);
});

test("two pages do not overwrite each other", () => {
  clinic.answer = () => new Promise(() => {});

  clinic.open().add([act("a")]);
  clinic.open().add([act("b")]);

  assert.deepEqual(clinic.open().waiting.map(({ key }) => key).sort(), ["a", "b"]);
});

for (const [name, kept, asks] of /** @type {const} */ ([["kept", true, false], ["not kept", false, true]])) {
  test(`the page ${asks ? "asks" : "does not ask"} before it is left where acts are ${name}`, () => {
    Shelf.full = !kept;
    clinic.answer = () => new Promise(() => {});
    const outbox = clinic.open();
    outbox.add([act("a")]);
    assert.equal(outbox.waiting.length, 1);

    const leaving = new Event("beforeunload", { cancelable: true });
    clinic.page.dispatchEvent(leaving);

    assert.equal(leaving.defaultPrevented, asks);
  });
}

test("where the browser keeps nothing, acts are sent all the same", async () => {
  const outbox = new Outbox("room.", clinic.actions, null, clinic.page);

  outbox.add([act("a")]);
  await settled();

  assert.deepEqual(clinic.taken, ["a"]);
});

/** @param {string} sent @returns {object} */
function clash(sent) {
  const review = { id: 7, key: "k", by: "cleo", at: "", from: "blast", to: "monocyte", undoes: null };
  return { sent, cell: `cell-${sent}`, ...review };
}

test("what a colleague named meanwhile is handed back, and the rest is sent", async () => {
  const outbox = clinic.open();
  const answers = [
    json({ error: "Somebody else was faster.", conflicts: [clash("b")] }, 409),
    json({ reviews: [], count: 3 }),
  ];
  clinic.answer = async () => answers.shift() ?? json({ reviews: [], count: 3 });
  outbox.add([act("a"), act("b"), act("c")]);
  await settled();
  assert.deepEqual(clinic.sent, [["a", "b", "c"], ["a", "c"]]);
  assert.deepEqual([clinic.clashed, clinic.taken, clinic.refused], [["b"], ["a", "c"], []]);
  assert.deepEqual([outbox.waiting, clinic.kept], [[], 0]);
});

test("what was undone before a colleague's word was known asks nothing", async () => {
  const outbox = clinic.open();
  /** @type {(answer: Response) => void} */
  let answerNow = () => undefined;
  clinic.answer = () => new Promise((resolve) => { answerNow = resolve; });
  outbox.add([act("a")]);
  outbox.add([act("u", { kind: "undo", undoes: "a" })]);
  answerNow(json({ error: "Somebody else was faster.", conflicts: [clash("a")] }, 409));
  await settled();
  assert.deepEqual([clinic.sent, clinic.clashed, clinic.refused], [[["a"]], [], []]);
  assert.deepEqual([outbox.waiting, clinic.kept], [[], 0]);
});
