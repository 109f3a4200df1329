/** Compares two counts, window by window and word by word. */

import type { WindowCounts } from "./direct-count.ts";

/** A word of a window that is counted differently; undefined: not at all. */
export type Difference = {
  readonly windowStartMs: number;
  readonly word: string;
  readonly expected: number | undefined;
  readonly actual: number | undefined;
};

/** All differences, in order of window and word. */
export function compareWindows(expected: WindowCounts, actual: WindowCounts): readonly Difference[] {
  const differences: Difference[] = [];
  for (const windowStartMs of unionOf(expected.keys(), actual.keys()).sort((a, b) => a - b)) {
    const wanted = expected.get(windowStartMs) ?? new Map<string, number>();
    const found = actual.get(windowStartMs) ?? new Map<string, number>();
    for (const word of unionOf(wanted.keys(), found.keys()).sort()) {
      if (wanted.get(word) !== found.get(word))
        differences.push({ windowStartMs, word, expected: wanted.get(word), actual: found.get(word) });
    }
  }
  return differences;
}

/** One line for a person. */
export function describeDifference({ windowStartMs, word, expected, actual }: Difference): string {
  const window = new Date(windowStartMs).toISOString().slice(11, 19);
  const times = (count: number | undefined) => (count === undefined ? "not there" : `${count}`);
  return `${window}  ${word.length > 40 ? `${word.slice(0, 40)}…` : word}: ${times(actual)} in word-counts, ${times(expected)} by the direct count`;
}

function unionOf<T>(a: Iterable<T>, b: Iterable<T>): T[] {
  return [...new Set([...a, ...b])];
}
