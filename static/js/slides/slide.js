// The page of a slide: look around, mark an area by mouse or in numbers, have it read.

import { csrfToken, find, findAll, findOptional } from "../common/elements.js";
import { formatNumber, gettext } from "../common/language.js";
import { formatLength, showScaleBar } from "../common/scale_bar.js";
import { Areas } from "./areas.js";
import { between, refusal } from "./marked.js";
import { Overlay } from "./overlay.js";

/** @import { Rectangle } from "../common/view.js" */

const UNREACHABLE = gettext("The server could not be reached. Check the connection, then try again.");
const NO_TILES = gettext("Parts of the slide could not be loaded. The server may be busy: move or zoom to try again.");

const page = find(document, "[data-slide]");
const data = page.dataset;
const slide = { width: Number(data.width), height: Number(data.height) };
const limits = { ...slide, minSide: Number(data.minSide), maxPixels: Number(data.maxPixels) };
const micrometres = Number(data.micrometres) || null;
const overlay = new Overlay(page);
const areas = new Areas(data.areas ?? "", overlay);
const form = findOptional(page, "[data-area-form]", HTMLFormElement);

// OpenSeadragon adds a style of its own, which our policy blocks, unless it finds it there already. This
// one is no style to the browser: it is of no namespace of HTML.
const style = document.createElementNS("urn:leukoscope", "style");
style.setAttribute("data-openseadragon-mobile-css", "true");
document.head.append(style);

const viewer = OpenSeadragon({
  element: find(page, "[data-viewer]"),
  tileSources: {
    width: slide.width,
    height: slide.height,
    tileSize: Number(data.tileSide),
    minLevel: Number(data.firstLevel),
    maxLevel: Number(data.lastLevel),
    getTileUrl: (/** @type {number} */ level, /** @type {number} */ x, /** @type {number} */ y) =>
      `${data.tiles}${level}/${x}_${y}.jpg`,
  },
  showNavigationControl: false,
  // The server works on two tiles of everybody at a time.
  imageLoaderLimit: 2,
  tileRetryMax: 3,
  tileRetryDelay: 2000,
  maxZoomPixelRatio: 4,
  visibilityRatio: 0.5,
  gestureSettingsMouse: { clickToZoom: false },
  drawer: "canvas",
});
overlay.svg.parentElement?.append(overlay.svg);

/** The part of the slide that is shown, which may reach beyond it. */
function shown() {
  return viewer.viewport.viewportToImageRectangle(viewer.viewport.getBounds(true));
}

function follow() {
  overlay.follow(shown());
  if (micrometres === null) return;
  const zoom = viewer.viewport.viewportToImageZoom(viewer.viewport.getZoom(true));
  showScaleBar(find(page, "[data-scale-bar]"), micrometres / zoom);
}

/** @param {Rectangle} area */
function goTo({ x, y, width, height }) {
  const margin = 0.15 * Math.max(width, height);
  viewer.viewport.fitBounds(viewer.viewport.imageToViewportRectangle(
    x - margin, y - margin, width + 2 * margin, height + 2 * margin,
  ));
}

viewer.addHandler("open", follow);
viewer.addHandler("update-viewport", follow);
viewer.addHandler("tile-load-failed", () => fault(NO_TILES));
viewer.addHandler("open-failed", () => fault(NO_TILES));
viewer.addHandler("tile-loaded", () => { find(page, "[data-fault]").hidden = true; });
viewer.canvas.setAttribute("role", "application");
viewer.canvas.setAttribute("aria-label", gettext(
  "Slide. Arrow keys move, plus and minus zoom, 0 shows the whole slide.",
));

/** @param {string} sentence */
function fault(sentence) {
  const notice = find(page, "[data-fault]");
  notice.textContent = sentence;
  notice.hidden = false;
}

const tools = find(page, "[data-tools]");
tools.hidden = false;
for (const button of findAll(tools, "[data-zoom]")) {
  button.addEventListener("click", () => {
    viewer.viewport.zoomBy(Number(button.dataset.zoom));
    viewer.viewport.applyConstraints();
  });
}
find(tools, "[data-home]").addEventListener("click", () => viewer.viewport.goHome());

/** Marks areas, for whoever may have them read. */
class Marking {
  /** @type {{x: number, y: number} | null} */
  corner = null;

  /** @param {HTMLFormElement} element */
  constructor(element) {
    this.form = element;
    this.inputs = ["left", "top", "width", "height"].map((name) => find(element, `#${name}`, HTMLInputElement));
    this.button = find(tools, "[data-mark]");
    this.button.addEventListener("click", () => this.marking(!this.isMarking));
    for (const input of this.inputs) input.addEventListener("input", () => this.show());
    const useView = find(element, "[data-use-view]");
    useView.hidden = false;
    useView.addEventListener("click", () => this.useView());
    element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    overlay.svg.addEventListener("pointerdown", (event) => this.press(event));
    overlay.svg.addEventListener("pointermove", (event) => this.move(event));
    overlay.svg.addEventListener("pointerup", () => this.release());
    overlay.svg.addEventListener("pointercancel", () => this.release());
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") this.marking(false); });
    this.show();
  }

