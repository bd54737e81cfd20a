// The line of cells: where to go from one, on lists that are shown below each other.

/**
 * Where to insert something into a list that is sorted by `order`.
 * @param {number} length of the list
 * @param {(index: number) => number} orderAt
 * @param {number} order
 */
export function insertionIndex(length, orderAt, order) {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (orderAt(middle) < order) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The item so many places on; the first or last one at the ends.
 * @template T
 * @param {T[]} items
 * @param {T | null} from
 * @param {number} step
 * @returns {T | undefined}
 */
export function beside(items, from, step) {
  const index = from === null ? -1 : items.indexOf(from);
  return items[Math.min(Math.max(index + step, 0), items.length - 1)];
}

/**
 * The item a row up or down: in the next list the one in the same column.
 * @template T
 * @param {T[][]} lists
 * @param {T} from an item of these lists
 * @param {1 | -1} step
 * @param {number} columns
 * @returns {T}
 */
export function nextRow(lists, from, step, columns) {
  const place = lists.findIndex((list) => list.includes(from));
  const list = lists[place];
  const index = list.indexOf(from);
  const wanted = list[index + step * columns];
  if (wanted !== undefined) return wanted;
  const lastRow = Math.floor((list.length - 1) / columns);
  if (step > 0 && Math.floor(index / columns) < lastRow) return list[list.length - 1];
  const next = lists[place + step];
  if (next === undefined) return from;
  const row = step > 0 ? 0 : Math.floor((next.length - 1) / columns);
  return next[Math.min(row * columns + index % columns, next.length - 1)];
}

/**
 * All items between two, these included, in whichever order they are given.
 * @template T
 * @param {T[]} items
 * @param {T} one
 * @param {T} other
 */
export function between(items, one, other) {
  const ends = [items.indexOf(one), items.indexOf(other)].sort((first, second) => first - second);
  return items.slice(Math.max(ends[0], 0), ends[1] + 1);
}
