// Asks the server every few seconds, while the page is seen, whether colleagues changed the case.

/** @typedef {"same" | "changed" | "signed-out" | "unreachable"} Answered */

const EVERY = 4000;
const AT_MOST = 60_000;

export class Changes {
  /** Milliseconds until the next question; longer while the server is not reached. */
  pause = EVERY;

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /** Whether an answer is awaited. */
  asking = false;

  /**
   * @param {() => Promise<Answered>} ask
   * @param {Pick<Document, "hidden" | "addEventListener">} page
   */
  constructor(ask, page = document) {
    this.ask = ask;
    this.page = page;
  }

  begin() {
    this.page.addEventListener("visibilitychange", () => this.look());
    this.later();
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), this.pause);
  }

  /** Ask now, unless nobody looks at the page; it asks at once when somebody comes back. */
  async look() {
    clearTimeout(this.timer);
    if (this.page.hidden || this.asking) return;
    this.asking = true;
    const answered = await this.ask().finally(() => {
      this.asking = false;
    });
    if (answered === "signed-out") return;
    this.pause = answered === "unreachable" ? Math.min(2 * this.pause, AT_MOST) : EVERY;
    this.later();
  }
}
