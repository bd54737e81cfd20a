// The gallery: a list of cells for each class, one focus and one selection over all of them.

import { groupOf, nameOf, percent } from "./cells.js";

const AHEAD = "600px";

const template = document.querySelector("template[data-tile]");

function part(tile, name) {
  return tile.querySelector(`[data-${name}]`);
}

/** What is heard of a tile: which cell, what it is, what the readers said. */
function spoken(cell) {
  const seen = cell.seen ? `reviewed by ${cell.by}` : "not reviewed";
  const said = [
    cell.blast === null ? "" : `detector ${percent(cell.blast)} blast`,
    cell.second === null ? "" : `second reader ${percent(cell.second)}`,
    cell.disagreed ? "the readers disagree" : "",
  ];
  return [cell.name, nameOf(cell.label), seen, ...said].filter(Boolean).join(", ");
}

function write(tile, cell) {
  tile.setAttribute("aria-label", spoken(cell));
  tile.classList.toggle("seen", cell.seen);
  part(tile, "seen").hidden = !cell.seen;
  part(tile, "disagreed").hidden = !cell.disagreed;
  part(tile, "conflict").hidden = !cell.conflict;
}

export class Gallery {
  /** `moved` is told the cell that has the focus now. */
  constructor(element, moved) {
    this.element = element;
    this.moved = moved;
    this.groups = new Map([...element.querySelectorAll("[data-group]")].map((group) => [group.dataset.group, group]));
    this.cells = new Map();
    this.tiles = new Map();
    this.selected = new Set();
    this.seer = new IntersectionObserver((seen) => this.see(seen), { rootMargin: AHEAD });
    element.addEventListener("click", (event) => this.click(event));
    element.addEventListener("focusin", (event) => this.focused(event.target.closest("[data-cell]")));
  }

  /** Show these cells, in the order in which to look at them. */
  fill(cells) {
    this.cells = cells;
    const parts = new Map([...this.groups.keys()].map((name) => [name, document.createDocumentFragment()]));
    for (const cell of cells.values()) parts.get(groupOf(cell)).append(this.make(cell));
    for (const [name, tiles] of parts) this.listOf(name).append(tiles);
    for (const name of this.groups.keys()) this.count(name);
    for (const tile of this.tiles.values()) this.seer.observe(tile);
    this.tabStop(this.first);
  }

  make(cell) {
    const tile = template.content.firstElementChild.cloneNode(true);
    tile.dataset.cell = cell.id;
    tile.id = `cell-${cell.id}`;
    part(tile, "detector").textContent = percent(cell.blast);
    part(tile, "second").textContent = percent(cell.second);
    write(tile, cell);
    this.tiles.set(cell.id, tile);
    return tile;
  }

  listOf(name) {
    return this.groups.get(name).querySelector("[role=listbox]");
  }

  count(name) {
    const group = this.groups.get(name);
    const { childElementCount } = this.listOf(name);
    group.hidden = childElementCount === 0;
    group.querySelector("[data-size]").textContent = childElementCount;
  }

