// Sends chosen or dropped images one by one, two at a time, and shows each result as it comes.

const AT_ONCE = 2;
const UNREACHABLE = "The server could not be reached. Check the connection, then try again.";
const UNREADABLE = "The server's answer could not be understood. Please try again.";
const CANCELLED = "Cancelled. If it had already arrived, its result is in the history.";

const form = document.querySelector("[data-upload]");
const zone = form.querySelector("[data-drop-zone]");
const chooser = form.querySelector("input[type=file]");
const results = document.querySelector("[data-results]");
const list = results.querySelector("[data-list]");
const status = results.querySelector("[data-status]");
const cancelAll = results.querySelector("[data-cancel-all]");
const csrfToken = document.querySelector("meta[name=csrf-token]").content;
const items = [];

/** One file: its line on the page, and its state: waiting, busy, read, refused or cancelled. */
class Item {
  constructor(file) {
    this.file = file;
    const line = results.querySelector("template[data-item]").content.cloneNode(true).firstElementChild;
    this.part = (name) => line.querySelector(`[data-${name}]`);
    this.line = line;
    this.part("name").textContent = file.name;
    this.part("cancel").append(hidden(` ${file.name}`));
    this.part("retry").append(hidden(` ${file.name}`));
    this.part("cancel").addEventListener("click", () => this.cancel());
    this.part("retry").addEventListener("click", () => this.wait());
    list.append(line);
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
      this.refuse(`The file has ${size(this.file.size)}; at most ${size(Number(form.dataset.maxBytes))} are taken.`);
    }
    next();
  }

  send() {
    this.show("busy", "Uploading…");
    const body = new FormData();
    body.append("batch", form.elements.batch.value);
    body.append("images", this.file);
    this.request = new XMLHttpRequest();
    this.request.open("POST", form.action);
    this.request.setRequestHeader("Accept", "application/json");
    this.request.setRequestHeader("X-CSRFToken", csrfToken);
    this.request.upload.addEventListener("progress", (event) => this.advance(event));
    this.request.upload.addEventListener("load", () => this.reading());
    this.request.addEventListener("load", () => this.answer());
    this.request.addEventListener("error", () => this.refuse(UNREACHABLE, true));
    this.request.addEventListener("loadend", next);
    this.request.send(body);
  }

  advance(event) {
    if (!event.lengthComputable) return;
    this.part("progress").value = event.loaded / event.total;
    this.part("state").textContent = `Uploading… ${Math.floor((100 * event.loaded) / event.total)}%`;
  }

  reading() {
    this.part("progress").removeAttribute("value");
    this.part("state").textContent = "Reading…";
  }

  answer() {
    let answer;
    try {
      answer = JSON.parse(this.request.responseText);
    } catch {
      this.refuse(UNREADABLE, true);
      return;
    }
    if (this.request.status === 201) this.finish(answer);
    else this.refuse(answer.error ?? UNREADABLE, this.request.status >= 500);
  }

  finish(answer) {
    this.show("read", answer.summary);
    this.line.classList.add(`tone-${answer.tone}`);
    const badge = this.part("badge");
    badge.hidden = false;
    badge.classList.add(`tone-${answer.tone}`);
    badge.querySelector("use").setAttribute("href", `${results.dataset.icons}#${answer.icon}`);
    this.part("word").textContent = answer.word;
    const picture = this.part("picture");
    picture.src = answer.thumbnail;
    picture.hidden = false;
    const open = this.part("open");
    open.href = answer.url;
    open.append(hidden(` ${answer.file}`));
    open.hidden = false;
  }

  refuse(sentence, again = false) {
    this.show("refused", sentence);
    this.part("retry").hidden = !again;
  }

  cancel() {
    this.show("cancelled", CANCELLED);
    this.part("retry").hidden = false;
    this.request?.abort();
    next();
  }

  show(state, sentence) {
    this.state = state;
    this.line.dataset.state = state;
    this.part("state").textContent = sentence;
    this.part("progress").hidden = state !== "busy";
    this.part("progress").value = 0;
    this.part("cancel").hidden = !isOpen(this);
    this.part("retry").hidden = true;
    summarise();
  }
}

function isOpen(item) {
  return item.state === "waiting" || item.state === "busy";
}

function count(state) {
  return items.filter((item) => item.state === state).length;
}

/** Start as many waiting files as may be on their way. */
function next() {
  const free = AT_ONCE - count("busy");
  items.filter((item) => item.state === "waiting").slice(0, Math.max(free, 0)).forEach((item) => item.send());
}

function summarise() {
  const parts = [`${count("read")} of ${items.length} read`];
  if (count("refused")) parts.push(`${count("refused")} not read`);
  if (count("cancelled")) parts.push(`${count("cancelled")} cancelled`);
  status.textContent = parts.join(", ");
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

function hidden(text) {
  const span = document.createElement("span");
  span.className = "visually-hidden";
  span.textContent = text;
  return span;
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
  if (items.some(isOpen)) event.preventDefault();
});
