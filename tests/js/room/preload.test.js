// The page of the reading room asks for every script at once that its own script imports.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { test } from "node:test";

const ROOT = resolve(import.meta.dirname, "../../..");
const SCRIPTS = resolve(ROOT, "static/js");

/**
 * All scripts that a script imports, and those that they import.
 * @param {string} path
 * @param {Set<string>} known
 */
function imports(path, known = new Set()) {
  const source = readFileSync(path, "utf8");
  for (const [, address] of source.matchAll(/^import (?:.+ from )?"(.+)";$/gm)) {
    const other = resolve(path, "..", address);
    if (known.has(other)) continue;
    known.add(other);
    imports(other, known);
  }
  return known;
}

test("the page of the reading room preloads what its script imports", () => {
  const page = readFileSync(resolve(ROOT, "templates/reading/room.html"), "utf8");
  const [list] = page.match(/for module in \(.+?\)/) ?? [];

  const preloaded = [...(list ?? "").matchAll(/"(.+?)"/g)].map(([, name]) => `${name}.js`);
  const imported = [...imports(resolve(SCRIPTS, "room/room.js"))].map((path) => relative(SCRIPTS, path));
  assert.deepEqual(preloaded.sort(), imported.sort());
});
