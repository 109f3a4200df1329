/** From every operator the same comes out, at whichever of its calls the environment dies, before the call or after it. */

import { type Operator, operator, type Sink } from "millrace";
import { expect, test } from "vitest";
import type { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { readTable } from "../../lib/local/read-table.ts";
import { readTopic } from "../../lib/local/read-topic.ts";
import { COMMIT_LIMITS } from "../../lib/runtime/commit-limits.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import type { TableStore } from "../../lib/tables/table-store.ts";
import { type Job, runWithEachCallFailing } from "./faulty-run.ts";
import { aside, type Kind, OPERATORS, out, taken } from "./operators-of-all-kinds.ts";
import { WINDOWS } from "./windows-of-all-kinds.ts";

// In order of their arrival; the times are what the windows, joins and patterns are about.
const ELEMENTS = [
  ["a", 1, 1],
  ["b", 2, 3],
  ["a", 3, 2],
  ["a", 4, 8],
  ["b", 5, 7],
  ["a", 6, 12],
  ["b", 9, 14],
  ["a", 8, 25],
  ["a", 10, 26],
  ["a", 11, 27],
  ["a", 13, 28],
  ["b", 12, 31],
  ["a", 15, 40],
] as const;

/** What an operator with a fault must say, or, at first, what it says without one. */
function toJob([name, sinks]: Kind): Job & { readonly said: () => number } {
  const handler: Operator = operator("job", ...([sinks()].flat() as readonly Sink[]));
  const topology = buildTopology("test", [handler.definition]);
  const topics = topology.topics.map((topic) => topic.name);
  let expected: Awaited<ReturnType<typeof read>> | undefined;
  const read = async (broker: MemoryBroker, tables: TableStore) => {
    const once = async (topic: Parameters<typeof readTopic>[1]) => {
      if (!topics.includes(topic.topicName)) return [];
      const records = await readTopic(broker, topic);
      const first = new Map(records.map((record) => [JSON.stringify(record.identity), record]));
      return [...first.values()].map(({ key, value, timestampMs }) => JSON.stringify([key, value, timestampMs])).sort();
    };
    const plan = topology.tables[0];
    return {
      out: await once(out),
      aside: await once(aside),
      rows: plan === undefined ? [] : await readTable(tables, plan, 0),
      taken: [...taken.values()].map((item) => JSON.stringify(item)).sort(),
    };
  };
  return {
    operators: [handler],
    topology,
    clock: { startsAtMs: 1_000, endsAtMs: 1_060 },
    async write(broker) {
      taken.clear();
      const records = ELEMENTS.map(([key, n, timestampMs]) => ({
        key: new TextEncoder().encode(key),
        value: new TextEncoder().encode(JSON.stringify({ key, n })),
        timestampMs,
        headers: [],
      }));
      for (const [topic, list] of [
        ["items", records],
        ["others", records.slice(2, 7)],
        ["versions", records.slice(0, 3)],
      ] as const)
        if (topics.includes(topic)) await broker.produce([{ topic, partition: 0, records: list }]);
    },
    async check(broker, tables) {
      const found = await read(broker, tables);
      expected ??= found;
      expect(found, name).toEqual(expected);
    },
    said: () => Object.values(expected ?? {}).flat().length,
  };
}

test.each([...OPERATORS, ...WINDOWS].map((kind) => ({ name: kind[0], kind })))("L8, O3: $name", async ({ kind }) => {
  const job = toJob(kind);
  for (const fault of ["crash-before", "crash-after"] as const)
    expect(await runWithEachCallFailing(job, fault, false)).toBeGreaterThan(0);
  const sendsAllAhead = { ...job, commitLimits: { ...COMMIT_LIMITS, aheadBytesMin: 0 } };
  expect(await runWithEachCallFailing(sendsAllAhead, "crash-after", false)).toBeGreaterThan(0);
  expect(job.said()).toBeGreaterThan(0);
});
