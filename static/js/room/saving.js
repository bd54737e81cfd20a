// Between the room and the server: cells and histories from it, corrections to it.

import { csrfToken, find, findOptional } from "../common/elements.js";
import { nameOf } from "./classes.js";
import { newKey, Outbox } from "./outbox.js";

/** @import { Cell, Field, ReportedCell } from "./cells.js" */
/** @import { Act, Kind, Standing, Taken } from "./outbox.js" */
/** @import { Review } from "./panel.js" */
/** @import { Room } from "./room.js" */

/**
 * A case as the server tells it (pages/cases/reading_room.py).
 * @typedef {object} CaseReport
 * @property {number} count reviews of the case
 * @property {boolean} locked
 * @property {Field[]} fields
 * @property {ReportedCell[]} cells
 */

/** @typedef {Pick<Act, "key" | "cell" | "before">} Done A correction that can be taken back. */

const JSON_ONLY = { Accept: "application/json" };
const LOCKED = 409;
const RENEWALS = 4;
const LOST = "Colleagues’ changes could not be loaded.";

/** @param {number} count */
function corrections(count) {
  return count === 1 ? "1 correction" : `${count} corrections`;
}

/** @type {Record<Standing, (count: number, sentence: string) => string>} */
const STANDINGS = {
  saved: () => "All saved",
  saving: (count) => `Saving ${corrections(count)}…`,
  offline: (count) => `${corrections(count)} wait${count === 1 ? "s" : ""} for the connection`,
  "signed-out": (count) => `You are signed out; ${corrections(count)} wait${count === 1 ? "s" : ""} in this browser.`,
  stopped: (count, sentence) => `${corrections(count)} not saved yet. ${sentence}`,
};

export class Saving {
  /** Reviews of the case, as far as this page knows. */
  count = 0;

  /** Whether the cells are there. */
  begun = false;

