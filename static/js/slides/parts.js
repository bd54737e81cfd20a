// Sends a file in parts: an interruption costs a part, and no request is as large as a slide.

/**
 * @typedef {object} Addresses
 * @property {string} parts to which the place of a part is appended
 * @property {string} finish
 * @property {string} drop
 */

/** @typedef {(address: string, body: Blob) => Promise<{status: number, answer: any}>} Send */

export const ATTEMPTS = 4;
const FIRST_PAUSE = 1000;

/** A refusal, with the sentence of the server. */
export class Refused extends Error {}

/**
 * Send all parts of a file, one after the other.
 * @param {Blob} file
 * @param {Addresses} addresses
 * @param {object} options
 * @param {number} options.partBytes
 * @param {Send} options.send
 * @param {(received: number) => boolean} options.progress told what has arrived; false ends the upload
 * @param {(milliseconds: number) => Promise<void>} [options.pause]
 */
export async function sendParts(file, addresses, { partBytes, send, progress, pause = wait }) {
  let received = 0;
  let failures = 0;
  while (received < file.size && progress(received)) {
    const part = file.slice(received, received + partBytes);
    const { status, answer } = await send(`${addresses.parts}${received}`, part);
    if (typeof answer.received === "number") {
      failures = answer.received > received ? 0 : failures + 1;
      received = answer.received;
    } else if (status > 0 && status < 500) throw new Refused(answer.error);
    else failures += 1;
    if (failures >= ATTEMPTS) throw new Error("The server could not be reached");
    if (failures) await pause(FIRST_PAUSE * 2 ** (failures - 1));
  }
  return received === file.size;
}

/** @param {number} milliseconds */
function wait(milliseconds) {
  return new Promise((resolve) => { setTimeout(() => resolve(undefined), milliseconds); });
}
