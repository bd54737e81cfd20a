// Between the room and the server: cells and histories from it, corrections to it.

import { csrfToken, find, findOptional } from "../common/elements.js";
import { Changes } from "./changes.js";
import { isKnown, nameOf } from "./classes.js";
import { newKey } from "../common/keys.js";
import { gettext, ngettext } from "../common/language.js";
import { Outbox } from "./outbox.js";

/** @import { Cell, Field, ReportedCell } from "./cells.js" */
/** @import { Answered } from "./changes.js" */
/** @import { Act, Clash, Kind, Standing, Taken } from "./outbox.js" */
/** @import { Review, Told } from "./panel.js" */
/** @import { Room } from "./room.js" */

/**
 * A case as the server tells it (pages/cases/reading_room.py).
 * @typedef {object} CaseReport
 * @property {number} count reviews of the case
 * @property {boolean} locked whether it is signed
 * @property {boolean} closed whether it was closed without a signature
 * @property {Field[]} fields
 * @property {ReportedCell[]} cells
 */

/** @typedef {Pick<Act, "key" | "cell" | "before">} Done A correction that can be taken back. */

const JSON_ONLY = { Accept: "application/json" };
const LOCKED = 409;
const [SAME, SIGNED_OUT_NOW] = [304, 401];
const SIGNED_OUT = gettext("You are signed out. Sign in again in another tab, then save.");
const NOT_KEPT = gettext("Not saved: the server was not reached. Try again.");
const LOST = gettext("Colleagues’ changes could not be loaded.");

/** @type {Record<Answered, string>} What is said below the title when it was asked for changes. */
const SENTENCES = { same: "", changed: "", "signed-out": SIGNED_OUT, unreachable: LOST };

/** @param {number} count */
function corrections(count) {
  return ngettext("%(num)s correction", "%(num)s corrections", count);
}

/** @type {Record<Standing, (count: number, sentence: string) => string>} */
const STANDINGS = {
  saved: () => gettext("All saved"),
  saving: (count) => gettext("Saving %(corrections)s…", { corrections: corrections(count) }),
  offline: (count) => ngettext(
    "%(num)s correction waits for the connection", "%(num)s corrections wait for the connection", count,
  ),
  "signed-out": (count) => ngettext(
    "You are signed out; %(num)s correction waits in this browser.",
    "You are signed out; %(num)s corrections wait in this browser.",
    count,
  ),
  stopped: (count, sentence) => `${gettext(
    "%(corrections)s not saved yet.", { corrections: corrections(count) },
  )} ${sentence}`,
};

export class Saving {
  /** Reviews of the case, as far as this page knows. */
  count = 0;

