// One file in a list: what became of it so far, as the page's upload or the server tells.

export const UNREACHABLE = "The server could not be reached. Check the connection, then try again.";

/** States of the server's tasks, in the words of the page. */
const STATES = { waiting: "sent", running: "sent", done: "read", failed: "refused", dropped: "cancelled" };

/** A line is waiting (to be sent), busy (on its way), sent, read, refused or cancelled. */
export class Line {
  constructor(element) {
    this.element = element;
    this.id = element.dataset.id;
    this.state = STATES[element.dataset.state] ?? "waiting";
    this.part = (name) => element.querySelector(`[data-${name}]`);
    for (const name of ["cancel", "retry"]) {
      this.part(name).addEventListener("submit", (event) => {
        event.preventDefault();
        this[name]();
      });
    }
  }

  /** Cancelling and trying again are the server's to do, and it answers with what became of it. */
  cancel() {
    return this.act("cancel");
  }

  retry() {
    return this.act("retry");
  }

  async act(name) {
    const answer = await ask(this.part(name));
    if (answer.state) this.tell(answer);
    else this.say(answer.error);
  }

  /** Show a file as the server told of it. */
  tell(file) {
    this.id = file.id ?? this.id;
    this.show(STATES[file.state] ?? "read", file.summary);
    this.offer("cancel", file.cancel, file.cancel_word);
    this.offer("retry", file.retry);
    if (file.state === "running") this.advance(file.done, file.total);
    if (this.state === "read") this.finish(file);
  }

  advance(done, total) {
    const bar = this.part("progress");
    bar.hidden = false;
    if (total) [bar.max, bar.value] = [total, done];
    else bar.removeAttribute("value");
    if (total) this.say(`${done < total ? "Analysing" : "Saving"}… ${Math.floor((100 * done) / total)}%`);
  }

  finish(file) {
    this.element.classList.add(`tone-${file.tone}`);
    const badge = this.part("badge");
    const use = badge.querySelector("use");
    badge.hidden = false;
    badge.classList.add(`tone-${file.tone}`);
    use.setAttribute("href", `${use.getAttribute("href").split("#")[0]}#${file.icon}`);
    this.part("word").textContent = file.word;
    this.picture(file.thumbnail);
    this.part("open").href = file.url;
    this.part("open").hidden = false;
  }

  picture(address) {
    const picture = this.part("picture");
    if (picture.getAttribute("src") !== address) picture.src = address;
    picture.hidden = false;
  }

  offer(name, address, word) {
    const form = this.part(name);
    form.hidden = !address;
    if (address) form.action = address;
    if (word) form.querySelector("[data-act]").textContent = word;
  }

  say(sentence) {
    this.part("sentence").textContent = sentence;
  }

  show(state, sentence) {
    this.state = state;
    this.element.dataset.state = state;
    this.say(sentence);
    this.part("progress").hidden = true;
  }
}

/** Send a form, and give what the server answers: what is the case now, or `error`. */
export async function ask(form) {
  try {
    const answer = await fetch(form.action, {
      method: "POST", body: new FormData(form), headers: { Accept: "application/json" },
    });
    return await answer.json();
  } catch {
    return { error: UNREACHABLE };
  }
}

export function count(lines, state) {
  return lines.filter((line) => line.state === state).length;
}

/** How far all are, in a sentence. */
export function told(lines) {
  const parts = [`${count(lines, "read")} of ${lines.length} read`];
  if (count(lines, "refused")) parts.push(`${count(lines, "refused")} not read`);
  if (count(lines, "cancelled")) parts.push(`${count(lines, "cancelled")} cancelled`);
  return parts.join(", ");
}
