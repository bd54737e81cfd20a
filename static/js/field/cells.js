// The white cells of a field: a box in the picture each, a place in the gallery, two opinions.

const items = new Map(
  [...document.querySelectorAll("[data-gallery] > li")].map((item) => [item.dataset.cell, item]),
);

/** `label` is what it is shown as: blast, wbc, or doubtful, which is not shown. */
function read(box) {
  const { cell, label, blast, white, second, secondLabel } = box.dataset;
  return {
    box,
    item: items.get(cell),
    number: Number(cell),
    label,
    own: label,
    blast: Number(blast),
    white: Number(white),
    second: Number(second),
    secondLabel,
  };
}

const OPPOSITE = { blast: "normal", wbc: "all_blast" };

export const cells = [...document.querySelectorAll("rect[data-cell]")].map(read);

/** Whether the second reader says the opposite; uncertain is no opposite. */
export function disagreed(cell) {
  return cell.secondLabel === OPPOSITE[cell.label];
}
