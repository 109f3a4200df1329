/**
 * The engine's windows against the model: random elements, out of order and late, in random batches over two partitions, random watermarks and times of the
 * clock, and everything but the log forgotten at random. `runs.ts` says how often.
 */

import fc from "fast-check";
import { describe, test } from "vitest";
import { cumulatives, customs, evictings, globals, sessions, slidings, tumblings, whens } from "./arbitrary-windows.ts";
import { compare, script } from "./compare-windows.ts";
import { runsOf } from "./runs.ts";

const { numRuns, timeoutMs } = runsOf("windows");

const byDefault = whens(true).filter(({ name }) => name === "by default");
const nothing = evictings.filter(({ name }) => name === "none");

const KINDS = [
  ["tumbling", tumblings],
  ["sliding", slidings],
  ["cumulative", cumulatives],
  ["session", sessions],
  ["custom", customs],
] as const;

describe("the same as the model, with the assigner's trigger", () => {
  test.each(KINDS)(
    "%s windows",
    async (_, windows) => {
      await fc.assert(fc.asyncProperty(windows, script, byDefault, nothing, compare), { numRuns });
    },
    timeoutMs,
  );
});

describe("the same as the model, with any trigger and evictor", () => {
  test.each([...KINDS, ["global", globals] as const])(
    "%s windows",
    async (kind, windows) => {
      const property = fc.asyncProperty(
        windows,
        script,
        whens(kind !== "global"),
        evictings,
        (of, run, when, evicting) => {
          fc.pre(!of.settings.merging || when.merges !== false);
          return compare(of, run, when, evicting);
        },
      );
      await fc.assert(property, { numRuns });
    },
    timeoutMs,
  );
});
