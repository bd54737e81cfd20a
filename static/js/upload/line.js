// One file in a list: what became of it so far, as the page's upload or the server tells.

import { find } from "../common/elements.js";
import { formatPercent, gettext } from "../common/language.js";
import { stateOf } from "./progress.js";

/** @import { FileReport, State } from "./progress.js" */

export const UNREACHABLE = gettext("The server could not be reached. Check the connection, then try again.");

export class Line {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.id = element.dataset.id;
    /** @type {State} */
    this.state = stateOf(element.dataset.state) ?? "waiting";
    element.dataset.state = this.state;
    this.bind("cancel", () => this.cancel());
    this.bind("retry", () => this.retry());
  }

  /**
   * @param {string} name
   * @returns {HTMLElement}
   */
  part(name) {
    return find(this.element, `[data-${name}]`);
  }

  /**
   * @param {"cancel" | "retry"} name
   * @returns {HTMLFormElement}
   */
  form(name) {
    return find(this.element, `[data-${name}]`, HTMLFormElement);
  }

  /**
   * @param {"cancel" | "retry"} name
   * @param {() => void} action
   */
  bind(name, action) {
    this.form(name).addEventListener("submit", (event) => {
      event.preventDefault();
      action();
    });
  }

  /**
   * Cancelling and trying again are the server's to do, and it answers with what became of it.
   * @returns {Promise<void> | void}
   */
  cancel() {
    return this.act("cancel");
  }

  /** @returns {Promise<void> | void} */
  retry() {
    return this.act("retry");
  }

  /** @param {"cancel" | "retry"} name */
  async act(name) {
    const answer = await submit(this.form(name));
    if (answer.state) this.report(answer);
    else this.say(answer.error);
  }

  /**
   * Show a file as the server tells it.
   * @param {FileReport} file
   */
  report(file) {
    this.id = file.id ?? this.id;
    this.show(stateOf(file.state) ?? "read", file.summary);
    this.offer("cancel", file.cancel, file.cancel_word);
    this.offer("retry", file.retry);
    if (file.state === "running") this.advance(file.done, file.total);
    if (this.state === "read") this.finish(file);
  }

  /**
   * @param {number} done
   * @param {number} total
   */
  advance(done, total) {
    const bar = this.bar;
    bar.hidden = false;
    if (total) [bar.max, bar.value] = [total, done];
    else bar.removeAttribute("value");
    if (!total) return;
    const share = formatPercent(Math.floor((100 * done) / total));
    this.say(done < total ? gettext("Analysing… %(share)s", { share }) : gettext("Saving… %(share)s", { share }));
  }

  get bar() {
    return find(this.element, "[data-progress]", HTMLProgressElement);
  }

  /** @param {FileReport} file */
  finish(file) {
    this.element.classList.add(`tone-${file.tone}`);
    const badge = this.part("badge");
    const use = find(badge, "use", SVGUseElement);
    badge.hidden = false;
    badge.classList.add(`tone-${file.tone}`);
    use.setAttribute("href", `${use.getAttribute("href")?.split("#")[0]}#${file.icon}`);
    this.part("word").textContent = file.word;
    this.picture(file.thumbnail);
    const open = find(this.element, "[data-open]", HTMLAnchorElement);
    open.href = file.url;
    open.hidden = false;
  }

  /** @param {string} address */
  picture(address) {
    const picture = find(this.element, "[data-picture]", HTMLImageElement);
    if (picture.getAttribute("src") !== address) picture.src = address;
    picture.hidden = false;
  }

  /**
   * Show the button that cancels or tries again, where there is an address for it.
   * @param {"cancel" | "retry"} name
   * @param {string | null | undefined} address
   * @param {string} [word]
   */
  offer(name, address, word) {
    const form = this.form(name);
    form.hidden = !address;
    if (address) form.action = address;
    if (word) find(form, "[data-act]").textContent = word;
  }

  /** @param {string} sentence */
  say(sentence) {
    this.part("sentence").textContent = sentence;
  }

  /**
   * @param {State} state
   * @param {string} sentence
   */
  show(state, sentence) {
    this.state = state;
    this.element.dataset.state = state;
    this.say(sentence);
    this.bar.hidden = true;
  }
}

/**
 * Send a form, and give what the server answers: the state of the file now, or `error`.
 * @param {HTMLFormElement} form
 * @returns {Promise<any>}
 */
export async function submit(form) {
  try {
    const answer = await fetch(form.action, {
      method: "POST", body: new FormData(form), headers: { Accept: "application/json" },
    });
    return await answer.json();
  } catch {
    return { error: UNREACHABLE };
  }
}
