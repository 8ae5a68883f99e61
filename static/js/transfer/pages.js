// @ts-check

/**
 * The items of page after page. The next page is asked for while one is being used, so that nobody
 * waits for it between two.
 * @template T
 * @param {(start: number) => Promise<{ items: T[], next: number | null }>} fetchPage
 * @returns {AsyncGenerator<T, void, void>}
 */
export async function* readAhead(fetchPage) {
  let coming = fetchPage(0);
  for (;;) {
    const { items, next } = await coming;
    if (next !== null) {
      coming = fetchPage(next);
      coming.catch(() => {}); // whoever gets to that page hears of it
    }
    yield* items;
    if (next === null) {
      return;
    }
  }
}
