/** A sink under faults: nothing lost, each element under one id, first times in order. */

import { operator, type SinkElement, sink, stream, text, topic } from "millrace";
import { expect, test } from "vitest";
import type { Application } from "../../lib/local/application.ts";
import { startLocalRuntime } from "../../lib/local/local-runtime.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { countFaults, createFaults } from "../../lib/simulation/faults.ts";
import { createRandom } from "../../lib/simulation/random.ts";
import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { linesOf, writeLines } from "./word-application.ts";

type Total = { readonly key: string; readonly value: number };

const lines = topic("lines", { value: text(), partitions: 3 });

test("O1, O2: elements are those of a plain count, however much goes wrong on the way", {
  timeout: 60_000,
}, async () => {
  const runSeed = async (seed: number) => {
    const random = createRandom(seed);
    const given: SinkElement<Total>[] = [];
    const take = sink("take", {
      batchSize: 3,
      write: async (batch: readonly SinkElement<Total>[]) => {
        if (random() < 0.05) throw new Error("down before");
        given.push(...batch);
        if (random() < 0.05) throw new Error("down after");
      },
    });
    const totals = operator(
      "add-up",
      stream(lines)
        .flatMap((line) => line.split(" "))
        .keyBy((word) => word)
        .count()
        .to(take),
    );
    const topology = buildTopology("totals", [totals.definition]);
    const application: Application = { name: "totals", folder: ".", operators: [totals], topology };
    const broker = new MemoryBroker();
    await broker.ensureTopics(topology.topics);
    const input = linesOf(seed, 200);
    await writeLines(broker, input);
    const faults = createFaults({ seed, probability: 0.4 });
    const workspace = { broker, stateLog: new MemoryStateLog(), close: async () => {} };
    const runtime = await startLocalRuntime({ application, workspace, faults, batchSize: 5 });
    await runtime.quiet();
    await runtime.stop();

    const values = new Map<string, Total>();
    const seen = new Map<string, number[]>();
    for (const { id, value } of given) {
      expect(values.get(id) ?? value, id).toEqual(value);
      if (!values.has(id)) seen.set(value.key, [...(seen.get(value.key) ?? []), value.value]);
      values.set(id, value);
    }
    const counts = new Map<string, number>();
    for (const { words } of input) for (const word of words.split(" ")) counts.set(word, (counts.get(word) ?? 0) + 1);
    const expected = [...counts].map(([word, n]) => [word, Array.from({ length: n }, (_, i) => i + 1)] as const);
    expect(Object.fromEntries(seen), `seed ${seed}`).toEqual(Object.fromEntries(expected));
    expect(given.length).toBeGreaterThan(values.size);
    expect(countFaults(faults.counts)).toBeGreaterThan(5);
  };
  await Promise.all([1, 2, 3, 4].map(runSeed));
});
