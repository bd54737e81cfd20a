// One file on its way, and then what the server says of it.

import { find, findAll } from "../common/elements.js";
import { newKey } from "../common/keys.js";
import { formatPercent, gettext } from "../common/language.js";
import { Line, UNREACHABLE } from "./line.js";
import { formatSize, UNSENT } from "./progress.js";
import { post } from "./request.js";

/** @import { Checkable, Known } from "./checker.js" */
/** @import { FileReport, State } from "./progress.js" */

/**
 * What an item needs of its page.
 * @typedef {object} UploadPage
 * @property {HTMLFormElement} form
 * @property {() => HTMLElement} element makes a new line
 * @property {() => string} token
 * @property {(item: Item) => void} taken the server has a file, or its result
 * @property {() => void} changed a state
 * @property {() => void} lost a request failed, and it is to be found out why
 * @property {(item: ArchiveItem, opened: Opened) => void} unpacked
 */

/**
 * A ZIP as the server lists it (pages/analyses/archives.py).
 * @typedef {object} Opened
 * @property {string} id
 * @property {string} drop address that removes it
 * @property {{place: number, file: string, bytes: number, error: string | null}[]} entries
 * @property {number} left_out
 */

/**
 * An entry of a ZIP that the server has.
 * @typedef {object} Entry
 * @property {string} archive
 * @property {number} place
 */

const UNREADABLE = gettext("The server's answer could not be read. Try again.");
const CANCELLED = gettext("Cancelled. If it had already arrived, its result is in History.");
const LEFT_OUT = gettext("Left out: it was uploaded before.");
const NOT_SENT = gettext("Waiting for the connection");
/** Requests in vain after which a file is given up: the server is there, so it is this file. */
const MOST_FAILURES = 4;
/** Answers to an ended session, or to the token of an earlier one. */
const OF_SESSION = new Set([400, 401]);
/** @type {State[]} */
export const OPEN = [...UNSENT, "sent"];

/** @implements {Checkable} */
export class Item extends Line {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /** @type {XMLHttpRequest | undefined} */
  request;

  /** Sent again under the same key, a file is kept once. */
  key = newKey();

  /** Whether it is known if the file was uploaded before. */
  checked = false;

  /** Whether it is sent although it was uploaded before. */
  anyway = false;

  failures = 0;

  /**
   * @param {UploadPage} page
   * @param {string} name
   * @param {number} bytes
   * @param {File | null} file null for an entry of a ZIP
   */
  constructor(page, name, bytes, file) {
    super(page.element());
    this.page = page;
    this.name = name;
    this.bytes = bytes;
    this.content = file;
    this.case = find(page.form, "[name=case]", HTMLSelectElement).value;
    this.part("name").textContent = name;
    for (const part of findAll(this.element, "[data-of]")) part.textContent = ` ${name}`;
    this.part("anyway").addEventListener("click", () => this.sendAnyway());
    this.part("leave").addEventListener("click", () => this.leaveOut());
    this.wait();
  }

  get address() {
    return this.page.form.action;
  }

  get most() {
    return Number(this.page.form.dataset.maxBytes);
  }

  /** Show the image that is sent, where the browser can: once, when its line comes into sight. */
  preview() {
    if (!this.content) return;
    const picture = find(this.element, "[data-picture]", HTMLImageElement);
    if (picture.hasAttribute("src")) return;
    const address = URL.createObjectURL(this.content);
    const release = () => URL.revokeObjectURL(address);
    picture.addEventListener("load", () => { picture.hidden = false; release(); }, { once: true });
    picture.addEventListener("error", release, { once: true });
    picture.src = address;
  }

  wait(sentence = gettext("Waiting (%(size)s)", { size: formatSize(this.bytes) })) {
    this.show("waiting", sentence);
    if (this.bytes > this.most) {
      const values = { size: formatSize(this.bytes), most: formatSize(this.most) };
      this.refuse(gettext("File too large: %(size)s. The limit is %(most)s.", values));
    }
  }

  wanted() {
    return this.state === "waiting";
  }

  stands() {
    return this.state !== "refused" && this.state !== "cancelled";
  }

  clear() {
    this.checked = true;
    this.page.changed();
  }

  /** @param {Known} known */
  tell(known) {
    this.checked = true;
    this.show("known", known.sentence);
    const earlier = find(this.element, "[data-earlier]", HTMLAnchorElement);
    earlier.hidden = !known.url;
    if (known.url) earlier.href = known.url;
  }

  sendAnyway() {
    this.anyway = true;
    this.wait();
  }

  leaveOut() {
    this.show("cancelled", LEFT_OUT);
    this.offer("retry", this.address);
  }

  /** What is sent, beside the image itself. */
  fields() {
    const body = new FormData();
    body.append("batch", find(this.page.form, "[name=batch]", HTMLInputElement).value);
    body.append("case", this.case);
    body.append("key", this.key);
    if (!this.anyway) body.append("known", "ask");
    return body;
  }

  body() {
    const body = this.fields();
    if (this.content) body.append("images", this.content);
    return body;
  }

