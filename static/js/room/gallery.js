// The gallery: lists of proposed and of reviewed cells for each class, one focus and one selection over all of them.

import { closest, find, findAll, findOptional } from "../common/elements.js";
import { gettext } from "../common/language.js";
import { CANDIDATE, certainty, formatProbability, listOf, shownAs } from "./cells.js";
import { nameOf, writeSize } from "./classes.js";
import { beside, between, insertionIndex, nextRow } from "./line.js";
import { isWanted, ranks } from "./order.js";

/** @import { Cell, Picture } from "./cells.js" */

const AHEAD = "600px";
const TILE = "[data-cell]:not([hidden])";
const LIST = "[data-list]:not([hidden])";

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
  const seen = cell.seen ? gettext("reviewed by %(name)s", { name: cell.by ?? "" }) : gettext("not reviewed");
  const conflict = cell.conflict
    ? gettext("conflict: you said %(label)s", { label: nameOf(cell.conflict.mine) })
    : "";
  const opinions = [
    cell.kind_probability === null ? "" : `${cell.kind} ${formatProbability(cell.kind_probability)}`,
    cell.probability === null ? "" : gettext(
      "blast probability %(share)s", { share: formatProbability(cell.probability) },
    ),
    cell.disagreed ? gettext("detector and classifier disagree") : "",
    conflict,
    cell.news ? gettext("changed by %(name)s", { name: cell.news }) : "",
    cell.comments ? gettext("commented") : "",
    cell.at_edge ? gettext("cut by the edge") : "",
  ];
  return [cell.name, nameOf(shownAs(cell)), seen, ...opinions].filter(Boolean).join(", ");
}

/**
 * What the models call a cell, below its picture; of a reviewed one the picture and its list say enough.
 * @param {Cell} cell
 */
function proposal(cell) {
  if (cell.seen || cell.proposed === null) return "";
  return cell.candidate || cell.proposed === "unclassified" ? gettext("Blast") : `${nameOf(cell.proposed)}?`;
}

/**
 * @param {HTMLElement} tile
 * @param {Cell} cell
 */
function write(tile, cell) {
  tile.setAttribute("aria-label", spoken(cell));
  part(tile, "proposal").textContent = proposal(cell);
  part(tile, "seen").hidden = !cell.seen;
  part(tile, "disagreed").hidden = !cell.disagreed;
  part(tile, "cut").hidden = !cell.at_edge;
  part(tile, "conflict").hidden = !cell.conflict;
  part(tile, "changed-by").textContent = cell.news ?? "";
  part(tile, "changed-by").hidden = !cell.news;
  part(tile, "commented").hidden = !cell.comments;
}

/**
 * What the gallery tells.
 * @typedef {object} GalleryActions
 * @property {(cell: Cell) => void} moved is given the cell that has the focus now
 * @property {(count: number) => void} chose is given how many cells are selected now
 * @property {(cells: Cell[]) => void} confirm is given the cells of a list that are to be confirmed
 */

/** @typedef {{sort: string, show: string, field: string, chosen: Set<string> | null}} Wanted */

export class Gallery {
  /** @type {Map<string, Cell>} */
  cells = new Map();

  /** @type {Map<string, HTMLElement>} */
  tiles = new Map();

  /** Ids of the selected cells. @type {Set<string>} */
  selected = new Set();

  /** Where the selection began. @type {HTMLElement | undefined} */
  anchor;

  /** The tile that the key Tab leads to. @type {HTMLElement | null} */
  current = null;

  /** The places of the cells, by id, as they are sorted now. @type {Map<string, number>} */
  ranks = new Map();

  /** Ids of the fields, in the order of the case. @type {string[]} */
  fields = [];

  /**
   * How cells are sorted, and which are shown.
   * @type {Wanted}
   */
  wanted = { sort: "suspicion", show: "all", field: "", chosen: null };

  /**
   * @param {HTMLElement} element
   * @param {GalleryActions} actions
   */
  constructor(element, { moved, chose, confirm }) {
    this.element = element;
    this.moved = moved;
    this.chose = chose;
    this.confirm = confirm;
    this.groups = new Map(findAll(element, "[data-group]").map((group) => [group.dataset.group ?? "", group]));
    this.lists = new Map(findAll(element, "[data-list]").map((list) => [list.dataset.list ?? "", list]));
    this.tilesOf = new Map([...this.lists].map(([name, list]) => [name, find(list, "[role=listbox]")]));
    this.observer = new IntersectionObserver((entries) => this.see(entries), { rootMargin: AHEAD });
    element.addEventListener("click", (event) => this.click(event));
    element.addEventListener("focusin", (event) => this.focused(closest(event, "[data-cell]")));
  }

  /**
   * Show these cells, in the order in which to look at them.
   * @param {Map<string, Cell>} cells
   * @param {string[]} fields ids in the order of the case
   */
  fill(cells, fields) {
    [this.cells, this.fields] = [cells, fields];
    this.arrange();
    for (const tile of this.tiles.values()) this.observer.observe(tile);
    this.tabStop(this.first);
  }

