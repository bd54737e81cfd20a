// The white cells of a case: the classes they can have, and what counts.

export const DOUBTFUL = "doubtful";

/** The classes, in the order of the page: each with its name, its key, and whether it is a WBC. */
export const classes = [...document.querySelectorAll("[data-palette] [data-label]")].map(({ dataset }) => ({
  label: dataset.label,
  name: dataset.name,
  key: dataset.key,
  white: dataset.white === "yes",
}));

const names = new Map(classes.map(({ label, name }) => [label, name]));
const white = new Set(classes.filter((one) => one.white).map(({ label }) => label));

export function nameOf(label) {
  return names.get(label) ?? label;
}

/** Doubtful cells count in nothing until somebody names them. */
export function counts(cell) {
  return cell.seen || !cell.doubtful;
}

/** Where a cell is shown: under its label, or apart while the detector alone doubts it. */
export function groupOf(cell) {
  return counts(cell) ? cell.label : DOUBTFUL;
}

/** What is put back when a correction is undone. */
export function stateOf({ label, seen, by, mine, at, review, key, before }) {
  return { label, seen, by, mine, at, review, key, before };
}

/** Counts by label, white cells and blasts, of the labels that `labelOf` gives; null is no cell. */
function counted(cells, labelOf) {
  const found = Object.fromEntries(classes.map(({ label }) => [label, 0]));
  for (const cell of cells) {
    const label = labelOf(cell);
    if (label) found[label] += 1;
  }
  const wbc = [...white].reduce((sum, label) => sum + found[label], 0);
  return { counts: found, wbc };
}

/** The differential of the models and that of the reviewer, as services/cases/review.py counts them. */
export function differential(cells) {
  const all = [...cells.values()];
  const shown = all.filter(counts);
  return {
    models: counted(all, (cell) => !cell.doubtful && cell.proposed),
    reviewer: counted(shown, (cell) => cell.label),
    reviewed: shown.filter((cell) => cell.seen).length,
    total: shown.length,
  };
}

/** A probability (0..1) for a tile: whole per cent, never rounded to certainty. */
export function percent(probability) {
  if (probability === null) return "–";
  if (probability < 0.01) return "<1%";
  return probability > 0.99 ? ">99%" : `${Math.round(100 * probability)}%`;
}
