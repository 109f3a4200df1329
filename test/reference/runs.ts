/**
 * How many random runs each property of the models has: over 5,000 together wherever all tests run, most of them where a run is cheap.
 *
 * `MILLRACE_RUNS=6000 npx vitest run --project local test/reference` gives each of the 17 properties so many, over 100,000 together. A failure says its seed and path,
 * and what it was shrunk to: that becomes a named test.
 */

/** Runs of each property of a file. There are eleven of windows, three of joins and one of each other. */
const EACH = { windows: 300, joins: 270, patterns: 450, broadcast: 300, process: 150 };

export function runsOf(models: keyof typeof EACH): { readonly numRuns: number; readonly timeoutMs: number } {
  const numRuns = Number(process.env.MILLRACE_RUNS ?? EACH[models]);
  return { numRuns, timeoutMs: Math.max(30_000, numRuns * 100) };
}
