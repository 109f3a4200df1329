/** Two and three environments of a whole application race; what comes out is what one would have given. */

import fc from "fast-check";
import { boundedOutOfOrderness, json, milliseconds, operator, stream, text, topic, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import { readTopic } from "../../lib/local/read-topic.ts";
import type { Host } from "../../lib/runtime/host.ts";
import { createRandom } from "../../lib/simulation/random.ts";
import { isAbove, type SeenIdentity } from "../../lib/wire/identity.ts";
import { RaceWorld } from "./race-world.ts";

/** More of them by hand: MILLRACE_RUNS=10000 npx vitest run test/runtime/races.test.ts */
const RUNS = process.env.MILLRACE_RUNS === undefined ? undefined : Number(process.env.MILLRACE_RUNS);

const WINDOW_MS = 10;
const BOUND_MS = 3;

type WindowCount = { readonly word: string; readonly count: number; readonly startMs: number };

const lines = topic("lines", {
  value: text(),
  watermark: boundedOutOfOrderness(milliseconds(BOUND_MS)),
  partitions: 2,
});
const counts = topic("counts", { key: text(), value: json<WindowCount>(), partitions: 2 });
const totals = topic("totals", { key: text(), value: json<number>(), partitions: 1, exactlyOnce: true });

const countWords = operator(
  "count-words",
  stream(lines)
    .flatMap((line) => line.split(" "))
    .keyBy((word) => word)
    .window(tumbling(milliseconds(WINDOW_MS)))
    .count()
    .to(
      counts.record({
        key: ({ key }) => key,
        value: ({ key, value, window }) => ({ word: key, count: value, startMs: window.startMs }),
      }),
    ),
);
const addUp = operator(
  "add-up",
  stream(counts)
    .keyedByTopicKey()
    .sum(({ count }) => count)
    .to(totals.from(({ value }) => value)),
);

type Line = { readonly partition: number; readonly timestampMs: number; readonly words: string };

function linesOf(seed: number, count: number, vocabulary: readonly string[]): Line[] {
  const random = createRandom(seed);
  const below = (n: number) => Math.floor(random() * n);
  return Array.from({ length: count }, (_, i) => ({
    partition: below(2),
    timestampMs: i * 2 + BOUND_MS - below(BOUND_MS + 1),
    words: Array.from({ length: 1 + below(4) }, () => vocabulary[below(vocabulary.length)]).join(" "),
  }));
}

/** The windows of each word, and what they add up to one after the other. */
function reference(input: readonly Line[]): { windows: string[]; sums: string[] } {
  const windows = new Map<string, number>();
  for (const { timestampMs, words } of input)
    for (const word of words.split(" ")) {
      const name = `${String(Math.floor(timestampMs / WINDOW_MS) * WINDOW_MS).padStart(6)} ${word}`;
      windows.set(name, (windows.get(name) ?? 0) + 1);
    }
  const sums = new Map<string, number>();
  const seen: string[] = [];
  for (const [name, count] of [...windows].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const word = name.slice(7);
    sums.set(word, (sums.get(word) ?? 0) + count);
    seen.push(`${word} ${sums.get(word)}`);
  }
  return { windows: [...windows].map(([name, count]) => `${name} ${count}`).sort(), sums: seen.sort() };
}

/** What a reader has who drops repeats: nothing else may be dropped, or an output came too late. */
async function readOnce<T>(
  world: RaceWorld,
  from: typeof counts | typeof totals,
): Promise<{ key: string; value: T }[]> {
  const taken: { key: string; value: T }[] = [];
  const ever = new Set<string>();
  const last = new Map<string, SeenIdentity>();
  for (const { identity, key, value, partition } of await readTopic(world.broker, from)) {
    if (identity === undefined) throw new Error("an output without an identity");
    const { task, generation, sequenceNumber, index } = identity;
    const id = `${task}:${sequenceNumber}:${index}`;
    if (isAbove(identity, last.get(`${partition} ${task}`))) {
      taken.push({ key: key as string, value: value as T });
      last.set(`${partition} ${task}`, [generation, sequenceNumber, index]);
      ever.add(id);
    } else if (from.exactlyOnce) world.broken.push(`${id} is there twice, although each is to appear once`);
    else if (!ever.has(id)) world.broken.push(`O1: ${id} came after what follows it`);
  }
  return taken;
}

type Race = {
  readonly environments: number;
  readonly lines: number;
  readonly vocabulary: readonly string[];
  readonly ticks: number;
  readonly batchSizeMax: number;
  readonly faults: { readonly calls: number; readonly invocations: number };
  readonly mutate?: (host: Host) => Host;
};

const totalCounts = { invocations: 0, faults: 0, lost: 0, repeats: 0 };

function raceProperty({ lines: count, vocabulary, ticks, ...options }: Race) {
  return fc.asyncProperty(fc.scheduler(), fc.integer(), async (scheduler, seed) => {
    const world = new RaceWorld({ operators: [countWords, addUp], seed, ...options }, scheduler);
    await world.broker.ensureTopics(world.topology.topics);
    const input = linesOf(seed, count, vocabulary);
    const byPartition = [0, 1].map((partition) => input.filter((line) => line.partition === partition));
    for (const [partition, own] of byPartition.entries())
      await world.broker.produce([
        {
          topic: "lines",
          partition,
          records: own.map(({ timestampMs, words }) => ({
            key: null,
            value: new TextEncoder().encode(words),
            timestampMs,
            headers: [],
          })),
        },
      ]);
    // A watermark that no line still to be read is behind of.
    await world.run(ticks, (_, partition, position) => {
      const rest = byPartition[partition]?.slice(position).map(({ timestampMs }) => timestampMs) ?? [];
      return rest.length === 0 ? count * 2 : Math.min(...rest) - 1;
    });
    const expected = reference(input);
    const windows = await readOnce<WindowCount>(world, counts);
    expect(
      windows.map(({ value: { word, count: n, startMs } }) => `${String(startMs).padStart(6)} ${word} ${n}`).sort(),
    ).toEqual(expected.windows);
    const sums = await readOnce<number>(world, totals);
    expect(sums.map(({ key, value }) => `${key} ${value}`).sort()).toEqual(expected.sums);
    expect(world.broken).toEqual([]);
    for (const name of Object.keys(totalCounts) as (keyof typeof totalCounts)[])
      totalCounts[name] += world.counts[name];
  });
}

const WORDS = ["to", "be", "or", "not", "that", "is", "the", "question"];
const LONG_WORDS = Array.from(
  { length: 80 },
  (_, i) => `${createRandom(i)()}${createRandom(-i)()}${createRandom(i * 7)()}`,
);

describe("L2, L5, L8, L9, O1, O2, O5: nothing is lost and nothing twice", () => {
  test.each([
    [2, 120],
    [3, 120],
  ])("whatever %i environments do to each other", { timeout: 600_000 }, async (environments, numRuns) => {
    const race = { environments, lines: 24, vocabulary: WORDS, ticks: 4, batchSizeMax: 5 };
    await fc.assert(raceProperty({ ...race, faults: { calls: 0.06, invocations: 0.15 } }), {
      numRuns: RUNS ?? numRuns,
    });
    expect(totalCounts.lost).toBeGreaterThan(numRuns);
    expect(totalCounts.repeats).toBeGreaterThan(numRuns);
  });

  test("over laps of the ring, with chunks", { timeout: 600_000 }, async () => {
    const race = { environments: 2, lines: 240, vocabulary: LONG_WORDS, ticks: 20, batchSizeMax: 4 };
    await fc.assert(raceProperty({ ...race, faults: { calls: 0.02, invocations: 0.05 } }), {
      numRuns: Math.ceil((RUNS ?? 60) / 15),
    });
  });
});

describe("who breaks a rule is found out", () => {
  const race = { environments: 2, lines: 24, vocabulary: WORDS, ticks: 4, batchSizeMax: 5 };
  const onLog = (change: (log: Host["stateLog"]) => Partial<Host["stateLog"]>) => (host: Host) => ({
    ...host,
    stateLog: { ...host.stateLog, ...change(host.stateLog) },
  });
  const onBroker = (change: (broker: Host["broker"]) => Partial<Host["broker"]>) => (host: Host) => ({
    ...host,
    broker: { ...host.broker, ...change(host.broker) },
  });

  test.each<[string, (host: Host) => Host]>([
    ["none: nothing is found", (host) => host],
    [
      "L2: who takes any refusal for his own success",
      onLog((log) => ({
        putEntry: async (task, entry) => {
          await log.putEntry(task, entry);
          return { kind: "stored" };
        },
      })),
    ],
    [
      "L9: who does not settle what he finds",
      onLog((log) => ({
        readEntries: async (task) =>
          (await log.readEntries(task)).map((entry) => ({ ...entry, outputs: new Uint8Array(0) })),
      })),
    ],
    [
      "O5: who does not wait for the acknowledgement",
      onBroker((broker) => ({
        produce: async (batches) => {
          void broker.produce(batches).catch(() => {});
          return [];
        },
      })),
    ],
    [
      "O2: who sends a repeat with other bytes",
      onBroker((broker) => ({
        produce: (batches) =>
          broker.produce(
            batches.map((batch) => ({
              ...batch,
              records: batch.records.map((record) => ({ ...record, timestampMs: record.timestampMs + 1 })),
            })),
          ),
      })),
    ],
  ])("%s", { timeout: 60_000 }, async (name, mutate) => {
    const { failed } = await fc.check(raceProperty({ ...race, mutate, faults: { calls: 0.06, invocations: 0.15 } }), {
      seed: 42,
      numRuns: 30,
      endOnFailure: true,
    });
    expect(failed).toBe(!name.startsWith("none"));
  });
});
