/** What the topics must hold, by plain code over the same input: a loop and two maps. */

import { visitAt } from "./input.ts";

const WINDOW_MS = 2_000;

/** What is expected under a name, in the order in which a page's results must come. */
export type Expected = ReadonlyMap<string, string>;

export type Reference = {
  /** By "page windowStartMs". */
  readonly totals: Expected;
  /** By "page n": after the page's n-th window. */
  readonly sums: Expected;
};

/** How a result of a window is named and written for comparison. */
export function totalOf(page: string, windowStartMs: number, views: number, worth: number) {
  return { name: `${page} ${windowStartMs}`, text: `${views} views worth ${worth}` };
}

/** How a sum is named and written for comparison. */
export function sumOf(page: string, windows: number, views: number, worth: number) {
  return { name: `${page} ${windows}`, text: `${views} views worth ${worth}` };
}

/** Counts the first `records` visits of a seed. */
export function countReference(seed: number, records: number): Reference {
  const pages = new Map<string, Map<number, { views: number; worth: number }>>();
  for (let number = 0; number < records; number += 1) {
    const { atMs, pages: visited, worth } = visitAt(seed, number);
    const windowStartMs = atMs - (atMs % WINDOW_MS);
    for (const page of visited) {
      const windows = pages.get(page) ?? new Map<number, { views: number; worth: number }>();
      pages.set(page, windows);
      const total = windows.get(windowStartMs) ?? { views: 0, worth: 0 };
      windows.set(windowStartMs, total);
      total.views += 1;
      total.worth += Math.floor(worth / visited.length);
    }
  }
  const totals = new Map<string, string>();
  const sums = new Map<string, string>();
  for (const [page, windows] of pages) {
    const sum = { windows: 0, views: 0, worth: 0 };
    for (const [windowStartMs, { views, worth }] of [...windows].sort(([a], [b]) => a - b)) {
      const total = totalOf(page, windowStartMs, views, worth);
      totals.set(total.name, total.text);
      sum.windows += 1;
      sum.views += views;
      sum.worth += worth;
      const after = sumOf(page, sum.windows, sum.views, sum.worth);
      sums.set(after.name, after.text);
    }
  }
  return { totals, sums };
}
