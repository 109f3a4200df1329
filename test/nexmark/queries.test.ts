/** Every Nexmark query gives what plain code computes from the same events. */

import { describe, expect, test } from "vitest";
import { QUERIES } from "../../bench/nexmark/queries.ts";
import { verifyQuery } from "../../bench/nexmark/verify.ts";

/** Sixteen windows of two seconds, over midnight. */
const EVENTS = 32_000;
/** Each batch begins by reading its state again. */
const EVENTS_RESTARTED = 8_000;

describe.each(QUERIES)("$name, $title", (query) => {
  test("has the results of its reference", { timeout: 60_000 }, async () => {
    const { results, problems } = await verifyQuery(query, { events: EVENTS });
    expect(problems).toEqual([]);
    expect(results).toBeGreaterThan(0);
  });

  test("has them too with a restart after every batch", { timeout: 60_000 }, async () => {
    const { results, problems } = await verifyQuery(query, { events: EVENTS_RESTARTED, restarts: true });
    expect(problems).toEqual([]);
    expect(results).toBeGreaterThan(0);
  });
});