  /** Put every tile in its place, as they are sorted and filtered now. */
  arrange() {
    this.ranks = ranks([...this.cells.values()], this.wanted.sort, this.fields);
    const parts = new Map([...this.lists.keys()].map((name) => [name, document.createDocumentFragment()]));
    for (const id of this.ranks.keys()) {
      const cell = this.cell(id);
      const tile = this.tiles.get(id) ?? this.make(cell);
      tile.hidden = !isWanted(cell, this.wanted);
      parts.get(listOf(cell))?.append(tile);
    }
    for (const [name, tiles] of parts) this.tilesIn(name).replaceChildren(tiles);
    for (const name of this.lists.keys()) this.count(name);
  }

  /**
   * Sort and filter the cells otherwise; the focus stays on its cell where that is still shown.
   * @param {Wanted} wanted
   */
  want(wanted) {
    const { active } = this;
    this.wanted = wanted;
    this.arrange();
    const there = active && !active.hidden ? active : this.first;
    this.select(there ? [there] : []);
    this.tabStop(there);
    const cell = this.cellOf(there);
    if (cell) this.moved(cell);
  }

  /** @param {string} id */
  cell(id) {
    const cell = this.cells.get(id);
    if (!cell) throw new Error(`The gallery has no cell ${id}`);
    return cell;
  }

  /** @param {Cell} cell */
  make(cell) {
    const tile = find(document.importNode(template.content, true), ".tile");
    tile.dataset.cell = cell.id;
    tile.id = `cell-${cell.id}`;
    part(tile, "probability").textContent = formatProbability(cell.candidate ? cell.probability : certainty(cell));
    write(tile, cell);
    this.tiles.set(cell.id, tile);
    return tile;
  }

  /** @param {string} name */
  tilesIn(name) {
    const tiles = this.tilesOf.get(name);
    if (!tiles) throw new Error(`The gallery has no list ${name}`);
    return tiles;
  }

  /** @param {string} name */
  count(name) {
    const tiles = this.tilesIn(name);
    const all = this.wanted.show === "all" && !this.wanted.field;
    const hidden = all ? 0 : tiles.querySelectorAll(":scope > [hidden]").length;
    const shown = tiles.childElementCount - hidden;
    const list = this.lists.get(name);
    const group = list && this.groupAround(list);
    if (!list || !group) return;
    list.hidden = shown === 0;
    find(list, "[data-size]").textContent = hidden ? gettext(
      "%(shown)s of %(all)s", { shown, all: shown + hidden },
    ) : String(shown);
    this.countGroup(group);
  }

  /** @param {HTMLElement} group */
  countGroup(group) {
    const label = group.dataset.group ?? "";
    const names = [label, `${label}?`];
    // Not asked of the page, which would look through all tiles.
    group.hidden = names.every((name) => this.lists.get(name)?.hidden ?? true);
    const sizes = names.map((name) => this.tilesOf.get(name)?.childElementCount ?? 0);
    if (label !== CANDIDATE) writeSize(label, sizes[0] + sizes[1]);
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
    const previous = this.listAround(tile)?.dataset.list;
    const name = listOf(cell);
    write(tile, cell);
    tile.hidden = !isWanted(cell, this.wanted);
    if (previous !== name) this.move(tile, name, this.ranks.get(cell.id) ?? cell.order);
    if (previous) this.count(previous);
    if (previous !== name) this.count(name);
    if (!known) this.observer.observe(tile);
  }

  /**
   * @param {HTMLElement} tile
   * @param {string} name of a list
   * @param {number} rank
   */
  move(tile, name, rank) {
    const tiles = this.tilesIn(name);
    const rankAt = (/** @type {number} */ index) => {
      const cell = this.cellOf(tiles.children[index]);
      return cell ? this.ranks.get(cell.id) ?? cell.order : 0;
    };
    const index = insertionIndex(tiles.childElementCount, rankAt, rank);
    tiles.insertBefore(tile, tiles.children[index] ?? null);
  }

  /**
   * @param {HTMLElement} tile
   * @returns {HTMLElement | null}
   */
  listAround(tile) {
    return tile.closest("[data-list]");
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
    const list = tile && this.listAround(tile)?.dataset.list;
    tile?.remove();
    this.tiles.delete(id);
    this.selected.delete(id);
    if (list) this.count(list);
  }

  /** @param {Element | null | undefined} tile */
  cellOf(tile) {
    return this.cells.get(tile?.getAttribute("data-cell") ?? "");
  }

  get all() {
    return findAll(this.element, TILE);
  }

  get first() {
    const first = this.element.querySelector(TILE);
    return first instanceof HTMLElement ? first : null;
  }

  /** The tile that has the focus, or had it last. */
  get active() {
    return this.current?.isConnected ? this.current : null;
  }

