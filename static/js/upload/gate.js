// Closed while nothing can be sent: the server is not reached, or the session has ended.

/**
 * Whether files can be sent: yes, the server is not reached, nobody is signed in, or another person.
 * @typedef {"open" | "offline" | "signed-out" | "other"} Standing
 */

/**
 * @typedef {object} Finding
 * @property {Standing} standing
 * @property {string} [name] of the other person
 */

/**
 * @typedef {object} GateActions
 * @property {() => Promise<Finding>} probe
 * @property {(finding: Finding, seconds: number) => void} closed tells why, and when it is tried again
 * @property {() => void} opened
 */

const AT_FIRST = 1000;
const AT_MOST = 30_000;
const SESSION = 5000;

/** Finds out why a request failed, asks again and again, and opens by itself. */
export class Gate {
  /** @type {Standing} */
  standing = "open";

  pause = AT_FIRST;

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /** @type {Promise<void> | null} */
  looking = null;

  /**
   * @param {GateActions} actions
   * @param {EventTarget} page
   */
  constructor(actions, page = window) {
    this.actions = actions;
    for (const name of ["online", "focus"]) page.addEventListener(name, () => this.hurry());
  }

  get isOpen() {
    return this.standing === "open" && !this.looking;
  }

  /** A request failed: nothing is sent until it is known why, and can be helped. */
  check() {
    if (this.standing === "open") this.look();
  }

  /** Ask at once, if anything is to be asked. */
  hurry() {
    if (this.standing === "open") return;
    this.pause = AT_FIRST;
    this.look();
  }

  look() {
    clearTimeout(this.timer);
    this.looking ??= this.actions.probe().then((finding) => {
      this.looking = null;
      this.found(finding);
    });
  }

  /** @param {Finding} finding */
  found(finding) {
    this.standing = finding.standing;
    if (finding.standing === "open") {
      this.pause = AT_FIRST;
      this.actions.opened();
      return;
    }
    const pause = finding.standing === "offline" ? this.pause : SESSION;
    this.pause = Math.min(2 * this.pause, AT_MOST);
    this.actions.closed(finding, Math.ceil(pause / 1000));
    this.timer = setTimeout(() => this.look(), pause);
  }
}
