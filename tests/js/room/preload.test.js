// The page of the reading room asks for every script at once that its own script imports.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { test } from "node:test";

const ROOT = resolve(import.meta.dirname, "../../..");
const SCRIPTS = resolve(ROOT, "static/js");

/** @param {string} path */
function read(path) {
  return readFileSync(path, "utf8");
}

/**
 * All scripts that a script imports, and those that they import.
 * @param {string} path
 * @param {Set<string>} known
 */
function imports(path, known = new Set()) {
  for (const [, address] of read(path).matchAll(/^import (?:.+ from )?"(.+)";$/gm)) {
    const other = resolve(path, "..", address);
    if (known.has(other)) continue;
    known.add(other);
    imports(other, known);
  }
  return known;
}

test("the page of the reading room preloads what its script imports", () => {
  const templates = readdirSync(resolve(ROOT, "templates"), { recursive: true, withFileTypes: true });
  const pages = templates.filter((entry) => entry.isFile()).map((entry) => read(resolve(entry.parentPath, entry.name)));
  const page = pages.find((text) => text.includes("js/room/room.js")) ?? "";
  const [list = ""] = page.match(/for module in \(.+?\)/) ?? [];

  const preloaded = [...list.matchAll(/"(.+?)"/g)].map(([, name]) => `${name}.js`);
  const imported = [...imports(resolve(SCRIPTS, "room/room.js"))].map((path) => relative(SCRIPTS, path));
  assert.deepEqual(preloaded.sort(), imported.sort());
});