  /** @param {HTMLElement | null} tile */
  tabStop(tile) {
    this.current?.setAttribute("tabindex", "-1");
    tile?.setAttribute("tabindex", "0");
    this.current = tile;
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
    // Both lay out the page; in this order the panel, which follows the focus, changes after that.
    tile.scrollIntoView({ block: "nearest", behavior: "instant" });
    tile.focus({ preventScroll: true });
  }

  /** @param {HTMLElement[]} tiles */
  select(tiles) {
    const wanted = new Set(tiles.map((tile) => tile.dataset.cell ?? ""));
    for (const id of this.selected) if (!wanted.has(id)) this.mark(id, false);
    for (const id of wanted) if (!this.selected.has(id)) this.mark(id, true);
    this.selected = wanted;
    this.chose(wanted.size);
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
    const several = this.selected.size > 1 ? this.all.filter((tile) => this.isSelected(tile)) : [];
    const [only] = this.selected;
    const tiles = several.length ? several : [this.tiles.get(only) ?? this.active];
    const shown = tiles.filter((tile) => tile && !tile.hidden);
    return shown.map((tile) => this.cellOf(tile)).filter((cell) => cell !== undefined);
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

  /** @param {HTMLElement} list */
  selectList(list) {
    const tiles = findAll(list, TILE);
    this.anchor = tiles[0];
    this.select(tiles);
    if (!list.contains(this.active)) this.focus(tiles[0]);
  }

  /**
   * The cells of a list that are shown.
   * @param {HTMLElement} list
   */
  cellsIn(list) {
    return findAll(list, TILE).map((tile) => this.cell(tile.dataset.cell ?? ""));
  }

  /** @param {MouseEvent} event */
  click(event) {
    const button = closest(event, "[data-select-all], [data-confirm-all]");
    const list = button && this.listAround(button);
    if (list && "selectAll" in button.dataset) this.selectList(list);
    else if (list) this.confirm(this.cellsIn(list));
    const tile = closest(event, "[data-cell]");
    if (!tile) return;
    if (event.shiftKey) this.extend(tile);
    else if (event.ctrlKey || event.metaKey) this.toggle(tile);
    else this.go(tile);
  }

  /** The lists that have cells. */
  get shownLists() {
    return findAll(this.element, `${LIST} [role=listbox]`);
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
    return nextRow(this.shownLists.map((list) => findAll(list, TILE)), active, step, columns);
  }

  /** The first or last tile of the list with the focus. */
  end(/** @type {"first" | "last"} */ which) {
    const list = this.active?.parentElement;
    return list && findAll(list, TILE).at(which === "first" ? 0 : -1);
  }

  /**
   * The first tile of the next class, or of the one before.
   * @param {1 | -1} step
   */
  nextClass(step) {
    const list = beside(this.shownLists, this.active?.parentElement ?? null, step);
    return list && findOptional(list, TILE);
  }

  /**
   * The tiles that are shown after one, in the order of the page, then from the top again.
   * @param {HTMLElement | null} tile
   * @returns {Generator<HTMLElement>}
   */
  *after(tile) {
    const lists = [...this.tilesOf.values()];
    const start = lists.findIndex((list) => list === tile?.parentElement);
    yield* tilesBeside(tile, "nextElementSibling");
    for (let step = 1; step <= lists.length; step += 1) {
      const first = lists[(start + step) % lists.length].firstElementChild;
      if (first instanceof HTMLElement && !first.hidden) yield first;
      yield* tilesBeside(first, "nextElementSibling");
    }
  }

  /** The next tile that nobody has reviewed, from the top again after the last. */
  unseen() {
    return firstOf(this.after(this.active), (tile) => !this.cellOf(tile)?.seen);
  }

  /**
   * Where to go on when these cells have left their list: in the list, else to what is not reviewed.
   * @param {Cell[]} cells the last one in the list of all of them
   */
  onward(cells) {
    const gone = new Set(cells.map(({ id }) => id));
    const stays = (/** @type {HTMLElement} */ tile) => !gone.has(tile.dataset.cell ?? "");
    const last = this.tiles.get(cells[cells.length - 1].id);
    if (!last?.parentElement) return undefined;
    return firstOf(tilesBeside(last, "nextElementSibling"), stays)
      ?? firstOf(tilesBeside(last, "previousElementSibling"), stays)
      ?? firstOf(this.after(last), (tile) => stays(tile) && !this.cellOf(tile)?.seen)
      ?? firstOf(this.after(null), stays);
  }
}

/**
 * The tiles beside one that are shown, nearest first.
 * @param {Element | null} tile
 * @param {"nextElementSibling" | "previousElementSibling"} way
 * @returns {Generator<HTMLElement>}
 */
function* tilesBeside(tile, way) {
  for (let one = tile?.[way]; one; one = one[way]) {
    if (one instanceof HTMLElement && !one.hidden) yield one;
  }
}

/**
 * @template T
 * @param {Iterable<T>} items
 * @param {(item: T) => boolean} test
 * @returns {T | undefined}
 */
function firstOf(items, test) {
  for (const item of items) if (test(item)) return item;
  return undefined;
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
