// The gallery: a list of cells for each class, one focus and one selection over all of them.

import { closest, find, findAll, findOptional } from "../common/elements.js";
import { formatProbability, groupOf } from "./cells.js";
import { nameOf } from "./classes.js";
import { beside, between, insertionIndex, nextRow, nextThat, onward } from "./line.js";

/** @import { Cell, Picture } from "./cells.js" */

const AHEAD = "600px";

const template = find(document, "template[data-tile]", HTMLTemplateElement);

/**
 * @param {HTMLElement} tile
 * @param {string} name
 */
function part(tile, name) {
  return find(tile, `[data-${name}]`);
}

/**
 * The label of a tile for screen readers: cell, class, review, opinions of the models.
 * @param {Cell} cell
 */
function spoken(cell) {
  const seen = cell.seen ? `reviewed by ${cell.by}` : "not reviewed";
  const opinions = [
    cell.probability === null ? "" : `blast probability ${formatProbability(cell.probability)}`,
    cell.disagreed ? "detector and classifier disagree" : "",
  ];
  return [cell.name, nameOf(cell.label), seen, ...opinions].filter(Boolean).join(", ");
}

/**
 * @param {HTMLElement} tile
 * @param {Cell} cell
 */
function write(tile, cell) {
  tile.setAttribute("aria-label", spoken(cell));
  tile.classList.toggle("seen", cell.seen);
  part(tile, "seen").hidden = !cell.seen;
  part(tile, "disagreed").hidden = !cell.disagreed;
  part(tile, "conflict").hidden = !cell.conflict;
}

export class Gallery {
  /** @type {Map<string, Cell>} */
  cells = new Map();

  /** @type {Map<string, HTMLElement>} */
  tiles = new Map();

  /** Ids of the selected cells. @type {Set<string>} */
  selected = new Set();

  /** Where the selection began. @type {HTMLElement | undefined} */
  anchor;

  /**
   * @param {HTMLElement} element
   * @param {(cell: Cell) => void} moved is given the cell that has the focus now
   */
  constructor(element, moved) {
    this.element = element;
    this.moved = moved;
    this.groups = new Map(findAll(element, "[data-group]").map((group) => [group.dataset.group ?? "", group]));
    this.observer = new IntersectionObserver((entries) => this.see(entries), { rootMargin: AHEAD });
    element.addEventListener("click", (event) => this.click(event));
    element.addEventListener("focusin", (event) => this.focused(closest(event, "[data-cell]")));
  }

  /**
   * Show these cells, in the order in which to look at them.
   * @param {Map<string, Cell>} cells
   */
  fill(cells) {
    this.cells = cells;
    const parts = new Map([...this.groups.keys()].map((name) => [name, document.createDocumentFragment()]));
    for (const cell of cells.values()) parts.get(groupOf(cell))?.append(this.make(cell));
    for (const [name, tiles] of parts) this.listOf(name).append(tiles);
    for (const name of this.groups.keys()) this.count(name);
    for (const tile of this.tiles.values()) this.observer.observe(tile);
    this.tabStop(this.first);
  }

  /** @param {Cell} cell */
  make(cell) {
    const tile = find(document.importNode(template.content, true), ".tile");
    tile.dataset.cell = cell.id;
    tile.id = `cell-${cell.id}`;
    part(tile, "probability").textContent = formatProbability(cell.probability);
    write(tile, cell);
    this.tiles.set(cell.id, tile);
    return tile;
  }

  /** @param {string} name */
  group(name) {
    const group = this.groups.get(name);
    if (!group) throw new Error(`The gallery has no class ${name}`);
    return group;
  }

  /** @param {string} name */
  listOf(name) {
    return find(this.group(name), "[role=listbox]");
  }

  /** @param {string} name */
  count(name) {
    const group = this.group(name);
    const { childElementCount } = this.listOf(name);
    group.hidden = childElementCount === 0;
    find(group, "[data-size]").textContent = String(childElementCount);
  }