  /** The server's name for what this page knows of the case. */
  state = "";

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
      clashed: (acts, clashes) => this.clashed(acts, clashes),
      report: (standing, count, sentence) => this.report(standing, count, sentence),
    });
    this.part("retry").addEventListener("click", () => this.outbox.hurry());
    this.changes = new Changes(() => this.ask());
  }

  /**
   * Once the cells are there: put over them what an earlier visit left, and send that.
   * @param {number} count reviews of the case
   */
  begin(count) {
    this.count = count;
    for (const act of this.outbox.waiting) this.repeat(act);
    // Also where nothing can be changed now: the server names what it does not take.
    this.outbox.flush();
    this.changes.begin();
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.outbox.waiting.length) this.outbox.hurry();
    });
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
   * @param {Kind} kind
   * @param {Act[]} acts
   */
  send(kind, acts) {
    const undo = kind === "undo";
    const entries = acts.map((act) => (undo ? undoEntry(act) : reviewEntry(act)));
    const address = undo ? this.addresses.undoAddress : this.addresses.reviews;
    return this.postTo(address ?? "", { reader: this.addresses.reader, entries });
  }

  /**
   * POST; a page that was open while the person signed in again gets a token that is valid now.
   * @param {string} address
   * @param {object} body
   */
  async postTo(address, body) {
    const answer = await this.post(address, body);
    if (answer.status !== 400) return answer;
    await this.renewToken();
    return this.post(address, body);
  }

  /**
   * @param {string} address
   * @param {object} body
   */
  post(address, body) {
    return fetch(address, {
      method: "POST",
      headers: { ...JSON_ONLY, "Content-Type": "application/json", "X-CSRFToken": this.token },
      body: JSON.stringify(body),
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
  taken(kind, acts, { reviews, count, was, state }) {
    const expected = new Map(acts.map((act) => [act.key, act]));
    const changed = [];
    for (const review of reviews) {
      const cell = this.room.cells.get(review.cell);
      if (!cell || this.pending.has(review.cell)) continue;
      this.settle(cell, review, expected.get(review.key));
      changed.push(cell);
    }
    this.room.changed(changed);
    // More rows than were sent are somebody else's.
    const others = count - this.count > reviews.length;
    this.count = count;
    // Else this page knows all that was there before, and what it sent.
    if (state && was === this.state && !others) this.state = state;
    if (others || kind === "undo") this.refresh();
  }

  /**
   * Note a saved correction.
   * @param {Cell} cell
   * @param {Review} review
   * @param {Act} [act]
   */
  settle(cell, review, act) {
    if (review.undoes || !act) return;
    Object.assign(cell, { review: review.id, key: review.key, at: review.at, before: review.from });
  }

  /**
   * Show what colleagues said meanwhile of cells that were named here, and let the person decide.
   * @param {Act[]} acts
   * @param {Clash[]} clashes
   */
  clashed(acts, clashes) {
    const labels = new Map(acts.map(({ key, label }) => [key, label ?? null]));
    const cells = [];
    for (const { sent, cell: id, id: review, key, by, at, from, to } of clashes) {
      const cell = this.room.cells.get(id);
      if (!cell || this.pending.has(id) || !labels.has(sent)) continue;
      if (!isKnown(to)) {
        this.room.lacksClass();
        continue;
      }
      const conflict = { mine: labels.get(sent) ?? null, theirs: to, by };
      Object.assign(cell, { label: to, seen: true, by, mine: false, at, review, key, before: from, conflict });
      cells.push(cell);
    }
    this.room.clashed(cells, new Set(acts.map(({ key }) => key)));
    if (!this.outbox.waiting.length) this.refresh();
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
    const name = this.room.cells.get(cell)?.name ?? gettext("A cell");
    const what = label ? `${name}: ${nameOf(label)}` : name;
    item.textContent = `${gettext("%(what)s was not taken.", { what })} ${sentence}`;
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
      if (!answer.ok) return null;
      const report = await answer.json();
      this.state = stateIn(answer);
      return report;
    } catch {
      return null;
    }
  }

  /**
   * Ask whether anything changed, and show it.
   * @returns {Promise<Answered>}
   */
  async ask() {
    // What waits goes first, at its own time: the answer to it tells of the rest.
    if (this.outbox.waiting.length) return "same";
    const asked = this.count;
    const headers = { ...JSON_ONLY, "If-None-Match": `"${this.state}"` };
    const answer = await fetch(this.addresses.changes ?? "", { headers, cache: "no-store" }).catch(() => null);
    const report = answer?.ok ? await answer.json().catch(() => null) : null;
    const standing = whatCame(answer, report);
    this.part("lost").textContent = SENTENCES[standing];
    if (answer && report) await this.show(report, asked, stateIn(answer));
    return standing;
  }

  /**
   * @param {CaseReport} report
   * @param {number} asked reviews that were known when it was asked for
   * @param {string} state
   */
  show(report, asked, state) {
    // Something was saved meanwhile, and these cells are from before.
    if (this.count > asked && report.count < this.count) return this.refresh();
    [this.count, this.state] = [report.count, state];
    return this.room.merge(report);
  }

  /** @returns {Promise<void>} */
  async refresh() {
    const asked = this.count;
    const report = await this.fetchCells();
    this.part("lost").textContent = report ? "" : LOST;
    if (report) await this.show(report, asked, this.state);
  }

  /**
   * @param {Cell} cell
   * @returns {Promise<Told | null>}
   */
  async history({ id }) {
    try {
      const address = (this.addresses.historyAddress ?? "").replace("CELL", id);
      const answer = await fetch(address, { headers: JSON_ONLY });
      return answer.ok ? await answer.json() : null;
    } catch {
      return null;
    }
  }

  /**
   * Add something to a cell beside its class; give all that is said of it, or why it was not kept.
   * @param {Cell} cell
   * @param {"comments" | "attributes"} what
   * @param {Record<string, string>} entry
   * @returns {Promise<Told | string>}
   */
  async note({ id }, what, entry) {
    const address = (this.addresses.historyAddress ?? "").replace("CELL", id).replace(/history$/, what);
    const body = { reader: this.addresses.reader, entries: [entry] };
    try {
      const answer = await this.postTo(address, body);
      if (answer.status === 401) return SIGNED_OUT;
      const told = await answer.json();
      return answer.ok ? told : told.error ?? NOT_KEPT;
    } catch {
      return NOT_KEPT;
    }
  }
}

/**
 * @param {Response | null} answer
 * @param {CaseReport | null} report
 * @returns {Answered}
 */
function whatCame(answer, report) {
  if (report) return "changed";
  if (answer?.status === SAME) return "same";
  return answer?.status === SIGNED_OUT_NOW ? "signed-out" : "unreachable";
}

/** @param {Response} answer */
function stateIn(answer) {
  return (answer.headers.get("ETag") ?? "").replace(/^(?:W\/)?"|"$/g, "");
}

/** @param {Act} act */
function reviewEntry({ key, cell, label, box, bulk, before }) {
  return { key, cell, label, box, bulk, based_on: before.review };
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
  const { name: _name, order: _order, picture: _picture, conflict: _conflict, news: _news, ...report } = cell;
  return { ...report, label: null, seen: false };
}
