// Sends chosen or dropped images, two at a time, and shows each result as it comes.

import { csrfToken, find, findAll } from "../common/elements.js";
import { gettext, ngettext } from "../common/language.js";
import { Checker } from "./checker.js";
import { Filter } from "./filter.js";
import { chosen, dropped } from "./folders.js";
import { Follower } from "./follow.js";
import { Gate } from "./gate.js";
import { ArchiveItem, EntryItem, isArchive, Item, OPEN } from "./item.js";
import { Line, submit } from "./line.js";
import { count, formatProgress, shareDone, startable, UNSENT } from "./progress.js";

/** @import { Choice } from "./folders.js" */
/** @import { Finding } from "./gate.js" */
/** @import { Opened, UploadPage } from "./item.js" */
/** @import { FileReport } from "./progress.js" */

const AT_ONCE = 2;

const form = find(document, "[data-upload]", HTMLFormElement);
const zone = find(form, "[data-drop-zone]");
const results = find(document, "[data-results]");
const list = find(results, "[data-list]");
const template = find(results, "template[data-item]", HTMLTemplateElement);
const status = find(results, "[data-status]");
const total = find(results, "[data-total]", HTMLProgressElement);
const cancelAll = find(results, "[data-cancel-all]");
const retryAll = find(results, "[data-retry-all]");
const batch = find(results, "[data-batch]");
const batchLink = find(batch, "[data-batch-link]", HTMLAnchorElement);
const paused = find(results, "[data-paused]");
const known = find(results, "[data-known-all]");
const filter = new Filter(results);
const checker = new Checker(ask);
const gate = new Gate({ probe, closed, opened });

/** What arrived before the page was opened, and then what is sent from it. @type {Line[]} */
let lines = findAll(list, ":scope > li").map((element) => new Line(element));
/** Addresses that remove ZIPs of which images are still to be asked for, by their id. @type {Map<string, string>} */
const archives = new Map();
/** @type {Follower | null} */
let follower = null;
let scheduled = false;
let leftOut = 0;

const sight = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) if (isIntersecting) preview(target);
});

/** @type {UploadPage} */
const page = {
  form,
  element: () => find(document.importNode(template.content, true), "li"),
  token: () => csrfToken(),
  taken,
  changed,
  lost: () => gate.check(),
  unpacked,
};

function items() {
  return lines.filter((line) => line instanceof Item);
}

/** @param {Element} element */
function preview(element) {
  sight.unobserve(element);
  items().find((item) => item.element === element)?.preview();
}

/** Bring the page up to date, once for all changes that happen together. */
function changed() {
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(() => {
    scheduled = false;
    next();
    summarise();
    dropArchives();
  });
}

/** Start as many waiting files as may be on their way. */
function next() {
  if (gate.isOpen) for (const item of startable(items(), AT_ONCE)) item.send();
}

function summarise() {
  status.textContent = formatProgress(lines);
  total.value = shareDone(lines);
  total.hidden = lines.length < 2 || total.value === 1;
  cancelAll.hidden = lines.filter(isOpen).length < 2;
  retryAll.hidden = items().filter((item) => item.canRetry).length < 2;
  const duplicates = count(lines, "known");
  known.hidden = duplicates < 2;
  find(known, "[data-known-sentence]").textContent =
    ngettext(
    "%(num)s file is a duplicate: uploaded before, or twice in this list.",
    "%(num)s files are duplicates: uploaded before, or twice in this list.",
    duplicates,
  );
  filter.count(lines);
}

/** @param {Line} line */
function isOpen(line) {
  return OPEN.includes(line.state);
}

/** @param {Choice} choice */
function add(choice) {
  results.hidden = false;
  for (const { file, folder } of choice.files) append(newItem(file), folder);
  tellLeftOut(choice.leftOut, choice.files.length);
  changed();
}

/** @param {File} file */
function newItem(file) {
  const Kind = isArchive(file) ? ArchiveItem : Item;
  return new Kind(page, file.name, file.size, file);
}

/**
 * @param {Item} item
 * @param {string} folder
 * @param {Line} [before] whose line it comes before
 */