  /** A picture is asked for once its tile is about to be seen. */
  see(entries) {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      this.seer.unobserve(target);
      const { picture } = this.cells.get(target.dataset.cell) ?? {};
      if (picture) drawPicture(part(target, "picture"), picture);
    }
  }

  /** Bring a tile in line with its cell; a new one gets a tile, in the place of its order. */
  place(cell) {
    const known = this.tiles.get(cell.id);
    const tile = known ?? this.make(cell);
    const former = tile.closest("[data-group]")?.dataset.group;
    const name = groupOf(cell);
    write(tile, cell);
    if (former === name) return;
    const list = this.listOf(name);
    list.insertBefore(tile, this.after(list, cell));
    this.count(name);
    if (former) this.count(former);
    if (!known) this.seer.observe(tile);
  }

  /** The first tile of a list that comes after a cell: lists are in the order of the case. */
  after(list, cell) {
    let [low, high] = [0, list.childElementCount];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.cellOf(list.children[middle]).order < cell.order) low = middle + 1;
      else high = middle;
    }
    return list.children[low] ?? null;
  }

  remove(id) {
    const tile = this.tiles.get(id);
    const group = tile?.closest("[data-group]").dataset.group;
    tile?.remove();
    this.tiles.delete(id);
    this.selected.delete(id);
    if (group) this.count(group);
  }

  cellOf(tile) {
    return this.cells.get(tile?.dataset.cell);
  }

  get all() {
    return [...this.element.querySelectorAll("[data-group]:not([hidden]) [data-cell]")];
  }

  get first() {
    return this.element.querySelector("[data-group]:not([hidden]) [data-cell]");
  }

  get active() {
    return this.element.querySelector("[data-cell][tabindex='0']");
  }

  tabStop(tile) {
    this.active?.setAttribute("tabindex", "-1");
    tile?.setAttribute("tabindex", "0");
  }

  focused(tile) {
    if (!tile) return;
    this.tabStop(tile);
    this.moved(this.cellOf(tile));
  }

  /** Go to a tile and select it alone. */
  go(tile) {
    if (!tile) return;
    this.select([tile]);
    this.anchor = tile;
    this.focus(tile);
  }

  focus(tile) {
    tile.focus({ preventScroll: true });
    tile.scrollIntoView({ block: "nearest", behavior: "instant" });
  }

  select(tiles) {
    const wanted = new Set(tiles.map((tile) => tile.dataset.cell));
    for (const id of this.selected) if (!wanted.has(id)) this.mark(id, false);
    for (const id of wanted) if (!this.selected.has(id)) this.mark(id, true);
    this.selected = wanted;
  }

  mark(id, selected) {
    this.tiles.get(id)?.setAttribute("aria-selected", selected);
  }

  /** The cells that a key acts on, in the order of the page. */
  get chosen() {
    const chosen = this.all.filter((tile) => this.selected.has(tile.dataset.cell));
    return (chosen.length ? chosen : [this.active].filter(Boolean)).map((tile) => this.cellOf(tile));
  }

  toggle(tile) {
    const others = this.all.filter((one) => this.selected.has(one.dataset.cell) && one !== tile);
    this.select(this.selected.has(tile.dataset.cell) ? others : [...others, tile]);
    this.anchor = tile;
    this.focus(tile);
  }

  /** Select from where the selection began to a tile. */
  extend(tile) {
    const { all } = this;
    const ends = [all.indexOf(this.anchor ?? this.active), all.indexOf(tile)].sort((one, other) => one - other);
    this.select(all.slice(Math.max(ends[0], 0), ends[1] + 1));
    this.focus(tile);
  }

  selectGroup(group) {
    const tiles = [...group.querySelectorAll("[data-cell]")];
    this.anchor = tiles[0];
    this.select(tiles);
    if (!group.contains(this.active)) this.focus(tiles[0]);
  }

  click(event) {
    const all = event.target.closest("[data-select-all]");
    if (all) this.selectGroup(all.closest("[data-group]"));
    const tile = event.target.closest("[data-cell]");
    if (!tile) return;
    if (event.shiftKey) this.extend(tile);
    else if (event.ctrlKey || event.metaKey) this.toggle(tile);
    else this.go(tile);
  }

  /** The tile so many places on, across classes. */
  beside(step) {
    const { all } = this;
    return all[Math.min(Math.max(all.indexOf(this.active) + step, 0), all.length - 1)];
  }

  /** The tile a row up or down: in the next class the one in the same column. */
  row(step) {
    const list = this.active?.parentElement;
    if (!list) return this.first;
    const columns = getComputedStyle(list).gridTemplateColumns.split(" ").length;
    const index = [...list.children].indexOf(this.active);
    const wanted = list.children[index + step * columns];
    if (wanted) return wanted;
    const lastRow = Math.floor((list.childElementCount - 1) / columns);
    if (step > 0 && Math.floor(index / columns) < lastRow) return list.lastElementChild;
    return this.inNextList(list, step, index % columns, columns);
  }

  inNextList(list, step, column, columns) {
    const lists = [...this.element.querySelectorAll("[data-group]:not([hidden]) [role=listbox]")];
    const next = lists[lists.indexOf(list) + step];
    if (!next) return this.active;
    const row = step > 0 ? 0 : Math.floor((next.childElementCount - 1) / columns);
    return next.children[Math.min(row * columns + column, next.childElementCount - 1)];
  }

  /** The first tile of the next class, or of the one before. */
  group(step) {
    const lists = [...this.element.querySelectorAll("[data-group]:not([hidden]) [role=listbox]")];
    const place = lists.indexOf(this.active?.parentElement) + step;
    return lists[Math.min(Math.max(place, 0), lists.length - 1)]?.firstElementChild;
  }

  /** The next tile that nobody has reviewed, from the top again after the last. */
  unseen() {
    const { all } = this;
    const from = all.indexOf(this.active) + 1;
    return [...all.slice(from), ...all.slice(0, from)].find((tile) => !this.cellOf(tile).seen);
  }

  /** Where to go on when these cells have left their list: behind them, or before, or anywhere. */
  onward(cells) {
    const gone = new Set(cells.map(({ id }) => id));
    const list = this.tiles.get(cells.at(-1).id).parentElement;
    const tiles = [...list.children];
    const stays = (tile) => !gone.has(tile.dataset.cell);
    const from = tiles.indexOf(this.tiles.get(cells.at(-1).id));
    return tiles.slice(from).find(stays) ?? tiles.slice(0, from).findLast(stays) ?? this.all.find(stays);
  }
}

/** A cell of a sheet of cells, or a picture of its own. */
export function drawPicture(element, { url, place, columns, rows }) {
  element.style.backgroundImage = `url("${url}")`;
  if (place === undefined) return;
  const [row, column] = [Math.floor(place / columns), place % columns];
  element.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
  element.style.backgroundPosition = `${100 * column / (columns - 1)}% ${100 * row / (rows - 1)}%`;
}
