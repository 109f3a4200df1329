/** Whole applications, with the environment dying at each of their calls in turn, or the call losing its reply: what comes out stays the same. */

import { expect, test } from "vitest";
import type { CallFault } from "../../lib/simulation/faults.ts";
import { expectedOf, linesOf, readResults, wordApplication, writeLines } from "../local/word-application.ts";
import { runWithEachCallFailing } from "./faulty-run.ts";
import { meetingJob } from "./meeting-job.ts";

const FAULTS: readonly [CallFault, boolean][] = [
  ["crash-before", false],
  ["crash-after", false],
  ["lost-reply", false],
  ["crash-after", true],
];

const { operators, topology } = wordApplication({ idleAfterMs: 1_000_000 });
const input = linesOf(11, 40);
const words = {
  operators,
  topology,
  write: (broker: Parameters<typeof writeLines>[0]) => writeLines(broker, input),
  check: async (broker: Parameters<typeof readResults>[0]) =>
    expect(await readResults(broker)).toEqual(expectedOf(input)),
};

test.each(FAULTS)(
  "L8, O3: %s at each call in turn (every batch in a new environment: %s)",
  { timeout: 60_000 },
  async (fault, always) => {
    expect(await runWithEachCallFailing(words, fault, always)).toBeGreaterThan(50);
  },
);

test.each(FAULTS)(
  "L8, O3: %s at each call in turn where streams meet (every batch in a new environment: %s)",
  { timeout: 60_000 },
  async (fault, always) => {
    expect(await runWithEachCallFailing(meetingJob(), fault, always)).toBeGreaterThan(50);
  },
);
