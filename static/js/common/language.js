// The language and time zone of whoever reads. The page hands the texts over where it is not English.

/** @type {Record<string, string | string[]>} */
const texts = /** @type {any} */ (globalThis).leukoscopeTexts ?? {};
const page = globalThis.document?.documentElement;
const language = page?.lang || "en";
const zone = globalThis.document?.body?.dataset.timeZone || "UTC";
const plurals = new Intl.PluralRules(language);
const [decimalSign, percentSign] = language === "en" ? [".", "%"] : [",", "\u00a0%"];
/** @type {Intl.DateTimeFormatOptions} */
const MOMENT = {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
};
const moments = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { ...MOMENT, timeZone: zone });

/** @typedef {Record<string, string | number>} Values */

/**
 * @param {string} text
 * @param {Values} values
 */
function fill(text, values) {
  return text.replace(/%\((\w+)\)s/g, (place, name) => String(values[name] ?? place));
}

/**
 * Translate a text; `%(name)s` stands for a value.
 * @param {string} text in English, as the catalog of translations has it
 * @param {Values} [values]
 */
export function gettext(text, values = {}) {
  const known = texts[text];
  return fill(typeof known === "string" ? known : text, values);
}

/**
 * Translate a text that depends on a number, which is also its value `num`.
 * @param {string} one in English
 * @param {string} many in English
 * @param {number} number
 * @param {Values} [values]
 */
export function ngettext(one, many, number, values = {}) {
  const known = texts[one];
  const [singular, plural] = Array.isArray(known) ? known : [one, many];
  return fill(plurals.select(number) === "one" ? singular : plural, { num: number, ...values });
}

/**
 * Write a number with the decimal sign of the language.
 * @param {number | string} number
 */
export function formatNumber(number) {
  return String(number).replace(".", decimalSign);
}

/**
 * Write a number of per cent, as "42%" or "42 %".
 * @param {number | string} number
 */
export function formatPercent(number) {
  return formatNumber(number) + percentSign;
}

/**
 * Write a point in time in the clinic's time zone.
 * @param {string} at in ISO 8601
 */
export function formatTime(at) {
  return `${moments.format(new Date(at))} ${zone}`;
}
