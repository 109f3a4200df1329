/** Whatever goes wrong, the mapping delivers every record at least once, in order per partition, without a gap, one batch of a partition at a time. */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { EventSourceMapping } from "../../lib/local/event-source-mapping.ts";
import { countFaults, createFaults } from "../../lib/simulation/faults.ts";
import { createRandom } from "../../lib/simulation/random.ts";
import { forever, newWorld, type Seen } from "./mapping-world.ts";

const scenario = fc.record({
  seed: fc.integer(),
  partitions: fc.integer({ min: 1, max: 4 }),
  batchSize: fc.integer({ min: 1, max: 12 }),
  batchWindowMs: fc.constantFrom(0, 0, 200),
  concurrencyMax: fc.integer({ min: 1, max: 4 }),
  controlMarkers: fc.boolean(),
  failures: fc.constantFrom(0, 0.2, 0.6),
  faults: fc.constantFrom(0, 0.3, 1),
  provisioned: fc.option(
    fc.record({ bisectBatchOnFunctionError: fc.boolean(), reportBatchItemFailures: fc.boolean() }),
  ),
  restarts: fc.integer({ min: 0, max: 2 }),
  rounds: fc.array(fc.array(fc.nat(15), { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
});

test("at least once, in order, without a gap, positions right", async () => {
  let injected = 0;
  await fc.assert(
    fc.asyncProperty(
      scenario,
      async ({ seed, failures, faults: probability, provisioned, restarts, rounds, ...options }) => {
        const random = createRandom(seed);
        const faults = createFaults({ seed, probability });
        const active = new Set<number>();
        const problems: string[] = [];
        let mapping: EventSourceMapping | undefined;
        const delivered = new Map<number, Set<number>>();

        const behaviour = ({ event }: Seen): unknown => {
          const failed = [];
          for (const records of Object.values(event.records)) {
            const [first] = records;
            if (first === undefined) throw new Error("a partition without records");
            const { partition } = first;
            if (active.has(partition)) problems.push(`two batches of partition ${partition} at once`);
            active.add(partition);
            const seen = delivered.get(partition) ?? new Set();
            delivered.set(partition, seen);
            const position = mapping?.positions()[partition]?.position ?? Number.NaN;
            // A position may stand on an offset that only a marker takes.
            if (first.offset < position)
              problems.push(`partition ${partition} begins at ${first.offset} below its position ${position}`);
            for (const offset of dataOffsets[partition] ?? []) {
              if (offset >= position && offset < first.offset)
                problems.push(`offset ${offset} of partition ${partition} was skipped`);
            }
            const expected = (dataOffsets[partition] ?? [])
              .filter((offset) => offset >= first.offset)
              .slice(0, records.length);
            if (expected.join() !== records.map(({ offset }) => offset).join())
              problems.push(`a gap or disorder in partition ${partition}`);
            for (const { offset } of records) seen.add(offset);
            const chosen = records[Math.floor(random() * records.length)];
            if (random() < failures)
              failed.push({ itemIdentifier: { partition: `in-${partition}`, offset: chosen?.offset } });
          }
          const luck = random();
          if (luck < failures / 3) throw new Error("no");
          if (luck < failures / 2) return forever();
          if (luck < failures) return world.clock.sleep(random() * 100);
          return { batchItemFailures: failed };
        };

        const world = await newWorld(
          {
            ...options,
            ...(provisioned !== null && { mode: "provisioned" as const, ...provisioned }),
            backoffFirstMs: 10,
            backoffMaxMs: 50,
            stopTimeoutMs: 50,
            faults,
            observe: (notice) => {
              if (notice.kind === "invoked") for (const partition of notice.partitions) active.delete(partition);
            },
          },
          behaviour,
        );
        const dataOffsets: number[][] = Array.from({ length: options.partitions }, () => []);
        const write = async (sequenceNumber: number, counts: readonly number[]) => {
          const batches = dataOffsets.map((_, partition) => ({
            topic: "in",
            partition,
            records: Array.from({ length: counts[partition] ?? 0 }, () => ({
              key: null,
              value: null,
              timestampMs: 0,
              headers: [],
            })),
          }));
          const ranges = await world.broker.offsets("in");
          for (const { partition, records } of batches) {
            for (const i of records.keys()) dataOffsets[partition]?.push((ranges[partition]?.high ?? 0) + i);
          }
          await world.broker.produceExactlyOnce(batches, { transactionalId: "t", sequenceNumber });
        };

        for (let run = 0; run <= restarts; run += 1) {
          active.clear();
          mapping = world.newMapping();
          const started: EventSourceMapping = mapping;
          let round = 0;
          const until = run === restarts ? rounds.length : Math.min(1, rounds.length);
          await world.runUntil(started, async () => {
            const counts = rounds[round];
            if (round < until && counts !== undefined) {
              round += 1;
              await write(run * 100 + round, counts);
              return false;
            }
            // All but the last stop in the middle of things.
            return run < restarts ? world.seen.length > run * 2 || (await started.isCaughtUp()) : started.isCaughtUp();
          });
          const done = started.positions().map(({ position }) => position);
          for (const [partition, offset] of (await world.committed()).entries()) {
            if (offset !== undefined) expect(offset).toBeLessThanOrEqual(done[partition] as number);
          }
        }

        injected += countFaults(faults.counts);
        expect(problems).toEqual([]);
        for (const [partition, offsets] of dataOffsets.entries()) {
          expect([...(delivered.get(partition) ?? [])].toSorted((a, b) => a - b)).toEqual(offsets);
          const { position } = mapping?.positions()[partition] ?? {};
          expect(position).toBe((await world.broker.offsets("in"))[partition]?.high);
        }
      },
    ),
    { numRuns: 150 },
  );
  expect(injected).toBeGreaterThan(100);
}, 60_000);