  get isMarking() {
    return this.button.getAttribute("aria-pressed") === "true";
  }

  /** @param {boolean} on */
  marking(on) {
    this.button.setAttribute("aria-pressed", String(on));
    overlay.svg.classList.toggle("marking", on);
    viewer.setMouseNavEnabled(!on);
    this.corner = null;
  }

  /** @param {PointerEvent} event */
  place(event) {
    const frame = overlay.svg.getBoundingClientRect();
    const pixel = new OpenSeadragon.Point(event.clientX - frame.left, event.clientY - frame.top);
    return viewer.viewport.viewportToImageCoordinates(viewer.viewport.pointFromPixel(pixel));
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (!this.isMarking) return;
    event.preventDefault();
    overlay.svg.setPointerCapture(event.pointerId);
    this.corner = this.place(event);
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (this.corner) this.fill(between(this.corner, this.place(event), slide));
  }

  release() {
    if (this.corner) this.marking(false);
  }

  useView() {
    const { x, y, width, height } = shown();
    this.fill(between({ x, y }, { x: x + width, y: y + height }, slide));
  }

  /** @param {Rectangle} area */
  fill({ x, y, width, height }) {
    [x, y, width, height].forEach((value, index) => { this.inputs[index].value = String(value); });
    this.show();
  }

  /** @returns {Rectangle | null} */
  get area() {
    if (this.inputs.some((input) => input.value === "")) return null;
    const [x, y, width, height] = this.inputs.map((input) => Number(input.value));
    return { x, y, width, height };
  }

  show() {
    const { area } = this;
    overlay.draw("marked", area ? [{ ...area, style: "marked" }] : []);
    find(this.form, "[data-area-size]").textContent = area ? formatArea(area) : "";
    this.say(area ? refusal(area, limits) : null);
  }

  /** @param {string | null} sentence */
  say(sentence) {
    const error = find(this.form, "[data-area-error]");
    error.textContent = sentence;
    error.hidden = sentence === null;
  }

  async send() {
    const submit = find(this.form, "[type=submit]", HTMLButtonElement);
    submit.disabled = true;
    try {
      const answer = await fetch(this.form.action, {
        method: "POST",
        body: new FormData(this.form),
        headers: { Accept: "application/json", "X-CSRFToken": csrfToken() },
      });
      this.answered(answer.ok, await answer.json());
    } catch {
      this.say(UNREACHABLE);
    }
    submit.disabled = false;
  }

  /**
   * @param {boolean} taken
   * @param {any} answer
   */
  answered(taken, answer) {
    if (!taken) {
      this.say(answer.error);
      return;
    }
    areas.add(answer);
    for (const input of this.inputs) input.value = "";
    this.show();
  }
}

/** @param {Rectangle} area */
function formatArea({ width, height }) {
  const pixels = gettext("%(number)s megapixels", { number: formatNumber((width * height / 1e6).toFixed(1)) });
  if (micrometres === null) return pixels;
  return `${formatLength(width * micrometres)} × ${formatLength(height * micrometres)}, ${pixels}`;
}

/** Asks the server for windows of the monolayer, and offers them to be marked. */
class Proposals {
  /**
   * @param {HTMLElement} element
   * @param {Marking} marking
   */
  constructor(element, marking) {
    this.element = element;
    this.marking = marking;
    this.button = find(element, "[data-propose]", HTMLButtonElement);
    this.button.addEventListener("click", () => this.ask());
  }

  async ask() {
    this.button.disabled = true;
    this.say(gettext("Looking for the monolayer…"));
    try {
      const answer = await fetch(this.element.dataset.url ?? "", { headers: { Accept: "application/json" } });
      const { proposals, error } = await answer.json();
      if (answer.ok) this.show(proposals);
      else this.say(error);
    } catch {
      this.say(UNREACHABLE);
    }
    this.button.disabled = false;
  }

  /** @param {{left: number, top: number, width: number, height: number, score: number}[]} proposals */
  show(proposals) {
    const found = proposals.map(({ left, top, ...rest }) => ({ ...rest, x: left, y: top }));
    overlay.draw("proposals", found.map((area) => ({ ...area, style: "proposal" })));
    find(this.element, "[data-proposal-list]").replaceChildren(...found.map((area, index) => this.item(area, index)));
    this.say(found.length ? gettext("Best first. Choose one, check it in the picture, then read it.")
      : gettext("No monolayer was found. Mark an area yourself."));
  }

  /**
   * @param {Rectangle & {score: number}} area
   * @param {number} index
   */
  item(area, index) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm btn-outline-secondary";
    button.textContent = `${index + 1}: ${formatArea(area)}`;
    button.addEventListener("click", () => {
      this.marking.fill(area);
      goTo(area);
    });
    const item = document.createElement("li");
    item.append(button);
    return item;
  }

  /** @param {string} sentence */
  say(sentence) {
    find(this.element, "[data-proposing]").textContent = sentence;
  }
}

if (form) {
  const proposals = new Proposals(find(page, "[data-proposals]"), new Marking(form));
  proposals.element.hidden = false;
}