  /**
   * A picture is asked for once its tile is about to be seen.
   * @param {IntersectionObserverEntry[]} entries
   */
  see(entries) {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting || !(target instanceof HTMLElement)) continue;
      this.observer.unobserve(target);
      const cell = this.cells.get(target.dataset.cell ?? "");
      if (cell) drawPicture(part(target, "picture"), cell.picture);
    }
  }

  /**
   * Bring a tile in line with its cell; a new one gets a tile, in the place of its order.
   * @param {Cell} cell
   */
  place(cell) {
    const known = this.tiles.get(cell.id);
    const tile = known ?? this.make(cell);
    const previous = this.groupAround(tile)?.dataset.group;
    const name = groupOf(cell);
    write(tile, cell);
    if (previous === name) return;
    const list = this.listOf(name);
    const orderAt = (/** @type {number} */ index) => this.cellOf(list.children[index])?.order ?? 0;
    const index = insertionIndex(list.childElementCount, orderAt, cell.order);
    list.insertBefore(tile, list.children[index] ?? null);
    this.count(name);
    if (previous) this.count(previous);
    if (!known) this.observer.observe(tile);
  }

  /**
   * @param {HTMLElement} tile
   * @returns {HTMLElement | null}
   */
  groupAround(tile) {
    return tile.closest("[data-group]");
  }

  /** @param {string} id */
  remove(id) {
    const tile = this.tiles.get(id);
    const group = tile && this.groupAround(tile)?.dataset.group;
    tile?.remove();
    this.tiles.delete(id);
    this.selected.delete(id);
    if (group) this.count(group);
  }

  /** @param {Element | null | undefined} tile */
  cellOf(tile) {
    return this.cells.get(tile?.getAttribute("data-cell") ?? "");
  }

  get all() {
    return findAll(this.element, "[data-group]:not([hidden]) [data-cell]");
  }

  get first() {
    return findOptional(this.element, "[data-group]:not([hidden]) [data-cell]");
  }

  get active() {
    return findOptional(this.element, "[data-cell][tabindex='0']");
  }

  /** @param {HTMLElement | null} tile */
  tabStop(tile) {
    this.active?.setAttribute("tabindex", "-1");
    tile?.setAttribute("tabindex", "0");
  }

  /** @param {HTMLElement | null} tile */
  focused(tile) {
    if (!tile) return;
    this.tabStop(tile);
    const cell = this.cellOf(tile);
    if (cell) this.moved(cell);
  }

  /**
   * Go to a tile and select only it.
   * @param {HTMLElement | null | undefined} tile
   */
  go(tile) {
    if (!tile) return;
    this.select([tile]);
    this.anchor = tile;
    this.focus(tile);
  }

  /** @param {HTMLElement} tile */
  focus(tile) {
    tile.focus({ preventScroll: true });
    tile.scrollIntoView({ block: "nearest", behavior: "instant" });
  }

  /** @param {HTMLElement[]} tiles */
  select(tiles) {
    const wanted = new Set(tiles.map((tile) => tile.dataset.cell ?? ""));
    for (const id of this.selected) if (!wanted.has(id)) this.mark(id, false);
    for (const id of wanted) if (!this.selected.has(id)) this.mark(id, true);
    this.selected = wanted;
  }

  /**
   * @param {string} id
   * @param {boolean} selected
   */
  mark(id, selected) {
    this.tiles.get(id)?.setAttribute("aria-selected", String(selected));
  }

  /** @param {HTMLElement} tile */
  isSelected(tile) {
    return this.selected.has(tile.dataset.cell ?? "");
  }

  /** The cells that a key acts on, in the order of the page. */
  get chosen() {
    const selected = this.all.filter((tile) => this.isSelected(tile));
    const tiles = selected.length ? selected : [this.active];
    return tiles.map((tile) => this.cellOf(tile)).filter((cell) => cell !== undefined);
  }

  /** @param {HTMLElement} tile */
  toggle(tile) {
    const others = this.all.filter((one) => this.isSelected(one) && one !== tile);
    this.select(this.isSelected(tile) ? others : [...others, tile]);
    this.anchor = tile;
    this.focus(tile);
  }

  /**
   * Select from where the selection began to a tile.
   * @param {HTMLElement} tile
   */
  extend(tile) {
    this.select(between(this.all, this.anchor ?? this.active ?? tile, tile));
    this.focus(tile);
  }

  /** @param {HTMLElement} group */
  selectGroup(group) {
    const tiles = findAll(group, "[data-cell]");
    this.anchor = tiles[0];
    this.select(tiles);
    if (!group.contains(this.active)) this.focus(tiles[0]);
  }

  /** @param {MouseEvent} event */
  click(event) {
    const button = closest(event, "[data-select-all]");
    const group = button && this.groupAround(button);
    if (group) this.selectGroup(group);
    const tile = closest(event, "[data-cell]");
    if (!tile) return;
    if (event.shiftKey) this.extend(tile);
    else if (event.ctrlKey || event.metaKey) this.toggle(tile);
    else this.go(tile);
  }

  /** The lists of classes that have cells. */
  get lists() {
    return findAll(this.element, "[data-group]:not([hidden]) [role=listbox]");
  }

  /**
   * The tile so many places on, across classes.
   * @param {number} step
   */
  beside(step) {
    return beside(this.all, this.active, step);
  }

  /**
   * The tile a row up or down.
   * @param {1 | -1} step
   */
  row(step) {
    const { active } = this;
    if (!active?.parentElement) return this.first;
    const columns = getComputedStyle(active.parentElement).gridTemplateColumns.split(" ").length;
    return nextRow(this.lists.map((list) => findAll(list, "[data-cell]")), active, step, columns);
  }

  /** The first or last tile of the list with the focus. */
  end(/** @type {"first" | "last"} */ which) {
    const list = this.active?.parentElement;
    return list && findAll(list, "[data-cell]").at(which === "first" ? 0 : -1);
  }

  /**
   * The first tile of the next class, or of the one before.
   * @param {1 | -1} step
   */
  nextClass(step) {
    const list = beside(this.lists, this.active?.parentElement ?? null, step);
    return list && findOptional(list, "[data-cell]");
  }

  /** The next tile that nobody has reviewed, from the top again after the last. */
  unseen() {
    return nextThat(this.all, this.active, (tile) => !this.cellOf(tile)?.seen);
  }

  /**
   * Where to go on when these cells have left their list.
   * @param {Cell[]} cells the last one in the list of all of them
   */
  onward(cells) {
    const gone = new Set(cells.map(({ id }) => id));
    const stays = (/** @type {HTMLElement} */ tile) => !gone.has(tile.dataset.cell ?? "");
    const last = this.tiles.get(cells[cells.length - 1].id);
    const list = last?.parentElement;
    return (list && onward(findAll(list, "[data-cell]"), last, stays)) ?? this.all.find(stays);
  }
}

/**
 * Show a cell of a sheet of cells, or a picture of its own.
 * @param {HTMLElement} element
 * @param {Picture} picture
 */
export function drawPicture(element, picture) {
  element.style.backgroundImage = `url("${picture.url}")`;
  if (picture.place === undefined) return;
  const { place, columns, rows } = picture;
  const [row, column] = [Math.floor(place / columns), place % columns];
  element.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
  element.style.backgroundPosition = `${100 * column / (columns - 1)}% ${100 * row / (rows - 1)}%`;
}