function append(item, folder, before) {
  find(item.element, "[data-folder]").textContent = folder;
  list.insertBefore(item.element, before?.element ?? null);
  lines.splice(before ? lines.indexOf(before) : lines.length, 0, item);
  sight.observe(item.element);
  if (item instanceof ArchiveItem) item.checked = true;
  else checker.add(item);
}

/**
 * @param {number} more files of operating systems
 * @param {number} others
 */
function tellLeftOut(more, others) {
  leftOut += more;
  const parts = leftOut
    ? [ngettext("%(num)s system or hidden file left out.", "%(num)s system or hidden files left out.", leftOut)]
    : [];
  if (!others) parts.push(gettext("There are no files to upload in it."));
  const notice = find(results, "[data-left-out]");
  notice.textContent = parts.join(" ");
  notice.hidden = !parts.length;
}

/**
 * @param {ArchiveItem} item
 * @param {Opened} archive
 */
function unpacked(item, archive) {
  archives.set(archive.id, archive.drop);
  for (const entry of archive.entries) append(new EntryItem(page, archive.id, entry), `${item.name}/`, item);
  lines = lines.filter((line) => line !== item);
  item.element.remove();
  if (archive.left_out) tellLeftOut(archive.left_out, archive.entries.length);
  changed();
}

/** Remove ZIPs of which nothing more will be asked for. */
function dropArchives() {
  const wanted = new Set(items().filter((item) => item instanceof EntryItem && isWanted(item))
    .map((item) => /** @type {EntryItem} */ (item).archive));
  for (const id of archives.keys()) if (!wanted.has(id)) drop(id);
}

/** @param {Item} item */
function isWanted(item) {
  return UNSENT.includes(item.state) || item.state === "known" || item.canRetry;
}

/** @param {string} id */
function drop(id) {
  const address = archives.get(id) ?? "";
  archives.delete(id);
  // What fails is removed by the server after a day.
  fetch(address, { method: "POST", headers: { "X-CSRFToken": csrfToken() }, keepalive: true }).catch(() => null);
}

/**
 * What has arrived is found again at the address of the page.
 * @param {Item} item
 */
function taken(item) {
  const address = new URL(location.href);
  address.searchParams.set("batch", find(form, "[name=batch]", HTMLInputElement).value);
  if (address.href !== location.href) history.replaceState(history.state, "", address);
  if (item.batch) batchLink.href = item.batch;
  if (item.state === "sent" && item.progress) follow(item.progress);
}

/**
 * Ask the server what becomes of the files that it has taken to read them in the background.
 * @param {string} address
 */
function follow(address) {
  follower ??= new Follower(address, show, find(results, "[data-lost]"), () => gate.check());
  batch.hidden = false;
  follower.start();
}

/**
 * Show what the server tells; give whether some are under way still.
 * @param {FileReport[]} files
 */
function show(files) {
  const byId = new Map(lines.map((line) => [line.id, line]));
  for (const file of files) {
    const line = byId.get(file.id);
    if (line?.state === "sent") line.report(file);
  }
  changed();
  return count(lines, "sent") > 0;
}

/**
 * @param {string[]} hashes
 */
async function ask(hashes) {
  const body = new FormData();
  for (const hash of hashes) body.append("sha256", hash);
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  const answer = await fetch(form.dataset.knownUrl ?? "", { method: "POST", body, headers });
  return (await answer.json()).files ?? {};
}

/** @returns {Promise<Finding>} */
async function probe() {
  let answer;
  try {
    answer = await fetch(form.dataset.sessionUrl ?? "", { headers: { Accept: "application/json" } });
  } catch {
    return { standing: "offline" };
  }
  if (answer.status === 401 || answer.status === 403) return { standing: "signed-out" };
  const session = answer.ok ? await answer.json().catch(() => null) : null;
  if (!session) return { standing: "offline" };
  if (session.account !== form.dataset.account) return { standing: "other", name: session.name };
  take(session.csrf_token);
  return { standing: "open" };
}

/**
 * The token of a new session, for this page's scripts and forms.
 * @param {string} token
 */
function take(token) {
  find(document, "meta[name=csrf-token]", HTMLMetaElement).content = token;
  for (const field of findAll(document, "[name=csrf_token]", HTMLInputElement)) field.value = token;
}

/**
 * @param {Finding} finding
 * @param {number} seconds
 */
