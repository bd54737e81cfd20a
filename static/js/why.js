// Lays the activation map over the cell, and follows SHAP values while they are computed.

const EVERY = 1000;
const UNREACHABLE = "The server could not be reached. Check the connection, then try again.";

const BUSY = 5000;
const TRIES = 20;

/** A busy server draws no map: ask again, at another moment than others. */
function persist(picture) {
  let tries = 0;
  const again = () => {
    tries += 1;
    if (tries <= TRIES) setTimeout(() => { picture.src = picture.getAttribute("src"); }, BUSY * (0.5 + Math.random()));
  };
  picture.addEventListener("error", again);
  // It may have failed before this script came.
  if (picture.complete && !picture.naturalWidth) again();
}

function overlay(figure) {
  const map = figure.querySelector("[data-overlay]");
  const slider = figure.querySelector("input");
  const shown = figure.querySelector("output");
  const apply = () => {
    map.style.opacity = slider.value / 100;
    shown.value = `${slider.value}%`;
    slider.setAttribute("aria-valuetext", shown.value);
  };
  figure.classList.add("laid-over");
  figure.querySelector("[data-slider]").hidden = false;
  slider.addEventListener("input", apply);
  apply();
}

/** The SHAP values of this page, in the state that the server tells. */
class Shap {
  constructor(element) {
    this.element = element;
    this.part = (name) => element.querySelector(`[data-${name}]`);
    this.form = this.part("ask");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
    if (["waiting", "running"].includes(element.dataset.state)) this.follow();
  }

  async ask() {
    this.show({ state: "waiting" });
    this.show(await this.fetch(this.form.action, { method: "POST", body: new FormData(this.form) }));
  }

  follow() {
    setTimeout(async () => this.show(await this.fetch(this.element.dataset.url)), EVERY);
  }

  /** What the server answers; a sentence where it does not. */
  async fetch(url, options = {}) {
    try {
      const answer = await fetch(url, { ...options, headers: { Accept: "application/json" } });
      const told = await answer.json();
      return answer.ok ? told : { state: "failed", error: told.error };
    } catch {
      return { state: "failed", error: UNREACHABLE };
    }
  }

  show({ state, done, total, picture_url: picture, error }) {
    const underWay = state === "waiting" || state === "running";
    this.element.dataset.state = state;
    this.form.hidden = underWay || state === "done";
    this.part("progress").hidden = !underWay;
    this.part("picture").hidden = state !== "done";
    if (underWay) this.advance(state, done, total);
    if (state === "done") this.part("picture").querySelector("img").src = picture;
    if (state === "failed") this.fail(error);
    if (underWay && done !== undefined) this.follow();
  }

  advance(state, done, total) {
    const bar = this.part("progress").querySelector("progress");
    if (total) [bar.max, bar.value] = [total, done];
    else bar.removeAttribute("value");
    const sentence = state === "waiting" ? "Waiting…" : "Computing…";
    this.part("status").textContent = total ? `${sentence} ${Math.round(100 * done / total)}%` : sentence;
  }

  fail(sentence) {
    this.part("error").textContent = sentence;
    this.part("error").hidden = false;
    // Whoever only looks has no button.
    const button = this.form.querySelector("button");
    if (button) button.textContent = "Try again";
  }
}

persist(document.querySelector("[data-overlay]"));
overlay(document.querySelector("[data-map]"));
new Shap(document.querySelector("[data-shap]"));
