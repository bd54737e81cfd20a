// Corrections on their way to the server: kept in the browser until it has taken them.

const AT_ONCE = 200;
const AT_FIRST = 2000;
const AT_MOST = 10_000;
/** Where the server says of acts themselves that it does not take them (pages/cases/reading_room.py). */
const JUDGED = new Set([409, 422]);

/** What survives a reload; null where the browser allows nothing to be kept. */
const shelf = (() => {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
})();

/** A name that nobody else gives; plain http has no crypto.randomUUID. */
export function newKey(bytes = 16) {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  return [...values].map((value) => value.toString(16).padStart(2, "0")).join("");
}

/**
 * What one account still has to send for one case, in order. Each has a key, so that sending it
 * twice does nothing twice, and an entry of its own, so that two tabs do not overwrite each other.
 */
export class Outbox {
  /**
   * `send(kind, acts)` gives a Response; `taken(kind, acts, answer)` and `refused(acts, sentence,
   * status)` are told what became of acts, `tell(state, count, sentence)` how it stands.
   */
  constructor(prefix, { send, taken, refused, tell }) {
    Object.assign(this, { prefix, send, taken, refused, tell });
    this.waiting = this.kept();
    this.pause = AT_FIRST;
    window.addEventListener("online", () => this.hurry());
    window.addEventListener("beforeunload", (event) => {
      if (this.waiting.some((act) => !shelf?.getItem(act.place))) event.preventDefault();
    });
  }

  kept() {
    const places = Object.keys(shelf ?? {}).filter((name) => name.startsWith(this.prefix));
    return places.sort().map((place) => JSON.parse(shelf.getItem(place)));
  }

  add(acts) {
    for (const act of acts) {
      const moment = Date.now().toString(36).padStart(9, "0");
      this.count = (this.count ?? 0) + 1;
      act.place = `${this.prefix}${moment}.${String(this.count).padStart(6, "0")}.${act.key}`;
      this.keep(act);
      this.waiting.push(act);
    }
    // Where the server was not reached, it is tried again at its time.
    if (this.timer) this.sayWhy();
    else this.flush();
  }

  keep(act) {
    try {
      shelf?.setItem(act.place, JSON.stringify(act));
    } catch {
      // Full: it waits in the page alone, which then asks before it is left.
    }
  }

  /** Take an act back that was never sent; false when it may have been. */
  withdraw(key) {
    const act = this.waiting.find((one) => one.key === key);
    if (!act || act.sent) return false;
    this.drop([act]);
    this.say();
    return true;
  }

  drop(acts) {
    const gone = new Set(acts);
    this.waiting = this.waiting.filter((act) => !gone.has(act));
    for (const act of acts) shelf?.removeItem(act.place);
  }

  hurry() {
    this.pause = AT_FIRST;
    this.flush();
  }

  async flush() {
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.timer);
    this.timer = null;
    try {
      while (this.waiting.length && (await this.sendSome()));
    } finally {
      this.busy = false;
    }
    if (!this.waiting.length) this.say();
  }

  /** The next acts of one kind; one alone while it is sought which one is refused. */
  next() {
    const [{ kind }] = this.waiting;
    const end = this.waiting.findIndex((act) => act.kind !== kind);
    return this.waiting.slice(0, end < 0 ? undefined : end).slice(0, this.alone ? 1 : AT_ONCE);
  }

  /** Whether to go on. */
  async sendSome() {
    const acts = this.next();
    this.say("saving");
    for (const act of acts) {
      act.sent = true;
      this.keep(act);
    }
    let answer;
    try {
      answer = await this.send(acts[0].kind, acts);
    } catch {
      return this.later();
    }
    return this.answered(acts, answer);
  }

  /** Acts are dropped by the server's own word alone: a proxy may answer in its place. */
  async answered(acts, answer) {
    const told = await answer.json().catch(() => null);
    if (answer.status === 401) return this.stop("signed-out");
    if (answer.status === 400 || answer.status === 403) return this.stop("stopped", told?.error);
    if (answer.ok && Array.isArray(told?.reviews)) {
      return this.settle(acts, () => this.taken(acts[0].kind, acts, told));
    }
    if (!JUDGED.has(answer.status) || !told?.error) return this.later(told?.error);
    if (acts.length === 1) return this.settle(acts, () => this.refused(acts, told.error, answer.status));
    this.alone = true;
    return true;
  }

  /** Nothing is left to send of these acts. */
  settle(acts, tell) {
    this.pause = AT_FIRST;
    this.drop(acts);
    this.alone &&= this.waiting.length > 0;
    tell();
    return true;
  }

  /** Try again after a while, and say until then what the server said, if it did. */
  later(sentence) {
    this.why = sentence;
    this.sayWhy();
    this.timer = setTimeout(() => this.flush(), this.pause);
    this.pause = Math.min(2 * this.pause, AT_MOST);
    return false;
  }

  stop(state, sentence) {
    this.say(state, sentence);
    return false;
  }

  sayWhy() {
    this.say(this.why ? "stopped" : "offline", this.why);
  }

  say(state = "saved", sentence = "") {
    this.tell(this.waiting.length ? state : "saved", this.waiting.length, sentence);
  }
}