function closed(finding, seconds) {
  const offline = finding.standing === "offline";
  find(paused, "[data-paused-sentence]").textContent = why(finding, seconds);
  find(paused, "[data-sign-in]").hidden = offline;
  find(paused, "[data-continue]").textContent = offline ? gettext("Try now") : gettext("Continue");
  paused.hidden = false;
}

/**
 * @param {Finding} finding
 * @param {number} seconds
 */
function why({ standing, name }, seconds) {
  const own = form.dataset.accountName;
  const waiting = lines.filter(({ state }) => UNSENT.includes(state)).length;
  const files = ngettext("%(num)s file waits", "%(num)s files wait", waiting);
  if (standing === "offline") {
    return gettext(
      "The server could not be reached. %(files)s. Trying again in %(seconds)s seconds.", { files, seconds },
    );
  }
  if (standing === "other") {
    return gettext(
      "%(name)s is signed in now, but these are %(own)s's uploads, so nothing more is sent. " +
      "Sign in as %(own)s again, then continue. %(files)s.",
      { name: name ?? "", own: own ?? "", files },
    );
  }
  return gettext(
    "You are signed out. Nothing is lost: sign in again in another tab, then continue here. %(files)s.", { files },
  );
}

function opened() {
  paused.hidden = true;
  if (count(lines, "sent")) follower?.start();
  changed();
}

/** Cancel what is still to be sent here, and what is under way there. */
async function cancelRemaining() {
  for (const item of items().filter(isOpen).reverse()) if (item.state !== "sent") item.cancel();
  if (!count(lines, "sent")) return;
  const cancelling = document.createElement("form");
  cancelling.action = `${batchLink.href}/cancel`;
  const token = document.createElement("input");
  [token.name, token.value] = ["csrf_token", csrfToken()];
  cancelling.append(token);
  const answer = await submit(cancelling);
  if (answer.files) show(answer.files);
  else status.textContent = answer.error;
}

form.classList.add("with-script");
for (const element of findAll(form, "[data-with-script]")) element.hidden = false;
find(form, "[data-without-script]").hidden = true;
form.addEventListener("submit", (event) => event.preventDefault());

/** @param {HTMLInputElement} chooser */
function takeFrom(chooser) {
  if (!chooser.files?.length) return;
  add(chosen(chooser.files));
  chooser.value = "";
}

const choosers = [...findAll(form, "input[type=file]", HTMLInputElement)];
for (const chooser of choosers) chooser.addEventListener("change", () => takeFrom(chooser));

zone.addEventListener("dragenter", () => zone.classList.add("dropping"));
zone.addEventListener("dragleave", (event) => {
  if (!(event.relatedTarget instanceof Node && zone.contains(event.relatedTarget))) zone.classList.remove("dropping");
});
zone.addEventListener("drop", async (event) => {
  if (event.dataTransfer) add(await dropped(event.dataTransfer));
});

// A file dropped beside the zone must not replace the page.
for (const name of ["dragover", "drop"]) {
  window.addEventListener(name, (event) => event.preventDefault());
}
window.addEventListener("drop", () => zone.classList.remove("dropping"));

cancelAll.addEventListener("click", cancelRemaining);
retryAll.addEventListener("click", () => items().filter((item) => item.canRetry).forEach((item) => item.retry()));
find(paused, "[data-continue]").addEventListener("click", () => gate.hurry());
find(known, "[data-send-all]").addEventListener("click", () => decide((item) => item.sendAnyway()));
find(known, "[data-leave-all]").addEventListener("click", () => decide((item) => item.leaveOut()));

/** @param {(item: Item) => void} act */
function decide(act) {
  items().filter(({ state }) => state === "known").forEach(act);
}

window.addEventListener("beforeunload", (event) => {
  if (lines.some(({ state }) => UNSENT.includes(state))) event.preventDefault();
});
window.addEventListener("pagehide", () => { for (const id of archives.keys()) drop(id); });

if (lines.length) summarise();
const progress = batch.dataset.progressUrl || `${batchLink.href}/progress`;
if (count(lines, "sent")) follow(progress);
for (const line of lines) {
  for (const name of /** @type {const} */ (["cancel", "retry"])) {
    line.form(name).addEventListener("submit", () => follow(progress));
  }
}

// Files may have been chosen before this script was loaded.
choosers.forEach(takeFrom);
