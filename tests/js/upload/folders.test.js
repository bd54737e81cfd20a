// Chosen and dropped folders: all their files, however deep and many, but for those of systems.

import assert from "node:assert/strict";
import { test } from "node:test";

import { chosen, dropped, isSystemFile } from "../../../static/js/upload/folders.js";

/** A browser gives so many entries of a folder at once. */
const PIECE = 100;

/** @param {string} name */
function file(name) {
  return { isDirectory: false, name, file: (/** @type {(file: File) => void} */ take) => take(new File(["x"], name)) };
}

/**
 * @param {string} name
 * @param {object[]} entries
 */
function folder(name, entries) {
  const createReader = () => {
    const left = [...entries];
    return { readEntries: (/** @type {(piece: object[]) => void} */ take) => take(left.splice(0, PIECE)) };
  };
  return { isDirectory: true, name, createReader };
}

/** @param {object[]} entries */
function drop(...entries) {
  const items = entries.map((entry) => ({ webkitGetAsEntry: () => entry }));
  return dropped(/** @type {DataTransfer} */ (/** @type {unknown} */ ({ items, files: [] })));
}

/** @param {{files: {file: File, folder: string}[]}} choice */
function paths({ files }) {
  return files.map((found) => found.folder + found.file.name);
}

test("a folder of hundreds is read to its end, in the order of the numbers", async () => {
  const names = Array.from({ length: 312 }, (_, index) => `${312 - index}.png`);
  const choice = await drop(folder("smears", names.map(file)));

  assert.equal(choice.files.length, 312);
  assert.deepEqual(paths(choice).slice(0, 3), ["smears/1.png", "smears/2.png", "smears/3.png"]);
});

test("folders in folders and files beside them are found", async () => {
  const choice = await drop(folder("a", [folder("b", [file("2.tif")]), file("1.tif"), folder("c", [])]), file("3.tif"));

  assert.deepEqual(paths(choice), ["3.tif", "a/1.tif", "a/b/2.tif"]);
});

test("files of systems are left out and counted", async () => {
  const choice = await drop(folder("a", [file(".DS_Store"), file("Thumbs.db"), file("desktop.ini"), file("1.png"),
    folder("__MACOSX", [file("1.png")]), folder(".git", [file("2.png")])]));

  assert.deepEqual(paths(choice), ["a/1.png"]);
  assert.equal(choice.leftOut, 5);
});

test("where a browser knows no entries, the files are taken", async () => {
  const files = [new File(["x"], "1.png")];
  const transfer = /** @type {DataTransfer} */ (/** @type {unknown} */ ({ items: [{}, {}], files }));

  assert.deepEqual(paths(await dropped(transfer)), ["1.png"]);
});

test("of a chosen folder the folders are kept apart from the name", () => {
  const inFolder = Object.assign(new File(["x"], "10.png"), { webkitRelativePath: "smears/day 2/10.png" });

  assert.deepEqual(chosen([inFolder]).files.map(({ folder: where }) => where), ["smears/day 2/"]);
  assert.deepEqual(chosen([new File(["x"], "10.png")]).files.map(({ folder: where }) => where), [""]);
});

for (const [path, expected] of /** @type {[string, boolean][]} */ ([
  ["smears/1.png", false], ["1.2.png", false], ["smears/.1.png", true], ["Desktop.ini", true],
  ["__MACOSX/._1.png", true], ["thumbs.db.png", false],
])) {
  test(`${path} is ${expected ? "left out" : "taken"}`, () => {
    assert.equal(isSystemFile(path), expected);
  });
}
