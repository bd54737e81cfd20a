// The differential beside the gallery: by the models and by the reviewer, at every change.

import { differential } from "./cells.js";
import { interval, shareWords } from "../common/shares.js";

const table = document.querySelector("[data-differential]");
const progress = document.querySelector("[data-progress]");
const places = new Map([...table.querySelectorAll("[data-count]")].map((place) => [place.dataset.count, place]));

function write(name, text) {
  const place = places.get(name);
  if (place.textContent !== String(text)) place.textContent = text;
}

function writeReader(reader, { counts, wbc }) {
  for (const [label, count] of Object.entries(counts)) write(`${reader}-${label}`, count);
  write(`${reader}-wbc`, wbc);
  write(`${reader}-share`, wbc ? shareWords(counts.blast / wbc) : "–");
  write(`${reader}-interval`, wbc ? interval(counts.blast, wbc).map(shareWords).join(" to ") : "–");
  write(`${reader}-erythroblasts`, wbc ? (100 * counts.erythroblast / wbc).toFixed(1) : "–");
}

/** Bring the table, the progress and the counts of the classes in line with the cells. */
export function showCounts(cells) {
  const { models, reviewer, reviewed, total } = differential(cells);
  writeReader("models", models);
  writeReader("reviewer", reviewer);
  const bar = progress.querySelector("progress");
  [bar.max, bar.value] = [Math.max(total, 1), reviewed];
  progress.querySelector("[data-reviewed]").textContent = `${reviewed} of ${total} cells reviewed`;
  return { reviewed, total };
}
