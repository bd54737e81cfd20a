// Between the room and the server: cells and histories from it, corrections to it.

import { Outbox, newKey } from "./room-outbox.js";
import { nameOf } from "./room-cells.js";

const JSON_ONLY = { Accept: "application/json" };
const LOCKED = 409;
const RENEWALS = 4;
const LOST = "Colleagues’ changes could not be loaded.";

function corrections(count) {
  return count === 1 ? "1 correction" : `${count} corrections`;
}

const STATES = {
  saved: () => "All saved",
  saving: (count) => `Saving ${corrections(count)}…`,
  offline: (count) => `${corrections(count)} wait${count === 1 ? "s" : ""} for the connection`,
  "signed-out": (count) => `You are signed out; ${corrections(count)} wait${count === 1 ? "s" : ""} in this browser.`,
  stopped: (count, sentence) => `${corrections(count)} not saved yet. ${sentence}`,
};

export class Saving {
  /** `element` names the addresses; `room` is told what the server says. */
  constructor(element, room) {
    this.room = room;
    this.addresses = element.dataset;
    this.part = (name) => element.querySelector(`[data-${name}]`);
    this.token = document.querySelector("meta[name=csrf-token]").content;
    const { caseId, reader } = element.dataset;
    this.outbox = new Outbox(`leukoscope.room.${reader}.${caseId}.`, {
      send: (kind, acts) => this.send(kind, acts),
      taken: (kind, acts, told) => this.taken(kind, acts, told),
      refused: (acts, sentence, status) => this.refused(acts, sentence, status),
      tell: (state, count, sentence) => this.tell(state, count, sentence),
    });
    this.part("retry")?.addEventListener("click", () => this.outbox.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
  }

  /** Once the cells are there: put over them what an earlier visit left, and send that. */
  begin({ count }) {
    this.count = count;
    const { room, outbox } = this;
    for (const act of outbox.waiting) this.again(act, room);
    this.begun = true;
    // Also where nothing can be changed now: the server names what it does not take.
    outbox.flush();
  }

  again(act, room) {
    if (act.kind === "undo") return room.putBack(act);
    if (!room.cells.has(act.cell)) {
      if (!act.drawn || !room.fields.has(act.drawn.field)) return undefined;
      room.take(act.drawn);
    }
    return room.say(room.cells.get(act.cell), act.label);
  }

  get pending() {
    return new Set(this.outbox.waiting.map((act) => act.cell));
  }

  add(acts) {
    for (const act of acts) {
      const cell = this.room.cells.get(act.cell);
      if (cell.number === null) act.drawn = bare(cell);
    }
    this.outbox.add(acts);
  }

  /** Corrections that were never sent are dropped, others undone by a row of their own. */
  takeBack(acts) {
    const sent = acts.filter((act) => !this.outbox.withdraw(act.key)).reverse();
    this.outbox.add(sent.map(({ key, cell, before }) => ({ kind: "undo", key: newKey(), undoes: key, cell, before })));
  }

  /** POST; a page that was open while the person signed in again gets a token that is valid now. */
  async send(kind, acts) {
    let answer = await this.post(kind, acts);
    // More than once: pictures that are asked for at the same time may begin sessions of their own.
    for (let tries = 0; answer.status === 400 && tries < RENEWALS; tries += 1) {
      await this.renewToken();
      answer = await this.post(kind, acts);
    }
    return answer;
  }

  post(kind, acts) {
    const entries = acts.map(({ key, cell, label, box, undoes }) => (kind === "undo" ? { key, undoes } : { key, cell, label, box }));
    return fetch(kind === "undo" ? this.addresses.undoAddress : this.addresses.reviews, {
      method: "POST",
      headers: { ...JSON_ONLY, "Content-Type": "application/json", "X-CSRFToken": this.token },
      body: JSON.stringify({ reader: this.addresses.reader, entries }),
    });
  }

  async renewToken() {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    this.token = page.querySelector("meta[name=csrf-token]")?.content ?? this.token;
  }

  taken(kind, acts, { reviews, count }) {
    const expected = new Map(acts.map((act) => [act.key, act]));
    const changed = [];
    for (const review of reviews) {
      const cell = this.room.cells.get(review.cell);
      if (!cell || this.pending.has(review.cell)) continue;
      this.compare(cell, review, expected.get(review.key));
      changed.push(cell);
    }
    this.room.changed(changed);
    this.room.tellConflicts(changed.filter((cell) => cell.conflict));
    // More rows than were sent are somebody else's.
    const others = count - this.count > reviews.length;
    this.count = count;
    if (others || kind === "undo") this.refresh();
  }

  /** Note a saved correction; a colleague had named the cell where it was not what was shown. */
  compare(cell, review, { before }) {
    if (review.undoes) return;
    const other = review.from !== before.label && review.from !== review.to;
    const conflict = other ? { mine: review.to, theirs: review.from, by: "a colleague" } : null;
    Object.assign(cell, { review: review.id, key: review.key, at: review.at, before: review.from, conflict });
  }

  refused(acts, sentence, status) {
    const list = this.part("refused");
    const item = document.createElement("li");
    const [{ cell, label }] = acts;
    const name = this.room.cells.get(cell)?.name ?? "A cell";
    item.textContent = `${name}${label ? `: ${nameOf(label)}` : ""} was not taken. ${sentence ?? ""}`;
    list.querySelector("ul").append(item);
    list.hidden = false;
    if (status === LOCKED) this.room.lock();
    if (!this.outbox.waiting.length) this.refresh();
  }

  tell(state, count, sentence) {
    if (!this.outbox) return;
    const place = this.part("saved");
    place.dataset.saved = state;
    this.part("saved-words").textContent = STATES[state](count, sentence);
    this.part("sign-in").hidden = state !== "signed-out";
    this.part("retry").hidden = state === "saved" || state === "saving";
  }

  async fetchCells() {
    try {
      const answer = await fetch(this.addresses.cells, { headers: JSON_ONLY });
      return answer.ok ? await answer.json() : null;
    } catch {
      return null;
    }
  }

  /** When the person comes back to the page. */
  look() {
    if (!this.begun) return;
    if (this.outbox.waiting.length) this.outbox.hurry();
    else this.refresh();
  }

  async refresh() {
    const asked = this.count;
    const told = await this.fetchCells();
    this.part("lost").textContent = told ? "" : LOST;
    if (!told) return undefined;
    // Something was saved meanwhile, and these cells are from before.
    if (this.count > asked && told.count < this.count) return this.refresh();
    this.count = told.count;
    return this.room.merge(told);
  }

  async history({ id }) {
    try {
      const address = this.addresses.historyAddress.replace("CELL", id);
      const answer = await fetch(address, { headers: JSON_ONLY });
      return answer.ok ? (await answer.json()).reviews : null;
    } catch {
      return null;
    }
  }
}

/** A drawn cell without what only this page knows of it, to be drawn again after a reload. */
function bare(cell) {
  const { name, order, picture, conflict, ...told } = cell;
  return { ...told, label: null, seen: false };
}
