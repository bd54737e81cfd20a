// The states of uploaded files, and how far all of them are.

import { formatNumber, gettext, ngettext } from "../common/language.js";

/**
 * A file as the server describes it (pages/analyses/batches.py, pages/analyses/classification.py).
 * @typedef {object} FileReport
 * @property {string} [id]
 * @property {string} [file] its name
 * @property {string} [state] of its task; none where it was analysed at once
 * @property {string} summary
 * @property {number} done
 * @property {number} total 0 until the analysis begins
 * @property {string | null} [cancel] address that cancels it
 * @property {string} [cancel_word]
 * @property {string | null} [retry] address that retries it
 * @property {string} [error]
 * @property {string} progress address of the state of its batch
 * @property {string} batch
 * @property {string} url
 * @property {string} tone
 * @property {string} icon
 * @property {string} word
 * @property {string} thumbnail
 */

/**
 * Waiting (to be sent), postponed (until the server is less busy), known (uploaded before: the
 * person decides), busy (on its way), sent, read, refused or cancelled.
 * @typedef {"waiting" | "postponed" | "known" | "busy" | "sent" | "read" | "refused" | "cancelled"} State
 */

/** States of files that are still to be sent by themselves. @type {State[]} */
export const UNSENT = ["waiting", "postponed", "busy"];

/** @type {Record<string, State>} */
const STATES = { waiting: "sent", running: "sent", done: "read", failed: "refused", dropped: "cancelled" };

/**
 * The state of a file on the page, from that of its task on the server.
 * @param {string | undefined} taskState
 * @returns {State | undefined}
 */
export function stateOf(taskState) {
  return STATES[taskState ?? ""];
}

/**
 * @param {{state: State}[]} files
 * @param {State} state
 */
export function count(files, state) {
  return files.filter((file) => file.state === state).length;
}

/**
 * How far all files are, in a sentence: how many are sent, or how many are analysed once all are.
 * @param {{state: State}[]} files
 */
export function formatProgress(files) {
  const sending = files.some(({ state }) => UNSENT.includes(state));
  const number = count(files, "read") + (sending ? count(files, "sent") : 0);
  const whole = { number, whole: files.length };
  const parts = [
    sending ? gettext("%(number)s of %(whole)s sent", whole) : gettext("%(number)s of %(whole)s analysed", whole),
  ];
  const refused = count(files, "refused");
  if (refused) {
    parts.push(sending
      ? ngettext("%(num)s refused", "%(num)s refused", refused)
      : ngettext("%(num)s failed", "%(num)s failed", refused));
  }
  const duplicates = count(files, "known");
  if (duplicates) parts.push(ngettext("%(num)s duplicate", "%(num)s duplicates", duplicates));
  const cancelled = count(files, "cancelled");
  if (cancelled) parts.push(ngettext("%(num)s cancelled", "%(num)s cancelled", cancelled));
  return parts.join(", ");
}

/**
 * How far all files are together, from 0 to 1; one that is sent and not analysed is half way, and
 * of one that the person has to decide about nothing more is done.
 * @param {{state: State}[]} files
 */
export function shareDone(files) {
  const ended = files.filter(({ state }) => ["read", "refused", "cancelled", "known"].includes(state)).length;
  return files.length ? (ended + count(files, "sent") / 2) / files.length : 0;
}

/**
 * Which files may start now: those that wait, as many as places are free. A file that the server had
 * no time for keeps its place, so that the others are not sent in vain.
 * @template {{state: State, checked: boolean}} F
 * @param {F[]} files
 * @param {number} atOnce
 */
export function startable(files, atOnce) {
  const free = atOnce - count(files, "busy") - count(files, "postponed");
  return files.filter(({ state, checked }) => state === "waiting" && checked).slice(0, Math.max(free, 0));
}

/**
 * A size in bytes, in kB, MB or GB.
 * @param {number} bytes
 */
export function formatSize(bytes) {
  if (bytes < 1024 ** 2) return gettext("%(number)s kB", { number: Math.ceil(bytes / 1024) });
  const short = (/** @type {number} */ size) => formatNumber(size.toFixed(1).replace(/\.0$/, ""));
  return bytes < 1024 ** 3
    ? gettext("%(number)s MB", { number: short(bytes / 1024 ** 2) })
    : gettext("%(number)s GB", { number: short(bytes / 1024 ** 3) });
}
