// Drags tiles to a class: at once with a mouse or a pen, after a long press with a finger.

const FAR = 6;
const LONG = 350;
const EDGE = 60;
const SPEED = 14;

/** `begin(tile)` gives how many cells are dragged; `drop(label)` is told the class, if any. */
export class Drag {
  constructor(gallery, ghost, { begin, drop }) {
    Object.assign(this, { gallery, ghost, begin, drop });
    gallery.addEventListener("pointerdown", (event) => this.press(event));
    window.addEventListener("pointermove", (event) => this.move(event));
    window.addEventListener("pointerup", (event) => this.end(event, true));
    window.addEventListener("pointercancel", (event) => this.end(event, false));
    window.addEventListener("keydown", (event) => this.key(event), { capture: true });
    // Else a finger that drags would scroll the page, or open its menu.
    window.addEventListener("touchmove", (event) => this.on && event.preventDefault(), { passive: false });
    gallery.addEventListener("contextmenu", (event) => this.touched && event.preventDefault());
    gallery.addEventListener("click", (event) => this.swallow(event), { capture: true });
  }

  press(event) {
    const tile = event.target.closest("[data-cell]");
    this.swallowing = false;
    if (!tile || event.button !== 0 || !event.isPrimary) return;
    this.tile = tile;
    this.from = event;
    this.touched = event.pointerType === "touch";
    if (this.touched) this.timer = setTimeout(() => this.start(event), LONG);
  }

  start(event) {
    const count = this.begin(this.tile);
    if (!count) return this.stop();
    this.on = true;
    this.ghost.textContent = count === 1 ? "1 cell" : `${count} cells`;
    this.ghost.hidden = false;
    document.body.classList.add("dragging");
    this.follow(event);
    this.scroll();
    return undefined;
  }

  move(event) {
    if (!this.tile || !event.isPrimary) return;
    const far = Math.hypot(event.clientX - this.from.clientX, event.clientY - this.from.clientY) > FAR;
    if (!this.on && far) {
      if (this.touched) this.stop();
      else this.start(event);
    }
    if (this.on) this.follow(event);
  }

  follow(event) {
    this.at = event;
    this.ghost.style.transform = `translate(${event.clientX + 12}px, ${event.clientY + 12}px)`;
    const under = document.elementFromPoint(event.clientX, event.clientY);
    const target = under?.closest("[data-palette] [data-label], [data-group][data-droppable]") ?? null;
    if (target === this.target) return;
    this.target?.classList.remove("dropping");
    target?.classList.add("dropping");
    this.target = target;
  }

  /** The page follows while something is held near its upper or lower edge. */
  scroll() {
    if (!this.on) return;
    const { clientY } = this.at;
    const up = clientY < EDGE ? -SPEED : 0;
    const down = clientY > window.innerHeight - EDGE ? SPEED : 0;
    window.scrollBy({ top: up + down, behavior: "instant" });
    requestAnimationFrame(() => this.scroll());
  }

  end(event, dropped) {
    if (!event.isPrimary) return;
    const { on, target } = this;
    this.stop();
    this.swallowing = on;
    if (on && dropped && target) this.drop(target.dataset.label ?? target.dataset.group);
  }

  key(event) {
    if (!this.on || event.key !== "Escape") return;
    event.stopPropagation();
    this.stop();
    this.swallowing = true;
  }

  stop() {
    clearTimeout(this.timer);
    this.target?.classList.remove("dropping");
    this.ghost.hidden = true;
    document.body.classList.remove("dragging");
    this.on = false;
    this.tile = this.target = null;
  }

  /** Letting go after a drag is no click. */
  swallow(event) {
    if (!this.swallowing) return;
    this.swallowing = false;
    event.stopPropagation();
  }
}
