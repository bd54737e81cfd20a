// Names of what is sent, by which the server tells what it has already.

/** A name that nobody else gives; plain http has no crypto.randomUUID. */
export function newKey(bytes = 16) {
  return hexadecimal(crypto.getRandomValues(new Uint8Array(bytes)));
}

/** @param {Uint8Array} values */
export function hexadecimal(values) {
  return [...values].map((value) => value.toString(16).padStart(2, "0")).join("");
}
