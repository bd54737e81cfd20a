// Sends chosen or dropped images one by one, two at a time, and shows each result as it comes.

import { csrfToken, find, findAll } from "../common/elements.js";
import { Follower } from "./follow.js";
import { Line, UNREACHABLE } from "./line.js";
import { count, formatProgress, formatSize } from "./progress.js";

/** @import { FileReport, State } from "./progress.js" */

const AT_ONCE = 2;
const UNREADABLE = "The server's answer could not be read. Try again.";
const CANCELLED = "Cancelled. If it had already arrived, its result is in History.";
/** @type {State[]} */
const OPEN = ["waiting", "postponed", "busy", "sent"];
/** @type {State[]} */
const UNSENT = ["waiting", "postponed", "busy"];

const form = find(document, "[data-upload]", HTMLFormElement);
const zone = find(form, "[data-drop-zone]");
const chooser = find(form, "input[type=file]", HTMLInputElement);
const results = find(document, "[data-results]");
const list = find(results, "[data-list]");
const template = find(results, "template[data-item]", HTMLTemplateElement);
const status = find(results, "[data-status]");
const cancelAll = find(results, "[data-cancel-all]");
const batch = find(results, "[data-batch]");
const maxBytes = Number(form.dataset.maxBytes);
const token = csrfToken();
/** @type {Item[]} */
const items = [];
/** @type {Follower | null} */
let follower = null;

/** One file on its way, and then what the server says of it. */
class Item extends Line {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /** @type {XMLHttpRequest | undefined} */
  request;

  /** @param {File} file */
  constructor(file) {
    super(find(document.importNode(template.content, true), "li"));
    this.file = file;
    this.case = find(form, "[name=case]", HTMLSelectElement).value;
    this.part("name").textContent = file.name;
    for (const part of findAll(this.element, "[data-of]")) part.textContent = ` ${file.name}`;
    list.append(this.element);
    this.preview();
    this.wait();
  }

  preview() {
    const picture = find(this.element, "[data-picture]", HTMLImageElement);
    const address = URL.createObjectURL(this.file);
    const release = () => URL.revokeObjectURL(address);
    picture.addEventListener("load", () => { picture.hidden = false; release(); }, { once: true });
    picture.addEventListener("error", release, { once: true });
    picture.src = address;
  }

  wait() {
    this.show("waiting", `Waiting (${formatSize(this.file.size)})`);
    if (this.file.size > maxBytes) {
      this.refuse(`File too large: ${formatSize(this.file.size)}. The limit is ${formatSize(maxBytes)}.`);
    }
    next();
  }

  send() {
    this.show("busy", "Uploading…");
    const body = new FormData();
    body.append("batch", find(form, "[name=batch]", HTMLInputElement).value);
    body.append("case", this.case);
    body.append("images", this.file);
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", token);
    request.upload.addEventListener("progress", (event) => this.upload(event));
    request.upload.addEventListener("load", () => this.arrived());
    request.addEventListener("load", () => this.answer(request));
    request.addEventListener("error", () => this.refuse(UNREACHABLE, true));
    request.addEventListener("loadend", next);
    this.request = request;
    request.send(body);
  }

  /** @param {ProgressEvent} event */
  upload(event) {
    if (!event.lengthComputable) return;
    this.bar.value = event.loaded / event.total;
    this.say(`Uploading… ${Math.floor((100 * event.loaded) / event.total)}%`);
  }

  arrived() {
    this.bar.removeAttribute("value");
    this.say("Analysing…");
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
      this.refuse(UNREADABLE, true);
      return;
    }
    if (request.status < 300) this.report(answer);
    else this.refuse(answer.error ?? UNREADABLE, request.status >= 500);
    if (this.state === "sent") follow(answer);
  }

  /**
   * A busy server took nothing: send the file again by itself, at another time than others.
   * @param {number} seconds
   */
  postpone(seconds) {
    this.show("postponed", "Waiting: the server is busy");
    this.timer = setTimeout(() => this.wait(), 1000 * seconds * (0.5 + Math.random()));
  }

  /**
   * @override
   * @param {FileReport} file
   */
  report(file) {
    super.report(file);
    summarise();
  }

  /** @param {string} sentence */
  refuse(sentence, again = false) {
    this.show("refused", sentence);
    this.offer("retry", again ? form.action : null);
  }

  /**
   * On its way it is stopped here, later on the server.
   * @override
   */
  cancel() {
    if (this.state === "sent" || this.state === "refused") return super.cancel();
    clearTimeout(this.timer);
    this.show("cancelled", CANCELLED);
    this.offer("retry", form.action);
    this.request?.abort();
    return next();
  }

  /**
   * What the server still has need not be sent again.
   * @override
   */
  async retry() {
    if (this.form("retry").action === form.action) return this.wait();
    await super.retry();
    return follower?.start();
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
    this.offer("cancel", OPEN.includes(state) ? form.action : null);
    this.offer("retry", null);
    summarise();
  }
}

/** @param {Item} item */
function isOpen(item) {
  return OPEN.includes(item.state);
}

/** Start as many waiting files as may be on their way. */
function next() {
  const free = AT_ONCE - count(items, "busy");
  items.filter((item) => item.state === "waiting").slice(0, Math.max(free, 0)).forEach((item) => item.send());
}

/**
 * Ask the server what becomes of the files that it has taken to read them in the background.
 * @param {FileReport} file
 */
function follow(file) {
  follower ??= new Follower(file.progress, show, find(results, "[data-lost]"));
  find(batch, "[data-batch-link]", HTMLAnchorElement).href = file.batch;
  batch.hidden = false;
  follower.start();
}

/**
 * Show what the server tells; give whether some are under way still.
 * @param {FileReport[]} files
 */
function show(files) {
  const known = new Map(items.map((item) => [item.id, item]));
  for (const file of files) {
    const item = known.get(file.id);
    if (item?.state === "sent") item.report(file);
  }
  return count(items, "sent") > 0;
}

function summarise() {
  status.textContent = formatProgress(items);
  cancelAll.hidden = items.filter(isOpen).length < 2;
}

/** @param {Iterable<File>} files */
function add(files) {
  results.hidden = false;
  for (const file of files) {
    const item = new Item(file);
    items.push(item);
  }
  summarise();
  next();
}

form.classList.add("with-script");
find(form, "[data-with-script]").hidden = false;
find(form, "[data-without-script]").hidden = true;
form.addEventListener("submit", (event) => event.preventDefault());

chooser.addEventListener("change", () => {
  add([...(chooser.files ?? [])]);
  chooser.value = "";
});

zone.addEventListener("dragenter", () => zone.classList.add("dropping"));
zone.addEventListener("dragleave", (event) => {
  if (!(event.relatedTarget instanceof Node && zone.contains(event.relatedTarget))) zone.classList.remove("dropping");
});
zone.addEventListener("drop", (event) => add([...(event.dataTransfer?.files ?? [])]));

// A file dropped beside the zone must not replace the page.
for (const name of ["dragover", "drop"]) {
  window.addEventListener(name, (event) => event.preventDefault());
}
window.addEventListener("drop", () => zone.classList.remove("dropping"));

cancelAll.addEventListener("click", () => items.filter(isOpen).reverse().forEach((item) => item.cancel()));

window.addEventListener("beforeunload", (event) => {
  if (items.some((item) => UNSENT.includes(item.state))) event.preventDefault();
});
