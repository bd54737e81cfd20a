// Which key was pressed, on whatever keyboard.

/**
 * The key as its Latin letter in lower case: where the layout gives another script's letter, the one
 * that stands at its place on a Latin keyboard.
 * @param {Pick<KeyboardEvent, "key" | "code">} event
 */
export function keyOf({ key, code }) {
  if (key.length !== 1) return key;
  const place = /^Key([A-Z])$/.exec(code);
  const foreign = /\p{Letter}/u.test(key) && !/\p{Script=Latin}/u.test(key);
  return (foreign && place ? place[1] : key).toLowerCase();
}
