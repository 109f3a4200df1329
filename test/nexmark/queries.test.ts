/** Every Nexmark query gives what plain code computes from the same events. */

import { describe, expect, test } from "vitest";
import { QUERIES, type Query } from "../../bench/nexmark/queries.ts";
import { verifyQuery } from "../../bench/nexmark/verify.ts";

/** Twenty seconds, over midnight. */
const EVENTS = 20_000;
/** Each batch begins by reading its state again. */
const EVENTS_RESTARTED = 8_000;

describe.each(QUERIES)("$name, $title", (query) => {
  test("has the results of its reference", { timeout: 60_000 }, async () => {
    const { results, problems } = await verifyQuery(query, { events: EVENTS });
    expect(problems).toEqual([]);
    expect(results).toBeGreaterThan(0);
  });

  test("has them too with several tasks and a restart after every batch", { timeout: 60_000 }, async () => {
    const options = { events: EVENTS_RESTARTED, restarts: true, partitions: query.isOrdered ? 1 : 3 };
    const { results, problems } = await verifyQuery(query, options);
    expect(problems).toEqual([]);
    expect(results).toBeGreaterThan(0);
  });
});

test("what differs from a reference is said", async () => {
  const [q0, ...others] = QUERIES as readonly [Query, ...Query[]];
  const withOneLess: Query = { ...q0, reference: (...given) => q0.reference(...given).slice(1) };
  const { problems } = await verifyQuery(withOneLess, { events: 100 });
  expect(problems).toEqual([expect.stringMatching(/^q0 has {"auction":1000,.*}, which should not be there\.$/)]);
  const q4 = others.find(({ name }) => name === "q4") as Query;
  const withAnother: Query = { ...q4, reference: (...given) => [...q4.reference(...given), { id: 9, final: 1 }] };
  expect((await verifyQuery(withAnother, { events: 2_000 })).problems).toEqual(['q4 lacks {"id":9,"final":1}.']);
});
