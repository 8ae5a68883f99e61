// @ts-check
/**
 * The worker that hashes, off the page's thread. In: a Blob. Out, an Answer: `sha256`, or that the
 * bytes are `unreadable` (the file was changed, moved, or is a folder), or why hashing is `broken`.
 *
 * Over plain HTTP browsers keep crypto.subtle from pages; WebAssembly takes its place there. It
 * runs in this worker only, so the policy of the pages need not allow it.
 */

/**
 * What hash-wasm makes, as far as it is used.
 * @typedef {{ init(): Hasher, update(bytes: Uint8Array): Hasher, digest(kind: "hex"): string }} Hasher
 *
 * @typedef {{ sha256?: string, unreadable?: boolean, broken?: string }} Answer
 */

const hasher = crypto.subtle ? null : loadHasher();

self.addEventListener("message", async (event) => {
  /** @type {Blob} */
  const blob = event.data;
  const bytes = await blob.arrayBuffer().catch(() => null);
  if (!bytes) {
    self.postMessage({ unreadable: true });
    return;
  }
  try {
    self.postMessage({ sha256: await sha256(bytes) });
  } catch (error) {
    self.postMessage({ broken: String(error) }); // a rejection in a worker tells its page nothing
  }
});

/** @param {ArrayBuffer} bytes */
async function sha256(bytes) {
  if (hasher) {
    return (await hasher).init().update(new Uint8Array(bytes)).digest("hex");
  }
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @returns {Promise<Hasher>} */
async function loadHasher() {
  // It is published as a script that leaves its functions in a global.
  await import(new URL("../../vendor/hash-wasm/sha256.umd.min.js", import.meta.url).href);
  return /** @type {any} */ (globalThis).hashwasm.createSHA256();
}
