// Sends a slide in parts, and opens its page when the server has opened it.

import { csrfToken, find, findOptional } from "../common/elements.js";
import { formatPercent, gettext } from "../common/language.js";
import { formatSize } from "../upload/progress.js";
import { Refused, sendParts } from "./parts.js";

/** @import { Addresses } from "./parts.js" */

const UNREACHABLE = gettext("The server could not be reached. Check the connection, then try again.");
const CANCELLED = gettext("Cancelled. Nothing was saved.");

const form = findOptional(document, "[data-slide-upload]", HTMLFormElement);

/** One slide on its way. */
class Upload {
  cancelled = false;

  /** @type {Addresses | null} */
  addresses = null;

  /**
   * @param {HTMLFormElement} page
   * @param {File} file
   */
  constructor(page, file) {
    this.page = page;
    this.file = file;
    this.item = find(page, "[data-upload-item]");
    this.bar = find(this.item, "[data-progress]", HTMLProgressElement);
    find(this.item, "[data-name]").textContent = file.name;
    this.item.hidden = false;
  }

  async run() {
    this.offer("cancel");
    try {
      await this.send();
    } catch (error) {
      const refused = error instanceof Refused;
      this.end(refused ? error.message : UNREACHABLE, !refused);
    }
  }

  async send() {
    const { file, page } = this;
    const most = Number(page.dataset.maxBytes);
    if (file.size > most) {
      throw new Refused(gettext(
        "File too large: %(size)s. The limit is %(most)s.", { size: formatSize(file.size), most: formatSize(most) },
      ));
    }
    const body = new FormData();
    body.append("name", file.name);
    body.append("bytes", String(file.size));
    body.append("case", find(page, "[name=case]", HTMLSelectElement).value);
    /** @type {Addresses} */
    const addresses = await this.post(page.action, body);
    this.addresses = addresses;
    const whole = await sendParts(file, addresses, {
      partBytes: Number(page.dataset.partBytes),
      send,
      progress: (received) => this.advance(received),
    });
    if (!whole) return this.drop();
    this.bar.removeAttribute("value");
    this.say(gettext("Opening the slide…"));
    this.offer("nothing");
    const { url } = await this.post(addresses.finish);
    current = null;
    return window.location.assign(url);
  }

  /** @param {number} received */
  advance(received) {
    this.bar.value = received / this.file.size;
    const percent = Math.floor(100 * received / this.file.size);
    this.say(gettext("Uploading… %(share)s of %(size)s", {
      share: formatPercent(percent), size: formatSize(this.file.size),
    }));
    return !this.cancelled;
  }

  /**
   * @param {string} address
   * @param {FormData} body
   */
  async post(address, body = new FormData()) {
    const { status, answer } = await send(address, body);
    if (status >= 200 && status < 300) return answer;
    throw answer.error ? new Refused(answer.error) : new Error(UNREACHABLE);
  }

  async drop() {
    this.end(CANCELLED, true);
    if (this.addresses) await send(this.addresses.drop, new FormData());
  }

  /**
   * @param {string} sentence
   * @param {boolean} again whether the same file may be sent again
   */
  end(sentence, again) {
    this.bar.hidden = true;
    this.say(sentence);
    this.offer(again ? "retry" : "nothing");
    current = null;
  }

  /** @param {"cancel" | "retry" | "nothing"} button */
  offer(button) {
    for (const name of ["cancel", "retry"]) find(this.item, `[data-${name}]`).hidden = name !== button;
    if (button === "cancel") this.bar.hidden = false;
  }

  /** @param {string} sentence */
  say(sentence) {
    find(this.item, "[data-sentence]").textContent = sentence;
  }
}

/** @type {Upload | null} */
let current = null;

/**
 * @param {string} address
 * @param {BodyInit} body
 */
async function send(address, body) {
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  try {
    const response = await fetch(address, { method: "POST", body, headers });
    return { status: response.status, answer: await response.json() };
  } catch {
    return { status: 0, answer: {} };
  }
}

/**
 * @param {HTMLFormElement} page
 * @param {File | undefined} file
 */
function begin(page, file) {
  if (!file || current) return;
  current = new Upload(page, file);
  current.run();
  find(page, "[data-retry]").onclick = () => begin(page, file);
}

if (form) {
  const chooser = find(form, "input[type=file]", HTMLInputElement);
  const zone = find(form, "[data-drop-zone]");
  form.addEventListener("submit", (event) => event.preventDefault());
  chooser.addEventListener("change", () => {
    begin(form, chooser.files?.[0]);
    chooser.value = "";
  });
  find(form, "[data-cancel]").addEventListener("click", () => { if (current) current.cancelled = true; });
  for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
  zone.addEventListener("dragenter", () => zone.classList.add("dropping"));
  zone.addEventListener("dragleave", () => zone.classList.remove("dropping"));
  zone.addEventListener("drop", (event) => {
    zone.classList.remove("dropping");
    begin(form, event.dataTransfer?.files[0]);
  });
  window.addEventListener("beforeunload", (event) => { if (current) event.preventDefault(); });
}
