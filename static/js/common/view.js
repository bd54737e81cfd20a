// Looks around in a field: the view is the picture's viewBox, in pixels of the file.

const CLOSEST = 48;
const AROUND = 5;
const STEP = 0.15;
const CLICK = 4;

/** What a keyboard, a wheel, a mouse and two fingers do to an SVG that shows a field. */
export class View {
  /** `still` stops all of it, for as long as something else takes the pointer and the keys. */
  still = false;

  constructor(picture) {
    this.picture = picture;
    this.pointers = new Map();
    this.moved = 0;
    this.size(Number(picture.dataset.width), Number(picture.dataset.height));
    this.listen();
  }

  /** Begin with the whole of a field of this many pixels. */
  size(width, height) {
    this.whole = { x: 0, y: 0, width, height };
    this.show(this.whole);
  }

  /** Whether the pointer that was just let go had clicked rather than dragged. */
  get clicked() {
    return this.moved <= CLICK;
  }

  show(wanted) {
    const { whole } = this;
    const width = Math.min(whole.width, Math.max(wanted.width, Math.min(CLOSEST, whole.width)));
    const height = width * whole.height / whole.width;
    this.at = {
      x: Math.min(Math.max(wanted.x, 0), whole.width - width),
      y: Math.min(Math.max(wanted.y, 0), whole.height - height),
      width,
      height,
    };
    this.picture.setAttribute("viewBox", `${this.at.x} ${this.at.y} ${width} ${height}`);
  }

  /** Show a cell with what lies around it. */
  around({ x, y, width, height }) {
    const { whole } = this;
    const side = AROUND * Math.max(width, height);
    const shown = Math.max(side, side * whole.width / whole.height);
    this.show({ x: x + width / 2 - shown / 2, y: y + height / 2 - shown * whole.height / whole.width / 2, width: shown });
  }

  /** Zoom by a factor around a point of the file. */
  zoom(factor, point = this.middle) {
    const width = Math.min(this.whole.width, Math.max(CLOSEST, this.at.width / factor));
    const scale = width / this.at.width;
    this.show({ x: point.x - (point.x - this.at.x) * scale, y: point.y - (point.y - this.at.y) * scale, width });
  }

  get middle() {
    return { x: this.at.x + this.at.width / 2, y: this.at.y + this.at.height / 2 };
  }

  pan(right, down) {
    this.show({ ...this.at, x: this.at.x + right, y: this.at.y + down });
  }

  /** Where a pointer is, in pixels of the file. */
  place(event) {
    return new DOMPoint(event.clientX, event.clientY).matrixTransform(this.picture.getScreenCTM().inverse());
  }

  keys = {
    "+": () => this.zoom(1.5),
    "=": () => this.zoom(1.5),
    "-": () => this.zoom(1 / 1.5),
    0: () => this.show(this.whole),
    ArrowLeft: () => this.pan(-STEP * this.at.width, 0),
    ArrowRight: () => this.pan(STEP * this.at.width, 0),
    ArrowUp: () => this.pan(0, -STEP * this.at.height),
    ArrowDown: () => this.pan(0, STEP * this.at.height),
  };

  listen() {
    const { picture } = this;
    picture.addEventListener("keydown", (event) => this.key(event));
    picture.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), this.place(event));
    }, { passive: false });
    picture.addEventListener("pointerdown", (event) => this.press(event));
    picture.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      picture.addEventListener(end, (event) => {
        this.pointers.delete(event.pointerId);
        picture.classList.remove("moving");
      });
    }
  }

  key(event) {
    const action = this.keys[event.key];
    if (!action || this.still || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  }

  press(event) {
    if (this.still) return;
    this.pointers.set(event.pointerId, event);
    this.moved = this.pointers.size === 1 ? 0 : CLICK + 1;
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    this.moved += Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY);
    if (!this.clicked) {
      this.picture.setPointerCapture(event.pointerId);
      this.picture.classList.add("moving");
      this.drag(before, event);
    }
    this.pointers.set(event.pointerId, event);
  }

  /** One pointer moves the view, two pinch it. */
  drag(before, now) {
    const other = [...this.pointers.values()].find((each) => each.pointerId !== now.pointerId);
    if (other) {
      const distance = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      this.zoom(distance(now) / Math.max(1, distance(before)), this.place(other));
      return;
    }
    const [from, to] = [this.place(before), this.place(now)];
    this.pan(from.x - to.x, from.y - to.y);
  }
}

/** The buttons of a picture's toolbar: zoom in, zoom out, the whole field. */
export function listenToTools(view, tools) {
  for (const button of tools.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => view.zoom(Number(button.dataset.zoom)));
  }
  tools.querySelector("[data-fit]").addEventListener("click", () => view.show(view.whole));
  tools.hidden = false;
}