  /**
   * @param {HTMLElement} element names the addresses
   * @param {Room} room is given what the server says
   */
  constructor(element, room) {
    this.room = room;
    this.addresses = element.dataset;
    this.part = (/** @type {string} */ name) => find(element, `[data-${name}]`);
    this.token = csrfToken();
    const { caseId, reader } = element.dataset;
    this.outbox = new Outbox(`leukoscope.room.${reader}.${caseId}.`, {
      send: (kind, acts) => this.send(kind, acts),
      taken: (kind, acts, answer) => this.taken(kind, acts, answer),
      refused: (acts, sentence, status) => this.refused(acts, sentence, status),
      report: (standing, count, sentence) => this.report(standing, count, sentence),
    });
    this.part("retry").addEventListener("click", () => this.outbox.hurry());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.look();
    });
  }

  /**
   * Once the cells are there: put over them what an earlier visit left, and send that.
   * @param {number} count reviews of the case
   */
  begin(count) {
    this.count = count;
    for (const act of this.outbox.waiting) this.repeat(act);
    this.begun = true;
    // Also where nothing can be changed now: the server names what it does not take.
    this.outbox.flush();
  }

  /** @param {Act} act */
  repeat(act) {
    const { room } = this;
    if (act.kind === "undo") {
      room.putBack(act);
      return;
    }
    if (act.drawn && !room.cells.has(act.cell) && room.fields.has(act.drawn.field)) room.take(act.drawn);
    const cell = room.cells.get(act.cell);
    if (cell) room.say(cell, act.label ?? null);
  }

  get pending() {
    return new Set(this.outbox.waiting.map((act) => act.cell));
  }

  /** @param {Act[]} acts */
  add(acts) {
    for (const act of acts) {
      const cell = this.room.cells.get(act.cell);
      if (cell?.number === null) act.drawn = bare(cell);
    }
    this.outbox.add(acts);
  }

  /**
   * Corrections that were never sent are dropped, others undone by a row of their own.
   * @param {Done[]} acts
   */
  takeBack(acts) {
    const sent = acts.filter((act) => !this.outbox.withdraw(act.key)).reverse();
    this.outbox.add(sent.map(({ key, cell, before }) => ({ kind: "undo", key: newKey(), undoes: key, cell, before })));
  }

  /**
   * POST; a page that was open while the person signed in again gets a token that is valid now.
   * @param {Kind} kind
   * @param {Act[]} acts
   */
  async send(kind, acts) {
    let answer = await this.post(kind, acts);
    // More than once: pictures that are asked for at the same time may begin sessions of their own.
    for (let tries = 0; answer.status === 400 && tries < RENEWALS; tries += 1) {
      await this.renewToken();
      answer = await this.post(kind, acts);
    }
    return answer;
  }

  /**
   * @param {Kind} kind
   * @param {Act[]} acts
   */
  post(kind, acts) {
    const undo = kind === "undo";
    const entries = acts.map((act) => (undo ? undoEntry(act) : reviewEntry(act)));
    const address = undo ? this.addresses.undoAddress : this.addresses.reviews;
    return fetch(address ?? "", {
      method: "POST",
      headers: { ...JSON_ONLY, "Content-Type": "application/json", "X-CSRFToken": this.token },
      body: JSON.stringify({ reader: this.addresses.reader, entries }),
    });
  }

  async renewToken() {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    this.token = findOptional(page, "meta[name=csrf-token]", HTMLMetaElement)?.content ?? this.token;
  }

  /**
   * @param {Kind} kind
   * @param {Act[]} acts
   * @param {Taken} answer
   */
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

  /**
   * Note a saved correction; a colleague had named the cell where it was not what was shown.
   * @param {Cell} cell
   * @param {Review} review
   * @param {Act} [act]
   */
  compare(cell, review, act) {
    if (review.undoes || !act) return;
    const other = review.from !== act.before.label && review.from !== review.to;
    const conflict = other ? { mine: review.to, theirs: review.from, by: "a colleague" } : null;
    Object.assign(cell, { review: review.id, key: review.key, at: review.at, before: review.from, conflict });
  }

  /**
   * @param {Act[]} acts
   * @param {string} sentence
   * @param {number} status
   */
  refused(acts, sentence, status) {
    const list = this.part("refused");
    const item = document.createElement("li");
    const [{ cell, label }] = acts;
    const name = this.room.cells.get(cell)?.name ?? "A cell";
    item.textContent = `${name}${label ? `: ${nameOf(label)}` : ""} was not taken. ${sentence}`;
    find(list, "ul").append(item);
    list.hidden = false;
    if (status === LOCKED) this.room.lock();
    if (!this.outbox.waiting.length) this.refresh();
  }

  /**
   * @param {Standing} standing
   * @param {number} count
   * @param {string} sentence
   */
  report(standing, count, sentence) {
    const place = this.part("saved");
    place.dataset.saved = standing;
    this.part("saved-text").textContent = STANDINGS[standing](count, sentence);
    this.part("sign-in").hidden = standing !== "signed-out";
    this.part("retry").hidden = standing === "saved" || standing === "saving";
  }

  /** @returns {Promise<CaseReport | null>} */
  async fetchCells() {
    try {
      const answer = await fetch(this.addresses.cells ?? "", { headers: JSON_ONLY });
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

  /** @returns {Promise<void>} */
  async refresh() {
    const asked = this.count;
    const report = await this.fetchCells();
    this.part("lost").textContent = report ? "" : LOST;
    if (!report) return undefined;
    // Something was saved meanwhile, and these cells are from before.
    if (this.count > asked && report.count < this.count) return this.refresh();
    this.count = report.count;
    return this.room.merge(report);
  }

  /**
   * @param {Cell} cell
   * @returns {Promise<Review[] | null>}
   */
  async history({ id }) {
    try {
      const address = (this.addresses.historyAddress ?? "").replace("CELL", id);
      const answer = await fetch(address, { headers: JSON_ONLY });
      return answer.ok ? (await answer.json()).reviews : null;
    } catch {
      return null;
    }
  }
}

/** @param {Act} act */
function reviewEntry({ key, cell, label, box }) {
  return { key, cell, label, box };
}

/** @param {Act} act */
function undoEntry({ key, undoes }) {
  return { key, undoes };
}

/**
 * A drawn cell without what only this page knows of it, to be drawn again after a reload.
 * @param {Cell} cell
 * @returns {ReportedCell}
 */
function bare(cell) {
  const { name: _name, order: _order, picture: _picture, conflict: _conflict, ...report } = cell;
  return { ...report, label: null, seen: false };
}
