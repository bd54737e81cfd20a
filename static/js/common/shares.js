// Shares of blasts in words and figures, as services/analyses/findings.py writes them.

import { formatPercent, gettext } from "./language.js";

const Z_95 = 1.959964;

/**
 * 95% interval of a share by Wilson's score.
 * @param {number} successes
 * @param {number} total
 * @returns {[number, number]}
 */
export function interval(successes, total) {
  const share = successes / total;
  const middle = share + Z_95 ** 2 / (2 * total);
  const half = Z_95 * Math.sqrt(share * (1 - share) / total + Z_95 ** 2 / (4 * total ** 2));
  const whole = 1 + Z_95 ** 2 / total;
  return [Math.max(0, (middle - half) / whole), Math.min(1, (middle + half) / whole)];
}

/**
 * A share (0..1) in per cent, near the ends with a decimal.
 * @param {number} share
 */
export function formatShare(share) {
  const decimals = share >= 0.1 && share <= 0.9 ? 1 : 10;
  return formatPercent(Math.floor(100 * decimals * share + 0.5) / decimals);
}

/**
 * The 95% interval of a share, as "3.1% to 14%".
 * @param {number} successes
 * @param {number} total
 */
export function formatInterval(successes, total) {
  const [low, high] = interval(successes, total).map(formatShare);
  return gettext("%(low)s to %(high)s", { low, high });
}
