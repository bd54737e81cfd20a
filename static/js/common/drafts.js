// Keeps what was typed in a form that was sent after the session had ended.
//
// A form that is sent leaves its text in the tab's storage. The next page takes it out again: the
// sign-in leaves it there, the page of the form fills it in if the sign-in came between, and every
// other page drops it. Passwords, codes and files are never kept.

import { gettext } from "./language.js";

const KEY = "leukoscope-draft";

/**
 * @typedef {object} Draft
 * @property {string} account Whose form it was.
 * @property {string} path The page of the form.
 * @property {string} action Where the form goes.
 * @property {[string, string][]} values Names and values, in order.
 * @property {boolean} ended Whether the sign-in came since.
 */

const reader = document.querySelector("meta[name=account]")?.getAttribute("content") ?? null;
const found = read();
if (reader === null) {
  if (found) write({ ...found, ended: true });
} else {
  sessionStorage.removeItem(KEY);
  if (found?.ended && found.account === reader && found.path === here()) restore(found);
  document.addEventListener("submit", (event) => {
    if (event.target instanceof HTMLFormElement) keep(event.target, reader);
  });
}

/** @returns {Draft | null} */
function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}

/** @param {Draft} draft */
function write(draft) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(draft));
  } catch {
    // Storage is full or forbidden: the form is sent all the same.
  }
}

function here() {
  return location.pathname + location.search;
}

/**
 * @param {HTMLFormElement} form
 * @param {string} account
 */
function keep(form, account) {
  const values = fields(form).flatMap((field) => valueOf(field));
  if (form.method !== "post" || !values.some(([, value]) => value)) return;
  write({ account, path: here(), action: form.action, values, ended: false });
}

/**
 * The fields of a form whose content may be kept.
 * @param {HTMLFormElement} form
 */
function fields(form) {
  return [...form.elements].filter(
    /** @returns {field is HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} */
    (field) => {
      if (field instanceof HTMLTextAreaElement || field instanceof HTMLSelectElement) return true;
      const secret = ["password", "hidden", "file", "submit", "button"];
      return (
        field instanceof HTMLInputElement &&
        !secret.includes(field.type) &&
        field.autocomplete !== "one-time-code"
      );
    },
  );
}

/**
 * @param {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} field
 * @returns {[string, string][]}
 */
function valueOf(field) {
  return isTick(field) && !field.checked ? [] : [[field.name, field.value]];
}

/**
 * @param {Element} field
 * @returns {field is HTMLInputElement}
 */
function isTick(field) {
  return field instanceof HTMLInputElement && ["checkbox", "radio"].includes(field.type);
}

/** @param {Draft} draft */
function restore(draft) {
  const form = [...document.forms].find((one) => one.action === draft.action);
  if (!form) return;
  const values = [...draft.values];
  for (const field of fields(form)) {
    const place = values.findIndex(
      ([name, value]) => name === field.name && (!isTick(field) || value === field.value),
    );
    const [kept] = place < 0 ? [] : values.splice(place, 1);
    if (isTick(field)) field.checked = kept !== undefined;
    else if (kept) field.value = kept[1];
  }
  form.prepend(notice());
}

function notice() {
  const element = document.createElement("p");
  element.className = "notice notice-warning";
  element.setAttribute("role", "status");
  element.textContent = gettext("You were signed out before this was saved. Check it and send it again.");
  return element;
}
