// Corrections on their way to the server: kept in the browser until it has taken them.

/** @import { CellState, ReportedCell } from "./cells.js" */
/** @import { Review } from "./panel.js" */

/** @typedef {"review" | "undo"} Kind */

/**
 * A correction, or one that takes another back.
 * @typedef {object} Act
 * @property {Kind} kind
 * @property {string} key a name that makes sending it twice do nothing twice
 * @property {string} cell
 * @property {CellState} before what is shown when it is undone
 * @property {string | null} [label] of a review
 * @property {number[]} [box] of a drawn cell's first review
 * @property {boolean} [bulk] whether the same act named several cells
 * @property {string} [undoes] key of the review that it takes back
 * @property {ReportedCell} [drawn] the drawn cell, to be drawn again after a reload
 * @property {boolean} [sent] whether the server may have it
 * @property {string} [place] where it is kept in the browser
 */

/**
 * How it stands with what waits: all taken, on its way, the server is not reached, the person has
 * signed out, or the server gave a reason for refusing.
 * @typedef {"saved" | "saving" | "offline" | "signed-out" | "stopped"} Standing
 */

/**
 * What the server answers to acts that it took.
 * @typedef {object} Taken
 * @property {Review[]} reviews
 * @property {number} count reviews of the case
 * @property {string} [was] the state of the case before
 * @property {string} [state] the state of the case now
 */

/**
 * A colleague's review of a cell that an act did not know; `sent` is the act's key.
 * @typedef {Review & {sent: string}} Clash
 */

/**
 * What an outbox needs, and does.
 * @typedef {object} OutboxActions
 * @property {(kind: Kind, acts: Act[]) => Promise<Pick<Response, "ok" | "status" | "json">>} send
 * @property {(kind: Kind, acts: Act[], answer: Taken) => void} taken is given what the server took
 * @property {(acts: Act[], sentence: string, status: number) => void} refused
 * @property {(acts: Act[], clashes: Clash[]) => void} clashed colleagues were faster, and differ
 * @property {(standing: Standing, count: number, sentence: string) => void} report
 */

/** @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem">} Shelf where acts survive a reload */

const AT_ONCE = 200;
const AT_FIRST = 2000;
const AT_MOST = 10_000;
/** Where the server says of acts themselves that it does not take them (pages/cases/reading_room.py). */
const SETTLED = new Set([409, 422]);

/**
 * What survives a reload; null where the browser allows nothing to be kept.
 * @returns {Shelf | null}
 */
function browserShelf() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/**
 * What one account still has to send for one case, in order. Each has a key, so that sending it
 * twice does nothing twice, and an entry of its own, so that two tabs do not overwrite each other.
 */
export class Outbox {
  pause = AT_FIRST;

  /** Acts that were added, to keep them in order. */
  count = 0;

  /** Whether acts are being sent. */
  busy = false;

  /** Whether acts are sent one by one, to find which of them is refused. */
  single = false;

  /** Why the server took nothing, in its words. @type {string | undefined} */
  why;

  /** @type {ReturnType<typeof setTimeout> | null} */
  timer = null;

  /**
   * @param {string} prefix of the names under which acts are kept
   * @param {OutboxActions} actions
   * @param {Shelf | null} shelf
   * @param {EventTarget} page
   */
  constructor(prefix, actions, shelf = browserShelf(), page = window) {
    this.prefix = prefix;
    this.actions = actions;
    this.shelf = shelf;
    this.waiting = this.kept();
    page.addEventListener("online", () => this.hurry());
    page.addEventListener("beforeunload", (event) => {
      if (this.waiting.some((act) => !this.isKept(act))) event.preventDefault();
    });
  }

  /** @returns {Act[]} */
  kept() {
    const places = Object.keys(this.shelf ?? {}).filter((name) => name.startsWith(this.prefix));
    return places.sort().map((place) => JSON.parse(this.shelf?.getItem(place) ?? ""));
  }

  /** @param {Act} act */
  isKept(act) {
    return Boolean(this.shelf?.getItem(act.place ?? ""));
  }

  /** @param {Act[]} acts */
  add(acts) {
    for (const act of acts) {
      const time = Date.now().toString(36).padStart(9, "0");
      this.count += 1;
      act.place = `${this.prefix}${time}.${String(this.count).padStart(6, "0")}.${act.key}`;
      this.keep(act);
      this.waiting.push(act);
    }
    // Where the server was not reached, it is tried again at its time.
    if (this.timer) this.tellWhy();
    else this.flush();
  }

  /** @param {Act} act */
  keep(act) {
    try {
      this.shelf?.setItem(act.place ?? "", JSON.stringify(act));
    } catch {
      // Full: it waits only in the page, which then asks before it is left.
    }
  }

