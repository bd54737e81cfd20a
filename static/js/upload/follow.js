// Asks the server how far the files of a batch are, as long as some of them are under way.

import { gettext } from "../common/language.js";

/** @import { FileReport } from "./progress.js" */

const AT_FIRST = 700;
const AT_MOST = 10_000;
const GIVE_UP = 60_000;
const SIGNED_OUT = gettext("You are signed out. Processing continues: sign in again to see the results.");

/** Follows one address; slower and slower while nothing changes or the server is not reached. */
export class Follower {
  /** Milliseconds until the next question. */
  pause = AT_FIRST;

  /** @type {ReturnType<typeof setTimeout> | null} */
  timer = null;

  /** The answer before, as text. */
  before = "";

  /**
   * @param {string} address
   * @param {(files: FileReport[]) => boolean} show gives whether some are under way still
   * @param {HTMLElement} lost where it stands that the server was not reached
   * @param {() => void} [signedOut] is called in place of a sentence when the session has ended
   */
  constructor(address, show, lost, signedOut) {
    this.address = address;
    this.show = show;
    this.lost = lost;
    this.signedOut = signedOut;
  }

  /** Begin to ask, or ask soon if that has begun already. */
  start() {
    this.pause = AT_FIRST;
    if (this.timer === null) this.later();
  }

  later() {
    this.timer = setTimeout(() => this.ask(), this.pause);
  }

  async ask() {
    const more = await this.answered();
    this.timer = null;
    if (more) this.later();
  }

  /** Whether to ask again. */
  async answered() {
    let answer;
    try {
      answer = await fetch(this.address, { headers: { Accept: "application/json" } });
    } catch {
      return this.missed();
    }
    if (answer.status === 401) return this.end();
    if (!answer.ok) return this.missed();
    const text = await answer.text();
    this.lost.hidden = true;
    this.pause = text === this.before ? Math.min(1.3 * this.pause, AT_MOST) : AT_FIRST;
    this.before = text;
    return this.show(JSON.parse(text).files);
  }

  missed() {
    this.pause = Math.min(2 * this.pause, GIVE_UP);
    const seconds = Math.ceil(this.pause / 1000);
    this.warn(gettext(
      "The server could not be reached. Trying again in %(seconds)s seconds. Uploaded fields are processed meanwhile.",
      { seconds },
    ));
    return true;
  }

  end() {
    if (this.signedOut) this.signedOut();
    else this.warn(SIGNED_OUT);
    return false;
  }

  /** @param {string} sentence */
  warn(sentence) {
    this.lost.textContent = sentence;
    this.lost.hidden = false;
  }
}
