// Keeps the page of a batch up to date while its fields are read.

import { find, findAll, findOptional } from "../common/elements.js";
import { Filter } from "./filter.js";
import { Follower } from "./follow.js";
import { Line, submit } from "./line.js";
import { count, formatProgress } from "./progress.js";

/** @import { FileReport } from "./progress.js" */

const page = find(document, "[data-batch-page]");
const status = find(page, "[data-status]");
const cancelAll = findOptional(page, "[data-cancel-all]");
const counts = find(page, "[data-counts]");
const lines = findAll(page, "[data-list] > li").map((element) => new Line(element));
const filter = new Filter(page);
const follower = new Follower(page.dataset.progressUrl ?? "", show, find(document, "[data-lost]"));
let read = count(lines, "read");

/**
 * Show what the server tells; give whether some are under way still.
 * @param {FileReport[]} files
 */
function show(files) {
  const known = new Map(lines.map((line) => [line.id, line]));
  for (const file of files) known.get(file.id)?.report(file);
  summarise();
  return count(lines, "sent") > 0;
}

function summarise() {
  status.textContent = formatProgress(lines);
  filter.count(lines);
  if (cancelAll) cancelAll.hidden = count(lines, "sent") === 0;
  if (count(lines, "read") !== read) recount();
}

async function recount() {
  read = count(lines, "read");
  const answer = await fetch(page.dataset.countsUrl ?? "").catch(() => null);
  // eslint-disable-next-line no-restricted-properties -- a template of ours, escaped on the server
  if (answer?.ok) counts.innerHTML = await answer.text();
}

for (const line of lines) {
  line.form("cancel").addEventListener("submit", () => follower.start());
  line.form("retry").addEventListener("submit", () => follower.start());
}

cancelAll?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await submit(find(cancelAll, "form", HTMLFormElement));
  if (answer.files) show(answer.files);
  else status.textContent = answer.error;
});

findOptional(page, "[data-without-script]")?.remove();
filter.count(lines);
if (count(lines, "sent")) follower.start();
