// Keeps the page of a batch up to date while its fields are read.

import { Follower } from "./follow.js";
import { Line, ask, count, told } from "./line.js";

const page = document.querySelector("[data-batch-page]");
const status = page.querySelector("[data-status]");
const cancelAll = page.querySelector("[data-cancel-all]");
const counts = page.querySelector("[data-counts]");
const lines = [...page.querySelectorAll("[data-list] > li")].map((element) => new Line(element));
const follower = new Follower(page.dataset.progressUrl, show, document.querySelector("[data-lost]"));
let read = count(lines, "read");

/** Show what the server told; whether some are under way still. */
function show(files) {
  const known = new Map(lines.map((line) => [line.id, line]));
  for (const file of files) known.get(file.id)?.tell(file);
  summarise();
  return count(lines, "sent") > 0;
}

function summarise() {
  status.textContent = told(lines);
  if (cancelAll) cancelAll.hidden = count(lines, "sent") === 0;
  if (count(lines, "read") !== read) recount();
}

async function recount() {
  read = count(lines, "read");
  const answer = await fetch(page.dataset.countsUrl).catch(() => null);
  if (answer?.ok && !answer.redirected) counts.innerHTML = await answer.text();
}

for (const line of lines) {
  for (const name of ["cancel", "retry"]) line.part(name).addEventListener("submit", () => follower.start());
}

cancelAll?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await ask(event.target);
  if (answer.files) show(answer.files);
  else status.textContent = answer.error;
});

page.querySelector("[data-without-script]")?.remove();
if (count(lines, "sent")) follower.start();
