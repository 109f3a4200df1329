/** When a run counts as verified, and what is said of it. */

import { expect, test } from "vitest";
import { describeSummary, type Outcome, summarize } from "../../demo/summary.ts";

const WINDOWS = new Map([[0, new Map([["a", 2]])]]);

const RIGHT: Outcome = {
  input: { files: 1, lines: 2, linesTooLong: 0, fingerprint: "f" },
  seed: 7,
  isResumed: false,
  mayRepeat: false,
  directCount: { windows: WINDOWS, lines: 2, words: 2, unreadable: 0, results: 1 },
  results: { windows: WINDOWS, contradictions: [], records: 1, repeats: 0 },
  deadLetters: 0,
  late: 0,
  crash: 0,
  injected: undefined,
  seconds: 1.23456,
  recordsPerSecond: 1234.5,
};

test("everything is right", () => {
  const summary = summarize(RIGHT);
  expect(summary).toMatchObject({
    verified: true,
    lines: 2,
    words: 2,
    windows: 1,
    results: 1,
    seconds: 1.235,
    seed: 7,
  });
  expect(describeSummary(summary)).toEqual([
    "2 lines and 2 words in 1.2 s, 1,235 records/s while counting.",
    "Verified: every window (1) and every result in it (1) equals a direct count of the same lines (seed 7).",
  ]);
});

test("repeats after a crash are dropped, and said", () => {
  const results = { ...RIGHT.results, records: 3, repeats: 2 };
  const injected = { crashes: 1, lostReplies: 0, delays: 0, duplicates: 0, splits: 0, timeouts: 0 };
  const summary = summarize({ ...RIGHT, results, mayRepeat: true, crash: 0.2, injected });
  expect(summary).toMatchObject({ verified: true, results: 1, repeats: 2 });
  expect(describeSummary(summary).slice(0, 2)).toEqual([
    "Injected: 1 crash.",
    "2 results were written again after a crash; their identities told, and they were dropped.",
  ]);
});

test("lines that are not counted are said", () => {
  const input = { ...RIGHT.input, linesTooLong: 1 };
  const directCount = { ...RIGHT.directCount, unreadable: 2 };
  const lines = describeSummary(summarize({ ...RIGHT, input, directCount, deadLetters: 2 }));
  expect(lines.slice(0, 2)).toEqual([
    "2 lines are not valid UTF-8: dead letters, and not counted directly either.",
    "1 line is longer than 256 KiB and left out.",
  ]);
});

test.each<[string, Partial<Outcome>, string]>([
  [
    "a wrong count",
    { results: { ...RIGHT.results, windows: new Map([[0, new Map([["a", 3]])]]) } },
    "1 result differs from the direct count:",
  ],
  [
    "a window missing",
    { results: { ...RIGHT.results, windows: new Map() } },
    "1 result differs from the direct count:",
  ],
  [
    "two results for one word",
    {
      results: { ...RIGHT.results, contradictions: [{ windowStartMs: 0, word: "a", expected: 2, actual: 2 }] },
      mayRepeat: true,
    },
    "1 result came more than once, with another identity:",
  ],
  [
    "repeats without a crash",
    { results: { ...RIGHT.results, repeats: 1 } },
    "1 result came twice, although nothing crashed.",
  ],
  [
    "a dead letter too many",
    { deadLetters: 1 },
    "1 line became dead letters, and the direct count found 0 lines without valid UTF-8.",
  ],
  [
    "a dead letter missing",
    { directCount: { ...RIGHT.directCount, unreadable: 1 } },
    "0 lines became dead letters, and the direct count found 1 line without valid UTF-8.",
  ],
])("%s is not verified", (_name, wrong, sentence) => {
  const summary = summarize({ ...RIGHT, ...wrong });
  expect(summary.verified).toBe(false);
  expect(summary.problems[0]).toBe(sentence);
  expect(describeSummary(summary)).toContain("NOT verified (seed 7).");
});

test("of many differences the first are shown", () => {
  const windows = new Map([[0, new Map(Array.from({ length: 25 }, (_, i) => [`w${i}`, 1]))]]);
  const { problems } = summarize({ ...RIGHT, directCount: { ...RIGHT.directCount, windows } });
  expect(problems).toHaveLength(12);
  expect(problems.at(-1)).toBe("  and 16 more.");
});
