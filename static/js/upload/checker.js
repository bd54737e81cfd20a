// Tells files that were uploaded before, or chosen twice, before they are sent.

import { hexadecimal } from "../common/keys.js";
import { gettext } from "../common/language.js";

/**
 * What is told of a file that was uploaded before.
 * @typedef {object} Known
 * @property {string} sentence
 * @property {string | null} url of the earlier result
 */

/**
 * A file that waits to be checked.
 * @typedef {object} Checkable
 * @property {string} name
 * @property {Blob | null} content null where the server alone can tell
 * @property {() => boolean} wanted false once the file is cancelled or refused before it is checked
 * @property {() => boolean} stands whether it is sent, or will be: else another may take its place
 * @property {() => void} clear
 * @property {(known: Known) => void} tell
 */

/** @typedef {(hashes: string[]) => Promise<Record<string, Known>>} Ask */

const AT_ONCE = 10;

/** Checks files in the order in which they come, a few at a time, so that sending begins early. */
export class Checker {
  /** @type {Checkable[]} */
  waiting = [];

  /** Files that were checked before, by their hash. @type {Map<string, Checkable>} */
  checked = new Map();

  busy = false;

  /**
   * @param {Ask} ask the server, by SHA-256
   * @param {(content: Blob) => Promise<string | null>} [digest]
   */
  constructor(ask, digest = sha256) {
    this.ask = ask;
    this.digest = digest;
  }

  /** @param {Checkable} file */
  add(file) {
    this.waiting.push(file);
    if (!this.busy) this.run();
  }

  async run() {
    this.busy = true;
    // What comes in the same turn is asked for together.
    await null;
    while (this.waiting.length) await this.check(this.waiting.splice(0, AT_ONCE));
    this.busy = false;
  }

  /** @param {Checkable[]} files */
  async check(files) {
    /** @type {(string | null)[]} */
    const hashes = [];
    for (const file of files) hashes.push(await this.hash(file));
    const known = await this.known(hashes.filter((hash) => hash !== null));
    files.forEach((file, index) => this.settle(file, hashes[index], known));
  }

  /**
   * One file at a time is in memory; where it cannot be read, sending it tells why.
   * @param {Checkable} file
   */
  async hash(file) {
    if (!file.content || !file.wanted()) return null;
    return this.digest(file.content).catch(() => null);
  }

  /**
   * @param {string[]} hashes
   * @returns {Promise<Record<string, Known>>}
   */
  async known(hashes) {
    if (!hashes.length) return {};
    // The server checks once more when the file arrives.
    return this.ask(hashes).catch(() => ({}));
  }

  /**
   * @param {Checkable} file
   * @param {string | null} hash
   * @param {Record<string, Known>} known
   */
  settle(file, hash, known) {
    if (!file.wanted()) return;
    const earlier = this.earlier(file, hash) ?? known[hash ?? ""];
    if (earlier) file.tell(earlier);
    else file.clear();
  }

  /**
   * @param {Checkable} file
   * @param {string | null} hash
   * @returns {Known | undefined}
   */
  earlier(file, hash) {
    if (hash === null) return undefined;
    const twin = this.checked.get(hash);
    if (twin?.stands()) return { sentence: gettext(
      "The same file as “%(name)s” in this list.", { name: twin.name },
    ), url: null };
    this.checked.set(hash, file);
    return undefined;
  }
}

/**
 * The SHA-256 of a file; null where the browser computes none, as on plain http.
 * @param {Blob} content
 * @returns {Promise<string | null>}
 */
export async function sha256(content) {
  if (!globalThis.crypto?.subtle) return null;
  return hexadecimal(new Uint8Array(await crypto.subtle.digest("SHA-256", await content.arrayBuffer())));
}