  /**
   * Take an act back that was never sent; give false when it may have been.
   * @param {string | null} key
   */
  withdraw(key) {
    const act = this.waiting.find((one) => one.key === key);
    if (!act || act.sent) return false;
    this.drop([act]);
    this.report();
    return true;
  }

  /** @param {Act[]} acts */
  drop(acts) {
    const gone = new Set(acts);
    this.waiting = this.waiting.filter((act) => !gone.has(act));
    for (const act of acts) this.shelf?.removeItem(act.place ?? "");
  }

  hurry() {
    this.pause = AT_FIRST;
    return this.flush();
  }

  async flush() {
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.timer ?? undefined);
    this.timer = null;
    try {
      while (this.waiting.length && (await this.sendSome()));
    } finally {
      this.busy = false;
    }
    if (!this.waiting.length) this.report();
  }

  /** The next acts of one kind; a single one while it is sought which one is refused. */
  next() {
    const [{ kind }] = this.waiting;
    const end = this.waiting.findIndex((act) => act.kind !== kind);
    return this.waiting.slice(0, end < 0 ? undefined : end).slice(0, this.single ? 1 : AT_ONCE);
  }

  /** Send the next acts; give whether to go on. */
  async sendSome() {
    const acts = this.next();
    this.report("saving");
    for (const act of acts) {
      act.sent = true;
      this.keep(act);
    }
    let answer;
    try {
      answer = await this.actions.send(acts[0].kind, acts);
    } catch {
      return this.later();
    }
    return this.answered(acts, answer);
  }

  /**
   * Acts are dropped only on the server's own answer: a proxy may answer in its place.
   * @param {Act[]} acts
   * @param {Pick<Response, "ok" | "status" | "json">} answer
   */
  async answered(acts, answer) {
    const { ok, status } = answer;
    const told = (await answer.json().catch(() => null)) ?? {};
    if (status === 401) return this.stop("signed-out");
    if (status === 400 || status === 403) return this.stop("stopped", told.error);
    if (ok && Array.isArray(told.reviews)) {
      return this.settle(acts, () => this.actions.taken(acts[0].kind, acts, told));
    }
    return SETTLED.has(status) && told.error ? this.judged(acts, told, status) : this.later(told.error);
  }

  /**
   * The server did not take acts, for what they are or for what colleagues did.
   * @param {Act[]} acts
   * @param {{error: string, conflicts?: Clash[]}} told
   * @param {number} status
   */
  judged(acts, { error, conflicts }, status) {
    return Array.isArray(conflicts) ? this.clash(acts, conflicts) : this.settled(acts, error, status);
  }

  /**
   * Drop the acts on cells that colleagues have named meanwhile, and what takes these acts back: the
   * person decides. The others are sent again.
   * @param {Act[]} acts
   * @param {Clash[]} clashes
   */
  clash(acts, clashes) {
    const keys = new Set(clashes.map(({ sent }) => sent));
    const clashing = acts.filter(({ key }) => keys.has(key));
    if (!clashing.length) return this.later();
    const undone = this.waiting.filter(({ undoes }) => undoes && keys.has(undoes));
    const back = new Set(undone.map(({ undoes }) => undoes));
    const open = clashing.filter(({ key }) => !back.has(key));
    return this.settle([...clashing, ...undone], () => this.actions.clashed(open, clashes));
  }

  /**
   * Drop the act that the server refused, or find it among several.
   * @param {Act[]} acts
   * @param {string} sentence
   * @param {number} status
   */
  settled(acts, sentence, status) {
    if (acts.length === 1) return this.settle(acts, () => this.actions.refused(acts, sentence, status));
    this.single = true;
    return true;
  }

  /**
   * Nothing is left to send of these acts.
   * @param {Act[]} acts
   * @param {() => void} then
   */
  settle(acts, then) {
    this.pause = AT_FIRST;
    this.drop(acts);
    this.single &&= this.waiting.length > 0;
    then();
    return true;
  }

  /**
   * Try again after a while, and show the server's message until then, if any.
   * @param {string} [sentence]
   */
  later(sentence) {
    this.why = sentence;
    this.tellWhy();
    this.timer = setTimeout(() => this.flush(), this.pause);
    this.pause = Math.min(2 * this.pause, AT_MOST);
    return false;
  }

  /**
   * @param {Standing} standing
   * @param {string} [sentence]
   */
  stop(standing, sentence) {
    this.report(standing, sentence);
    return false;
  }

  tellWhy() {
    this.report(this.why ? "stopped" : "offline", this.why);
  }

  /** @param {Standing} standing */
  report(standing = "saved", sentence = "") {
    this.actions.report(this.waiting.length ? standing : "saved", this.waiting.length, sentence);
  }
}
