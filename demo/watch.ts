/** Looking at a run while it runs, again and again. */

const REFRESH_EVERY_MS = 100;

/** Calls `refresh` now and then, never twice at once. Returns a function that ends it, with a last call. */
export function watch(refresh: () => Promise<void>): () => Promise<void> {
  let refreshing: Promise<void> | undefined;
  const timer = setInterval(() => {
    refreshing ??= refresh()
      // The last call, when all is done, says what was wrong.
      .catch(() => {})
      .finally(() => {
        refreshing = undefined;
      });
  }, REFRESH_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await refreshing;
    await refresh();
  };
}
