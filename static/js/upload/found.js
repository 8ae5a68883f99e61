// @ts-check
/**
 * What a person dropped, picked or pasted, as files and folders with their paths. Folders are read
 * while their first files are on their way: one with 10,000 files takes a while.
 */

/**
 * A file; or a folder, which may turn out to be empty; or what the browser could not read.
 * @typedef {{ folders: string[], file: File }
 *         | { folders: string[], file?: undefined, unreadable?: string }} Found
 */

/**
 * Must be called while the event is handled: the browser forgets the items afterwards.
 * @param {DataTransfer} transfer
 * @returns {AsyncIterable<Found>}
 */
export function dropped(transfer) {
  const entries = [];
  /** @type {Found[]} */
  const plain = [];
  for (const item of transfer.items) {
    const entry = item.kind === "file" ? item.webkitGetAsEntry() : null;
    const file = item.kind === "file" && !entry ? item.getAsFile() : null;
    if (entry) {
      entries.push(entry);
    } else if (file) {
      plain.push({ folders: [], file });
    }
  }
  return all(plain, entries);
}

/**
 * Files of an <input>, which tells paths when it was a folder that was picked.
 * @param {Iterable<File>} files
 * @returns {AsyncIterable<Found>}
 */
export function picked(files) {
  const found = [...files].map((file) => ({
    folders: file.webkitRelativePath.split("/").slice(0, -1),
    file,
  }));
  return all(found, []);
}

/**
 * Files of a clipboard. A picture that was copied has no name of its own, and would meet the last.
 * @param {Iterable<File>} files
 * @param {Date} now
 * @returns {AsyncIterable<Found>}
 */
export function pasted(files, now) {
  const found = [...files].map((file) => {
    const isNameless = /^image\.\w+$/.test(file.name);
    const named = isNameless ? new File([file], pastedName(file.name, now), { type: file.type }) : file;
    return { folders: [], file: named };
  });
  return all(found, []);
}

/**
 * @param {string} name
 * @param {Date} now
 */
function pastedName(name, now) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(".");
  return `Pasted ${day} at ${time}${name.slice(name.lastIndexOf("."))}`;
}

/**
 * @param {Found[]} plain
 * @param {FileSystemEntry[]} entries
 * @returns {AsyncGenerator<Found, void, void>}
 */
async function* all(plain, entries) {
  yield* plain;
  for (const entry of entries) {
    yield* below(entry, []);
  }
}

/**
 * @param {FileSystemEntry} entry
 * @param {string[]} folders
 * @returns {AsyncGenerator<Found, void, void>}
 */
async function* below(entry, folders) {
  try {
    if (isFolder(entry)) {
      const inner = [...folders, entry.name];
      yield { folders: inner };
      for await (const child of childrenOf(entry)) {
        yield* below(child, inner);
      }
    } else {
      yield { folders, file: await fileOf(/** @type {FileSystemFileEntry} */ (entry)) };
    }
  } catch {
    yield { folders, unreadable: entry.name };
  }
}

/**
 * @param {FileSystemEntry} entry
 * @returns {entry is FileSystemDirectoryEntry}
 */
function isFolder(entry) {
  return entry.isDirectory;
}

/**
 * The browser hands them out a hundred at a time, and an empty list at the end.
 * @param {FileSystemDirectoryEntry} folder
 */
async function* childrenOf(folder) {
  const reader = folder.createReader();
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) {
      return;
    }
    yield* some;
  }
}

/**
 * @param {FileSystemFileEntry} entry
 * @returns {Promise<File>}
 */
function fileOf(entry) {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}
