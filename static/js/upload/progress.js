// The states of uploaded files, and how far all of them are.

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
 * Waiting (to be sent), postponed (until the server is less busy), busy (on its way), sent, read,
 * refused or cancelled.
 * @typedef {"waiting" | "postponed" | "busy" | "sent" | "read" | "refused" | "cancelled"} State
 */

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
 * How far all files are, in a sentence.
 * @param {{state: State}[]} files
 */
export function formatProgress(files) {
  const parts = [`${count(files, "read")} of ${files.length} analysed`];
  if (count(files, "refused")) parts.push(`${count(files, "refused")} failed`);
  if (count(files, "cancelled")) parts.push(`${count(files, "cancelled")} cancelled`);
  return parts.join(", ");
}

/**
 * A size in bytes, in kB, MB or GB.
 * @param {number} bytes
 */
export function formatSize(bytes) {
  if (bytes < 1024 ** 2) return `${Math.ceil(bytes / 1024)} kB`;
  const [power, unit] = bytes < 1024 ** 3 ? [2, "MB"] : [3, "GB"];
  return `${(bytes / 1024 ** power).toFixed(1).replace(/\.0$/, "")} ${unit}`;
}
