// The files of chosen and dropped folders, without those that an operating system puts beside them.

/**
 * A file and the folders that it is in, as "smears/day 2/".
 * @typedef {object} Found
 * @property {File} file
 * @property {string} folder
 */

/**
 * @typedef {object} Choice
 * @property {Found[]} files in the order of their names, numbers by their value
 * @property {number} leftOut files of operating systems
 */

/** The same as in imaging/archive.py. */
const SYSTEM_FILES = new Set(["thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"]);
const SYSTEM_FOLDERS = new Set(["__macosx", "$recycle.bin", "system volume information"]);

const ORDER = new Intl.Collator("en", { numeric: true });

/**
 * Whether an operating system put a file beside a person's own, or hides it.
 * @param {string} path
 */
export function isSystemFile(path) {
  const parts = path.toLowerCase().split("/");
  const last = parts.at(-1) ?? "";
  return parts.some((part) => part.startsWith(".") || SYSTEM_FOLDERS.has(part)) || SYSTEM_FILES.has(last);
}

/**
 * What was chosen, files or a folder.
 * @param {Iterable<File>} files
 * @returns {Choice}
 */
export function chosen(files) {
  return sorted([...files].map((file) => {
    const path = file.webkitRelativePath || file.name;
    return { file, folder: path.slice(0, path.length - file.name.length) };
  }));
}

/**
 * What was dropped. Call it before anything else is awaited: the browser forgets a drop after it.
 * @param {DataTransfer} transfer
 * @returns {Promise<Choice>}
 */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.());
  if (!entries.some(Boolean)) return chosen(transfer.files);
  const found = await Promise.all(entries.map((entry) => (entry ? filesOf(entry, "") : [])));
  return sorted(found.flat());
}

/**
 * @param {Found[]} found
 * @returns {Choice}
 */
function sorted(found) {
  const files = found.filter(({ file, folder }) => !isSystemFile(`${folder}${file.name}`));
  files.sort((one, other) => ORDER.compare(one.folder + one.file.name, other.folder + other.file.name));
  return { files, leftOut: found.length - files.length };
}

/**
 * @param {FileSystemEntry} entry
 * @param {string} folder
 * @returns {Promise<Found[]>}
 */
async function filesOf(entry, folder) {
  if (entry.isDirectory) return filesIn(/** @type {FileSystemDirectoryEntry} */ (entry), `${folder}${entry.name}/`);
  const file = await new Promise((resolve, reject) => {
    /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject);
  });
  return [{ file, folder }];
}

/**
 * A browser gives the entries of a folder in pieces, of a hundred at most.
 * @param {FileSystemDirectoryEntry} directory
 * @param {string} folder
 */
async function filesIn(directory, folder) {
  const reader = directory.createReader();
  /** @type {Found[]} */
  const found = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const piece = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (!piece.length) return found;
    for (const entry of piece) found.push(...await filesOf(entry, folder));
  }
}
