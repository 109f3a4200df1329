/** Side by side, but not all at once. */

/** Calls `action` for each item, at most `parallelMax` at a time; stops with the first failure, when those under way have ended. */
export async function forEachLimited<T>(
  items: readonly T[],
  parallelMax: number,
  action: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed = false;
  const run = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const item = items[next++] as T;
      try {
        await action(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const runs = await Promise.allSettled(Array.from({ length: Math.min(parallelMax, items.length) }, run));
  for (const result of runs) if (result.status === "rejected") throw result.reason;
}
