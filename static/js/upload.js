// Sends chosen or dropped images one by one, two at a time, and shows each result as it comes.

import { Follower } from "./follow.js";
import { Line, UNREACHABLE, count, told } from "./line.js";

const AT_ONCE = 2;
const UNREADABLE = "The server's answer could not be read. Try again.";
const CANCELLED = "Cancelled. If it had already arrived, its result is in History.";
const OPEN = ["waiting", "postponed", "busy", "sent"];

const form = document.querySelector("[data-upload]");
const zone = form.querySelector("[data-drop-zone]");
const chooser = form.querySelector("input[type=file]");
const results = document.querySelector("[data-results]");
const list = results.querySelector("[data-list]");
const status = results.querySelector("[data-status]");
const cancelAll = results.querySelector("[data-cancel-all]");
const batch = results.querySelector("[data-batch]");
const csrfToken = document.querySelector("meta[name=csrf-token]").content;
const items = [];
let follower = null;

/** One file on its way, and then what the server says of it. */
class Item extends Line {
  constructor(file) {
    super(results.querySelector("template[data-item]").content.cloneNode(true).firstElementChild);
    this.file = file;
    this.case = form.elements.case.value;
    this.part("name").textContent = file.name;
    for (const part of this.element.querySelectorAll("[data-of]")) part.textContent = ` ${file.name}`;
    list.append(this.element);
    this.preview();
    this.wait();
  }

  preview() {
    const picture = this.part("picture");
    const address = URL.createObjectURL(this.file);
    const release = () => URL.revokeObjectURL(address);
    picture.addEventListener("load", () => { picture.hidden = false; release(); }, { once: true });
    picture.addEventListener("error", release, { once: true });
    picture.src = address;
  }

  wait() {
    this.show("waiting", `Waiting (${size(this.file.size)})`);
    if (this.file.size > Number(form.dataset.maxBytes)) {
      this.refuse(`File too large: ${size(this.file.size)}. The limit is ${size(Number(form.dataset.maxBytes))}.`);
    }
    next();
  }

  send() {
    this.show("busy", "Uploading…");
    const body = new FormData();
    body.append("batch", form.elements.batch.value);
    body.append("case", this.case);
    body.append("images", this.file);
    this.request = new XMLHttpRequest();
    this.request.open("POST", form.action);
    this.request.setRequestHeader("Accept", "application/json");
    this.request.setRequestHeader("X-CSRFToken", csrfToken);
    this.request.upload.addEventListener("progress", (event) => this.upload(event));
    this.request.upload.addEventListener("load", () => this.arrived());
    this.request.addEventListener("load", () => this.answer());
    this.request.addEventListener("error", () => this.refuse(UNREACHABLE, true));
    this.request.addEventListener("loadend", next);
    this.request.send(body);
  }

  upload(event) {
    if (!event.lengthComputable) return;
    this.part("progress").value = event.loaded / event.total;
    this.say(`Uploading… ${Math.floor((100 * event.loaded) / event.total)}%`);
  }

  arrived() {
    this.part("progress").removeAttribute("value");
    this.say("Analysing…");
  }

  answer() {
    const wait = Number(this.request.getResponseHeader("Retry-After"));
    if (this.request.status === 503 && wait > 0) {
      this.postpone(wait);
      return;
    }
    let answer;
    try {
      answer = JSON.parse(this.request.responseText);
    } catch {
      this.refuse(UNREADABLE, true);
      return;
    }
    if (this.request.status < 300) this.tell(answer);
    else this.refuse(answer.error ?? UNREADABLE, this.request.status >= 500);
    if (this.state === "sent") follow(answer);
  }

  /** A busy server took nothing: send the file again by itself, at another moment than others. */
  postpone(seconds) {
    this.show("postponed", "Waiting: the server is busy");
    this.timer = setTimeout(() => this.wait(), 1000 * seconds * (0.5 + Math.random()));
  }

  tell(file) {
    super.tell(file);
    summarise();
  }

  refuse(sentence, again = false) {
    this.show("refused", sentence);
    this.offer("retry", again && form.action);
  }

  /** On its way it is stopped here, later on the server. */
  cancel() {
    if (this.state === "sent" || this.state === "refused") return super.cancel();
    clearTimeout(this.timer);
    this.show("cancelled", CANCELLED);
    this.offer("retry", form.action);
    this.request?.abort();
    return next();
  }

  /** What the server still has need not be sent again. */
  async retry() {
    if (this.part("retry").action === form.action) return this.wait();
    await super.retry();
    return follower.start();
  }

  show(state, sentence) {
    super.show(state, sentence);
    this.part("progress").hidden = state !== "busy";
    this.part("progress").max = 1;
    this.part("progress").value = 0;
    this.offer("cancel", OPEN.includes(state) && form.action);
    this.offer("retry", null);
    summarise();
  }
}

function isOpen(item) {
  return OPEN.includes(item.state);
}

/** Start as many waiting files as may be on their way. */
function next() {
  const free = AT_ONCE - count(items, "busy");
  items.filter((item) => item.state === "waiting").slice(0, Math.max(free, 0)).forEach((item) => item.send());
}

/** Ask the server what becomes of the files that it has taken to read them in the background. */
function follow(file) {
  follower ??= new Follower(file.progress, show, results.querySelector("[data-lost]"));
  batch.querySelector("[data-batch-link]").href = file.batch;
  batch.hidden = false;
  follower.start();
}

/** Show what the server told; whether some are under way still. */
function show(files) {
  const known = new Map(items.map((item) => [item.id, item]));
  for (const file of files) {
    const item = known.get(file.id);
    if (item?.state === "sent") item.tell(file);
  }
  return count(items, "sent") > 0;
}

function summarise() {
  status.textContent = told(items);
  cancelAll.hidden = items.filter(isOpen).length < 2;
}

function add(files) {
  results.hidden = false;
  for (const file of files) {
    const item = new Item(file);
    items.push(item);
  }
  summarise();
  next();
}

function size(bytes) {
  return bytes < 1024 ** 2 ? `${Math.ceil(bytes / 1024)} kB` : `${(bytes / 1024 ** 2).toFixed(1).replace(/\.0$/, "")} MB`;
}

form.classList.add("with-script");
form.querySelector("[data-with-script]").hidden = false;
form.querySelector("[data-without-script]").hidden = true;
form.addEventListener("submit", (event) => event.preventDefault());

chooser.addEventListener("change", () => {
  add([...chooser.files]);
  chooser.value = "";
});

zone.addEventListener("dragenter", () => zone.classList.add("dropping"));
zone.addEventListener("dragleave", (event) => {
  if (!zone.contains(event.relatedTarget)) zone.classList.remove("dropping");
});
zone.addEventListener("drop", (event) => add([...event.dataTransfer.files]));

// A file dropped beside the zone must not replace the page.
for (const name of ["dragover", "drop"]) {
  window.addEventListener(name, (event) => event.preventDefault());
}
window.addEventListener("drop", () => zone.classList.remove("dropping"));

cancelAll.addEventListener("click", () => items.filter(isOpen).reverse().forEach((item) => item.cancel()));

window.addEventListener("beforeunload", (event) => {
  if (items.some((item) => ["waiting", "postponed", "busy"].includes(item.state))) event.preventDefault();
});