  send() {
    this.show("busy", gettext("Uploading…"));
    this.request = post(this.address, this.body(), this.page.token(), {
      progress: (share) => this.upload(share),
      arrived: () => this.arrived(),
      answered: (request) => this.answer(request),
      failed: () => this.fail(UNREACHABLE),
      ended: () => this.page.changed(),
    });
  }

  /** @param {number} share */
  upload(share) {
    if (this.state !== "busy") return;
    this.bar.value = share;
    this.say(gettext("Uploading… %(share)s", { share: formatPercent(Math.floor(100 * share)) }));
  }

  arrived() {
    if (this.state !== "busy") return;
    this.bar.removeAttribute("value");
    this.say(gettext("Analysing…"));
  }

  /** @param {XMLHttpRequest} request */
  answer(request) {
    const wait = Number(request.getResponseHeader("Retry-After"));
    if (request.status === 503 && wait > 0) {
      this.postpone(wait);
      return;
    }
    let answer;
    try {
      answer = JSON.parse(request.responseText);
    } catch {
      this.fail(UNREADABLE);
      return;
    }
    if (request.status < 300) this.take(answer);
    else if (OF_SESSION.has(request.status)) this.fail(answer.error ?? UNREADABLE);
    else if (answer.known) this.tell(answer.known);
    else this.refuse(answer.error ?? UNREADABLE, request.status >= 500);
  }

  /** @param {any} answer */
  take(answer) {
    this.failures = 0;
    this.progress = answer.progress;
    this.batch = answer.batch;
    this.report(answer);
    this.page.taken(this);
  }

  /**
   * It may not have arrived: wait until it is known why, and send it again. Nothing is kept twice.
   * @param {string} sentence if it fails again and again
   */
  fail(sentence) {
    if (this.state !== "busy") return;
    this.failures += 1;
    if (this.failures < MOST_FAILURES) this.wait(NOT_SENT);
    else this.refuse(sentence, true);
    this.page.lost();
  }

  /**
   * A busy server took nothing: send the file again by itself, at another time than others.
   * @param {number} seconds
   */
  postpone(seconds) {
    this.show("postponed", gettext("Waiting: the server is busy"));
    this.timer = setTimeout(() => this.wait(), 1000 * seconds * (0.5 + Math.random()));
  }

  /**
   * @override
   * @param {FileReport} file
   */
  report(file) {
    super.report(file);
    this.page.changed();
  }

  /** @param {string} sentence */
  refuse(sentence, again = false) {
    this.show("refused", sentence);
    this.offer("retry", again ? this.address : null);
  }

  /** Whether it is refused, and may be sent again as it is. */
  get canRetry() {
    return this.state === "refused" && !this.form("retry").hidden;
  }

  /**
   * On its way it is stopped here, later on the server.
   * @override
   */
  cancel() {
    if (this.state === "sent" || this.state === "refused") return super.cancel();
    clearTimeout(this.timer);
    this.show("cancelled", CANCELLED);
    this.offer("retry", this.address);
    this.request?.abort();
    return undefined;
  }

  /**
   * What the server still has need not be sent again.
   * @override
   */
  async retry() {
    this.failures = 0;
    if (this.form("retry").action === this.address) return this.wait();
    await super.retry();
    return this.page.taken(this);
  }

  /**
   * @override
   * @param {State} state
   * @param {string} sentence
   */
  show(state, sentence) {
    super.show(state, sentence);
    this.bar.hidden = state !== "busy";
    this.bar.max = 1;
    this.bar.value = 0;
    this.offer("cancel", UNSENT.includes(state) || state === "sent" ? this.address : null);
    this.offer("retry", null);
    for (const name of ["earlier", "leave", "anyway"]) this.part(name).hidden = state !== "known";
    this.page.changed();
  }
}

/** An image in a ZIP that the server has: it is asked for, and takes the way of any image. */
export class EntryItem extends Item {
  /**
   * @param {UploadPage} page
   * @param {string} archive
   * @param {Opened["entries"][number]} entry
   */
  constructor(page, archive, entry) {
    super(page, entry.file, entry.bytes, null);
    this.archive = archive;
    this.place = entry.place;
    if (entry.error) this.refuse(entry.error);
  }

  /** @override */
  body() {
    const body = this.fields();
    body.append("archive", this.archive);
    body.append("entry", String(this.place));
    return body;
  }
}

/** A ZIP on its way; the lines of its images take the place of its own. */
export class ArchiveItem extends Item {
  /** @override */
  get address() {
    return new URL(this.page.form.dataset.archivesUrl ?? "", location.href).href;
  }

  /** @override */
  get most() {
    return Number(this.page.form.dataset.maxArchiveBytes);
  }

  /** @override */
  preview() {
    // There is no one image to show.
  }

  /** @override */
  body() {
    const body = new FormData();
    body.append("key", this.key);
    if (this.content) body.append("archive", this.content);
    return body;
  }

  /** @override */
  arrived() {
    super.arrived();
    if (this.state === "busy") this.say(gettext("Unpacking…"));
  }

  /**
   * @override
   * @param {Opened} answer
   */
  take(answer) {
    this.page.unpacked(this, answer);
  }
}

/** @param {File} file */
export function isArchive(file) {
  return /\.zip$/i.test(file.name) || file.type === "application/zip";
}
