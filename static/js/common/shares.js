// Shares of blasts in words and figures, as services/analyses/findings.py writes them.

const Z_95 = 1.959964;

/** 95% interval of a share by Wilson's score. */
export function interval(successes, total) {
  const share = successes / total;
  const middle = share + Z_95 ** 2 / (2 * total);
  const half = Z_95 * Math.sqrt(share * (1 - share) / total + Z_95 ** 2 / (4 * total ** 2));
  const whole = 1 + Z_95 ** 2 / total;
  return [Math.max(0, (middle - half) / whole), Math.min(1, (middle + half) / whole)];
}

export function shareWords(share) {
  const decimals = share >= 0.1 && share <= 0.9 ? 1 : 10;
  return `${Math.floor(100 * decimals * share + 0.5) / decimals}%`;
}

function write(name, text) {
  const place = document.querySelector(`[data-figure="${name}"]`);
  if (place) (place.querySelector("strong") ?? place).textContent = text;
}

function writeShare(reader, blasts, whiteCells) {
  write(`${reader}-blasts`, `${blasts} of ${whiteCells}`);
  write(`${reader}-share`, shareWords(blasts / whiteCells));
  write(`${reader}-interval`, interval(blasts, whiteCells).map(shareWords).join(" to "));
}

/** The table of shares: of the shown white cells, by each reader. */
export function showShares(shown) {
  const table = document.querySelector("[data-shares]");
  table.hidden = !shown.length;
  if (!shown.length) return;
  const count = (test) => shown.filter(test).length;
  const uncertain = count((cell) => cell.secondLabel === "uncertain");
  const second = count((cell) => cell.secondLabel === "all_blast");
  writeShare("detector", count((cell) => cell.label === "blast"), shown.length);
  writeShare("second", second, shown.length);
  write("second-uncertain", uncertain);
  write("second-at-most", shareWords((second + uncertain) / shown.length));
  const remark = table.querySelector("[data-uncertain]");
  if (remark) remark.hidden = !uncertain;
  const few = table.querySelector("[data-few]");
  few.hidden = shown.length >= Number(few.dataset.few);
}
